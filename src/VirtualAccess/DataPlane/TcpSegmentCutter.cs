using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Cuts a TCP packet that is longer than the MTU into segments, as a network card does for TCP segmentation offload: each has the headers of the whole with its own
/// length, sequence number, identification, flags and checksums.
/// </summary>
internal readonly ref struct TcpSegmentCutter
{
    private const int TcpMinimum = 20;
    private const byte Fin = 0x01;
    private const byte Push = 0x08;
    private const byte CongestionWindowReduced = 0x80;

    private readonly ReadOnlySpan<byte> packet;
    private readonly int transport;
    private readonly int size;
    private readonly bool ipv6;

    /// <summary>Sum of what all segments have in common of the IPv4 header: all but length, identification and checksum.</summary>
    private readonly uint ipSum;

    /// <summary>The same of pseudo header and TCP header: all but length, sequence number, flags and checksum.</summary>
    private readonly uint tcpSum;

    private TcpSegmentCutter(ReadOnlySpan<byte> packet, int transport, int headers, int size, bool ipv6)
    {
        this.packet = packet;
        this.transport = transport;
        this.size = size;
        this.ipv6 = ipv6;
        HeaderLength = headers;
        var tcp = packet[transport..headers];
        tcpSum = InternetChecksum.PseudoHeader(packet, ipv6, 0, IpPacket.Tcp)
            + InternetChecksum.Sum(tcp[..4]) + InternetChecksum.Sum(tcp[8..12]) + InternetChecksum.Sum(tcp[14..16]) + InternetChecksum.Sum(tcp[18..]);
        if (!ipv6) ipSum = InternetChecksum.Sum(packet[..2]) + InternetChecksum.Sum(packet[6..10]) + InternetChecksum.Sum(packet[12..((packet[0] & 15) * 4)]);
    }

    /// <summary>Octets of IP and TCP headers.</summary>
    public int HeaderLength { get; }

    public int Count => (packet.Length - HeaderLength + size - 1) / size;

    /// <summary>Octets of the longest segment.</summary>
    public int LongestSegment => Math.Min(packet.Length, HeaderLength + size);

    /// <summary>Checks that the packet can be cut as its header says.</summary>
    /// <param name="header">Header from the TUN device.</param>
    /// <param name="packet">The whole packet.</param>
    /// <param name="ip">Its IP header.</param>
    /// <param name="cutter">The result.</param>
    public static bool TryPrepare(in VirtioHeader header, ReadOnlySpan<byte> packet, in IpPacket ip, out TcpSegmentCutter cutter)
    {
        cutter = default;
        var type = header.GsoType & ~VirtioHeader.GsoEcn;
        if (type != (ip.IsIPv6 ? VirtioHeader.GsoTcpIPv6 : VirtioHeader.GsoTcpIPv4) || ip.Protocol != IpPacket.Tcp || !ip.HasPorts || header.GsoSize == 0) return false;
        if (packet.Length < ip.TransportOffset + TcpMinimum) return false;
        var headers = ip.TransportOffset + ((packet[ip.TransportOffset + 12] >> 4) * 4);
        if (headers < ip.TransportOffset + TcpMinimum || headers >= packet.Length) return false;
        cutter = new TcpSegmentCutter(packet, ip.TransportOffset, headers, header.GsoSize, ip.IsIPv6);
        return true;
    }

    /// <summary>Writes segment <paramref name="index"/>.</summary>
    /// <returns>Its length.</returns>
    public int Write(int index, Span<byte> output)
    {
        var offset = index * size;
        var payload = packet.Slice(HeaderLength + offset, Math.Min(size, packet.Length - HeaderLength - offset));
        var segment = output[..(HeaderLength + payload.Length)];
        packet[..HeaderLength].CopyTo(segment);
        if (ipv6) BinaryPrimitives.WriteUInt16BigEndian(segment[4..], (ushort)(segment.Length - IpPacket.IPv6Header));
        else WriteIPv4(segment, index);

        var tcp = segment[transport..];
        var sequence = unchecked(BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]) + (uint)offset);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        if (index > 0) tcp[13] &= unchecked((byte)~CongestionWindowReduced);
        if (index < Count - 1) tcp[13] &= unchecked((byte)~(Fin | Push));
        var sum = tcpSum + (uint)tcp.Length + (sequence >> 16) + (sequence & 0xffff) + BinaryPrimitives.ReadUInt16BigEndian(tcp[12..]);
        // TCP's header is a multiple of four octets: the payload's words are those of the whole.
        sum = InternetChecksum.CopyAndSum(payload, segment[HeaderLength..], sum);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], (ushort)~InternetChecksum.Fold(sum));
        return segment.Length;
    }

    private void WriteIPv4(Span<byte> segment, int index)
    {
        var identification = unchecked((ushort)(BinaryPrimitives.ReadUInt16BigEndian(segment[4..]) + index));
        BinaryPrimitives.WriteUInt16BigEndian(segment[2..], (ushort)segment.Length);
        BinaryPrimitives.WriteUInt16BigEndian(segment[4..], identification);
        BinaryPrimitives.WriteUInt16BigEndian(segment[10..], (ushort)~InternetChecksum.Fold(ipSum + (uint)segment.Length + identification));
    }
}
