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

    public static byte[] Seal(EspSa sa, ReadOnlySpan<byte> inner)
    {
        var packet = new byte[EspCodec.SealedLength(sa.Algorithm, inner.Length)];
        inner.CopyTo(packet.AsSpan(8 + sa.Algorithm.IvLength));
        Assert.Equal(EspDrop.None, sa.Seal(packet, inner.Length, inner[0] >> 4 == 6, out _));
        return packet;
    }

    public static EspDrop Open(EspSa sa, Span<byte> packet, out byte[] inner)
    {
        var drop = sa.Open(packet, out var span, out _, out _, out _);
        inner = span.ToArray();
        return drop;
    }
}
