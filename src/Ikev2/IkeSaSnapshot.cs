using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>One IKE SA as show prints it.</summary>
/// <param name="Capabilities">One letter each of FlexVPN's legend (D, N, X, F, R), then words for what it has no letter for.</param>
public sealed record IkeSaSnapshot(
    SessionId? Session,
    string Profile,
    string State,
    string Waiting,
    IkeSpi LocalSpi,
    IkeSpi RemoteSpi,
    bool WeAreInitiator,
    IkePath Path,
    IkeSuite? Suite,
    string? RemoteIdentity,
    string? User,
    string? Method,
    string? LocalMethod,
    string? LocalIdentity,
    string ProfileMatch,
    bool NatDetected,
    MonotonicTime CreatedAt,
    MonotonicTime? EstablishedAt,
    IReadOnlyList<string> Capabilities,
    IReadOnlyList<ChildSaSnapshot> Children);

/// <summary>One pair of ESP SAs as show prints it.</summary>
public sealed record ChildSaSnapshot(
    uint InboundSpi,
    uint OutboundSpi,
    EspSuite Suite,
    IReadOnlyList<TrafficSelector> LocalSelectors,
    IReadOnlyList<TrafficSelector> RemoteSelectors,
    bool IsTransportMode,
    MonotonicTime CreatedAt);

/// <summary>Counts of one shard.</summary>
/// <param name="IkeSas">Every IKE SA, those included whose Delete the peer has not answered yet.</param>
/// <param name="HalfOpen">IKE SAs before the end of IKE_AUTH.</param>
/// <param name="Established">Sessions that are up.</param>
/// <param name="ChildSas">CHILD_SAs of all sessions.</param>
/// <param name="CookiesDemanded">Every IKE_SA_INIT must bring a cookie.</param>
public sealed record IkeEndpointCounts(int IkeSas, int HalfOpen, int Established, int ChildSas, bool CookiesDemanded);
