namespace Headend.VirtualAccess.Configuration;

/// <summary>The names of the configuration that interface commands may use.</summary>
/// <param name="AccessLists">For <c>ip access-group</c> and <c>ipv6 traffic-filter</c>.</param>
/// <param name="PolicyMaps">For <c>service-policy</c>.</param>
public sealed record InterfaceNames(IReadOnlySet<string> AccessLists, IReadOnlySet<string> PolicyMaps)
{
    /// <summary>For <c>nat inside source pool</c>: pools of addresses of either family.</summary>
    public IReadOnlySet<string> Pools { get; init; } = new HashSet<string>();

    public static InterfaceNames None { get; } = new(new HashSet<string>(), new HashSet<string>());

    /// <summary>The rules where the configuration has no names and the session is not known.</summary>
    public static DerivationRules NoRules { get; } = new(None);

    /// <summary>Every setting that names what is not there.</summary>
    public IEnumerable<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> Unresolved(InterfaceConfig config)
    {
        foreach (var list in new[] { config.InboundAccessGroup, config.OutboundAccessGroup, config.Ipv6InboundAccessGroup, config.Ipv6OutboundAccessGroup })
        {
            if (list is not null && !AccessLists.Contains(list.Value)) yield return (list.Origin, new InterfaceCommandFailure(list.Command, list.Value, $"no access list {list.Value}"));
        }

        foreach (var policy in new[] { config.ServicePolicyInput, config.ServicePolicyOutput })
        {
            if (policy is not null && !PolicyMaps.Contains(policy.Value)) yield return (policy.Origin, new InterfaceCommandFailure(policy.Command, policy.Value, $"no policy map {policy.Value}"));
        }

        foreach (var pool in new[] { config.NatPool, config.Ipv6NatPool })
        {
            if (pool is not null && !Pools.Contains(pool.Value)) yield return (pool.Origin, new InterfaceCommandFailure(pool.Command, pool.Value, $"no pool {pool.Value}"));
        }
    }
}
