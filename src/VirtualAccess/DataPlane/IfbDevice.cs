using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The queues of what comes from a client (linux/ifb): the kernel queues packets on their way out of a device alone, so those that come in take a turn through this one.
/// It outlives the process; its alias is found by <see cref="InterfaceMark.RemoveLeftovers"/>.
/// </summary>
internal sealed class IfbDevice : IInterfaceDevice
{
    private const string Suffix = "-in";
    private const int Mtu = 65535;

    private readonly NetlinkSocket netlink;

    private IfbDevice(NetlinkSocket netlink, string name, int index)
    {
        this.netlink = netlink;
        Name = name;
        Index = index;
    }

    public string Name { get; }

    public int Index { get; }

    /// <summary>Makes the device for an interface, up and without IPv6. A former one that <paramref name="closer"/> still has in hand goes first.</summary>
    public static bool TryCreate(
        NetlinkSocket netlink, LinkCloser closer, InterfaceTarget target, string stateId, [NotNullWhen(true)] out IfbDevice? device, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        device = null;
        var name = target.Device + Suffix;
        var alias = InterfaceMark.Alias(stateId, $"what comes from {target.Device}", null);
        // One datagram, which the kernel takes as a whole: there is no moment in which a device of ours stands without its mark.
        NetlinkStep[] steps = [new($"create {name}", TrafficControlCodec.AddIfb(name)), new($"alias of {name}", TrafficControlCodec.SetAlias(name, alias))];
        closer.WaitFor(name);
        var results = netlink.Execute(steps);
        if (results[0] != 0)
        {
            failure = new InterfaceFailure(steps[0].Name, Errno.Describe(results[0]));
            return false;
        }

        var made = new IfbDevice(netlink, name, (int)NativeMethods.InterfaceIndex(name));
        Ipv6Switch.TrySet(name, on: false);
        failure = results[1] != 0
            ? new InterfaceFailure(steps[1].Name, Errno.Describe(results[1]))
            : InterfacePlan.Apply(netlink, [new NetlinkStep($"{name} up", NetlinkCodec.SetLinkUp(made.Index, Mtu, alias))], undo: null);
        if (failure is null) device = made;
        else made.Dispose();
        return failure is null;
    }

    public void Dispose() => netlink.Execute([new NetlinkStep($"delete {Name}", NetlinkCodec.DeleteLink(Index))]);
}
