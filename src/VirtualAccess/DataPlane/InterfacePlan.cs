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
    /// <param name="lent">Finds the addresses that are lent.</param>
    /// <param name="held">Keeps the IPv4 one.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="options">Settings.</param>
    /// <param name="device">The device.</param>
    /// <param name="lent4">The source of the routes; to be released when they are gone.</param>
    /// <param name="failure">The step that failed; nothing is left of the others.</param>
    public static bool TryCreate(
        NetlinkSocket netlink,
        LentAddressTable lent,
        LentAddressHolder held,
        InterfaceRequest request,
        UserSpaceDataPlaneOptions options,
        [NotNullWhen(true)] out TunDevice? device,
        out IPAddress? lent4,
        [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        device = null;
        if (!lent.TryLend(request.Config.IpUnnumbered?.Value, "ip unnumbered", Rtnetlink.AF_INET, out lent4, out failure)) return false;
        if (!lent.TryLend(request.Config.Ipv6Unnumbered?.Value, "ipv6 unnumbered", Rtnetlink.AF_INET6, out var lent6, out failure)) return false;
        if (!held.TryAcquire(lent4, out failure)) return false;
        var created = TunDevice.Create(request.Device, out var errno);
        if (created is null)
        {
            failure = new InterfaceFailure($"create {request.Device}", Errno.Describe(errno));
            held.Release(lent4);
            return false;
        }

        // Before the device is up: the kernel makes multicast routes for each device with IPv6 and walks all of them at each further login.
        var ipv6 = CarriesIpv6(request, lent6) || !Ipv6Switch.TrySet(request.Device, on: false);
        failure = Apply(netlink, Compute(request, options, created.Index, lent4, lent6, ipv6), undo: null);
        if (failure is not null)
        {
            created.Dispose();
            held.Release(lent4);
            return false;
        }

        device = created;
        return true;
    }

    /// <summary>Adds routes to an existing interface; all or none.</summary>
    public static InterfaceFailure? AddRoutes(NetlinkSocket netlink, InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, IPAddress? lent4, IEnumerable<IPNetwork> routes)
    {
        var networks = routes.ToArray();
        if (networks.Any(network => IsIpv6(network.BaseAddress)))
        {
            // A session that began without IPv6 has it switched off; on one that has it this changes nothing.
            netlink.Execute([new NetlinkStep($"no link-local address on {request.Device}", NetlinkCodec.SetNoLinkLocal(index))]);
            Ipv6Switch.TrySet(request.Device, on: true);
        }

        var steps = networks.Select(network => RouteStep(request, options, index, network, lent4)).ToArray();
        return Apply(netlink, steps, step => new NetlinkStep(
            "undo " + steps[step].Name, NetlinkCodec.Route(add: false, networks[step], index, options.RouteProtocol, 0)));
    }

    /// <summary>Takes the routes of the request away, so that another session may have them before the device is gone.</summary>
    public static void RemoveRoutes(NetlinkSocket netlink, InterfaceRequest request, UserSpaceDataPlaneOptions options, int index) =>
        netlink.Execute([.. request.ClientAddresses.Select(HostNetwork).Concat(request.Routes).Select(
            network => new NetlinkStep($"no route {network}", NetlinkCodec.Route(add: false, network, index, options.RouteProtocol, 0)))]);

    /// <summary>The steps for a device that exists.</summary>
    internal static List<NetlinkStep> Compute(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, IPAddress? lent4, IPAddress? lent6, bool ipv6)
    {
        var name = request.Device;
        var alias = InterfaceMark.Alias(options.StateId, request.Label, request.Config.Description?.Value);
        var steps = new List<NetlinkStep>();
        if (ipv6)
        {
            // A host without IPv6 has nothing to switch off.
            int[] tolerated = CarriesIpv6(request, lent6) ? [] : [Errno.EAFNOSUPPORT, Errno.ENODEV, Errno.EINVAL];
            steps.Add(new NetlinkStep($"no link-local address on {name}", NetlinkCodec.SetNoLinkLocal(index), tolerated));
        }

        steps.Add(new NetlinkStep($"mtu and alias of {name}, {name} up", NetlinkCodec.SetLinkUp(index, LinkMtu(request), alias)));
        if (lent6 is not null) steps.Add(new NetlinkStep($"address {lent6}/128", NetlinkCodec.AddAddress(index, lent6)));
        foreach (var address in request.ClientAddresses)
        {
            steps.Add(RouteStep(request, options, index, HostNetwork(address), lent4));
        }

        foreach (var network in request.Routes) steps.Add(RouteStep(request, options, index, network, lent4));
        return steps;
    }

    /// <summary>The link carries the larger MTU of both families; the smaller one stands at the routes.</summary>
    internal static int LinkMtu(InterfaceRequest request) => Math.Max(request.Config.EffectiveIpMtu, request.Config.EffectiveIpv6Mtu);

    private static bool CarriesIpv6(InterfaceRequest request, IPAddress? lent6) =>
        lent6 is not null || request.ClientAddresses.Any(IsIpv6) || request.Routes.Any(network => IsIpv6(network.BaseAddress));

    private static bool IsIpv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;

    private static IPNetwork HostNetwork(IPAddress address) => new(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);

    private static NetlinkStep RouteStep(InterfaceRequest request, UserSpaceDataPlaneOptions options, int index, IPNetwork network, IPAddress? lent4)
    {
        var ipv6 = IsIpv6(network.BaseAddress);
        var own = ipv6 ? request.Config.EffectiveIpv6Mtu : request.Config.EffectiveIpMtu;
        return new NetlinkStep($"route {network}", NetlinkCodec.Route(add: true, network, index, options.RouteProtocol, own < LinkMtu(request) ? own : 0, ipv6 ? null : lent4));
    }

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
