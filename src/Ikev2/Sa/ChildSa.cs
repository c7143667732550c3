using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Sa;

/// <summary>One pair of ESP SAs. Belongs to the session, not to an IKE SA: it outlives IKE rekeys.</summary>
internal sealed class ChildSa
{
    public required uint InboundSpi { get; init; }

    public required uint OutboundSpi { get; init; }

    public required EspSuite Suite { get; init; }

    public required IReadOnlyList<TrafficSelector> LocalSelectors { get; init; }

    public required IReadOnlyList<TrafficSelector> RemoteSelectors { get; init; }

    public required bool IsTransportMode { get; init; }

    public required MonotonicTime CreatedAt { get; init; }

    /// <summary>When we rekey it; moved on after a failed try.</summary>
    public required MonotonicTime RekeyAt { get; set; }

    /// <summary>When it is deleted if nobody rekeyed it.</summary>
    public required MonotonicTime ExpiresAt { get; init; }

    /// <summary>Our Delete for it is queued or outstanding.</summary>
    public bool Deleting { get; set; }

    /// <summary>Our rekey of it is queued or outstanding.</summary>
    public bool Rekeying { get; set; }

    /// <summary>The peer rekeyed it: the new pair and the lower of that exchange's nonces, for RFC 7296 2.8.1.</summary>
    public (ChildSa New, byte[] LowestNonce)? PeerRekey { get; set; }
}
