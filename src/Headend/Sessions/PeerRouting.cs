using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Authorization;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Sessions;

/// <summary>Which networks behind its client a session's interface gets routes to; pure.</summary>
internal static class PeerRouting
{
    /// <summary>
    /// Those that AAA named: route-set=local, Framed-Route and Framed-IPv6-Route, delegated and Framed-IPv6-Prefixes. They are part of the interface's plan: where one
    /// cannot be had, the login fails and says which.
    /// </summary>
    public static ImmutableArray<InterfaceRoute> Assigned(SessionProfile profile, AssignedAddresses? addresses)
    {
        var routes = new List<InterfaceRoute>();
        foreach (var route in profile.PeerRoutes)
            Add(routes, new InterfaceRoute(route.Network, route.Distance ?? 0, Realm(route.Network, route.Tag)), addresses);
        foreach (var prefix in (addresses?.Prefixes ?? []).Concat(profile.DelegatedIpv6Prefix is { } delegated ? [delegated] : []))
            Add(routes, prefix, addresses);
        return [.. routes];
    }

    /// <summary>
    /// Those that the client named itself by its selectors, where route-accept=any lets it; what it has already is left out. A client cannot know what is taken here, so
    /// that a route that cannot be had is left out, too.
    /// </summary>
    public static ImmutableArray<InterfaceRoute> Announced(SessionProfile profile, AssignedAddresses? addresses, IReadOnlyList<TrafficSelector> selectors)
    {
        if (profile.RouteAcceptance is not { } acceptance)
            return [];
        var assigned = Assigned(profile, addresses);
        var routes = new List<InterfaceRoute>();
        foreach (var selector in selectors)
        {
            if (selector.IsNetwork(out var network) && !assigned.Any(r => r.Network == network))
                Add(routes, new InterfaceRoute(network, acceptance.Distance ?? 0, Realm(network, acceptance.Tag)), addresses);
        }

        return [.. routes];
    }

    // One route per destination and metric; the client's own addresses have theirs.
    private static void Add(List<InterfaceRoute> routes, InterfaceRoute route, AssignedAddresses? addresses)
    {
        var isHost = route.Network.PrefixLength == route.Network.BaseAddress.GetAddressBytes().Length * 8;
        if (isHost && (route.Network.BaseAddress.Equals(addresses?.IPv4) || route.Network.BaseAddress.Equals(addresses?.IPv6)))
            return;
        if (!routes.Exists(r => r.Network == route.Network && r.Metric == route.Metric))
            routes.Add(route);
    }

    // Linux has realms for IPv4, of which the destination's has eight bits; other tags are nowhere in its routes.
    private static byte Realm(IPNetwork network, uint? tag) => tag is > 0 and <= byte.MaxValue && network.BaseAddress.GetAddressBytes().Length == 4 ? (byte)tag : (byte)0;
}
