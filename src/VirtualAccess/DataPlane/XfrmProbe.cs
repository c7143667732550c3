using System.Runtime.InteropServices;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Finds out whether this kernel can be the data plane: xfrm interfaces, ESP states and ESP in UDP, each tried for real and taken away again.</summary>
public static class XfrmProbe
{
    private const string ProbeDevice = "viprobe";
    private const int IPPROTO_UDP = 17;
    private const int UDP_ENCAP = 100;

    /// <summary>Of no session: the upper bits of theirs are never all zero.</summary>
    private const uint ProbeInterfaceId = 0x000f_ffff;

    private const uint ProbeSpi = 0xffffff01;

    /// <summary>Null = it can; else the part that is missing and what the kernel says.</summary>
    public static string? FindObstacle()
    {
        try
        {
            using var netlink = new NetlinkSocket();
            using var xfrm = new NetlinkSocket(Xfrm.NETLINK_XFRM);
            return ProbeInterface(netlink) ?? ProbeState(xfrm);
        }
        catch (IOException missing)
        {
            return $"NETLINK_XFRM (module xfrm_user): {missing.Message}";
        }
    }

    /// <summary>Gives ESP that comes to a socket to the kernel (RFC 3948; UDP_ENCAP_ESPINUDP).</summary>
    /// <exception cref="IOException">The kernel does not know how.</exception>
    internal static unsafe void Encapsulate(BatchSocket socket)
    {
        int kind = Xfrm.UDP_ENCAP_ESPINUDP;
        if (NativeMethods.SetSocketOption(socket.Descriptor, IPPROTO_UDP, UDP_ENCAP, &kind, sizeof(int)) != 0)
            throw new IOException($"UDP_ENCAP on {socket.LocalEndPoint}: {Errno.Describe(Marshal.GetLastPInvokeError())}");
    }

    private static string? ProbeInterface(NetlinkSocket netlink)
    {
        var device = XfrmDevice.Create(netlink, ProbeDevice, ProbeInterfaceId, "headend probe", out var errno);
        device?.Dispose();
        return device is null ? $"xfrm interfaces (module xfrm_interface): {Errno.Describe(errno)}" : null;
    }

    private static string? ProbeState(NetlinkSocket xfrm)
    {
        var loopback = TransportAddress.FromIPv4(0x7f000001, 0);
        var state = new XfrmSa
        {
            Spi = ProbeSpi,
            Source = loopback,
            Destination = loopback,
            Encapsulation = EspEncapsulation.Plain,
            InterfaceId = ProbeInterfaceId,
            Transform = new XfrmTransform { EncryptionName = "rfc4106(gcm(aes))", EncryptionKey = new byte[36], IsAead = true, IcvBits = 128 },
            ReplayWindow = 32,
        };
        var errno = xfrm.Execute([new NetlinkStep("probe", XfrmCodec.AddSa(state))])[0];
        xfrm.Execute([new NetlinkStep("no probe", XfrmCodec.DeleteSa(loopback, ProbeSpi))]);
        return errno == 0 ? null : $"ESP with AES-GCM (module esp4): {Errno.Describe(errno)}";
    }
}
