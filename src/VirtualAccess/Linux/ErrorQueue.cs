using System.Buffers.Binary;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Linux;

/// <summary>A router, or this machine's own interface, has refused a packet as too big. Nothing authenticates it.</summary>
/// <param name="Remote">Where the packet was to go; of a local refusal the address alone.</param>
/// <param name="Mtu">Octets of an outer IP packet that would have passed; 0 from routers that do not say (RFC 1191 5).</param>
/// <param name="IsLocal">This machine's interface.</param>
/// <param name="Spi">SPI of the ESP packet that was quoted; 0 = it was not, or it was no ESP.</param>
internal readonly record struct PathMtuReport(TransportAddress Remote, int Mtu, bool IsLocal, uint Spi);

/// <summary>The error queue of a datagram socket (IP_RECVERR of ip(7), IPV6_RECVERR of ipv6(7)), read for path MTUs alone.</summary>
internal static unsafe class ErrorQueue
{
    /// <summary>Entries in one go, so that a flood of ICMP does not hold up packets.</summary>
    private const int MostEntries = 64;

    private const int ReceiveErrorsIPv4 = 11;
    private const int ReceiveErrorsIPv6 = 25;
    private const int ControlLength = 256;
    private const int QuotedLength = 8;

    /// <summary>Asks the kernel to keep errors.</summary>
    public static bool TryEnable(int descriptor, bool ipv6)
    {
        var on = 1;
        return NativeMethods.SetSocketOption(descriptor, ipv6 ? SocketAddressCodec.SolIpv6 : SocketAddressCodec.SolIp, ipv6 ? ReceiveErrorsIPv6 : ReceiveErrorsIPv4, &on, sizeof(int)) == 0;
    }

    /// <summary>Reads what is there. On any thread.</summary>
    public static void Drain(int descriptor, Action<PathMtuReport> onReport)
    {
        var name = stackalloc byte[SocketAddressCodec.MaximumAddress];
        var control = stackalloc byte[ControlLength];
        var quoted = stackalloc byte[QuotedLength];
        for (var i = 0; i < MostEntries; i++)
        {
            var vector = new IoVector { Base = quoted, Length = QuotedLength };
            var message = new MessageHeader { Name = name, NameLength = SocketAddressCodec.MaximumAddress, Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlLength };
            var length = NativeMethods.ReceiveMessage(descriptor, &message, NativeMethods.MSG_ERRQUEUE | NativeMethods.MSG_DONTWAIT);
            if (length < 0) return;
            var known = SocketAddressCodec.TryRead(new ReadOnlySpan<byte>(name, (int)Math.Min(message.NameLength, SocketAddressCodec.MaximumAddress)), out var remote);
            if (!known || !TryReadMtu(new ReadOnlySpan<byte>(control, (int)Math.Min(message.ControlLength, ControlLength)), out var mtu, out var isLocal)) continue;
            var spi = length >= sizeof(uint) ? BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(quoted, sizeof(uint))) : 0;
            onReport(new PathMtuReport(remote, mtu, isLocal, spi));
        }
    }

    /// <summary>Finds struct sock_extended_err and in it "fragmentation needed" (RFC 1191), Packet Too Big (RFC 4443 3.2) or a refusal of this machine.</summary>
    internal static bool TryReadMtu(ReadOnlySpan<byte> control, out int mtu, out bool isLocal)
    {
        mtu = 0;
        isLocal = false;
        while (SocketAddressCodec.TryNext(ref control, out var level, out var type, out var body))
        {
            if (!((level == SocketAddressCodec.SolIp && type == ReceiveErrorsIPv4) || (level == SocketAddressCodec.SolIpv6 && type == ReceiveErrorsIPv6))) continue;
            if (body.Length < 16 || BitConverter.ToInt32(body) != Errno.EMSGSIZE) continue;
            // ee_origin: 1 this machine, 2 ICMP, 3 ICMPv6; then ee_type and ee_code.
            var (origin, icmpType, icmpCode) = (body[4], body[5], body[6]);
            isLocal = origin == 1;
            if (!isLocal && !(origin == 2 && icmpType == 3 && icmpCode == 4) && !(origin == 3 && icmpType == 2)) continue;
            mtu = (int)Math.Min(BitConverter.ToUInt32(body[8..]), 65535);
            return true;
        }

        return false;
    }
}
