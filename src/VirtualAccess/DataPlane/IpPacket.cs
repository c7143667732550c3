using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>What the data plane needs to know of an inner IP packet.</summary>
internal readonly struct IpPacket
{
    public const int MinimumIPv4 = 20;
    public const int IPv6Header = 40;
    public const byte Icmp = 1;
    public const byte Tcp = 6;
    public const byte Udp = 17;
    public const byte Icmpv6 = 58;
    private const int MaximumExtensionHeaders = 8;

    public UInt128 Source { get; private init; }

    public UInt128 Destination { get; private init; }

    public bool IsIPv6 { get; private init; }

    /// <summary>Upper-layer protocol.</summary>
    public byte Protocol { get; private init; }

    /// <summary>TOS or traffic class octet.</summary>
    public byte TrafficClass { get; private init; }

    /// <summary>Of <see cref="TrafficClass"/>, RFC 3168 5: 0 not ECT, 1 ECT(1), 2 ECT(0), 3 CE.</summary>
    public int Ecn => TrafficClass & 3;

    /// <summary>May not be fragmented: IPv4 with DF, and always IPv6.</summary>
    public bool DontFragment { get; private init; }

    /// <summary>False for fragments without the upper-layer header and for packets too short to have it: ports are opaque (RFC 4301 4.4.1.1).</summary>
    public bool HasPorts { get; private init; }

    /// <summary>Source port; for ICMP type * 256 + code (RFC 7296 3.13.1).</summary>
    public ushort SourcePort { get; private init; }

    public ushort DestinationPort { get; private init; }

    /// <summary>Offset of the upper-layer header; meaningful when <see cref="HasPorts"/>.</summary>
    public int TransportOffset { get; private init; }

    public static bool TryRead(ReadOnlySpan<byte> packet, out IpPacket ip)
    {
        ip = default;
        if (packet.Length < MinimumIPv4) return false;
        return (packet[0] >> 4) switch
        {
            4 => TryReadIPv4(packet, out ip),
            6 => TryReadIPv6(packet, out ip),
            _ => false,
        };
    }

    private static bool TryReadIPv4(ReadOnlySpan<byte> packet, out IpPacket ip)
    {
        ip = default;
        var headerLength = (packet[0] & 15) * 4;
        if (headerLength < MinimumIPv4 || headerLength > packet.Length || BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) != packet.Length) return false;
        var fragment = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        var hasPorts = TryReadPorts(packet, packet[9], headerLength, (fragment & 0x1fff) == 0, out var source, out var destination);
        ip = new IpPacket
        {
            Source = TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(packet[12..]), 0).Address,
            Destination = TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(packet[16..]), 0).Address,
            Protocol = packet[9],
            TrafficClass = packet[1],
            DontFragment = (fragment & 0x4000) != 0,
            HasPorts = hasPorts,
            SourcePort = source,
            DestinationPort = destination,
            TransportOffset = headerLength,
        };
        return true;
    }

    private static bool TryReadIPv6(ReadOnlySpan<byte> packet, out IpPacket ip)
    {
        ip = default;
        if (packet.Length < IPv6Header || BinaryPrimitives.ReadUInt16BigEndian(packet[4..]) + IPv6Header != packet.Length) return false;
        var source6 = BinaryPrimitives.ReadUInt128BigEndian(packet[8..]);
        var destination6 = BinaryPrimitives.ReadUInt128BigEndian(packet[24..]);
        // IPv4-mapped addresses do not travel (RFC 4942 2.2), and here they would pass for the IPv4 addresses of a selector.
        if (IsMapped(source6) || IsMapped(destination6)) return false;
        var protocol = packet[6];
        var offset = IPv6Header;
        var first = SkipExtensions(packet, ref protocol, ref offset);
        var hasPorts = TryReadPorts(packet, protocol, offset, first, out var source, out var destination);
        ip = new IpPacket
        {
            Source = source6,
            Destination = destination6,
            IsIPv6 = true,
            Protocol = protocol,
            TrafficClass = (byte)(BinaryPrimitives.ReadUInt16BigEndian(packet) >> 4),
            DontFragment = true,
            HasPorts = hasPorts,
            SourcePort = source,
            DestinationPort = destination,
            TransportOffset = offset,
        };
        return true;
    }

    private static bool IsMapped(UInt128 address) => address >> 32 == 0xffff;

    /// <summary>Walks hop-by-hop, routing, destination options and fragment headers (RFC 8200 4).</summary>
    /// <returns>False when the upper-layer header is not in this packet.</returns>
    private static bool SkipExtensions(ReadOnlySpan<byte> packet, ref byte protocol, ref int offset)
    {
        for (var i = 0; i < MaximumExtensionHeaders; i++)
        {
            if (protocol is not (0 or 43 or 44 or 60)) return true;
            if (packet.Length < offset + 8) return false;
            var isFragment = protocol == 44;
            protocol = packet[offset];
            if (isFragment && (BinaryPrimitives.ReadUInt16BigEndian(packet[(offset + 2)..]) & 0xfff8) != 0) return false;
            offset += isFragment ? 8 : (packet[offset + 1] + 1) * 8;
        }

        return false;
    }

    private static bool TryReadPorts(ReadOnlySpan<byte> packet, byte protocol, int offset, bool present, out ushort source, out ushort destination)
    {
        source = destination = 0;
        if (!present || packet.Length < offset + 4) return false;
        source = BinaryPrimitives.ReadUInt16BigEndian(packet[offset..]);
        // 132 SCTP, 136 UDP-Lite.
        if (protocol is Tcp or Udp or 132 or 136) destination = BinaryPrimitives.ReadUInt16BigEndian(packet[(offset + 2)..]);
        else if (protocol is Icmp or Icmpv6) destination = source;
        else source = 0;
        return true;
    }
}
