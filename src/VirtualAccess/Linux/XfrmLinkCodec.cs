namespace Headend.VirtualAccess.Linux;

/// <summary>Reads links of kind xfrm out of a dump.</summary>
internal static class XfrmLinkCodec
{
    /// <summary>The interface id of an xfrm link; 0 for any other.</summary>
    public static uint ReadInterfaceId(ReadOnlySpan<byte> body)
    {
        if (body.Length < NetlinkCodec.LinkBody || !XfrmCodec.TryFind(body[NetlinkCodec.LinkBody..], Rtnetlink.IFLA_LINKINFO, out var information)) return 0;
        return XfrmCodec.TryFind(information, Rtnetlink.IFLA_INFO_KIND, out var kind) && kind.TrimEnd((byte)0).SequenceEqual("xfrm"u8)
            && XfrmCodec.TryFind(information, Rtnetlink.IFLA_INFO_DATA, out var data)
            && XfrmCodec.TryFind(data, Rtnetlink.IFLA_XFRM_IF_ID, out var identifier) && identifier.Length == sizeof(uint)
            ? BitConverter.ToUInt32(identifier)
            : 0;
    }
}
