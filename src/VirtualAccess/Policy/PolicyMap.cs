using System.Collections.Immutable;

namespace Headend.VirtualAccess.Policy;

/// <summary>A protocol that a class-map matches.</summary>
public enum QosProtocol
{
    /// <summary>IPv4.</summary>
    Ip,

    Ipv6,

    Tcp,

    Udp,

    /// <summary>ICMP or ICMPv6.</summary>
    Icmp,
}

/// <summary>Which packets a class takes. Each of the conditions that are given holds if one of its values fits.</summary>
public sealed record ClassMap(string Name)
{
    /// <summary>All conditions must hold; else one of them.</summary>
    public bool MatchesAll { get; init; } = true;

    /// <summary>Every packet.</summary>
    public bool Any { get; init; }

    /// <summary>DSCP values, 0 to 63; empty = no condition.</summary>
    public ImmutableArray<byte> Dscp { get; init; } = [];

    /// <summary>What one of these lists permits; empty = no condition.</summary>
    public ImmutableArray<AccessList> AccessGroups { get; init; } = [];

    /// <summary>Empty = no condition.</summary>
    public ImmutableArray<QosProtocol> Protocols { get; init; } = [];
}

/// <summary>A rate that packets are dropped above.</summary>
/// <param name="BitsPerSecond">Counted over whole IP packets.</param>
/// <param name="BurstOctets">How much may come at once after a pause.</param>
/// <param name="PeakBitsPerSecond">Rate while a burst lasts; null for any.</param>
public sealed record PoliceRate(long BitsPerSecond, long BurstOctets, long? PeakBitsPerSecond = null)
{
    /// <summary>A packet of an Ethernet must fit.</summary>
    public const long MinimumBurst = 1500;

    /// <summary>The burst of a rate that names none: a quarter of a second of it, as IOS has it.</summary>
    public static PoliceRate Of(long bitsPerSecond) => new(bitsPerSecond, Math.Max(MinimumBurst, bitsPerSecond / 32));
}

/// <summary>What a policy-map does with the packets of one class.</summary>
public sealed record PolicyClass
{
    /// <summary>Null for the default class: what no other class takes.</summary>
    public ClassMap? Class { get; init; }

    /// <summary>Packets above the rate are dropped.</summary>
    public PoliceRate? Police { get; init; }

    /// <summary>Packets above the rate wait, bits per second; excludes <see cref="Police"/>.</summary>
    public long? Shape { get; init; }

    /// <summary>Guaranteed rate where the class around the policy-map is full, bits per second.</summary>
    public long? Bandwidth { get; init; }

    /// <summary>The same as a part of the rate of the class around.</summary>
    public int? BandwidthPercent { get; init; }

    /// <summary>Goes before the other classes; excludes a bandwidth.</summary>
    public bool IsPriority { get; init; }

    /// <summary>What goes before the others, bits per second; packets above it are dropped. Null for all.</summary>
    public long? PriorityRate { get; init; }

    /// <summary>DSCP that packets leave with; null leaves theirs.</summary>
    public byte? Dscp { get; init; }

    /// <summary>What happens within the class.</summary>
    public PolicyMap? Nested { get; init; }

    public string Name => Class?.Name ?? PolicyMap.DefaultClass;
}

/// <summary>Classes in order; the first that fits takes the packet.</summary>
/// <param name="Name">For people.</param>
/// <param name="Classes">The default class is the last, or missing and then without an action.</param>
public sealed record PolicyMap(string Name, ImmutableArray<PolicyClass> Classes)
{
    /// <summary>How the configuration names the default class.</summary>
    public const string DefaultClass = "default";

    /// <summary>Policy-maps within policy-maps, the outermost counted.</summary>
    public const int MaximumDepth = 3;

    /// <summary>Classes of one policy-map with all that are nested in it.</summary>
    public const int MaximumClasses = 256;
}

/// <summary>The policy-maps of a session's interface.</summary>
/// <param name="Input">For what comes from the client.</param>
/// <param name="Output">For what goes to the client.</param>
public sealed record SessionQos(PolicyMap? Input, PolicyMap? Output)
{
    public static SessionQos None { get; } = new(null, null);
}
