using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>How clients of one kind are met: who they are, how both sides authenticate, what is negotiated. Immutable; sessions keep the one they logged in with.</summary>
public sealed record IkeProfile
{
    public required string Name { get; init; }

    /// <summary>First profile of which any entry matches IDi (and any of <see cref="LocalIdentities"/> IDr) is taken; empty matches none.</summary>
    public required IReadOnlyList<IdentityMatch> RemoteIdentities { get; init; }

    /// <summary>What the peer must ask for by IDr; empty asks nothing, else a peer that sends no IDr does not match.</summary>
    public IReadOnlyList<IdentityMatch> LocalIdentities { get; init; } = [];

    /// <summary>What we send as IDr.</summary>
    public required IkeIdentity LocalIdentity { get; init; }

    /// <summary>Other identities that our certificate bears: sent instead when the client asks for one of them by IDr.</summary>
    public IReadOnlyList<IkeIdentity> LocalIdentityAliases { get; init; } = [];

    /// <summary>Null: we prove ourselves by pre-shared key, which only a peer that does so too may ask for.</summary>
    public required IkeCredential? Credential { get; init; }

    /// <summary>Peers may authenticate by EAP; needs <see cref="Credential"/> (RFC 7296 2.16).</summary>
    public bool RemoteEap { get; init; } = true;

    /// <summary>An EAP method of this profile verifies a signature over the initiator's AUTH octets, so that they are handed out.</summary>
    public bool EapSignsInitiatorOctets { get; init; }

    /// <summary>Peers may authenticate by pre-shared key.</summary>
    public bool RemotePreSharedKey { get; init; }

    /// <summary>Peers may authenticate by certificate; needs <see cref="Credential"/>.</summary>
    public bool RemoteCertificate { get; init; }

    /// <summary>SHA-1 hashes of the public keys of the authorities that peers' certificates may be of, 20 octets each, for CERTREQ (RFC 7296 3.7).</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> CertificateAuthorities { get; init; } = [];

    /// <summary>EAP after the certificate (RFC 4739); needs <see cref="RemoteEap"/>.</summary>
    public SecondAuthentication CertificateThenEap { get; init; }

    /// <summary>Least time from a peer's first AUTH to our refusal; zero refuses at once. The longest of all profiles holds for all.</summary>
    public TimeSpan PskRefusalDelay { get; init; }

    /// <summary>How long the client may take between our EAP-Request and its answer; 45 to 180 s. All of EAP must be through ten times as long after IKE_SA_INIT.</summary>
    public TimeSpan EapTimeout { get; init; } = TimeSpan.FromSeconds(90);

    public required IReadOnlyList<IkeProposal> IkeProposals { get; init; }

    public required IReadOnlyList<EspProposal> EspProposals { get; init; }

    public PfsPolicy Pfs { get; init; } = PfsPolicy.Optional;

    /// <summary>We rekey the IKE SA this long after it was made (less up to 10 % jitter).</summary>
    public TimeSpan IkeLifetime { get; init; } = TimeSpan.FromHours(4);

    /// <summary>We rekey a CHILD_SA this long after it was made (less up to 10 % jitter).</summary>
    public TimeSpan ChildLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Inner octets after which we rekey a CHILD_SA; 0 = no limit.</summary>
    public long ChildLifetimeOctets { get; init; }

    /// <summary>Packets; 32 to 4096.</summary>
    public int ReplayWindow { get; init; } = 1024;

    /// <summary>What lies behind the headend; the client's TSr is narrowed to it. Empty = everything.</summary>
    public IReadOnlyList<IPNetwork> LocalTraffic { get; init; } = [];

    public DpdMode DpdMode { get; init; } = DpdMode.Periodic;

    /// <summary>Quiet time after which the peer is asked whether it lives; zero = never. With <see cref="DpdMode.Smart"/> the peer is given a second interval.</summary>
    public TimeSpan DpdInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Retransmissions before a client that is up counts as gone; null as <see cref="IkeEndpointOptions.RetransmitTries"/> says.</summary>
    public int? RetransmitTries { get; init; }

    /// <summary>A client that asks for them gets a session-id and a token and comes back with them; null gives none. Needs <see cref="Credential"/>.</summary>
    public ReconnectPolicy? Reconnect { get; init; }

    /// <summary>How long the session of a client that went silent waits for its next login; null = not at all.</summary>
    public TimeSpan? ClientResume { get; init; }

    /// <summary>A client that asks for a ticket gets one and resumes its session with it (RFC 5723); null gives none.</summary>
    public ResumptionPolicy? Resumption { get; init; }

    /// <summary>Silence after which a question goes out.</summary>
    internal TimeSpan QuietTime => DpdMode == DpdMode.Smart ? DpdInterval + DpdInterval : DpdInterval;

    /// <summary>The composition's own object for this profile (AAA lists, virtual-template); the core only hands it back.</summary>
    public object? Tag { get; init; }
}

/// <summary>Whether a second authentication follows the first (RFC 4739).</summary>
public enum SecondAuthentication
{
    /// <summary>A peer that announces one is refused.</summary>
    Refused,

    /// <summary>As the peer likes.</summary>
    Allowed,

    /// <summary>A peer without it is refused; so is the second method alone.</summary>
    Required,
}

public enum DpdMode
{
    /// <summary>Ask whenever nothing came from the peer for the interval.</summary>
    Periodic,

    /// <summary>Ask only when we sent inner packets and nothing came back for the interval.</summary>
    OnDemand,

    /// <summary>
    /// Listen first: the client, which knows the interval, asks by itself. Ask only when two intervals have brought nothing, then every interval until it is heard again.
    /// </summary>
    Smart,
}

/// <summary>How clients come back by session-id and token (FlexVPN's auto-reconnect).</summary>
/// <param name="Timeout">How long a session whose client is silent is kept; 600 to 86400 s.</param>
/// <param name="SessionId">Configuration attribute of the session-id.</param>
/// <param name="TokenId">Of the token.</param>
/// <param name="CleanupInterval">Of <paramref name="Timeout"/>, in seconds.</param>
/// <param name="DpdInterval">Of the profile's DPD interval, in seconds.</param>
public sealed record ReconnectPolicy(
    TimeSpan Timeout,
    ConfigurationAttributeType SessionId,
    ConfigurationAttributeType TokenId,
    ConfigurationAttributeType CleanupInterval,
    ConfigurationAttributeType DpdInterval);

/// <summary>How clients resume by ticket (RFC 5723).</summary>
/// <param name="Lifetime">Of a ticket; less where <see cref="IkeProfile.IkeLifetime"/> or Session-Timeout is.</param>
/// <param name="Timeout">How long a session whose client is silent is kept, while one of its tickets is good.</param>
public sealed record ResumptionPolicy(TimeSpan Lifetime, TimeSpan Timeout);

/// <summary>
/// Our certificate, the chain to send (leaf first, without the root) and its key.
/// <see cref="PrivateKey"/> is used from several worker threads at a time: RSA and ECDSA of .NET on OpenSSL allow it.
/// </summary>
public sealed record IkeCredential(X509Certificate2 Leaf, IReadOnlyList<ReadOnlyMemory<byte>> ChainDer, AsymmetricAlgorithm PrivateKey);

/// <summary>Limits and timers of one shard. Times of zero are not allowed unless said.</summary>
public sealed record IkeEndpointOptions
{
    /// <summary>This shard's number, 0 to <see cref="ShardCount"/> - 1.</summary>
    public int Shard { get; init; }

    /// <summary>1 to 64.</summary>
    public int ShardCount { get; init; } = 1;

    public required IReadOnlyList<IkeProfile> Profiles { get; init; }

    /// <summary>IKE SAs that are not yet authenticated, at most, on this shard; further IKE_SA_INIT requests are dropped.</summary>
    public int HalfOpenLimit { get; init; } = 20_000;

    /// <summary>The same from one source address; generous, since a whole office may stand behind one address of a carrier's NAT.</summary>
    public int HalfOpenPerSourceLimit { get; init; } = 2_000;

    /// <summary>From this many half-open IKE SAs on, a cookie is asked for (RFC 7296 2.6); off again below half of it.</summary>
    public int CookieThreshold { get; init; } = 1_000;

    /// <summary>From the IKE_SA_INIT response to the first IKE_AUTH request, and between IKE_AUTH rounds without EAP.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Our first retransmission; each further one waits 1.7 times as long, 30 s at most.</summary>
    public TimeSpan RetransmitInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Retransmissions before the peer counts as gone; with the interval of 1 s that is 87 s.</summary>
    public int RetransmitTries { get; init; } = 8;

    /// <summary>Largest IP packet that carries a fragment of ours (RFC 7383 2.5.1), in octets.</summary>
    public int FragmentPacketOctets { get; init; } = 1280;
}
