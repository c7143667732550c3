using System.Net;
using Headend.Aaa.Authorization;
using Headend.Ikev2;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Configuration;

internal sealed record Ikev2Options(
    IReadOnlyList<IkeProposalOptions> Proposals,
    IReadOnlyList<AuthorizationPolicyOptions> AuthorizationPolicies,
    IReadOnlyList<IkeProfileOptions> Profiles)
{
    public IReadOnlyList<KeyringOptions> Keyrings { get; init; } = [];

    public IReadOnlyList<NameMangler> NameManglers { get; init; } = [];
}

/// <param name="Name">Name by which profiles refer to it.</param>
/// <param name="Transforms">Suites as text, in order of preference, such as <c>aes256gcm16-prfsha384-ecp384</c>.</param>
internal sealed record IkeProposalOptions(string Name, IReadOnlyList<string> Transforms);

internal sealed record AuthorizationPolicyOptions(
    string Name,
    string? Pool,
    string? Ipv6Pool,
    string? DelegatedPrefixPool,
    DhcpOptions? Dhcp,
    IReadOnlyList<IPAddress> Dns,
    string? DefaultDomain,
    IReadOnlyList<string> RouteSet,
    string? AttributeList)
{
    /// <summary>Null for no translation.</summary>
    public PolicyNatOptions? Nat { get; init; }
}

/// <param name="Servers">IPv4, in order.</param>
/// <param name="Giaddr">Null for the address from which the first server is reached.</param>
/// <param name="Timeout">For each server.</param>
internal sealed record DhcpOptions(IReadOnlyList<IPAddress> Servers, IPAddress? Giaddr, TimeSpan Timeout);

internal sealed record IkeProfileOptions
{
    public required string Name { get; init; }

    /// <summary>The profile serves a peer whose IDi fits any of these.</summary>
    public required IReadOnlyList<IdentityMatch> MatchRemoteIdentity { get; init; }

    /// <summary>And whose IDr fits any of these; empty asks for nothing.</summary>
    public IReadOnlyList<IdentityMatch> MatchLocalIdentity { get; init; } = [];

    public required IkeIdentity LocalIdentity { get; init; }

    /// <summary>Null: the headend proves itself by pre-shared key.</summary>
    public required LocalCertificateOptions? LocalAuthentication { get; init; }

    /// <summary>Null: clients may not use EAP.</summary>
    public required EapOptions? Eap { get; init; }

    /// <summary>Null: clients may not use AnyConnect-EAP.</summary>
    public AnyConnectProfileOptions? AnyConnect { get; init; }

    public IReadOnlyList<CiscoAttributeOptions> CiscoAttributes { get; init; } = [];

    public LocalEapOptions LocalEap { get; init; } = LocalEapOptions.Default;

    /// <summary>Null: clients may not prove themselves by certificate.</summary>
    public ClientCertificateOptions? RemoteCertificate { get; init; }

    /// <summary>Clients may prove themselves by pre-shared key.</summary>
    public bool RemotePreSharedKey { get; init; }

    /// <summary>Null where neither side uses a pre-shared key.</summary>
    public ProfileKeyringOptions? Keyring { get; init; }

    /// <summary>Given where <see cref="Eap"/> is.</summary>
    public required string? AuthenticationList { get; init; }

    /// <summary>For each way of proving oneself.</summary>
    public required IReadOnlyDictionary<RemoteMethod, AuthorizationOptions> Authorization { get; init; }

    /// <summary>For each way of proving oneself; null: no accounting.</summary>
    public required IReadOnlyDictionary<RemoteMethod, string?> AccountingLists { get; init; }

    /// <summary>Names of <see cref="Ikev2Options.Proposals"/>.</summary>
    public required IReadOnlyList<string> Proposals { get; init; }

    public required IpsecOptions Ipsec { get; init; }

    /// <summary>Age at which this side rekeys the IKE SA.</summary>
    public required TimeSpan IkeLifetime { get; init; }

    /// <summary>Networks behind the headend: the widest TSr that a client gets.</summary>
    public required IReadOnlyList<IPNetwork> TrafficLocal { get; init; }

    public required DpdOptions Dpd { get; init; }

    public required int VirtualTemplate { get; init; }

    /// <summary>Interface commands at fault are left out instead of refusing the login.</summary>
    public bool IgnoresInterfaceErrors { get; init; }

    public UniqueOptions Unique { get; init; } = UniqueOptions.Never;

    /// <summary>Null: no auto-reconnect.</summary>
    public ReconnectOptions? Reconnect { get; init; }

    /// <summary>How long a silent client's session waits for its next login; null: not at all.</summary>
    public TimeSpan? ClientResume { get; init; }

    /// <summary>Null: no tickets.</summary>
    public ResumptionOptions? Resumption { get; init; }

    /// <summary>Sessions of this profile can be come back to, after a restart, too.</summary>
    public bool KeepsSessions => Reconnect is not null || ClientResume is not null || Resumption is not null;
}

/// <summary>Absolute paths of PEM files; the certificate file holds the leaf first, then the chain to send.</summary>
internal sealed record LocalCertificateOptions(string CertificateFile, string KeyFile);

/// <param name="QueryIdentity">Ask for EAP-Identity; otherwise the IKE identity stands for it.</param>
/// <param name="Timeout">Longest time from an EAP-Request to the client's answer.</param>
/// <param name="AllowMethodsWithoutKey">Accept EAP methods that give no MSK.</param>
internal sealed record EapOptions(bool QueryIdentity, TimeSpan Timeout, bool AllowMethodsWithoutKey)
{
    /// <summary>Of a profile whose clients may not use it.</summary>
    public static EapOptions Default { get; } = new(QueryIdentity: true, TimeSpan.FromSeconds(90), AllowMethodsWithoutKey: false);
}

internal enum PfsMode
{
    None,
    Optional,
    Required,
}

/// <param name="Transforms">ESP suites as text, in order of preference.</param>
/// <param name="Pfs">Whether a rekey of a CHILD_SA carries a key exchange.</param>
/// <param name="Lifetime">Age at which this side rekeys a CHILD_SA.</param>
/// <param name="LifetimeVolume">Octets in one direction after which this side rekeys; null never does.</param>
/// <param name="ReplayWindow">Packets.</param>
/// <param name="DfBit">Of outer IPv4 packets.</param>
internal sealed record IpsecOptions(
    IReadOnlyList<string> Transforms, PfsMode Pfs, TimeSpan Lifetime, long? LifetimeVolume, int ReplayWindow, DfBit DfBit);

internal enum DpdMode
{
    /// <summary>A check at every interval without a message from the peer.</summary>
    Periodic,

    /// <summary>A check only when packets go out and none came in during the interval.</summary>
    OnDemand,

    /// <summary>A check only when two intervals passed without a message from the peer, which is expected to check by itself.</summary>
    Smart,
}

internal sealed record DpdOptions(TimeSpan Interval, DpdMode Mode, int Retransmissions);

/// <param name="Lifetime">Of a ticket.</param>
/// <param name="Timeout">How long a session waits for its client, while a ticket is good.</param>
internal sealed record ResumptionOptions(TimeSpan Lifetime, TimeSpan Timeout);

/// <param name="Timeout">How long a session waits for its client.</param>
/// <param name="SessionId">Number of the configuration attribute that carries it.</param>
/// <param name="TokenId">The same.</param>
/// <param name="CleanupInterval">The same.</param>
/// <param name="DpdInterval">The same.</param>
internal sealed record ReconnectOptions(TimeSpan Timeout, int SessionId, int TokenId, int CleanupInterval, int DpdInterval);

/// <param name="Name">Name by which policies and RADIUS refer to it.</param>
/// <param name="Ranges">In order of use, at least one, all of one family.</param>
/// <param name="Exclusions">Never leased.</param>
/// <param name="HoldDown">Rest of an address between two holders.</param>
/// <param name="PrefixLength">Length of the prefixes that the pool gives; null gives addresses.</param>
internal sealed record PoolOptions(
    string Name, IReadOnlyList<AddressRange> Ranges, IReadOnlyList<AddressRange> Exclusions, TimeSpan HoldDown, int? PrefixLength);
