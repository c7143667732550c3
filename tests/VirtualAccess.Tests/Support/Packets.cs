using System.Buffers.Binary;
using System.Net;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.Support;

internal static class Packets
{
    /// <summary>A UDP packet with a recognizable payload.</summary>
    public static byte[] Udp(string source, string destination, int payload, ushort sourcePort = 1000, ushort destinationPort = 2000)
    {
        var (from, to) = (IPAddress.Parse(source).GetAddressBytes(), IPAddress.Parse(destination).GetAddressBytes());
        var v4 = from.Length == 4;
        var header = v4 ? 20 : 40;
        var packet = new byte[header + 8 + payload];
        if (v4)
        {
            packet[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)packet.Length);
            packet[8] = 64;
            packet[9] = 17;
            from.CopyTo(packet, 12);
            to.CopyTo(packet, 16);
        }
        else
        {
            packet[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), (ushort)(packet.Length - 40));
            packet[6] = 17;
            packet[7] = 64;
            from.CopyTo(packet, 8);
            to.CopyTo(packet, 24);
        }

        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header), sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header + 2), destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(header + 4), (ushort)(8 + payload));
        for (var i = 0; i < payload; i++) packet[header + 8 + i] = (byte)i;
        return packet;
    }

    /// <summary>A TCP packet without options with good checksums, DF set.</summary>
    public static byte[] Tcp(string source, string destination, uint sequence, byte flags, int payload, ushort identification = 0x1234)
    {
        var packet = Udp(source, destination, payload + 12, 5001, 5002);
        var ipv6 = packet[0] >> 4 == 6;
        var tcp = packet.AsSpan(ipv6 ? 40 : 20);
        tcp[4..20].Clear();
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[8..], 77);
        tcp[12] = 0x50;
        tcp[13] = flags;
        BinaryPrimitives.WriteUInt16BigEndian(tcp[14..], 500);
        if (ipv6) packet[6] = 6;
        else
        {
            packet[9] = 6;
            packet[6] = 0x40;
            BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), identification);
        }

        SetChecksums(packet);
        return packet;
    }

    /// <summary>Writes the checksums of a TCP packet.</summary>
    public static void SetChecksums(Span<byte> packet)
    {
        var ipv6 = packet[0] >> 4 == 6;
        var tcp = packet[(ipv6 ? 40 : 20)..];
        tcp[16..18].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], (ushort)~Sum(packet, tcp, ipv6));
        if (ipv6) return;
        packet[10..12].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], (ushort)~Sum(packet[..20]));
    }

    public static bool HasGoodChecksums(ReadOnlySpan<byte> packet)
    {
        var ipv6 = packet[0] >> 4 == 6;
        return Sum(packet, packet[(ipv6 ? 40 : 20)..], ipv6) == 0xffff && (ipv6 || Sum(packet[..20]) == 0xffff);
    }

    public static byte[] Seal(EspSa sa, ReadOnlySpan<byte> inner)
    {
        var packet = new byte[EspCodec.SealedLength(sa.Algorithm, inner.Length)];
        inner.CopyTo(packet.AsSpan(8 + sa.Algorithm.IvLength));
        Assert.Equal(EspDrop.None, sa.Seal(packet, inner.Length, inner[0] >> 4 == 6 ? EspCodec.NextHeaderIPv6 : EspCodec.NextHeaderIPv4, out _));
        return packet;
    }

    public static EspDrop Open(EspSa sa, Span<byte> packet, out byte[] inner)
    {
        var drop = sa.Open(packet, null, out var span, out _, out _, out _);
        inner = span.ToArray();
        return drop;
    }

    private static uint Sum(ReadOnlySpan<byte> packet, ReadOnlySpan<byte> tcp, bool ipv6) =>
        Sum([.. ipv6 ? packet[8..40] : packet[12..20], 0, 6, (byte)(tcp.Length >> 8), (byte)tcp.Length, .. tcp]);

    /// <summary>RFC 1071 word by word, so that nothing is tested with itself.</summary>
    private static uint Sum(ReadOnlySpan<byte> bytes)
    {
        var sum = 0u;
        for (var i = 0; i < bytes.Length; i++) sum += (uint)bytes[i] << ((i & 1) == 0 ? 8 : 0);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return sum;
    }
}
