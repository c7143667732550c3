using System.Text;

namespace Headend.VirtualAccess.Linux;

/// <summary>Messages about VRF devices, and links under them; pure.</summary>
internal static class VrfLinkCodec
{
    /// <summary>Puts the link under a VRF's device; 0 takes it out.</summary>
    public static byte[] SetMaster(int index, int master)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, NetlinkCodec.Acknowledged, NetlinkCodec.LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        message.Add(Rtnetlink.IFLA_MASTER, BitConverter.GetBytes(master));
        return message.ToArray();
    }

    /// <summary>Makes a VRF's device, up. The kernel takes no alias with it.</summary>
    public static byte[] CreateVrf(string name, uint table)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, NetlinkCodec.Create, NetlinkCodec.LinkBody);
        BitConverter.TryWriteBytes(message.Body[8..], Rtnetlink.IFF_UP);
        BitConverter.TryWriteBytes(message.Body[12..], Rtnetlink.IFF_UP);
        message.Add(Rtnetlink.IFLA_IFNAME, [.. Encoding.UTF8.GetBytes(name), 0]);
        message.Add(Rtnetlink.IFLA_LINKINFO, [.. NetlinkCodec.Attribute(Rtnetlink.IFLA_INFO_KIND, "vrf"u8), .. NetlinkCodec.Attribute(Rtnetlink.IFLA_INFO_DATA, NetlinkCodec.Attribute(Rtnetlink.IFLA_VRF_TABLE, BitConverter.GetBytes(table)))]);
        return message.ToArray();
    }

    public static byte[] SetAlias(int index, string alias)
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_NEWLINK, NetlinkCodec.Acknowledged, NetlinkCodec.LinkBody);
        BitConverter.TryWriteBytes(message.Body[4..], index);
        message.Add(Rtnetlink.IFLA_IFALIAS, Encoding.UTF8.GetBytes(alias));
        return message.ToArray();
    }

    /// <summary>Links of kind vrf; a kernel that does not filter sends all.</summary>
    public static byte[] DumpVrfs()
    {
        var message = new NetlinkMessage(Rtnetlink.RTM_GETLINK, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, NetlinkCodec.LinkBody);
        message.Add(Rtnetlink.IFLA_LINKINFO, NetlinkCodec.Attribute(Rtnetlink.IFLA_INFO_KIND, "vrf"u8));
        return message.ToArray();
    }

    /// <summary>The table of a VRF's link; 0 for any other.</summary>
    public static uint ReadVrfTable(ReadOnlySpan<byte> body)
    {
        if (body.Length < NetlinkCodec.LinkBody) return 0;
        var attributes = body[NetlinkCodec.LinkBody..];
        while (NetlinkCodec.TryAttribute(ref attributes, out var type, out var value))
        {
            if (type != Rtnetlink.IFLA_LINKINFO) continue;
            var (isVrf, table) = (false, 0u);
            while (NetlinkCodec.TryAttribute(ref value, out var inner, out var content))
            {
                if (inner == Rtnetlink.IFLA_INFO_KIND) isVrf = content.TrimEnd((byte)0).SequenceEqual("vrf"u8);
                else if (inner == Rtnetlink.IFLA_INFO_DATA && NetlinkCodec.TryAttribute(ref content, out var data, out var number) && data == Rtnetlink.IFLA_VRF_TABLE && number.Length == 4)
                    table = BitConverter.ToUInt32(number);
            }

            return isVrf ? table : 0;
        }

        return 0;
    }
}
