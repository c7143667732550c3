using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Linux;

/// <summary>Constants of linux/netlink.h, rtnetlink.h, if_link.h and if_addr.h as far as used.</summary>
internal static class Rtnetlink
{
    public const ushort NLMSG_ERROR = 2;
    public const ushort NLMSG_DONE = 3;
    public const ushort RTM_NEWLINK = 16;
    public const ushort RTM_DELLINK = 17;
    public const ushort RTM_GETLINK = 18;
    public const ushort RTM_NEWADDR = 20;
    public const ushort RTM_DELADDR = 21;
    public const ushort RTM_GETADDR = 22;
    public const ushort RTM_NEWROUTE = 24;
    public const ushort RTM_DELROUTE = 25;
    public const ushort NLM_F_REQUEST = 0x1;
    public const ushort NLM_F_ACK = 0x4;
    public const ushort NLM_F_REPLACE = 0x100;
    public const ushort NLM_F_EXCL = 0x200;
    public const ushort NLM_F_DUMP = 0x300;
    public const ushort NLM_F_CREATE = 0x400;
    public const uint IFF_UP = 1;
    public const byte AF_INET = 2;
    public const byte AF_INET6 = 10;
    public const ushort IFLA_IFNAME = 3;
    public const ushort IFLA_MTU = 4;
    public const ushort IFLA_TXQLEN = 13;
    public const ushort IFLA_LINKINFO = 18;
    public const ushort IFLA_INFO_KIND = 1;
    public const ushort IFLA_INFO_DATA = 2;
    public const ushort IFLA_XFRM_IF_ID = 2;
    public const ushort IFLA_STATS_LINK_64 = 1;
    public const ushort RTM_GETSTATS = 94;
    public const ushort IFLA_IFALIAS = 20;
    public const ushort IFLA_GSO_MAX_SEGS = 40;
    public const ushort IFLA_MASTER = 10;
    public const ushort IFLA_VRF_TABLE = 1;
    public const ushort IFLA_INET_CONF = 1;
    public const ushort IPV4_DEVCONF_RP_FILTER = 8;
    public const ushort IPV4_DEVCONF_PROMOTE_SECONDARIES = 20;
    public const ushort IFLA_AF_SPEC = 26;
    public const ushort IFLA_GROUP = 27;
    public const ushort IFLA_INET6_ADDR_GEN_MODE = 8;
    public const byte IN6_ADDR_GEN_MODE_NONE = 1;
    public const ushort IFA_ADDRESS = 1;
    public const ushort IFA_LOCAL = 2;
    public const byte IFA_F_SECONDARY = 0x01;
    public const byte IFA_F_NODAD = 0x02;
    public const byte RT_SCOPE_UNIVERSE = 0;
    public const byte RT_SCOPE_LINK = 253;
    public const byte RT_TABLE_MAIN = 254;
    public const byte RTN_UNICAST = 1;
    public const ushort RTA_DST = 1;
    public const ushort RTA_OIF = 4;
    public const ushort RTA_PRIORITY = 6;
    public const ushort RTA_PREFSRC = 7;
    public const ushort RTA_METRICS = 8;
    public const ushort RTA_FLOW = 11;
    public const ushort RTAX_MTU = 2;
    public const ushort RTA_TABLE = 15;
}

/// <summary>One netlink message of a batch and what it does, for errors.</summary>
/// <param name="Name">For example <c>route 10.99.0.7/32</c>.</param>
/// <param name="Message">The message, without its sequence number.</param>
/// <param name="Tolerated">errno values that do not count as failure.</param>
internal sealed record NetlinkStep(string Name, byte[] Message, params int[] Tolerated);

/// <summary>A link of a dump.</summary>
internal sealed record LinkRecord(int Index, string Name, string Alias);

/// <summary>Counters of a link since it was made.</summary>
internal readonly record struct LinkCounters(int Index, long InPackets, long OutPackets, long InOctets, long OutOctets, long InDropped, long OutDropped);

/// <summary>An address of a dump.</summary>
internal sealed record AddressRecord(int InterfaceIndex, IPAddress Address, int PrefixLength, byte Scope, bool Secondary);

/// <summary>Writes and reads rtnetlink messages; pure.</summary>
internal static class NetlinkCodec
{
    public const int HeaderLength = 16;
    private const int QueueLength = 1000;
    internal const int LinkBody = 16;
    private const int AddressBody = 8;
    private const int RouteBody = 12;
    private const int StatisticsBody = 12;
    internal const ushort Acknowledged = Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK;
    internal const ushort Create = Acknowledged | Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_EXCL;

    /// <summary>MTU, alias, a queue that holds the burst of a busy moment (the kernel's 500 packets are 6 ms at 1 Gbit/s), and up: the kernel takes them in this order.</summary>
    public static byte[] SetLinkUp(int index, int mtu, string alias) => SetLink(index, mtu, alias, isUp: true);

    /// <summary>The same, up or down.</summary>
    public static byte[] SetLink(int index, int mtu, string alias, bool isUp)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, Acknowledged, LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        BitConverter.TryWriteBytes(message.Body[8..], isUp ? Rtnetlink.IFF_UP : 0);
        BitConverter.TryWriteBytes(message.Body[12..], Rtnetlink.IFF_UP);
        message.Add(Rtnetlink.IFLA_MTU, BitConverter.GetBytes(mtu));
        message.Add(Rtnetlink.IFLA_TXQLEN, BitConverter.GetBytes(QueueLength));
        message.Add(Rtnetlink.IFLA_IFALIAS, Encoding.UTF8.GetBytes(alias));
        return message.ToArray();
    }

    /// <summary>No IPv6 link-local address, and so no router solicitations into the tunnel.</summary>
    public static byte[] SetNoLinkLocal(int index)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, Acknowledged, LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        byte[] mode = [5, 0, (byte)Rtnetlink.IFLA_INET6_ADDR_GEN_MODE, 0, Rtnetlink.IN6_ADDR_GEN_MODE_NONE, 0, 0, 0];
        byte[] family = [12, 0, Rtnetlink.AF_INET6, 0, .. mode];
        message.Add(Rtnetlink.IFLA_AF_SPEC, family);
        return message.ToArray();
    }

    /// <summary>Strict reverse path filter of IPv4, and secondary addresses that outlive their primary.</summary>
    public static byte[] SetIPv4(int index, bool verifySource)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, Acknowledged, LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        message.Add(Rtnetlink.IFLA_AF_SPEC, Attribute(Rtnetlink.AF_INET, Attribute(
            Rtnetlink.IFLA_INET_CONF,
            [.. Attribute(Rtnetlink.IPV4_DEVCONF_RP_FILTER, BitConverter.GetBytes(verifySource ? 1 : 0)), .. Attribute(Rtnetlink.IPV4_DEVCONF_PROMOTE_SECONDARIES, BitConverter.GetBytes(1))])));
        return message.ToArray();
    }

    /// <summary>A link of kind xfrm; the kernel refuses an interface id that another one has (EEXIST).</summary>
    public static byte[] CreateXfrmLink(string name, uint interfaceId, string alias)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, Create, LinkBody);
        message.Add(Rtnetlink.IFLA_IFNAME, [.. Encoding.ASCII.GetBytes(name), 0]);
        message.Add(Rtnetlink.IFLA_IFALIAS, Encoding.UTF8.GetBytes(alias));
        byte[] kind = [8, 0, (byte)Rtnetlink.IFLA_INFO_KIND, 0, .. "xfrm"u8];
        byte[] identifier = [8, 0, (byte)Rtnetlink.IFLA_XFRM_IF_ID, 0, .. BitConverter.GetBytes(interfaceId)];
        byte[] data = [(byte)(4 + identifier.Length), 0, (byte)Rtnetlink.IFLA_INFO_DATA, 0, .. identifier];
        message.Add(Rtnetlink.IFLA_LINKINFO, [.. kind, .. data]);
        // Packets come to it as they leave: its counters know no joined ones.
        message.Add(Rtnetlink.IFLA_GSO_MAX_SEGS, BitConverter.GetBytes(1));
        return message.ToArray();
    }

    /// <summary>64-bit counters of one interface, or with index 0 of all as a dump.</summary>
    public static byte[] GetLinkCounters(int index)
    {
        var flags = index == 0 ? Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP : Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK;
        var message = new NetlinkMessage(Rtnetlink.RTM_GETSTATS, (ushort)flags, StatisticsBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        BitConverter.TryWriteBytes(message.Body[8..], 1u << (Rtnetlink.IFLA_STATS_LINK_64 - 1));
        return message.ToArray();
    }

    /// <summary>Reads what <see cref="GetLinkCounters"/> brings.</summary>
    public static bool TryReadLinkCounters(ReadOnlySpan<byte> body, out LinkCounters counters)
    {
        counters = default;
        if (body.Length < StatisticsBody) return false;
        var attributes = body[StatisticsBody..];
        while (TryAttribute(ref attributes, out var type, out var value))
        {
            if (type != Rtnetlink.IFLA_STATS_LINK_64 || value.Length < 64) continue;
            counters = new LinkCounters(
                BitConverter.ToInt32(body[4..]), BitConverter.ToInt64(value), BitConverter.ToInt64(value[8..]), BitConverter.ToInt64(value[16..]), BitConverter.ToInt64(value[24..]),
                BitConverter.ToInt64(value[48..]), BitConverter.ToInt64(value[56..]));
            return true;
        }

        return false;
    }

    public static byte[] DeleteLink(int index)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_DELLINK, Acknowledged, LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        return message.ToArray();
    }

    public static byte[] SetGroup(int index, uint group)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, Acknowledged, LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        message.Add(Rtnetlink.IFLA_GROUP, BitConverter.GetBytes(group));
        return message.ToArray();
    }

    /// <summary>Deletes all links of a group in one go.</summary>
    public static byte[] DeleteGroup(uint group)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_DELLINK, Acknowledged, LinkBody);
        message.Add(Rtnetlink.IFLA_GROUP, BitConverter.GetBytes(group));
        return message.ToArray();
    }

    /// <summary>Adds a host address.</summary>
    public static byte[] AddAddress(int index, IPAddress address) => AddAddress(index, address, address.GetAddressBytes().Length * 8);

    /// <summary>Adds an address with the network that it stands in.</summary>
    public static byte[] AddAddress(int index, IPAddress address, int prefixLength) => Address(Rtnetlink.RTM_NEWADDR, Create, index, address, prefixLength);

    /// <summary>Deletes an address.</summary>
    public static byte[] DeleteAddress(int index, IPAddress address, int prefixLength) => Address(Rtnetlink.RTM_DELADDR, Acknowledged, index, address, prefixLength);

    private static byte[] Address(ushort type, ushort flags, int index, IPAddress address, int prefixLength)
    {
        var bytes = address.GetAddressBytes();
        var message = new NetlinkMessage(type, flags, AddressBody);
        message.Body[0] = Family(address);
        message.Body[1] = (byte)prefixLength;
        message.Body[2] = Rtnetlink.IFA_F_NODAD;
        message.Body[3] = Rtnetlink.RT_SCOPE_UNIVERSE;
        BitConverter.TryWriteBytes(message.Body[4..], index);
        message.Add(Rtnetlink.IFA_LOCAL, bytes);
        message.Add(Rtnetlink.IFA_ADDRESS, bytes);
        return message.ToArray();
    }

    /// <summary>Adds or deletes a route over an interface.</summary>
    /// <param name="add">False deletes.</param>
    /// <param name="route">Destination, metric and realm; a deletion must name the metric too.</param>
    /// <param name="index">Interface.</param>
    /// <param name="protocol">rtm_protocol.</param>
    /// <param name="mtu">Route MTU, 0 = that of the link.</param>
    /// <param name="source">Source of the host's own packets over the route, null = the kernel chooses.</param>
    public static byte[] Route(bool add, InterfaceRoute route, int index, byte protocol, int mtu, IPAddress? source = null, uint table = Rtnetlink.RT_TABLE_MAIN) =>
        Route(add ? Rtnetlink.RTM_NEWROUTE : Rtnetlink.RTM_DELROUTE, add ? Create : Acknowledged, route, index, protocol, mtu, source, table);

    /// <summary>Gives a route that stands another MTU or source, without a moment in which there is none; makes one that is missing.</summary>
    public static byte[] ReplaceRoute(InterfaceRoute route, int index, byte protocol, int mtu, IPAddress? source, uint table = Rtnetlink.RT_TABLE_MAIN) =>
        Route(Rtnetlink.RTM_NEWROUTE, Acknowledged | Rtnetlink.NLM_F_CREATE | Rtnetlink.NLM_F_REPLACE, route, index, protocol, mtu, source, table);

    private static byte[] Route(ushort type, ushort flags, InterfaceRoute route, int index, byte protocol, int mtu, IPAddress? source, uint table)
    {
        var network = route.Network;
        var v4 = network.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        var message = new NetlinkMessage(type, flags, RouteBody);
        message.Body[0] = Family(network.BaseAddress);
        message.Body[1] = (byte)network.PrefixLength;
        message.Body[4] = table <= byte.MaxValue ? (byte)table : (byte)0;
        message.Body[5] = protocol;
        message.Body[6] = v4 ? Rtnetlink.RT_SCOPE_LINK : Rtnetlink.RT_SCOPE_UNIVERSE;
        message.Body[7] = Rtnetlink.RTN_UNICAST;
        message.Add(Rtnetlink.RTA_DST, network.BaseAddress.GetAddressBytes());
        message.Add(Rtnetlink.RTA_OIF, BitConverter.GetBytes(index));
        if (table > byte.MaxValue) message.Add(Rtnetlink.RTA_TABLE, BitConverter.GetBytes(table));
        if (source is not null) message.Add(Rtnetlink.RTA_PREFSRC, source.GetAddressBytes());
        if (route.Metric > 0) message.Add(Rtnetlink.RTA_PRIORITY, BitConverter.GetBytes(route.Metric));
        if (v4 && route.Realm > 0) message.Add(Rtnetlink.RTA_FLOW, BitConverter.GetBytes((uint)route.Realm));
        if (mtu > 0) message.Add(Rtnetlink.RTA_METRICS, [8, 0, (byte)Rtnetlink.RTAX_MTU, 0, .. BitConverter.GetBytes(mtu)]);
        return message.ToArray();
    }

    public static byte[] DumpLinks() => new NetlinkMessage(Rtnetlink.RTM_GETLINK, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, LinkBody).ToArray();

    /// <summary>Addresses of one interface; the kernel filters by index when NETLINK_GET_STRICT_CHK is set.</summary>
    public static byte[] DumpAddresses(int index, byte family)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_GETADDR, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, AddressBody);
        message.Body[0] = family;
        BitConverter.TryWriteBytes(message.Body[4..], index);
        return message.ToArray();
    }

    /// <summary>Takes the next message off a received buffer.</summary>
    /// <returns>False at the end or when the rest is not a message.</returns>
    public static bool TryNext(ref ReadOnlySpan<byte> buffer, out ushort type, out uint sequence, out ReadOnlySpan<byte> body)
    {
        type = 0;
        sequence = 0;
        body = default;
        if (buffer.Length < HeaderLength) return false;
        var length = BitConverter.ToUInt32(buffer);
        if (length < HeaderLength || length > buffer.Length) return false;
        type = BitConverter.ToUInt16(buffer[4..]);
        sequence = BitConverter.ToUInt32(buffer[8..]);
        body = buffer[HeaderLength..(int)length];
        buffer = buffer[Math.Min(buffer.Length, ((int)length + 3) & ~3)..];
        return true;
    }

    public static bool TryReadLink(ReadOnlySpan<byte> body, out LinkRecord link)
    {
        link = new LinkRecord(0, "", "");
        if (body.Length < LinkBody) return false;
        var attributes = body[LinkBody..];
        var (name, alias) = ("", "");
        while (TryAttribute(ref attributes, out var type, out var value))
        {
            if (type == Rtnetlink.IFLA_IFNAME) name = Encoding.UTF8.GetString(value).TrimEnd('\0');
            else if (type == Rtnetlink.IFLA_IFALIAS) alias = Encoding.UTF8.GetString(value).TrimEnd('\0');
        }

        link = new LinkRecord(BitConverter.ToInt32(body[4..]), name, alias);
        return true;
    }

    public static bool TryReadAddress(ReadOnlySpan<byte> body, out AddressRecord address)
    {
        address = new AddressRecord(0, IPAddress.None, 0, 0, false);
        if (body.Length < AddressBody) return false;
        IPAddress? local = null, peer = null;
        var attributes = body[AddressBody..];
        while (TryAttribute(ref attributes, out var type, out var value))
        {
            if (value.Length is not (4 or 16)) continue;
            if (type == Rtnetlink.IFA_LOCAL) local = new IPAddress(value);
            else if (type == Rtnetlink.IFA_ADDRESS) peer = new IPAddress(value);
        }

        // IPv6 addresses without a peer come as IFA_ADDRESS only.
        if ((local ?? peer) is not { } found) return false;
        address = new AddressRecord(BitConverter.ToInt32(body[4..]), found, body[1], body[3], (body[2] & Rtnetlink.IFA_F_SECONDARY) != 0);
        return true;
    }

    /// <summary>One attribute, padded.</summary>
    internal static byte[] Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        var bytes = new byte[(4 + value.Length + 3) & ~3];
        BitConverter.TryWriteBytes(bytes, (ushort)(4 + value.Length));
        BitConverter.TryWriteBytes(bytes.AsSpan(2), type);
        value.CopyTo(bytes.AsSpan(4));
        return bytes;
    }

    private static byte Family(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6;

    public static bool TryAttribute(scoped ref ReadOnlySpan<byte> buffer, out ushort type, out ReadOnlySpan<byte> value)
    {
        type = 0;
        value = default;
        if (buffer.Length < 4) return false;
        var length = BitConverter.ToUInt16(buffer);
        if (length < 4 || length > buffer.Length) return false;
        type = (ushort)(BitConverter.ToUInt16(buffer[2..]) & 0x3fff);
        value = buffer[4..length];
        buffer = buffer[Math.Min(buffer.Length, (length + 3) & ~3)..];
        return true;
    }
}

/// <summary>Builds one message: header, fixed body, attributes, all aligned to 4.</summary>
internal sealed class NetlinkMessage
{
    private readonly List<byte> bytes;
    private readonly byte[] body;

    public NetlinkMessage(ushort type, ushort flags, int bodyLength)
    {
        body = new byte[bodyLength];
        // More than a state with keys takes: a list that grows leaves copies behind.
        bytes = new List<byte>(bodyLength == XfrmCodec.SaLength ? XfrmCodec.LongestAttributes : 64);
        Type = type;
        Flags = flags;
    }

    public Span<byte> Body => body;

    private ushort Type { get; }

    private ushort Flags { get; }

    public void Add(ushort type, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(header[2..], type);
        bytes.AddRange(header);
        bytes.AddRange(value);
        while (bytes.Count % 4 != 0) bytes.Add(0);
    }

    public byte[] ToArray()
    {
        var message = new byte[NetlinkCodec.HeaderLength + body.Length + bytes.Count];
        BitConverter.TryWriteBytes(message, message.Length);
        BitConverter.TryWriteBytes(message.AsSpan(4), Type);
        BitConverter.TryWriteBytes(message.AsSpan(6), Flags);
        body.CopyTo(message, NetlinkCodec.HeaderLength);
        bytes.CopyTo(message, NetlinkCodec.HeaderLength + body.Length);
        return message;
    }

    /// <summary>Zeroes what was added, for messages with keys; the array of <see cref="ToArray"/> is its holder's.</summary>
    public void Forget()
    {
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(bytes));
        bytes.Clear();
    }
}
