using System.Net.Sockets;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>One address or route of an interface.</summary>
/// <param name="Key">What it is: two items of a key cannot stand beside each other.</param>
/// <param name="Add">Makes it.</param>
/// <param name="Remove">Takes it away; what somebody else took away already is no failure.</param>
/// <param name="Replace">Makes it of the one that stands under its key; null where two of a key are always the same.</param>
internal sealed record InterfaceItem(string Key, NetlinkStep Add, NetlinkStep Remove, NetlinkStep? Replace)
{
    public bool IsSame(InterfaceItem other) => Add.Message.AsSpan().SequenceEqual(other.Add.Message);

    /// <summary>Addresses first, then the client's host routes, then the others.</summary>
    public static List<InterfaceItem> Of(InterfaceRequest request, InterfaceOptions options, int index, LentAddresses lent)
    {
        var items = new List<InterfaceItem>();
        if (lent.V6 is { } own) items.Add(OfAddress(index, new AddressWithLength(own, 128)));
        foreach (var address in request.Config.IpAddresses.Concat(request.Config.Ipv6Addresses)) items.Add(OfAddress(index, address.Value));
        // A link that is down has no routes.
        if (request.Config.Shutdown is not null) return items;
        items.AddRange(request.AllRoutes().Select(route => OfRoute(request, options, index, route, lent)));

        return items;
    }

    /// <summary>A route as it stands for a request.</summary>
    public static InterfaceItem OfRoute(InterfaceRequest request, InterfaceOptions options, int index, InterfaceRoute route, LentAddresses lent)
    {
        var isIpv6 = route.Network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6;
        var table = lent.Vrf?.Table ?? Rtnetlink.RT_TABLE_MAIN;
        var own = isIpv6 ? request.Config.EffectiveIpv6Mtu : request.Config.EffectiveIpMtu;
        // 0 where the link's own MTU holds.
        var mtu = own < InterfacePlan.LinkMtu(request) ? own : 0;
        // IPv6 chooses the address of the interface by itself.
        var source = isIpv6 ? null : lent.V4;
        var name = $"route {route}";
        return new InterfaceItem(
            name,
            new NetlinkStep(name, NetlinkCodec.Route(add: true, route, index, options.RouteProtocol, mtu, source, table)),
            new NetlinkStep("no " + name, NetlinkCodec.Route(add: false, route, index, options.RouteProtocol, 0, null, table), Errno.ESRCH),
            new NetlinkStep($"mtu of {name}", NetlinkCodec.ReplaceRoute(route, index, options.RouteProtocol, mtu, source, table)));
    }

    private static InterfaceItem OfAddress(int index, AddressWithLength address)
    {
        var name = $"address {address}";
        return new InterfaceItem(
            name,
            new NetlinkStep(name, NetlinkCodec.AddAddress(index, address.Address, address.PrefixLength)),
            new NetlinkStep("no " + name, NetlinkCodec.DeleteAddress(index, address.Address, address.PrefixLength), Errno.EADDRNOTAVAIL),
            Replace: null);
    }
}
