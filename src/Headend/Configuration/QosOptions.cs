using Headend.VirtualAccess.Policy;

namespace Headend.Configuration;

/// <summary>The class-maps and policy-maps as written; names in them resolve.</summary>
internal sealed record QosOptions(IReadOnlyList<ClassMapOptions> ClassMaps, IReadOnlyList<PolicyMapOptions> PolicyMaps)
{
    public static QosOptions None { get; } = new([], []);
}

/// <param name="Name">Never <c>default</c>.</param>
/// <param name="MatchesAll">All conditions, not one of them.</param>
/// <param name="Any">Every packet.</param>
/// <param name="AccessGroups">Names of access lists; empty = no condition.</param>
/// <param name="Dscp">0 to 63.</param>
/// <param name="Protocols">Empty = no condition.</param>
internal sealed record ClassMapOptions(string Name, bool MatchesAll, bool Any, IReadOnlyList<string> AccessGroups, IReadOnlyList<byte> Dscp, IReadOnlyList<QosProtocol> Protocols);

/// <param name="Name">By which templates and AAA call it.</param>
/// <param name="Classes">In order; <c>default</c> is the last where it stands.</param>
internal sealed record PolicyMapOptions(string Name, IReadOnlyList<PolicyClassOptions> Classes);

/// <summary>What a policy-map does with one class; rates in bits per second.</summary>
internal sealed record PolicyClassOptions
{
    /// <summary>Name of a class-map, or <c>default</c>.</summary>
    public required string Class { get; init; }

    public PoliceRate? Police { get; init; }

    public long? Shape { get; init; }

    public BandwidthOptions? Bandwidth { get; init; }

    public PriorityOptions? Priority { get; init; }

    /// <summary>0 to 63.</summary>
    public byte? SetDscp { get; init; }

    /// <summary>Name of the policy-map within the class.</summary>
    public string? ServicePolicy { get; init; }
}

/// <summary>A guaranteed rate: one of the two.</summary>
internal sealed record BandwidthOptions(long? BitsPerSecond, int? Percent);

/// <summary>Goes first, up to a rate or without bound.</summary>
internal sealed record PriorityOptions(long? BitsPerSecond);
