namespace Headend.Aaa.Addresses;

/// <summary>
/// One pool. Ranges are texts such as "10.99.0.0/16" or "10.0.0.10-10.0.0.99", all of one family, used in this order. Of an IPv4 prefix up to /30 the network and the
/// broadcast address are left out, of an IPv6 prefix up to /126 the Subnet-Router anycast address (RFC 4291 2.6.1); a range of first and last gives both.
/// </summary>
/// <param name="Name">As Framed-Pool and policies call it.</param>
/// <param name="Ranges">At least one.</param>
public sealed record AddressPoolOptions(string Name, IReadOnlyList<string> Ranges)
{
    /// <summary>Addresses, prefixes (all of them) or ranges that are never leased.</summary>
    public IReadOnlyList<string> Exclusions { get; init; } = [];

    /// <summary>How long an address that was given back rests before somebody else gets it; its last holder gets it at once.</summary>
    public TimeSpan HoldDown { get; init; }

    /// <summary>Set for a pool of prefixes of this length, for delegation (RFC 4818), instead of addresses. IPv6 only.</summary>
    public int? PrefixLength { get; init; }
}

/// <summary>First and last address, both included.</summary>
public sealed record AddressPoolRange(System.Net.IPAddress First, System.Net.IPAddress Last);

/// <summary>Use of a pool. Counts saturate at <see cref="long.MaxValue"/>; Free + Leased + HeldDown is the pool's size.</summary>
/// <param name="Name">As configured.</param>
/// <param name="Size">What can be leased in all.</param>
/// <param name="Free">What anybody can get now.</param>
/// <param name="Leased">In use.</param>
/// <param name="HeldDown">Given back less than the hold-down time ago.</param>
/// <param name="HighWater">The most ever in use at once.</param>
/// <param name="Exhausted">Leases refused because nothing was free.</param>
public sealed record AddressPoolStatistics(string Name, long Size, long Free, long Leased, long HeldDown, long HighWater, long Exhausted);
