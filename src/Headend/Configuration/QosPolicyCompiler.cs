using Headend.VirtualAccess.Policy;

namespace Headend.Configuration;

/// <summary>Makes policy-maps of options whose names resolve and whose policy-maps do not stand within themselves.</summary>
internal static class QosPolicyCompiler
{
    /// <summary>The policy-maps by name.</summary>
    /// <param name="options">As configured.</param>
    /// <param name="lists">The access lists by name.</param>
    public static IReadOnlyDictionary<string, PolicyMap> Compile(QosOptions options, IReadOnlyDictionary<string, AccessList> lists)
    {
        var classes = options.ClassMaps.ToDictionary(
            c => c.Name, c => new ClassMap(c.Name) { MatchesAll = c.MatchesAll, Any = c.Any, AccessGroups = [.. c.AccessGroups.Select(name => lists[name])], Dscp = [.. c.Dscp], Protocols = [.. c.Protocols] }, StringComparer.Ordinal);
        var written = options.PolicyMaps.ToDictionary(p => p.Name, StringComparer.Ordinal);
        var compiled = new Dictionary<string, PolicyMap>(StringComparer.Ordinal);
        foreach (var policy in options.PolicyMaps)
            Add(policy);
        return compiled;

        PolicyMap Add(PolicyMapOptions policy)
        {
            if (compiled.TryGetValue(policy.Name, out var known))
                return known;
            return compiled[policy.Name] = new PolicyMap(policy.Name, [.. policy.Classes.Select(c => new PolicyClass
            {
                Class = c.Class == PolicyMap.DefaultClass ? null : classes[c.Class],
                Police = c.Police,
                Shape = c.Shape,
                Bandwidth = c.Bandwidth?.BitsPerSecond,
                BandwidthPercent = c.Bandwidth?.Percent,
                IsPriority = c.Priority is not null,
                PriorityRate = c.Priority?.BitsPerSecond,
                Dscp = c.SetDscp,
                Nested = c.ServicePolicy is { } inner ? Add(written[inner]) : null,
            })]);
        }
    }
}
