using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Builds ICMP "fragmentation needed and DF set" (RFC 792, RFC 1191) and ICMPv6 Packet Too Big (RFC 4443 3.2). The source is the destination of
/// the packet that did not fit: a local address would be refused by the kernel as martian when it comes in through a TUN device.
/// </summary>
internal static class TooBigMessage
{
    /// <summary>RFC 4443 3.2: "as much of invoking packet as possible without exceeding the minimum IPv6 MTU".</summary>
    private const int MaximumIPv6 = 1280;

    /// <summary>RFC 1812 4.3.2.3: at most 576 octets.</summary>
    private const int MaximumIPv4 = 576;

    public const int MaximumLength = MaximumIPv6;

    /// <summary>Writes the message.</summary>
    /// <param name="output">At least <see cref="MaximumLength"/> octets.</param>
    /// <param name="packet">The packet that did not fit.</param>
    /// <param name="ip">Its header.</param>
    /// <param name="mtu">What would fit, octets.</param>
    /// <returns>Length, or 0 when none may be sent: never about ICMP errors, never to or about groups or broadcasts (RFC 1122 3.2.2).</returns>
    public static int Write(Span<byte> output, ReadOnlySpan<byte> packet, in IpPacket ip, int mtu)
    {
        if (IsIcmpError(packet, ip) || !IsUnicast(ip.Source, ip.IsIPv6) || !IsUnicast(ip.Destination, ip.IsIPv6)) return 0;
        return ip.IsIPv6 ? WriteIPv6(output, packet, mtu) : WriteIPv4(output, packet, mtu);
    }

    private static int WriteIPv4(Span<byte> output, ReadOnlySpan<byte> packet, int mtu)
    {
        var quoted = packet[..Math.Min(packet.Length, MaximumIPv4 - IpPacket.MinimumIPv4 - 8)];
        var length = IpPacket.MinimumIPv4 + 8 + quoted.Length;
        var header = output[..IpPacket.MinimumIPv4];
        header.Clear();
        header[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)length);
        header[8] = 64;
        header[9] = IpPacket.Icmp;
        packet.Slice(16, 4).CopyTo(header[12..]);
        packet.Slice(12, 4).CopyTo(header[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Compute(header));
        var icmp = output[IpPacket.MinimumIPv4..length];
        icmp[..8].Clear();
        icmp[0] = 3;
        icmp[1] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(icmp[6..], (ushort)mtu);
        quoted.CopyTo(icmp[8..]);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Compute(icmp));
        return length;
    }

    private static int WriteIPv6(Span<byte> output, ReadOnlySpan<byte> packet, int mtu)
    {
        var quoted = packet[..Math.Min(packet.Length, MaximumIPv6 - IpPacket.IPv6Header - 8)];
        var icmpLength = 8 + quoted.Length;
        var header = output[..IpPacket.IPv6Header];
        header.Clear();
        header[0] = 0x60;
        BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)icmpLength);
        header[6] = IpPacket.Icmpv6;
        header[7] = 64;
        packet.Slice(24, 16).CopyTo(header[8..]);
        packet.Slice(8, 16).CopyTo(header[24..]);
        var icmp = output.Slice(IpPacket.IPv6Header, icmpLength);
        icmp[..8].Clear();
        icmp[0] = 2;
        BinaryPrimitives.WriteUInt32BigEndian(icmp[4..], (uint)mtu);
        quoted.CopyTo(icmp[8..]);
        var pseudoHeader = InternetChecksum.Sum(header[8..40], (uint)icmpLength + IpPacket.Icmpv6);
        BinaryPrimitives.WriteUInt16BigEndian(icmp[2..], InternetChecksum.Compute(icmp, pseudoHeader));
        return IpPacket.IPv6Header + icmpLength;
    }

    private static bool IsUnicast(UInt128 address, bool ipv6)
    {
        if (ipv6) return address != UInt128.Zero && address >> 120 != 0xff;
        return (byte)((uint)address >> 24) is not (0 or >= 224);
    }

    private static bool IsIcmpError(ReadOnlySpan<byte> packet, in IpPacket ip)
    {
        if (ip.Protocol is not (IpPacket.Icmp or IpPacket.Icmpv6)) return false;
        if (!ip.HasPorts) return true;
        var type = packet[ip.TransportOffset];
        return ip.IsIPv6 ? type < 128 : type is 3 or 4 or 5 or 11 or 12;
    }
}
