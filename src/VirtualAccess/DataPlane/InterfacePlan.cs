using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The kernel changes for one interface: computed as a list of netlink messages, applied in order as one batch, undone as a whole. What a plan
/// made vanishes with the device, so undoing is closing it; routes added later are undone one by one.
/// </summary>
internal static class InterfacePlan
{
    /// <summary>Creates the device and applies the plan.</summary>
    public static bool TryCreate(
        NetlinkSocket netlink, LentAddressTable lent, InterfaceRequest request, UserSpaceDataPlaneOptions options, [NotNullWhen(true)] out TunDevice? device, out ImmutableArray<IPAddress> addresses, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        device = null;
        addresses = [];
        if (!lent.TryLend(request.Config.IpUnnumbered?.Value, "ip unnumbered", Rtnetlink.AF_INET, out var lent4, out failure)) return false;
        if (!lent.TryLend(request.Config.Ipv6Unnumbered?.Value, "ipv6 unnumbered", Rtnetlink.AF_INET6, out var lent6, out failure)) return false;
        var created = TunDevice.Create(request.Device, out var errno);
        if (created is null)
        {
            failure = new InterfaceFailure($"create {request.Device}", Errno.Describe(errno));
            return false;
        }

        failure = Apply(netlink, Compute(request, options, created.Index, lent4, lent6), undo: null);
        if (failure is not null)
        {
            created.Dispose();
            return false;
        }

        device = created;
        addresses = [.. new[] { lent4, lent6 }.OfType<IPAddress>()];
        return true;
    }

    /// <summary>
    /// Changes a standing interface from one request to another: only what differs, each step with its inverse. Addresses come before those they replace go, so that
    /// the interface is never without one.
    /// </summary>
    /// <param name="netlink">For the changes.</param>
    /// <param name="lent">Finds the addresses that unnumbered interfaces borrow.</param>
    /// <param name="from">What stands.</param>
    /// <param name="to">The same with another configuration.</param>
    /// <param name="options">Settings.</param>
    /// <param name="index">Of the device.</param>
    /// <param name="addresses">The interface's own addresses; the new ones on success.</param>
    public static InterfaceFailure? Update(
        NetlinkSocket netlink, LentAddressTable lent, InterfaceRequest from, InterfaceRequest to, UserSpaceDataPlaneOptions options, int index, ref ImmutableArray<IPAddress> addresses)
    {
        if (!lent.TryLend(to.Config.IpUnnumbered?.Value, "ip unnumbered", Rtnetlink.AF_INET, out var new4, out var failure)) return failure;
        if (!lent.TryLend(to.Config.Ipv6Unnumbered?.Value, "ipv6 unnumbered", Rtnetlink.AF_INET6, out var new6, out failure)) return failure;
        var standing = addresses;
        var steps = new List<(NetlinkStep Step, NetlinkStep Undo)>();
        var (oldAlias, newAlias) = (AliasOf(from, options), AliasOf(to, options));
        if (LinkMtu(from) != LinkMtu(to) || oldAlias != newAlias)
        {
            var step = $"mtu and alias of {to.Device}";
            steps.Add((new(step, NetlinkCodec.SetLink(index, LinkMtu(to), newAlias)), new(step, NetlinkCodec.SetLink(index, LinkMtu(from), oldAlias))));
        }

        foreach (var network in to.ClientAddresses.Select(HostNetwork).Concat(to.Routes))
        {
            var (oldMtu, newMtu) = (RouteMtu(from, network), RouteMtu(to, network));
            if (oldMtu != newMtu) steps.Add((ReplaceStep(options, index, network, newMtu), ReplaceStep(options, index, network, oldMtu)));
        }

        ImmutableArray<IPAddress> wanted = [.. new[] { new4, new6 }.OfType<IPAddress>()];
        foreach (var address in wanted.Where(a => !standing.Contains(a)))
            steps.Add((new($"address {address}", NetlinkCodec.AddAddress(index, address)), new($"no address {address}", NetlinkCodec.DeleteAddress(index, address))));
        // What goes is taken away only when all that comes is there: the kernel goes on after a step that fails.
        var removals = new List<(NetlinkStep Step, NetlinkStep Undo)>();
        foreach (var address in standing.Where(a => !wanted.Contains(a)))
            removals.Add((new($"no address {address}", NetlinkCodec.DeleteAddress(index, address)), new($"address {address}", NetlinkCodec.AddAddress(index, address))));
        // With its last IPv4 address an interface loses its IPv4 routes (fib_disable_ip of the kernel).
        if (standing.Any(IsIPv4) && !wanted.Any(IsIPv4))
        {
            foreach (var network in to.ClientAddresses.Select(HostNetwork).Concat(to.Routes).Where(n => IsIPv4(n.BaseAddress)))
                removals.Add((ReplaceStep(options, index, network, RouteMtu(to, network)), ReplaceStep(options, index, network, RouteMtu(from, network))));
        }

        failure = Apply(netlink, [.. steps.Select(s => s.Step)], step => steps[step].Undo);
        if (failure is not null) return failure;
        failure = Apply(netlink, [.. removals.Select(s => s.Step)], step => removals[step].Undo);
        if (failure is not null) netlink.Execute([.. steps.Select(s => s.Undo).Reverse()]);
        if (failure is null) addresses = wanted;
        return failure;
    }

    /// <summary>Adds routes to an existing interface; all or none.</summary>
    public static InterfaceFailure? AddRoutes(NetlinkSocket netlink, InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, IEnumerable<IPNetwork> routes)
    {
        var networks = routes.ToArray();
        var steps = networks.Select(network => RouteStep(request, options, index, network)).ToArray();
        return Apply(netlink, steps, step => new NetlinkStep(
            "undo " + steps[step].Name, NetlinkCodec.Route(add: false, networks[step], index, options.RouteProtocol, 0)));
    }

    /// <summary>Takes the routes of the request away, so that another session may have them before the device is gone.</summary>
    public static void RemoveRoutes(NetlinkSocket netlink, InterfaceRequest request, UserSpaceDataPlaneOptions options, int index) =>
        netlink.Execute([.. request.ClientAddresses.Select(HostNetwork).Concat(request.Routes).Select(
            network => new NetlinkStep($"no route {network}", NetlinkCodec.Route(add: false, network, index, options.RouteProtocol, 0)))]);

    /// <summary>The steps for a device that exists.</summary>
    internal static List<NetlinkStep> Compute(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, IPAddress? lent4, IPAddress? lent6)
    {
        var name = request.Device;
        var alias = AliasOf(request, options);
        var ipv6 = lent6 is not null || request.ClientAddresses.Any(a => a.AddressFamily == AddressFamily.InterNetworkV6);
        var steps = new List<NetlinkStep>
        {
            new($"mtu and alias of {name}", NetlinkCodec.SetLink(index, LinkMtu(request), alias)),
            // A host without IPv6 has nothing to switch off.
            new($"no link-local address on {name}", NetlinkCodec.SetNoLinkLocal(index), ipv6 ? [] : [Errno.EAFNOSUPPORT, Errno.ENODEV, Errno.EINVAL]),
            new($"{name} up", NetlinkCodec.SetUp(index)),
        };
        if (lent4 is not null) steps.Add(new NetlinkStep($"address {lent4}/32", NetlinkCodec.AddAddress(index, lent4)));
        if (lent6 is not null) steps.Add(new NetlinkStep($"address {lent6}/128", NetlinkCodec.AddAddress(index, lent6)));
        foreach (var address in request.ClientAddresses)
        {
            steps.Add(RouteStep(request, options, index, HostNetwork(address)));
        }

        foreach (var network in request.Routes) steps.Add(RouteStep(request, options, index, network));
        return steps;
    }

    /// <summary>The link carries the larger MTU of both families; the smaller one stands at the routes.</summary>
    internal static int LinkMtu(InterfaceRequest request) => Math.Max(request.Config.EffectiveIpMtu, request.Config.EffectiveIpv6Mtu);

    private static IPNetwork HostNetwork(IPAddress address) => new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    private static bool IsIPv4(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork;

    private static string AliasOf(InterfaceRequest request, UserSpaceDataPlaneOptions options) =>
        InterfaceMark.Alias(options.StateId, request.Label, request.Config.Description?.Value);

    /// <summary>0 where the link's own MTU holds.</summary>
    private static int RouteMtu(InterfaceRequest request, IPNetwork network)
    {
        var own = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? request.Config.EffectiveIpMtu : request.Config.EffectiveIpv6Mtu;
        return own < LinkMtu(request) ? own : 0;
    }

    private static NetlinkStep RouteStep(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, IPNetwork network) =>
        new($"route {network}", NetlinkCodec.Route(add: true, network, index, options.RouteProtocol, RouteMtu(request, network)));

    private static NetlinkStep ReplaceStep(UserSpaceDataPlaneOptions options, int index, IPNetwork network, int mtu) =>
        new($"mtu of route {network}", NetlinkCodec.ReplaceRoute(network, index, options.RouteProtocol, mtu));

    private static InterfaceFailure? Apply(NetlinkSocket netlink, IReadOnlyList<NetlinkStep> steps, Func<int, NetlinkStep>? undo)
    {
        var results = netlink.Execute(steps);
        var failed = -1;
        for (var i = 0; i < results.Length && failed < 0; i++)
        {
            if (results[i] != 0 && !steps[i].Tolerated.Contains(results[i])) failed = i;
        }

        if (failed < 0) return null;
        if (undo is not null)
        {
            // The kernel went on after the failure: whatever succeeded is undone, last first.
            netlink.Execute([.. Enumerable.Range(0, results.Length).Where(i => results[i] == 0).Reverse().Select(undo)]);
        }

        return new InterfaceFailure(steps[failed].Name, Errno.Describe(results[failed]));
    }
}
