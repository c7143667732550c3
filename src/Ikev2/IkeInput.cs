using System.Net;
using Headend.Ikev2.Crypto;

namespace Headend.Ikev2;

/// <summary>One received IKE message, the non-ESP marker already stripped. The core keeps no reference to the octets after Handle returns.</summary>
public readonly record struct IkeDatagram(ReadOnlyMemory<byte> Octets, IkePath Path);

/// <summary>The answer to an <see cref="IkeOperation"/>.</summary>
public abstract record IkeCompletion(OperationId Id);

/// <summary>The effect could not be performed at all, by a fault of ours: the IKE SA that asked is dropped. Any operation may be answered so.</summary>
/// <param name="Id">Of the effect.</param>
/// <param name="Fault">What failed, for the log.</param>
public sealed record OperationFailedCompletion(OperationId Id, string Fault) : IkeCompletion(Id);

/// <param name="Id">Of the effect.</param>
/// <param name="Exchange">Our key pair; the core disposes it.</param>
/// <param name="SharedSecret">Null where nothing was to be agreed, or the peer's value is not valid for the group.</param>
public sealed record KeyAgreementCompletion(OperationId Id, IKeyExchange Exchange, byte[]? SharedSecret) : IkeCompletion(Id);

public sealed record SignAuthCompletion(OperationId Id, byte[] Value) : IkeCompletion(Id);

public sealed record EapStepCompletion(OperationId Id, EapOutcome Outcome) : IkeCompletion(Id);

/// <summary>What an EAP step came to. Unavailable (no AAA server) is not Failure (a wrong password).</summary>
public abstract record EapOutcome
{
    /// <summary>Relay this EAP-Request to the client.</summary>
    public sealed record Request(byte[] Packet) : EapOutcome;

    /// <summary>EAP-Success, the key (64 octets, or null where the method has none and the profile allows that) and who it is.</summary>
    public sealed record Success(byte[] Packet, byte[]? Msk, string User, string Method) : EapOutcome;

    /// <summary>Refused; the packet is the EAP-Failure to relay, if there is one.</summary>
    public sealed record Failure(byte[]? Packet, string? User, string? Method, string Reason) : EapOutcome;

    public sealed record Unavailable(string? User, string Reason) : EapOutcome;

    /// <summary>No AAA server could be asked: what is to be said of the client does not fit into a request. The reason names the attribute.</summary>
    public sealed record Unsendable(string? User, string Reason) : EapOutcome;

    /// <summary>The packet was not a response to the outstanding request (RFC 3748 4.1): the client's IKE request is answered by the outstanding request again.</summary>
    public sealed record Discarded : EapOutcome;
}

/// <param name="Id">Of the effect.</param>
/// <param name="Keys">Null = the peer is not known; the core disposes them.</param>
/// <param name="User">Who the peer is by its AAA server's word; null = its IKE identity.</param>
/// <param name="Refusal">Why there are none, for the log.</param>
/// <param name="Unavailable">True where no AAA server answered.</param>
public sealed record LookUpPskCompletion(OperationId Id, PreSharedKeys? Keys, string? User, string? Refusal, bool Unavailable) : IkeCompletion(Id)
{
    /// <summary>True where no AAA server could be asked, because the request does not fit.</summary>
    public bool Unsendable { get; init; }
}

/// <param name="Id">Of the effect.</param>
/// <param name="Profile">Name of the session's profile; null = there is no session of this id, or no try is allowed now.</param>
/// <param name="Identity">The IKE identity that the session was made with.</param>
/// <param name="Tokens">Any of these proves the client; the core zeroes them.</param>
/// <param name="Refusal">Why there is none, for the log.</param>
public sealed record FindReconnectCompletion(OperationId Id, string? Profile, IkeIdentity? Identity, IReadOnlyList<ReconnectToken> Tokens, string? Refusal) : IkeCompletion(Id)
{
    /// <summary>Zeroes the tokens.</summary>
    public void Forget()
    {
        foreach (var token in Tokens)
            System.Security.Cryptography.CryptographicOperations.ZeroMemory(token.Value);
    }
}

/// <param name="Number">Tells the session's tokens apart.</param>
/// <param name="Value">Secret.</param>
public readonly record struct ReconnectToken(long Number, byte[] Value)
{
    public override string ToString() => $"(reconnect token {Number})";
}

/// <param name="Id">Of the effect.</param>
/// <param name="Grant">Null = refused.</param>
/// <param name="Refusal">Why, for the log.</param>
/// <param name="Unavailable">True where no AAA server answered.</param>
public sealed record AuthorizeCompletion(OperationId Id, SessionGrant? Grant, string? Refusal, bool Unavailable) : IkeCompletion(Id)
{
    /// <summary>True where no AAA server could be asked, because the request does not fit.</summary>
    public bool Unsendable { get; init; }

    /// <summary>Who the peer is from here on, where authorization knows better than authentication did; else null.</summary>
    public string? User { get; init; }

    /// <summary>The session whose place the login takes; null where it begins one of its own.</summary>
    public TakenSession? Taken { get; init; }
}

/// <summary>What a session that goes on with another login brings along: its client has what it was given before, whether or not it asks for it anew.</summary>
/// <param name="Method">How the client proved itself otherwise than by a token last, as in <see cref="LoginRecord.Method"/>; null where nobody knows.</param>
/// <param name="IsReconnectable">The client has a session-id and a token that are good.</param>
/// <param name="TicketsFor">How long tickets are good that this login does not spend, or an upper bound of that; null without any.</param>
public sealed record TakenSession(string? Method, bool IsReconnectable, TimeSpan? TicketsFor);

/// <param name="Id">Of the effect.</param>
/// <param name="Addresses">Null = none to be had.</param>
/// <param name="Refusal">Why, naming the pool.</param>
public sealed record AllocateAddressCompletion(OperationId Id, AssignedAddresses? Addresses, string? Refusal) : IkeCompletion(Id);

/// <summary>Answers InstallChildSa and RekeyChildSa.</summary>
/// <param name="Id">Of the effect.</param>
/// <param name="Fault">Null = installed; else the step that failed and why.</param>
public sealed record InstallChildSaCompletion(OperationId Id, string? Fault) : IkeCompletion(Id)
{
    /// <summary>Not null where it was installed but the session cannot be accounted for: which attribute of its first record does not fit.</summary>
    public string? Unaccountable { get; init; }
}

/// <param name="Id">Of the effect.</param>
/// <param name="LastInbound">Last inner packet from the client, or null.</param>
/// <param name="LastOutbound">Last inner packet to the client, or null.</param>
public sealed record QueryTrafficCompletion(OperationId Id, MonotonicTime? LastInbound, MonotonicTime? LastOutbound) : IkeCompletion(Id);

/// <summary>How the packets of a session may travel. What its first CHILD_SA has holds for all of them.</summary>
public enum EncapsulationRule
{
    /// <summary>In tunnel mode: USE_TRANSPORT_MODE is declined.</summary>
    Tunnel,

    /// <summary>By GRE between the outer addresses in transport mode, and not otherwise.</summary>
    Gre,

    /// <summary>As the client offers it.</summary>
    AsOffered,
}

/// <summary>What AAA granted the session, in IKE's terms.</summary>
public sealed record SessionGrant
{
    public static SessionGrant Empty { get; } = new();

    public IReadOnlyList<IPAddress> DnsServers { get; init; } = [];

    /// <summary>INTERNAL_IP4_SUBNET and INTERNAL_IP6_SUBNET: what the client should send into the tunnel.</summary>
    public IReadOnlyList<IPNetwork> Subnets { get; init; } = [];

    public string? DefaultDomain { get; init; }

    /// <summary>
    /// Configuration attributes by number, given to clients of Cisco's that ask for the number. One number may stand several times.
    /// </summary>
    public IReadOnlyList<KeyValuePair<ushort, ReadOnlyMemory<byte>>> CiscoAttributes { get; init; } = [];

    /// <summary>Further domains that the client resolves through the tunnel: INTERNAL_DNS_DOMAIN (RFC 8598), one each.</summary>
    public IReadOnlyList<string> SplitDomains { get; init; } = [];

    /// <summary>INTERNAL_IP4_NBNS.</summary>
    public IReadOnlyList<IPAddress> NbnsServers { get; init; } = [];

    /// <summary>Networks behind the client that may stand in its traffic selectors beside its addresses.</summary>
    public IReadOnlyList<IPNetwork> RemoteNetworks { get; init; } = [];

    /// <summary>The client may name further networks of its own in its selectors.</summary>
    public bool AcceptRemoteNetworks { get; init; }

    /// <summary>Networks of ours, of which <see cref="AcceptRemoteNetworks"/> lets no client claim any part.</summary>
    public IReadOnlyList<IPNetwork> OwnNetworks { get; init; } = [];

    /// <summary>What the session's interface carries.</summary>
    public EncapsulationRule Encapsulation { get; init; }

    /// <summary>Null or zero = none.</summary>
    public TimeSpan? SessionTimeout { get; init; }

    /// <summary>The client is told to authenticate again before <see cref="SessionTimeout"/>: AUTH_LIFETIME (RFC 4478 3).</summary>
    public bool ReauthenticateAtTimeout { get; init; }

    /// <summary>Null or zero = none.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>Most CHILD_SAs at a time.</summary>
    public int FlowLimit { get; init; } = 8;
}

/// <summary>Something decided outside that concerns sessions of this shard.</summary>
public abstract record IkeCommand;

/// <summary>End one session for good: Delete to the client, then SessionDown with this reason, whatever it is; nobody comes back to it.</summary>
public sealed record EndSessionCommand(SessionId Session, SessionEndReason Reason, string Detail) : IkeCommand;

/// <summary>Another login of the same client takes the session over: what it has of IKE and ESP goes without a word, as if the client had gone silent.</summary>
public sealed record SuspendSessionCommand(SessionId Session, string Detail) : IkeCommand;

/// <summary>End all sessions and refuse new ones (SIGTERM).</summary>
public sealed record ShutdownCommand(SessionEndReason Reason) : IkeCommand;

/// <summary>The data plane saw the soft lifetime in octets or packets reached: rekey this CHILD_SA.</summary>
public sealed record RekeyChildCommand(SessionId Session, uint InboundSpi) : IkeCommand;

/// <summary>The session's time limits are changed while it stands (RFC 5176). Each limit that is given starts anew now; zero takes it away.</summary>
/// <param name="Session">Which.</param>
/// <param name="SessionTimeout">Null leaves what is.</param>
/// <param name="IdleTimeout">Null leaves what is.</param>
public sealed record ChangeTimeoutsCommand(SessionId Session, TimeSpan? SessionTimeout, TimeSpan? IdleTimeout) : IkeCommand;

/// <summary>
/// Ask the client to authenticate anew within a time (RFC 4478 3: AUTH_LIFETIME, 16403, in an INFORMATIONAL); the session ends when it does not.
/// </summary>
public sealed record ReauthenticateCommand(SessionId Session, TimeSpan Within) : IkeCommand;

/// <summary>Ask the client now whether it lives; an answer shows in <see cref="IkeEndpoint.TryGetLastHeard"/>.</summary>
public sealed record ProbeCommand(SessionId Session) : IkeCommand;

/// <summary>Rekey the session's IKE SA now (operator, tests).</summary>
public sealed record RekeyIkeCommand(SessionId Session) : IkeCommand;

/// <summary>An authenticated, newest ESP packet came from another address than the session's (NAT rebinding).</summary>
public sealed record PeerMovedCommand(SessionId Session, IPEndPoint Remote) : IkeCommand;

/// <summary>New profiles for logins from now on; sessions keep theirs.</summary>
public sealed record SwapProfilesCommand(IReadOnlyList<IkeProfile> Profiles) : IkeCommand;
