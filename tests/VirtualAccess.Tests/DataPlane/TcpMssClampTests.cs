using System.Buffers.Binary;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class TcpMssClampTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2", new byte[] { 2, 4, 0x05, 0xb4 }, 1360, 1360)]
    [InlineData("10.0.0.1", "10.0.0.2", new byte[] { 1, 2, 4, 0x05, 0xb4, 0, 0, 0 }, 1360, 1360)]
    [InlineData("10.0.0.1", "10.0.0.2", new byte[] { 4, 2, 3, 3, 7, 2, 4, 0x05, 0xb4, 0, 0, 0 }, 1001, 1001)]
    [InlineData("10.0.0.1", "10.0.0.2", new byte[] { 2, 4, 0x02, 0x00 }, 1360, 512)]
    [InlineData("2001:db8::1", "2001:db8::2", new byte[] { 2, 4, 0x05, 0xa0 }, 1360, 1340)]
    public void LowersTheOptionAndKeepsTheChecksumRight(string source, string destination, byte[] options, int clamp, int expected)
    {
        var packet = Tcp(source, destination, 0x02, options);
        Assert.True(IpPacket.TryRead(packet, out var ip));
        TcpMssClamp.Apply(packet, ip, clamp);
        var at = Array.IndexOf(options, (byte)2, options[0] == 4 ? 3 : 0);
        Assert.Equal(expected, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(ip.TransportOffset + 20 + at + 2)));
        Assert.Equal(0, Checksum(packet, ip.TransportOffset));
    }

    [Theory]
    [InlineData(0x10, new byte[] { 2, 4, 0x05, 0xb4 })]
    [InlineData(0x02, new byte[] { 2, 0, 0x05, 0xb4 })]
    [InlineData(0x02, new byte[] { 0, 0, 2, 4, 0x05, 0xb4, 0, 0 })]
    [InlineData(0x02, new byte[] { 3, 9, 1, 1 })]
    public void LeavesEverythingElseAlone(byte flags, byte[] options)
    {
        var packet = Tcp("10.0.0.1", "10.0.0.2", flags, options);
        var before = packet.ToArray();
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.False(TcpMssClamp.Apply(packet, ip, 1000));
        Assert.Equal(before, packet);
    }

    private static byte[] Tcp(string source, string destination, byte flags, byte[] options)
    {
        var packet = Packets.Udp(source, destination, 12 + options.Length);
        var header = packet[0] >> 4 == 4 ? 20 : 40;
        packet[header == 20 ? 9 : 6] = 6;
        var tcp = packet.AsSpan(header);
        tcp[12] = (byte)((20 + options.Length) / 4 << 4);
        tcp[13] = flags;
        options.CopyTo(tcp[20..]);
        tcp[16..18].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], Checksum(packet, header));
        return packet;
    }

    private static ushort Checksum(byte[] packet, int header)
    {
        var addresses = header == 20 ? packet.AsSpan(12, 8) : packet.AsSpan(8, 32);
        return InternetChecksum.Compute(packet.AsSpan(header), InternetChecksum.Sum(addresses, (uint)(packet.Length - header + 6)));
    }
}
