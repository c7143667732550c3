using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Linux;

/// <summary>Where the kernel would send packets for an address.</summary>
/// <param name="IsLocal">This machine has it, or it is a broadcast or multicast address.</param>
/// <param name="Interface">Index of the interface.</param>
/// <param name="IsOnLink">It is a neighbour's there, without a gateway between.</param>
internal readonly record struct RouteLookup(bool IsLocal, int Interface, bool IsOnLink);

/// <summary>Looks routes up and writes proxy neighbours (linux/neighbour.h): addresses that this machine answers for on a network; pure.</summary>
internal static class ProxyCodec
{
    private const int RouteBody = 12;
    private const int NeighborBody = 12;
    private const ushort RTM_GETROUTE = 26;
    private const ushort RTM_NEWNEIGH = 28;
    private const ushort RTM_DELNEIGH = 29;
    private const ushort RTM_GETNEIGH = 30;
    private const ushort RTA_GATEWAY = 5;
    private const ushort RTA_VIA = 18;
    private const ushort NDA_DST = 1;
    private const ushort NDA_PROTOCOL = 12;
    private const byte NTF_PROXY = 0x08;

    /// <summary>Asks by which route packets for an address go; the answer is a message, or an errno such as ENETUNREACH.</summary>
    public static byte[] GetRoute(IPAddress address)
    {
        var octets = address.GetAddressBytes();
        var message = new NetlinkMessage(RTM_GETROUTE, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK, RouteBody);
        message.Body[0] = FamilyOf(address);
        message.Body[1] = (byte)(octets.Length * 8);
        message.Add(Rtnetlink.RTA_DST, octets);
        return message.ToArray();
    }

    public static bool TryReadRoute(ushort type, ReadOnlySpan<byte> body, out RouteLookup route)
    {
        route = default;
        if (type != Rtnetlink.RTM_NEWROUTE || body.Length < RouteBody) return false;
        var (index, isOnLink) = (0, true);
        var attributes = body[RouteBody..];
        while (NetlinkCodec.TryAttribute(ref attributes, out var kind, out var value))
        {
            if (kind == Rtnetlink.RTA_OIF && value.Length == 4) index = BitConverter.ToInt32(value);
            else if (kind is RTA_GATEWAY or RTA_VIA) isOnLink = false;
        }

        route = new RouteLookup(body[7] != Rtnetlink.RTN_UNICAST, index, isOnLink);
        return true;
    }

    /// <summary>Answers for an address on an interface's network, or no longer.</summary>
    /// <param name="add">Answers.</param>
    /// <param name="address">The address.</param>
    /// <param name="index">Of the interface.</param>
    /// <param name="protocol">Marks the entry as ours, like a route's.</param>
    public static byte[] Proxy(bool add, IPAddress address, int index, byte protocol)
    {
        var flags = (ushort)(Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK | (add ? Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_EXCL : 0));
        var message = new NetlinkMessage(add ? RTM_NEWNEIGH : RTM_DELNEIGH, flags, NeighborBody);
        message.Body[0] = FamilyOf(address);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        message.Body[10] = NTF_PROXY;
        message.Add(NDA_DST, address.GetAddressBytes());
        if (add) message.Add(NDA_PROTOCOL, [protocol]);
        return message.ToArray();
    }

    /// <summary>Asks for all proxy neighbours.</summary>
    public static byte[] DumpProxies()
    {
        var message = new NetlinkMessage(RTM_GETNEIGH, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, NeighborBody);
        message.Body[10] = NTF_PROXY;
        return message.ToArray();
    }

    /// <summary>Reads one of the dump.</summary>
    public static bool TryReadProxy(ushort type, ReadOnlySpan<byte> body, byte protocol, out (IPAddress Address, int Interface) proxy)
    {
        proxy = (IPAddress.None, 0);
        if (type != RTM_NEWNEIGH || body.Length < NeighborBody || (body[10] & NTF_PROXY) == 0) return false;
        var isOurs = false;
        IPAddress? address = null;
        var attributes = body[NeighborBody..];
        while (NetlinkCodec.TryAttribute(ref attributes, out var kind, out var value))
        {
            if (kind == NDA_DST && value.Length is 4 or 16) address = new IPAddress(value);
            else if (kind == NDA_PROTOCOL && value.Length == 1) isOurs = value[0] == protocol;
        }

        proxy = (address ?? IPAddress.None, BitConverter.ToInt32(body[4..]));
        return isOurs && address is not null;
    }

    private static byte FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6;
}
