using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Finds out whether this kernel can be the data plane: xfrm interfaces, ESP of both address families by itself and in UDP, the largest replay window and each algorithm,
/// each made for real and taken away again.
/// </summary>
public static class XfrmProbe
{
    /// <summary>Networks behind the headend in one profile: each is a policy of every session.</summary>
    public const int LargestTraffic = XfrmSelectorCompiler.MaximumPolicies;

    private const int IPPROTO_UDP = 17;
    private const int UDP_ENCAP = 100;
    private const int LargestWindow = 4096;

    // Headends that start at the same time do not find each other's probes.
    private static readonly string ProbeDevice = string.Create(CultureInfo.InvariantCulture, $"viprobe{Environment.ProcessId}");

    /// <summary>Of no session: the upper bits of theirs are never all zero.</summary>
    private static readonly uint ProbeInterfaceId = 0x8_0000 | ((uint)Environment.ProcessId & 0x7_ffff);

    private static readonly uint ProbeSpi = 0xff00_0000 | (uint)Environment.ProcessId;

    private static readonly TransportAddress Loopback = TransportAddress.FromIPv4(0x7f000001, 4500);
    private static readonly TransportAddress Ipv6Loopback = new(UInt128.One, 4500);

    /// <summary>Null = it can; else the part that is missing and what the kernel says.</summary>
    /// <param name="algorithms">What is to be computed.</param>
    public static string? FindObstacle(IReadOnlyCollection<EspAlgorithm> algorithms)
    {
        try
        {
            using var netlink = new NetlinkSocket();
            using var xfrm = new NetlinkSocket(Xfrm.NETLINK_XFRM);
            using var packets = new InformSocket();
            return ProbeInterface(netlink) ?? ProbeAddresses(xfrm, algorithms.FirstOrDefault() ?? EspAlgorithmTable.Rows[0]) ?? algorithms.Select(algorithm => ProbeAlgorithm(xfrm, algorithm)).FirstOrDefault(fault => fault is not null);
        }
        catch (IOException missing)
        {
            return $"netlink, NETLINK_XFRM (module xfrm_user) or packet sockets: {missing.Message}";
        }
    }

    /// <summary>Gives ESP that comes to a socket to the kernel (RFC 3948; UDP_ENCAP_ESPINUDP).</summary>
    /// <exception cref="IOException">The kernel does not know how.</exception>
    internal static void Encapsulate(BatchSocket socket)
    {
        var errno = Encapsulate(socket.Descriptor);
        if (errno != 0) throw new IOException($"UDP_ENCAP on {socket.LocalEndPoint}: {Errno.Describe(errno)}");
    }

    private static unsafe int Encapsulate(int descriptor)
    {
        int kind = Xfrm.UDP_ENCAP_ESPINUDP;
        return NativeMethods.SetSocketOption(descriptor, IPPROTO_UDP, UDP_ENCAP, &kind, sizeof(int)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    private static string? ProbeInterface(NetlinkSocket netlink)
    {
        var device = XfrmDevice.Create(netlink, ProbeDevice, ProbeInterfaceId, "headend probe", out var errno);
        device?.Dispose();
        return device is null ? $"xfrm interfaces (module xfrm_interface): {Errno.Describe(errno)}" : null;
    }

    private static string? ProbeAddresses(NetlinkSocket xfrm, EspAlgorithm algorithm)
    {
        foreach (var address in Socket.OSSupportsIPv6 ? new[] { Loopback, Ipv6Loopback } : [Loopback])
        {
            var family = address.IsIPv4 ? "IPv4" : "IPv6";
            foreach (var encapsulation in new[] { EspEncapsulation.Plain, EspEncapsulation.Udp })
            {
                var errno = ProbeState(xfrm, address, encapsulation, algorithm);
                if (errno != 0)
                    return $"ESP {(encapsulation == EspEncapsulation.Udp ? "in UDP " : "")}over {family} with {algorithm} (module {(address.IsIPv4 ? "esp4" : "esp6")}): {Errno.Describe(errno)}";
            }

            using var socket = new Socket(address.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
            var refused = Encapsulate((int)socket.Handle);
            if (refused != 0) return $"UDP_ENCAP over {family}: {Errno.Describe(refused)}";
        }

        return null;
    }

    private static string? ProbeAlgorithm(NetlinkSocket xfrm, EspAlgorithm algorithm)
    {
        var errno = ProbeState(xfrm, Loopback, EspEncapsulation.Plain, algorithm);
        return errno == 0 ? null : $"ESP with {algorithm}: {Errno.Describe(errno)}";
    }

    private static int ProbeState(NetlinkSocket xfrm, TransportAddress address, EspEncapsulation encapsulation, EspAlgorithm algorithm)
    {
        var keys = new EspKeys(Key(algorithm.EncryptionKeyLength), Key(algorithm.IntegrityKeyLength));
        if (!XfrmTransform.TryTranslate(algorithm, keys, out var transform)) return Errno.EOPNOTSUPP;
        var state = new XfrmSa
        {
            Spi = ProbeSpi,
            Source = address,
            Destination = address,
            Encapsulation = encapsulation,
            InterfaceId = ProbeInterfaceId,
            Transform = transform with { IsEsn = true },
            ReplayWindow = LargestWindow,
        };
        var errno = xfrm.Execute([new NetlinkStep("probe", XfrmCodec.AddSa(state))])[0];
        if (errno == 0) xfrm.Execute([new NetlinkStep("no probe", XfrmCodec.DeleteSa(address, ProbeSpi))]);
        return errno;
    }

    /// <summary>Octets that differ: 3DES takes no key whose parts are the same (RFC 2451 2.3).</summary>
    private static byte[] Key(int length) => [.. Enumerable.Range(1, length).Select(octet => (byte)octet)];
}
