namespace Headend.Aaa.Authorization;

/// <summary>A rate for one direction, from WISPr-Bandwidth-Max-* or Mikrotik-Rate-Limit.</summary>
/// <param name="BitsPerSecond">The sustained rate, above 0.</param>
/// <param name="BurstBitsPerSecond">The rate while a burst lasts; null for none.</param>
/// <param name="ThresholdBitsPerSecond">The average above which no burst begins; null for the sustained rate.</param>
/// <param name="BurstSeconds">Time over which the average is taken; null for 1.</param>
public sealed record RateLimit(long BitsPerSecond, long? BurstBitsPerSecond = null, long? ThresholdBitsPerSecond = null, int? BurstSeconds = null)
{
    public override string ToString() => BurstBitsPerSecond is null
        ? $"{BitsPerSecond} bit/s"
        : $"{BitsPerSecond} bit/s, burst {BurstBitsPerSecond} bit/s above {ThresholdBitsPerSecond ?? BitsPerSecond} bit/s in {BurstSeconds ?? 1} s";
}

/// <summary>What happens when Session-Timeout is reached (RFC 2865 5.29).</summary>
public enum TerminationAction
{
    /// <summary>Default (0): the session ends.</summary>
    Default = 0,

    /// <summary>RADIUS-Request (1): the client is to authenticate again.</summary>
    RadiusRequest = 1,
}
