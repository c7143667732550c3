using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>One IKE SA as show prints it.</summary>
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
    MonotonicTime CreatedAt);

/// <summary>Counts of one shard.</summary>
public sealed record IkeEndpointCounts(int HalfOpen, int Established, int ChildSas, bool CookiesDemanded);
