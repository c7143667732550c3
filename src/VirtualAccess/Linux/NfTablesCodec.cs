using System.Buffers.Binary;
using System.Text;

namespace Headend.VirtualAccess.Linux;

/// <summary>Writes the few nftables messages (linux/netfilter/nf_tables.h) that every login needs; pure. Everything else goes through libnftables.</summary>
internal static class NfTablesCodec
{
    private const int HeaderBody = 4;
    private const ushort NFNL_MSG_BATCH_BEGIN = 16;
    private const ushort NFNL_MSG_BATCH_END = 17;
    private const ushort NFNL_SUBSYS_NFTABLES = 10;
    private const ushort NFT_MSG_GETTABLE = 1;
    private const ushort NFT_MSG_NEWSETELEM = 12;
    private const ushort NFT_MSG_DELSETELEM = 14;
    private const byte NFPROTO_INET = 1;
    private const ushort NLA_F_NESTED = 0x8000;
    private const ushort NFTA_TABLE_NAME = 1;
    private const ushort NFTA_SET_ELEM_LIST_TABLE = 1;
    private const ushort NFTA_SET_ELEM_LIST_SET = 2;
    private const ushort NFTA_SET_ELEM_LIST_ELEMENTS = 3;
    private const ushort NFTA_LIST_ELEM = 1;
    private const ushort NFTA_SET_ELEM_KEY = 1;
    private const ushort NFTA_SET_ELEM_DATA = 2;
    private const ushort NFTA_DATA_VALUE = 1;
    private const int InterfaceNameLength = 16;
    private const ushort Acknowledged = Rtnetlink.NLM_F_REQUEST | Rtnetlink.NLM_F_ACK;

    public static byte[] Begin() => Header(NFNL_MSG_BATCH_BEGIN, Rtnetlink.NLM_F_REQUEST, 0, NFNL_SUBSYS_NFTABLES).ToArray();

    public static byte[] End() => Header(NFNL_MSG_BATCH_END, Rtnetlink.NLM_F_REQUEST, 0, NFNL_SUBSYS_NFTABLES).ToArray();

    /// <summary>Asks for a table of family inet, outside of a transaction: ENOENT where there is none.</summary>
    public static byte[] GetTable(string table)
    {
        var message = Header((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE, Acknowledged, NFPROTO_INET, 0);
        message.Add(NFTA_TABLE_NAME, Encoding.ASCII.GetBytes(table + "\0"));
        return message.ToArray();
    }

    /// <summary>Adds an interface's name to a set of names in a table of family inet; EEXIST is not an error of the kernel's.</summary>
    public static byte[] AddInterface(string table, string set, string device) => AddElement(table, set, InterfaceKey(device), null);

    public static byte[] RemoveInterface(string table, string set, string device) => RemoveElement(table, set, InterfaceKey(device));

    /// <summary>Adds an element to a set, or with a value to a map; key and value are multiples of four octets, in network byte order.</summary>
    public static byte[] AddElement(string table, string set, byte[] key, byte[]? value) => Element(NFT_MSG_NEWSETELEM, Acknowledged | Rtnetlink.NLM_F_CREATE, table, set, key, value);

    /// <summary>Takes the element of a key away.</summary>
    public static byte[] RemoveElement(string table, string set, byte[] key) => Element(NFT_MSG_DELSETELEM, Acknowledged, table, set, key, null);

    /// <summary>A name as a key of type ifname: of an interface of this machine, so that it is at most 15 octets.</summary>
    public static byte[] InterfaceKey(string device)
    {
        var key = new byte[InterfaceNameLength];
        Encoding.UTF8.GetBytes(device, key);
        return key;
    }

    private static byte[] Element(ushort type, ushort flags, string table, string set, byte[] key, byte[]? value)
    {
        var message = Header((ushort)((NFNL_SUBSYS_NFTABLES << 8) | type), flags, NFPROTO_INET, 0);
        message.Add(NFTA_SET_ELEM_LIST_TABLE, Encoding.ASCII.GetBytes(table + "\0"));
        message.Add(NFTA_SET_ELEM_LIST_SET, Encoding.ASCII.GetBytes(set + "\0"));
        var content = Attribute(NFTA_SET_ELEM_KEY | NLA_F_NESTED, Attribute(NFTA_DATA_VALUE, key));
        if (value is not null) content = [.. content, .. Attribute(NFTA_SET_ELEM_DATA | NLA_F_NESTED, Attribute(NFTA_DATA_VALUE, value))];
        message.Add(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, Attribute(NFTA_LIST_ELEM | NLA_F_NESTED, content));
        return message.ToArray();
    }

    private static NetlinkMessage Header(ushort type, ushort flags, byte family, ushort resource)
    {
        var message = new NetlinkMessage(type, flags, HeaderBody);
        message.Body[0] = family;
        BinaryPrimitives.WriteUInt16BigEndian(message.Body[2..], resource);
        return message;
    }

    // Values of multiples of four octets only.
    private static byte[] Attribute(ushort type, byte[] value)
    {
        var attribute = new byte[4 + value.Length];
        BitConverter.TryWriteBytes(attribute, (ushort)attribute.Length);
        BitConverter.TryWriteBytes(attribute.AsSpan(2), type);
        value.CopyTo(attribute, 4);
        return attribute;
    }
}
