using Headend.Configuration;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Composition;

/// <summary>What the configuration says about packets of sessions, compiled.</summary>
internal static class PolicyComposition
{
    /// <summary>The access lists by name; every list has been checked.</summary>
    public static IReadOnlyDictionary<string, AccessList> AccessLists(IReadOnlyList<AccessListOptions> options) => AccessListTable.ToLists(options);

    /// <summary>What interface commands may name.</summary>
    public static InterfaceNames NamesOf(HeadendConfiguration configuration) =>
        new(configuration.AccessLists.Select(list => list.Name).ToHashSet(StringComparer.Ordinal), configuration.Qos.PolicyMaps.Select(policy => policy.Name).ToHashSet(StringComparer.Ordinal))
        {
            Pools = configuration.Pools.Where(pool => pool.PrefixLength is null).Select(pool => pool.Name).ToHashSet(StringComparer.Ordinal),
        };
}
