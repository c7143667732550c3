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
    /// <param name="netlink">Takes the steps.</param>
    /// <param name="table">Finds the addresses that are lent.</param>
    /// <param name="held">Keeps the IPv4 one, the source of the routes; to be released when they are gone.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="options">Settings.</param>
    /// <param name="create">Makes the device.</param>
    /// <param name="device">The device.</param>
    /// <param name="lent">What was lent.</param>
    /// <param name="failure">The step that failed; nothing is left of the others.</param>
    public static bool TryCreate<TDevice>(
        NetlinkSocket netlink,
        LentAddressTable table,
        LentAddressHolder held,
        InterfaceRequest request,
        UserSpaceDataPlaneOptions options,
        InterfaceDeviceFactory<TDevice> create,
        [NotNullWhen(true)] out TDevice? device,
        out LentAddresses lent,
        [NotNullWhen(false)] out InterfaceFailure? failure)
        where TDevice : class, IInterfaceDevice
    {
        device = null;
        if (!TryLend(table, request, out lent, out failure)) return false;
        if (!held.TryAcquire(lent.V4, out failure)) return false;
        var created = create(request, out var errno);
        if (created is null)
        {
            failure = new InterfaceFailure($"create {request.Device}", Errno.Describe(errno));
            held.Release(lent.V4);
            return false;
        }

        // Before the device is up: the kernel makes multicast routes for each device with IPv6 and walks all of them at each further login.
        var ipv6 = CarriesIpv6(request, lent) || !Ipv6Switch.TrySet(request.Device, on: false);
        failure = Apply(netlink, Compute(request, options, created.Index, lent, ipv6), undo: null);
        if (failure is not null)
        {
            created.Dispose();
            held.Release(lent.V4);
            return false;
        }

        device = created;
        return true;
    }

    /// <summary>
    /// Changes a standing interface from one request to another: only what differs, each step with its inverse. Addresses come before those they replace go, so that
    /// the interface is never without one.
    /// </summary>
    /// <param name="netlink">For the changes.</param>
    /// <param name="table">Finds the addresses that unnumbered interfaces borrow.</param>
    /// <param name="held">Keeps the IPv4 one.</param>
    /// <param name="from">What stands.</param>
    /// <param name="to">The same with another configuration.</param>
    /// <param name="options">Settings.</param>
    /// <param name="index">Of the device.</param>
    /// <param name="lent">What is lent to it; the new ones on success.</param>
    public static InterfaceFailure? Update(
        NetlinkSocket netlink,
        LentAddressTable table,
        LentAddressHolder held,
        InterfaceRequest from,
        InterfaceRequest to,
        UserSpaceDataPlaneOptions options,
        int index,
        ref LentAddresses lent)
    {
        if (!TryLend(table, to, out var wanted, out var failure)) return failure;
        if (!held.TryAcquire(wanted.V4, out failure)) return failure;
        var standing = lent;
        var steps = Difference(from, to, standing, wanted, options, index);
        if (CarriesIpv6(to, wanted) && !CarriesIpv6(from, standing)) SwitchIpv6On(netlink, to.Device, index);
        failure = Apply(netlink, [.. steps.Select(s => s.Step)], step => steps[step].Undo);
        // What goes is taken away only when all that comes is there: the kernel goes on after a step that fails.
        if (failure is null && standing.V6 is { } gone && !gone.Equals(wanted.V6))
        {
            failure = Apply(netlink, [new($"no address {gone}", NetlinkCodec.DeleteAddress(index, gone))], undo: null);
            if (failure is not null) netlink.Execute([.. steps.Select(s => s.Undo).Reverse()]);
        }

        held.Release(failure is null ? standing.V4 : wanted.V4);
        if (failure is null) lent = wanted;
        return failure;
    }

    private static List<(NetlinkStep Step, NetlinkStep Undo)> Difference(
        InterfaceRequest from, InterfaceRequest to, LentAddresses standing, LentAddresses wanted, UserSpaceDataPlaneOptions options, int index)
    {
        var steps = new List<(NetlinkStep Step, NetlinkStep Undo)>();
        var (oldAlias, newAlias) = (AliasOf(from, options), AliasOf(to, options));
        if (LinkMtu(from) != LinkMtu(to) || oldAlias != newAlias)
        {
            var step = $"mtu and alias of {to.Device}";
            steps.Add((new(step, NetlinkCodec.SetLinkUp(index, LinkMtu(to), newAlias)), new(step, NetlinkCodec.SetLinkUp(index, LinkMtu(from), oldAlias))));
        }

        if (wanted.V6 is { } address && !address.Equals(standing.V6))
            steps.Add((new($"address {address}", NetlinkCodec.AddAddress(index, address)), new($"no address {address}", NetlinkCodec.DeleteAddress(index, address))));
        foreach (var route in to.ClientAddresses.Select(HostRoute).Concat(to.Routes))
        {
            if (RouteMtu(from, route) != RouteMtu(to, route) || !Equals(SourceOf(route, standing), SourceOf(route, wanted)))
                steps.Add((ReplaceStep(to, options, index, route, wanted), ReplaceStep(from, options, index, route, standing)));
        }

        return steps;
    }

    private static bool TryLend(LentAddressTable table, InterfaceRequest request, out LentAddresses lent, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        lent = default;
        if (!table.TryLend(request.Config.IpUnnumbered?.Value, "ip unnumbered", Rtnetlink.AF_INET, out var v4, out failure)) return false;
        if (!table.TryLend(request.Config.Ipv6Unnumbered?.Value, "ipv6 unnumbered", Rtnetlink.AF_INET6, out var v6, out failure)) return false;
        lent = new LentAddresses(v4, v6);
        return true;
    }

    /// <summary>Adds routes to an existing interface; all or none.</summary>
    public static InterfaceFailure? AddRoutes(NetlinkSocket netlink, InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, LentAddresses lent, IEnumerable<InterfaceRoute> routes)
    {
        var all = routes.ToArray();
        if (all.Any(route => IsIpv6(route.Network.BaseAddress))) SwitchIpv6On(netlink, request.Device, index);
        var steps = all.Select(route => RouteStep(request, options, index, route, lent)).ToArray();
        return Apply(netlink, steps, step => new NetlinkStep(
            "undo " + steps[step].Name, NetlinkCodec.Route(add: false, all[step], index, options.RouteProtocol, 0)));
    }

    /// <summary>Takes the routes of the request away, so that another session may have them before the device is gone.</summary>
    public static void RemoveRoutes(NetlinkSocket netlink, InterfaceRequest request, UserSpaceDataPlaneOptions options, int index) =>
        netlink.Execute([.. request.ClientAddresses.Select(HostRoute).Concat(request.Routes).Select(
            route => new NetlinkStep($"no route {route}", NetlinkCodec.Route(add: false, route, index, options.RouteProtocol, 0)))]);

    /// <summary>The steps for a device that exists.</summary>
    internal static List<NetlinkStep> Compute(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, LentAddresses lent, bool ipv6)
    {
        var name = request.Device;
        var alias = AliasOf(request, options);
        var steps = new List<NetlinkStep>();
        if (ipv6)
        {
            // A host without IPv6 has nothing to switch off.
            int[] tolerated = CarriesIpv6(request, lent) ? [] : [Errno.EAFNOSUPPORT, Errno.ENODEV, Errno.EINVAL];
            steps.Add(new NetlinkStep($"no link-local address on {name}", NetlinkCodec.SetNoLinkLocal(index), tolerated));
        }

        steps.Add(new NetlinkStep($"mtu and alias of {name}, {name} up", NetlinkCodec.SetLinkUp(index, LinkMtu(request), alias)));
        if (lent.V6 is not null) steps.Add(new NetlinkStep($"address {lent.V6}/128", NetlinkCodec.AddAddress(index, lent.V6)));
        foreach (var address in request.ClientAddresses)
        {
            steps.Add(RouteStep(request, options, index, HostRoute(address), lent));
        }

        foreach (var route in request.Routes) steps.Add(RouteStep(request, options, index, route, lent));
        return steps;
    }

    /// <summary>The link carries the larger MTU of both families; the smaller one stands at the routes.</summary>
    internal static int LinkMtu(InterfaceRequest request) => Math.Max(request.Config.EffectiveIpMtu, request.Config.EffectiveIpv6Mtu);

    /// <summary>A session that began without IPv6 has it switched off; on one that has it this changes nothing.</summary>
    private static void SwitchIpv6On(NetlinkSocket netlink, string device, int index)
    {
        netlink.Execute([new NetlinkStep($"no link-local address on {device}", NetlinkCodec.SetNoLinkLocal(index))]);
        Ipv6Switch.TrySet(device, on: true);
    }

    private static bool CarriesIpv6(InterfaceRequest request, LentAddresses lent) =>
        lent.V6 is not null || request.ClientAddresses.Any(IsIpv6) || request.Routes.Any(route => IsIpv6(route.Network.BaseAddress));

    private static bool IsIpv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static InterfaceRoute HostRoute(IPAddress address) => new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    private static string AliasOf(InterfaceRequest request, UserSpaceDataPlaneOptions options) =>
        InterfaceMark.Alias(options.StateId, request.Label, request.Config.Description?.Value);

    /// <summary>0 where the link's own MTU holds.</summary>
    private static int RouteMtu(InterfaceRequest request, InterfaceRoute route)
    {
        var own = IsIpv6(route.Network.BaseAddress) ? request.Config.EffectiveIpv6Mtu : request.Config.EffectiveIpMtu;
        return own < LinkMtu(request) ? own : 0;
    }

    /// <summary>Source of the host's own packets over a route. IPv6 chooses the address of the interface by itself.</summary>
    private static IPAddress? SourceOf(InterfaceRoute route, LentAddresses lent) => IsIpv6(route.Network.BaseAddress) ? null : lent.V4;

    private static NetlinkStep RouteStep(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, InterfaceRoute route, LentAddresses lent) =>
        new($"route {route}", NetlinkCodec.Route(add: true, route, index, options.RouteProtocol, RouteMtu(request, route), SourceOf(route, lent)));

    private static NetlinkStep ReplaceStep(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, InterfaceRoute route, LentAddresses lent) =>
        new($"mtu of route {route}", NetlinkCodec.ReplaceRoute(route, index, options.RouteProtocol, RouteMtu(request, route), SourceOf(route, lent)));

    /// <summary>Runs the steps as one batch. Where one fails, those that did not are undone by <paramref name="undo"/>, last first; without it they stand.</summary>
    internal static InterfaceFailure? Apply(NetlinkSocket netlink, IReadOnlyList<NetlinkStep> steps, Func<int, NetlinkStep>? undo)
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
