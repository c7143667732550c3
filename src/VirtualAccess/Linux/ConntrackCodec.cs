using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Linux;

/// <summary>A connection that the kernel tracks: who began it, and whose answers it awaits.</summary>
/// <param name="Originator">Source of the first packet.</param>
/// <param name="Responder">Source of the answers, as it is behind this machine: not translated where the originator's destination was.</param>
/// <param name="IsTranslated">One of its ends is.</param>
internal readonly record struct ConntrackRecord(IPAddress Originator, IPAddress Responder, bool IsTranslated);

/// <summary>Reads and deletes tracked connections (linux/netfilter/nfnetlink_conntrack.h); pure.</summary>
internal static class ConntrackCodec
{
    private const int HeaderBody = 4;
    private const ushort NFNL_SUBSYS_CTNETLINK = 1;
    private const ushort IPCTNL_MSG_CT_NEW = 0;
    private const ushort IPCTNL_MSG_CT_GET = 1;
    private const ushort IPCTNL_MSG_CT_DELETE = 2;
    private const ushort NLA_F_NESTED = 0x8000;
    private const ushort CTA_TUPLE_ORIG = 1;
    private const ushort CTA_TUPLE_REPLY = 2;
    private const ushort CTA_STATUS = 3;
    private const ushort CTA_ID = 12;
    private const ushort CTA_ZONE = 18;
    private const ushort CTA_TUPLE_IP = 1;
    private const ushort CTA_IP_V4_SRC = 1;
    private const ushort CTA_IP_V6_SRC = 3;
    private const uint IPS_NAT_MASK = (1 << 4) | (1 << 5);

    /// <summary>Asks for every connection of a family.</summary>
    public static byte[] Dump(AddressFamily family)
    {
        var message = new NetlinkMessage((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_DUMP, HeaderBody);
        message.Body[0] = family == AddressFamily.InterNetwork ? Rtnetlink.AF_INET : Rtnetlink.AF_INET6;
        return message.ToArray();
    }

    /// <summary>Reads one message of the dump.</summary>
    public static bool TryRead(ushort type, ReadOnlySpan<byte> body, out ConntrackRecord record)
    {
        record = default;
        if (type != ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW) || body.Length < HeaderBody) return false;
        IPAddress? originator = null, responder = null;
        var isTranslated = false;
        var attributes = body[HeaderBody..];
        while (NetlinkCodec.TryAttribute(ref attributes, out var kind, out var value))
        {
            if (kind == CTA_TUPLE_ORIG) originator = SourceOf(value);
            else if (kind == CTA_TUPLE_REPLY) responder = SourceOf(value);
            else if (kind == CTA_STATUS && value.Length == 4) isTranslated = (BinaryPrimitives.ReadUInt32BigEndian(value) & IPS_NAT_MASK) != 0;
        }

        if (originator is null || responder is null) return false;
        record = new ConntrackRecord(originator, responder, isTranslated);
        return true;
    }

    /// <summary>Deletes the connection of a message of the dump: by its number, so that one that came into its place meanwhile stays.</summary>
    public static byte[] Delete(ReadOnlySpan<byte> body)
    {
        var message = new NetlinkMessage((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE, Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK, HeaderBody);
        message.Body[0] = body[0];
        var attributes = body[HeaderBody..];
        while (NetlinkCodec.TryAttribute(ref attributes, out var kind, out var value))
        {
            if (kind == CTA_TUPLE_ORIG) message.Add(CTA_TUPLE_ORIG | NLA_F_NESTED, value);
            else if (kind is CTA_ZONE or CTA_ID) message.Add(kind, value);
        }

        return message.ToArray();
    }

    private static IPAddress? SourceOf(ReadOnlySpan<byte> tuple)
    {
        while (NetlinkCodec.TryAttribute(ref tuple, out var kind, out var value))
        {
            if (kind != CTA_TUPLE_IP) continue;
            while (NetlinkCodec.TryAttribute(ref value, out var end, out var address))
            {
                if ((end == CTA_IP_V4_SRC && address.Length == 4) || (end == CTA_IP_V6_SRC && address.Length == 16)) return new IPAddress(address);
            }
        }

        return null;
    }
}
