using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>An xfrm interface: what is routed to it passes the kernel's IPsec policies that carry its id, and what those let in comes out of it.</summary>
internal sealed class XfrmDevice : IInterfaceDevice
{
    private readonly NetlinkSocket netlink;

    private XfrmDevice(NetlinkSocket netlink, string name, int index, uint interfaceId)
    {
        this.netlink = netlink;
        Name = name;
        Index = index;
        InterfaceId = interfaceId;
    }

    public string Name { get; }

    public int Index { get; }

    /// <summary>Of its states and policies.</summary>
    public uint InterfaceId { get; }

    /// <summary>Creates the device; an existing one is never taken over.</summary>
    /// <returns>Null with errno on failure.</returns>
    public static XfrmDevice? Create(NetlinkSocket netlink, string name, uint interfaceId, string alias, out int errno)
    {
        errno = netlink.Execute([new NetlinkStep($"create {name}", NetlinkCodec.CreateXfrmLink(name, interfaceId, alias))])[0];
        if (errno != 0) return null;
        var index = (int)NativeMethods.InterfaceIndex(name);
        if (index != 0) return new XfrmDevice(netlink, name, index, interfaceId);
        errno = Errno.ENODEV;
        return null;
    }

    public void Dispose() => netlink.Execute([new NetlinkStep($"delete {Name}", NetlinkCodec.DeleteLink(Index))]);
}
