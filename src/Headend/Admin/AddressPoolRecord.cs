namespace Headend.Admin;

/// <summary>One pool. Counts are of addresses, or of prefixes in a pool for delegation; <see cref="Free"/> + <see cref="InUse"/> + <see cref="HeldDown"/> is the size.</summary>
internal sealed record AddressPoolRecord
{
    public required string Name { get; init; }

    /// <summary>First address of the first range.</summary>
    public required string First { get; init; }

    /// <summary>Last address of the last range.</summary>
    public required string Last { get; init; }

    /// <summary>What can be leased, exclusions cut out, in order of use; at most a hundred.</summary>
    public required IReadOnlyList<AddressPoolRangeRecord> Ranges { get; init; }

    /// <summary>Length of the prefixes that the pool gives; null for addresses.</summary>
    public int? PrefixLength { get; init; }

    /// <summary>Text: an IPv6 pool can hold more than a JSON number. Saturates at 2^63 - 1.</summary>
    public required string Size { get; init; }

    public required string Free { get; init; }

    public required long InUse { get; init; }

    /// <summary>Given back less than the hold-down time ago.</summary>
    public required long HeldDown { get; init; }

    /// <summary>The most ever in use at once.</summary>
    public required long HighWater { get; init; }

    /// <summary>Requests that found nothing free.</summary>
    public required long Exhausted { get; init; }
}

/// <summary>First and last address, both included.</summary>
internal sealed record AddressPoolRangeRecord(string First, string Last);
