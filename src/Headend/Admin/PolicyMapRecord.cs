namespace Headend.Admin;

/// <summary>The policy of one direction of an interface with what it has counted: <c>show policy-map interface virtual-access N</c>.</summary>
internal sealed record PolicyMapRecord
{
    /// <summary>For example <c>Virtual-Access7</c>.</summary>
    public required string Interface { get; init; }

    /// <summary><c>input</c> is what comes from the client.</summary>
    public required string Direction { get; init; }

    /// <summary>Name of the policy-map; <c>rate-limit</c> for a rate of AAA.</summary>
    public required string Policy { get; init; }

    /// <summary>The classes in order, each behind the one around it.</summary>
    public required IReadOnlyList<PolicyClassRecord> Classes { get; init; }
}

/// <summary>One class of a policy that stands. Counters are those of the kernel since the class was made.</summary>
internal sealed record PolicyClassRecord
{
    /// <summary>The policy-map that the class stands in.</summary>
    public required string Policy { get; init; }

    public required string Class { get; init; }

    /// <summary>1 for the classes of the outermost policy-map.</summary>
    public required int Depth { get; init; }

    /// <summary>Conditions, such as <c>dscp ef</c>; <c>any</c> for the default class.</summary>
    public required IReadOnlyList<string> Match { get; init; }

    public required bool MatchAll { get; init; }

    public required ulong Packets { get; init; }

    /// <summary>Octets of IP packets.</summary>
    public required ulong Octets { get; init; }

    public required ulong DroppedPackets { get; init; }

    /// <summary>Packets that wait now.</summary>
    public required ulong QueuedPackets { get; init; }

    /// <summary>What passes, bits per second, smoothed over half a minute.</summary>
    public required ulong RateBps { get; init; }

    /// <summary>Most that passes, bits per second; null for no limit.</summary>
    public required long? LimitBps { get; init; }

    public long? PoliceBps { get; init; }

    public long? PoliceBurstOctets { get; init; }

    public long? PolicePeakBps { get; init; }

    public long? ShapeBps { get; init; }

    public long? BandwidthBps { get; init; }

    public int? BandwidthPercent { get; init; }

    public bool Priority { get; init; }

    public long? PriorityBps { get; init; }

    /// <summary>DSCP that packets get, by name or number.</summary>
    public string? SetDscp { get; init; }

    public string? ServicePolicy { get; init; }
}
