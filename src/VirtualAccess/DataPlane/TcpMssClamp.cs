using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

/// <summary><c>ip tcp adjust-mss</c>: lowers the MSS option of TCP SYN and SYN-ACK, never raises it (RFC 9293 3.2).</summary>
internal static class TcpMssClamp
{
    private const int MinimumTcp = 20;
    private const byte Syn = 0x02;
    private const byte EndOfOptions = 0;
    private const byte NoOperation = 1;
    private const byte MaximumSegmentSize = 2;

    /// <summary>The IPv6 header is 20 octets longer, so the same packet size means a smaller segment.</summary>
    private const int IPv6Difference = IpPacket.IPv6Header - IpPacket.MinimumIPv4;

    /// <summary>Clamps in place.</summary>
    /// <param name="packet">The whole IP packet.</param>
    /// <param name="ip">Its header.</param>
    /// <param name="maximum">MSS for IPv4, octets; IPv6 gets 20 less.</param>
    /// <returns>True when the packet was changed.</returns>
    public static bool Apply(Span<byte> packet, in IpPacket ip, int maximum)
    {
        if (ip.Protocol != IpPacket.Tcp || !ip.HasPorts || packet.Length < ip.TransportOffset + MinimumTcp) return false;
        var tcp = packet[ip.TransportOffset..];
        if ((tcp[13] & Syn) == 0) return false;
        var headerLength = (tcp[12] >> 4) * 4;
        if (headerLength < MinimumTcp || headerLength > tcp.Length) return false;
        var limit = (ushort)(ip.IsIPv6 ? maximum - IPv6Difference : maximum);
        for (var offset = MinimumTcp; offset < headerLength;)
        {
            if (tcp[offset] == EndOfOptions) return false;
            if (tcp[offset] == NoOperation)
            {
                offset++;
                continue;
            }

            if (offset + 1 >= headerLength || tcp[offset + 1] < 2 || offset + tcp[offset + 1] > headerLength) return false;
            if (tcp[offset] == MaximumSegmentSize && tcp[offset + 1] == 4) return Lower(tcp, offset + 2, limit);
            offset += tcp[offset + 1];
        }

        return false;
    }

    private static bool Lower(Span<byte> tcp, int offset, ushort limit)
    {
        var current = BinaryPrimitives.ReadUInt16BigEndian(tcp[offset..]);
        if (current <= limit) return false;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[offset..], limit);
        var sum = BinaryPrimitives.ReadUInt16BigEndian(tcp[16..]);
        // An option at an odd offset sits across two checksum words: its octets count swapped.
        var (before, after) = (offset & 1) == 0 ? (current, limit) : (BinaryPrimitives.ReverseEndianness(current), BinaryPrimitives.ReverseEndianness(limit));
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], InternetChecksum.Update(sum, before, after));
        return true;
    }
}
