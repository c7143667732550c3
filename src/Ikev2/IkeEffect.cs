using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>
/// What the core asks the outside to do. Effects are taken in the order in which they were produced; that order is meaning: a Transmit behind an
/// InstallChildSa's completion promises an SA that stands.
/// </summary>
public abstract record IkeEffect;

/// <summary>Effects whose answer comes back as an <see cref="IkeCompletion"/> with the same id. A completion for an SA that is gone is ignored.</summary>
/// <param name="Id">Answered by exactly one completion.</param>
/// <param name="Established">True when it belongs to an established session: it must not wait behind the work of new logins.</param>
public abstract record IkeOperation(OperationId Id, bool Established) : IkeEffect;

/// <summary>Send one IKE message (one UDP datagram, without the non-ESP marker).</summary>
public sealed record TransmitEffect(byte[] Message, IkePath Path) : IkeEffect;

/// <summary>Send one octet 0xFF without the non-ESP marker, for the NAT in front of us alone: the peer drops it (RFC 3948 2.3).</summary>
public sealed record NatKeepaliveEffect(IkePath Path) : IkeEffect;

/// <summary>
/// A Diffie-Hellman step: makes our key pair where <paramref name="Own"/> is null, agrees where <paramref name="PeerPublic"/> is not empty, or both.
/// Pure arithmetic, for a worker thread: call <see cref="Perform"/>.
/// </summary>
public sealed record KeyAgreementEffect(OperationId Id, bool Established, KeyExchangeMethod Method, IKeyExchange? Own, ReadOnlyMemory<byte> PeerPublic)
    : IkeOperation(Id, Established)
{
    public KeyAgreementCompletion Perform(ICryptoProvider crypto)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        var own = Own ?? crypto.CreateKeyExchange(Method);
        if (PeerPublic.IsEmpty)
            return new KeyAgreementCompletion(Id, own, null);
        return own.TryAgree(PeerPublic.Span, out var secret)
            ? new KeyAgreementCompletion(Id, own, secret)
            : new KeyAgreementCompletion(Id, own, null);
    }
}

/// <summary>Sign our AUTH octets with the profile's private key (RFC 7296 2.15, RFC 7427). For a worker thread: call <see cref="Perform"/>.</summary>
public sealed record SignAuthEffect(OperationId Id, IkeCredential Credential, SignatureScheme Scheme, byte[] Octets) : IkeOperation(Id, false)
{
    public SignAuthCompletion Perform() => new(Id, SignatureAuthentication.Sign(Scheme, Credential.PrivateKey, Octets));
}

/// <summary>
/// One step of EAP. <paramref name="Response"/> is empty for the first step (begin: with query-identity the answer is an EAP-Request/Identity), else the
/// client's EAP packet. The answer may take as long as RADIUS and a push to somebody's telephone take.
/// </summary>
public sealed record EapStepEffect(OperationId Id, LoginRecord Login, ReadOnlyMemory<byte> Response) : IkeOperation(Id, false);

/// <summary>
/// Find the pre-shared keys of the peer that calls itself <see cref="LoginRecord.RemoteIdentity"/>; nothing of it is proven yet. The answer may take as long as
/// RADIUS takes.
/// </summary>
public sealed record LookUpPskEffect(OperationId Id, LoginRecord Login) : IkeOperation(Id, false);

/// <summary>Authorize the authenticated peer: the answer is the session's grant or a refusal.</summary>
public sealed record AuthorizeEffect(OperationId Id, LoginRecord Login) : IkeOperation(Id, false);

/// <summary>Assign inner addresses; asked only after the peer has authenticated and was authorized. Leases are the outside's to keep until SessionDown.</summary>
public sealed record AllocateAddressEffect(OperationId Id, LoginRecord Login, bool WantIPv4, bool WantIPv6) : IkeOperation(Id, false)
{
    /// <summary>The address in the client's INTERNAL_IP4_ADDRESS: often the one it had before (RFC 7296 3.15.1). Null for none.</summary>
    public IPAddress? WishIPv4 { get; init; }

    /// <summary>The same of INTERNAL_IP6_ADDRESS.</summary>
    public IPAddress? WishIPv6 { get; init; }
}

/// <summary>Install a new pair of ESP SAs; for the first one of a session the virtual-access interface comes up with it. Answered when both hold.</summary>
public sealed record InstallChildSaEffect(OperationId Id, bool Established, SessionId Session, ChildSaParameters Parameters) : IkeOperation(Id, Established);

/// <summary>
/// Install a pair that takes the place of <paramref name="OldInboundSpi"/>. The old pair stays until its RemoveChildSa.
/// Outbound traffic moves as <see cref="ChildSaParameters.OutboundAtOnce"/> says.
/// </summary>
public sealed record RekeyChildSaEffect(OperationId Id, SessionId Session, uint OldInboundSpi, ChildSaParameters Parameters) : IkeOperation(Id, true);

/// <summary>When did inner packets last pass? Asked for dead peer detection and idle timeout; answered at once from counters.</summary>
public sealed record QueryTrafficEffect(OperationId Id, SessionId Session) : IkeOperation(Id, true);

/// <summary>Remove a pair of ESP SAs.</summary>
public sealed record RemoveChildSaEffect(SessionId Session, uint InboundSpi, uint OutboundSpi) : IkeEffect;

/// <summary>The peer's address changed (NAT rebinding, RFC 7296 2.23): all ESP SAs of the session follow.</summary>
public sealed record UpdateSaAddressesEffect(SessionId Session, IkePath Path, bool UdpEncapsulation) : IkeEffect;

/// <summary>The session stands and the client is about to learn it: start accounting.</summary>
public sealed record SessionUpEffect(LoginRecord Login, SessionGrant Grant, AssignedAddresses Addresses, ChildSaParameters FirstChild) : IkeEffect
{
    /// <summary>Session-id and token that the client has got; null where it did not ask.</summary>
    public ReconnectOffer? Reconnect { get; init; }

    /// <summary>How long the session is kept once its client goes silent; null where it is not.</summary>
    public TimeSpan? KeptFor { get; init; }
}

/// <summary>
/// The login or session is over; emitted exactly once for every <see cref="LoginRecord"/> that any effect carried, unless SessionInactive was. Everything held for it is given back now:
/// EAP conversation, leases, interface, SAs, accounting Stop (if <paramref name="WasUp"/>).
/// </summary>
/// <param name="Login">Whose.</param>
/// <param name="Reason">The one reason.</param>
/// <param name="Detail">One line for the log: what was seen, in an operator's words. May quote what the peer sent; escape it.</param>
/// <param name="WasUp">Whether SessionUp had been emitted.</param>
public sealed record SessionDownEffect(LoginRecord Login, SessionEndReason Reason, string Detail, bool WasUp) : IkeEffect;

/// <summary>
/// The client went silent, and its session is of those that it may come back to: the IKE SA and all ESP SAs are gone, everything else stays with the outside until
/// another login takes the session over or <paramref name="Timeout"/> is over. Takes the place of SessionDown for this <see cref="LoginRecord"/>.
/// </summary>
/// <param name="Login">Whose.</param>
/// <param name="Grant">As changed while the session stood.</param>
/// <param name="ExpiresAt">When Session-Timeout ends it; null for never.</param>
/// <param name="Timeout">How long it is kept.</param>
/// <param name="Detail">One line for the log.</param>
public sealed record SessionInactiveEffect(LoginRecord Login, SessionGrant Grant, MonotonicTime? ExpiresAt, TimeSpan Timeout, string Detail) : IkeEffect;

/// <summary>A command named a session that this endpoint does not have: it is inactive, has moved to another shard, or is over.</summary>
public sealed record UnclaimedCommandEffect(SessionId Session, IkeCommand Command) : IkeEffect;

/// <summary>
/// Somebody presents a reconnect session-id; nothing is proven. Answered from memory. What is found must not depend on the token.
/// </summary>
/// <param name="Id">Of the operation.</param>
/// <param name="ReconnectId">As it came.</param>
/// <param name="Source">Who asks, by the address that IKE_SA_INIT has proven.</param>
public sealed record FindReconnectEffect(OperationId Id, ReadOnlyMemory<byte> ReconnectId, IPAddress Source) : IkeOperation(Id, false);

/// <summary>The session-id was known, the AUTH value was made with none of its tokens.</summary>
/// <param name="ReconnectId">As it came.</param>
/// <param name="Source">Who asked, by the address that IKE_SA_INIT has proven.</param>
public sealed record ReconnectFailedEffect(ReadOnlyMemory<byte> ReconnectId, IPAddress Source) : IkeEffect;

/// <summary>What a client may come back with. The receiver owns the token and zeroes it.</summary>
/// <param name="ReconnectId">The one that the client came back with; a new one where it came otherwise and asks anew.</param>
/// <param name="Token">New with every offer; those before stay good until it is used.</param>
public sealed record ReconnectOffer(byte[] ReconnectId, byte[] Token)
{
    public override string ToString() => "(reconnect offer)";
}

/// <summary>
/// What is known of a login when its effects are produced. One mutable object per session, owned by the shard thread;
/// the outside reads it only in the turn in which it takes the effect (<see cref="IkeEndpoint.TryTake"/>) or through what it copied then.
/// </summary>
public sealed class LoginRecord
{
    public required SessionId Session { get; init; }

    public required IkeProfile Profile { get; init; }

    /// <summary>The initiator's IKE identity (IDi).</summary>
    public required IkeIdentity RemoteIdentity { get; init; }

    /// <summary>What we send as IDr; null until the first IKE_AUTH request was read.</summary>
    public IkeIdentity? LocalIdentity { get; set; }

    /// <summary>Which lines of the profile matched the peer, in the words of the configuration.</summary>
    public string ProfileMatch { get; set; } = "";

    /// <summary>Where the client is; follows NAT rebinding.</summary>
    public required IkePath Path { get; set; }

    /// <summary>The client's address as IKE_SA_INIT has proven it, which <see cref="Path"/> before the login is complete need not be: limits on guesses count by it.</summary>
    public required IPAddress ProvenSource { get; init; }

    /// <summary>When the IKE_SA_INIT request that led here came in.</summary>
    public required MonotonicTime StartedAt { get; init; }

    /// <summary>The initiator's first APPLICATION_VERSION or recognised vendor id; null when it told nothing.</summary>
    public string? ClientSoftware { get; set; }

    /// <summary>The client announced AnyConnect-EAP, or bears the identity of AnyConnect clients.</summary>
    public bool OffersAnyConnectEap { get; set; }

    /// <summary>
    /// The initiator's AUTH octets (RFC 7296 2.15), which a client certificate inside EAP signs; empty where the profile wants none
    /// (<see cref="IkeProfile.EapSignsInitiatorOctets"/>).
    /// </summary>
    public ReadOnlyMemory<byte> InitiatorOctets { get; set; }

    /// <summary>The hash of that signature: that of the IKE SA's PRF, SHA-256, SHA-384 or SHA-512. Null where the PRF has none of them, or the octets are not handed out.</summary>
    public HashAlgorithmName? InitiatorHash { get; set; }

    /// <summary>The attributes of the CP payload of a client of Cisco's, by number and with what it wrote into them in hexadecimal; null where there was none, and of other clients.</summary>
    public string? RequestedConfiguration { get; set; }

    /// <summary>The client is one of Cisco's.</summary>
    public bool IsCisco { get; set; }

    /// <summary>The client has proven itself by certificate; EAP may be to follow.</summary>
    public bool CertificateProven { get; set; }

    /// <summary>The IKE identity of a second authentication (RFC 4739); null without one. Nothing of it is proven by itself.</summary>
    public IkeIdentity? SecondIdentity { get; set; }

    /// <summary>The authenticated user once EAP, certificate or pre-shared key has proven it; until then null.</summary>
    public string? User { get; set; }

    /// <summary>How the peer authenticates, e.g. "EAP-MSCHAPv2", "PSK", "certificate", "certificate+EAP-MSCHAPv2".</summary>
    public string? Method { get; set; }

    /// <summary>How we did: "RSA", "ECDSA" or "PSK"; null before.</summary>
    public string? LocalMethod { get; set; }

    /// <summary>The session-id that the client came back with, once its token has proven it; else null. Authorization then takes that session over.</summary>
    public ReadOnlyMemory<byte>? ReconnectId { get; set; }

    /// <summary>Which of its tokens did.</summary>
    public long ReconnectToken { get; set; }

    /// <summary>The ticket that the client came back with, once its AUTH has proven the keys of it; else null. Authorization then takes its session over and spends the ticket.</summary>
    public ReadOnlyMemory<byte>? TicketId { get; set; }

    /// <summary>INITIAL_CONTACT (RFC 7296 2.4): the client has forgotten every earlier IKE SA of this identity.</summary>
    public bool InitialContact { get; set; }

    /// <summary>The negotiated IKE algorithms, for show and log.</summary>
    public required IkeSuite Suite { get; set; }

    public bool NatDetected { get; set; }
}

/// <summary>A pair of ESP SAs to install. Whoever installs it copies the keys; the core zeroes them after the completion.</summary>
/// <param name="InboundSpi">Ours: the client sends to it.</param>
/// <param name="OutboundSpi">The client's.</param>
/// <param name="Suite">Algorithms.</param>
/// <param name="InboundEncryptionKey">Key, then salt where the algorithm has one.</param>
/// <param name="InboundIntegrityKey">Empty for AEAD.</param>
/// <param name="OutboundEncryptionKey">Key, then salt where the algorithm has one.</param>
/// <param name="OutboundIntegrityKey">Empty for AEAD.</param>
/// <param name="LocalSelectors">What lies behind the headend.</param>
/// <param name="RemoteSelectors">The client's own addresses.</param>
/// <param name="Path">Outer endpoints.</param>
/// <param name="UdpEncapsulation">RFC 3948 where a NAT was detected, else plain ESP.</param>
/// <param name="ReplayWindow">Packets.</param>
/// <param name="SoftLifetimeOctets">Inner octets, both directions together, after which the data plane hints at a rekey; 0 = none.</param>
/// <param name="OutboundAtOnce">
/// False for a rekey that the peer initiated: it can receive on the new SA only after our response reached it, so we send on the old one until the peer's first
/// packet on the new one, or the removal of the old one (RFC 7296 2.8).
/// </param>
public sealed record ChildSaParameters(
    uint InboundSpi,
    uint OutboundSpi,
    EspSuite Suite,
    byte[] InboundEncryptionKey,
    byte[] InboundIntegrityKey,
    byte[] OutboundEncryptionKey,
    byte[] OutboundIntegrityKey,
    IReadOnlyList<TrafficSelector> LocalSelectors,
    IReadOnlyList<TrafficSelector> RemoteSelectors,
    IkePath Path,
    bool UdpEncapsulation,
    int ReplayWindow,
    long SoftLifetimeOctets,
    bool OutboundAtOnce)
{
    /// <summary>The selectors are those of GRE between the outer addresses, and ESP carries GRE and no IP header (RFC 4303 3.1.1).</summary>
    public bool IsTransportMode { get; init; }
}

/// <summary>Inner addresses of one session.</summary>
public sealed record AssignedAddresses(IPAddress? IPv4, IPAddress? IPv4Netmask, IPAddress? IPv6, int IPv6PrefixLength)
{
    /// <summary>What came with the address (a DHCP lease); given to the client where the grant names none of that family.</summary>
    public IReadOnlyList<IPAddress> DnsServers { get; init; } = [];

    /// <summary>What came with the address; given to the client where the grant names none.</summary>
    public string? DefaultDomain { get; init; }

    /// <summary>Networks behind the client that its traffic selectors may hold beside its own addresses.</summary>
    public IReadOnlyList<IPNetwork> Prefixes { get; init; } = [];
}
