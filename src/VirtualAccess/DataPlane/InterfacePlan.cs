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
    /// <param name="table">Finds what others lend: addresses, a VRF.</param>
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
        InterfaceOptions options,
        InterfaceDeviceFactory<TDevice> create,
        [NotNullWhen(true)] out TDevice? device,
        out LentAddresses lent,
        [NotNullWhen(false)] out InterfaceFailure? failure)
        where TDevice : class, IInterfaceDevice
    {
        device = null;
        if (!table.TryLend(request, out lent, out failure)) return false;
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
        failure = Apply(netlink, Compute(request, options, created.Index, lent, ipv6), undo: null) ?? SetSpeed(request);
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
    /// Changes a standing interface from one request to another: only what differs, each step with its inverse. Addresses and routes come before those they replace go, so
    /// that the interface is never without one; but for a change of the VRF, or up and down, which take all of them from it for a moment.
    /// </summary>
    /// <param name="netlink">For the changes.</param>
    /// <param name="table">Finds what others lend: addresses, a VRF.</param>
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
        InterfaceOptions options,
        int index,
        ref LentAddresses lent)
    {
        if (!table.TryLend(to, out var wanted, out var failure)) return failure;
        if (!held.TryAcquire(wanted.V4, out failure)) return failure;
        var standing = lent;
        var plan = InterfaceDifference.Compute(from, to, standing, wanted, options, index);
        if (CarriesIpv6(to, wanted) && !CarriesIpv6(from, standing)) SwitchIpv6On(netlink, to.Device, index);
        failure = Apply(netlink, [.. plan.Coming.Select(s => s.Step)], step => plan.Coming[step].Undo);
        // What goes is taken away only when all that comes is there: the kernel goes on after a step that fails.
        if (failure is null)
        {
            failure = Apply(netlink, [.. plan.Going.Select(s => s.Step)], step => plan.Going[step].Undo);
            if (failure is null && from.Config.Bandwidth?.Value != to.Config.Bandwidth?.Value) failure = SetSpeed(to);
            if (failure is not null) netlink.Execute([.. plan.Going.Concat(plan.Coming).Select(s => s.Undo).Reverse()]);
        }

        held.Release(failure is null ? standing.V4 : wanted.V4);
        if (failure is null) lent = wanted;
        return failure;
    }

    /// <summary>Adds routes to an existing interface; all or none.</summary>
    public static InterfaceFailure? AddRoutes(NetlinkSocket netlink, InterfaceRequest request, InterfaceOptions options, int index, LentAddresses lent, IEnumerable<InterfaceRoute> routes)
    {
        var all = routes.ToArray();
        // On a link that is down they wait for it to come up.
        if (request.Config.Shutdown is not null) return null;
        if (all.Any(route => IsIpv6(route.Network.BaseAddress))) SwitchIpv6On(netlink, request.Device, index);
        var items = all.Select(route => InterfaceItem.OfRoute(request, options, index, route, lent)).ToArray();
        return Apply(netlink, [.. items.Select(i => i.Add)], step => items[step].Remove);
    }

    /// <summary>Takes the routes of the request away, so that another session may have them before the device is gone.</summary>
    public static void RemoveRoutes(NetlinkSocket netlink, InterfaceRequest request, InterfaceOptions options, int index, LentAddresses lent) =>
        netlink.Execute([.. request.AllRoutes().Select(route => InterfaceItem.OfRoute(request, options, index, route, lent).Remove)]);

    /// <summary>The steps for a device that exists.</summary>
    internal static List<NetlinkStep> Compute(InterfaceRequest request, InterfaceOptions options, int index, LentAddresses lent, bool ipv6)
    {
        var name = request.Device;
        var steps = new List<NetlinkStep>();
        if (ipv6)
        {
            // A host without IPv6 has nothing to switch off.
            int[] tolerated = CarriesIpv6(request, lent) ? [] : [Errno.EAFNOSUPPORT, Errno.ENODEV, Errno.EINVAL];
            steps.Add(new NetlinkStep($"no link-local address on {name}", NetlinkCodec.SetNoLinkLocal(index), tolerated));
        }

        if (InterfaceDifference.SetsIPv4(request)) steps.Add(InterfaceDifference.IPv4Step(request, index));
        if (lent.Vrf is { } vrf) steps.Add(InterfaceDifference.VrfStep(request, index, vrf));
        steps.Add(InterfaceDifference.LinkStep(request, options, index));
        steps.AddRange(InterfaceItem.Of(request, options, index, lent).Select(i => i.Add));
        return steps;
    }

    /// <summary>The link carries the larger MTU of both families; the smaller one stands at the routes.</summary>
    internal static int LinkMtu(InterfaceRequest request) => Math.Max(request.Config.EffectiveIpMtu, request.Config.EffectiveIpv6Mtu);

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

    /// <summary>A session that began without IPv6 has it switched off; on one that has it this changes nothing.</summary>
    private static void SwitchIpv6On(NetlinkSocket netlink, string device, int index)
    {
        netlink.Execute([new NetlinkStep($"no link-local address on {device}", NetlinkCodec.SetNoLinkLocal(index))]);
        Ipv6Switch.TrySet(device, on: true);
    }

    private static InterfaceFailure? SetSpeed(InterfaceRequest request)
    {
        if (request.Config.Bandwidth is not { } bandwidth) return null;
        var errno = LinkSpeed.Set(request.Device, bandwidth.Value);
        // An xfrm interface has no speed: there the value is for `show interface`.
        return errno is 0 or Errno.EOPNOTSUPP ? null : new InterfaceFailure(bandwidth.Command, Errno.Describe(errno)) { IsCommand = true };
    }

    private static bool CarriesIpv6(InterfaceRequest request, LentAddresses lent) =>
        lent.V6 is not null || !request.Config.Ipv6Addresses.IsEmpty || request.AllRoutes().Any(route => IsIpv6(route.Network.BaseAddress));

    private static bool IsIpv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6;
}
