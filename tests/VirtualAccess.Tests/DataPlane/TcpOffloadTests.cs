using System.Buffers.Binary;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

/// <summary>Cutting of long TCP packets and joining of short ones: what is cut and joined again is what it was.</summary>
public sealed class TcpOffloadTests
{
    public static TheoryData<string, string> Families => new() { { "10.10.0.1", "10.99.0.1" }, { "2001:db8:10::1", "2001:db8:99::1" } };

    [Theory]
    [MemberData(nameof(Families))]
    public void SegmentsCarryEveryOctetOnceWithRightHeaders(string from, string to)
    {
        // FIN, PSH, ACK, CWR.
        var whole = Packets.Tcp(from, to, sequence: 0xffff_ff00, flags: 0x99, payload: 3001);
        var ipv6 = whole[0] >> 4 == 6;
        var header = new VirtioHeader { GsoType = (byte)((ipv6 ? VirtioHeader.GsoTcpIPv6 : VirtioHeader.GsoTcpIPv4) | VirtioHeader.GsoEcn), GsoSize = 1000 };
        Assert.True(IpPacket.TryRead(whole, out var ip));
        Assert.True(TcpSegmentCutter.TryPrepare(header, whole, ip, out var cutter));
        Assert.Equal(4, cutter.Count);
        Assert.Equal(cutter.HeaderLength + 1000, cutter.LongestSegment);
        var payload = new List<byte>();
        for (var index = 0; index < 4; index++)
        {
            var segment = new byte[2000];
            segment = segment[..cutter.Write(index, segment)];
            Assert.True(IpPacket.TryRead(segment, out var cut));
            Assert.Equal((ip.Source, ip.Destination, ip.SourcePort, ip.DestinationPort), (cut.Source, cut.Destination, cut.SourcePort, cut.DestinationPort));
            Assert.True(Packets.HasGoodChecksums(segment));
            Assert.Equal(unchecked(0xffff_ff00 + (uint)(index * 1000)), BinaryPrimitives.ReadUInt32BigEndian(segment.AsSpan(cut.TransportOffset + 4)));
            Assert.Equal(index switch { 0 => 0x90, 3 => 0x19, _ => 0x10 }, segment[cut.TransportOffset + 13]);
            if (!ipv6) Assert.Equal(0x1234 + index, BinaryPrimitives.ReadUInt16BigEndian(segment.AsSpan(4)));
            payload.AddRange(segment[cutter.HeaderLength..]);
        }

        Assert.Equal(whole[cutter.HeaderLength..], payload);
    }

    [Theory]
    [InlineData(VirtioHeader.GsoTcpIPv6, 1000)]
    [InlineData(VirtioHeader.GsoTcpIPv4, 0)]
    [InlineData(5, 1000)]
    public void WhatCannotBeCutIsRefused(byte type, ushort size)
    {
        var whole = Packets.Tcp("10.10.0.1", "10.99.0.1", 1, 0x10, 3000);
        Assert.True(IpPacket.TryRead(whole, out var ip));
        Assert.False(TcpSegmentCutter.TryPrepare(new VirtioHeader { GsoType = type, GsoSize = size }, whole, ip, out _));
        Assert.True(IpPacket.TryRead(Packets.Udp("10.10.0.1", "10.99.0.1", 3000), out ip));
        Assert.False(TcpSegmentCutter.TryPrepare(new VirtioHeader { GsoType = VirtioHeader.GsoTcpIPv4, GsoSize = 1000 }, whole, ip, out _));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void SegmentsInOrderAreJoined(string from, string to)
    {
        using var run = new JoinedRun();
        Assert.True(run.Offer(Packets.Tcp(from, to, 1000, 0x10, 500)));
        Assert.True(run.Offer(Packets.Tcp(from, to, 1500, 0x10, 500, identification: 0x1235)));
        Assert.True(run.Offer(Packets.Tcp(from, to, 2000, 0x18, 77, identification: 0x1236)));
        Assert.True(run.Run.IsComplete);
        Assert.Equal(3, run.Run.Count);
        Assert.False(run.Offer(Packets.Tcp(from, to, 2077, 0x10, 77, identification: 0x1237)));
    }

    /// <summary>Each differs from the segment that would fit in one thing.</summary>
    [Fact]
    public void OtherSegmentsAreNotJoined()
    {
        var (from, to) = ("10.99.0.1", "10.10.0.1");
        Refused(Packets.Tcp(from, to, 1501, 0x10, 500));
        Refused(Packets.Tcp(from, to, 1500, 0x10, 501));
        Refused(Change(p => p[1] = 4));
        Refused(Change(p => p[8] = 63));
        Refused(Change(p => p[32 - 3] ^= 1));
        Refused(Change(p => p[34] ^= 1));
        var damaged = Packets.Tcp(from, to, 1500, 0x10, 500);
        damaged[300] ^= 1;
        Refused(damaged);

        byte[] Change(Action<byte[]> change)
        {
            var packet = Packets.Tcp(from, to, 1500, 0x10, 500);
            change(packet);
            Packets.SetChecksums(packet);
            return packet;
        }

        void Refused(byte[] second)
        {
            using var run = new JoinedRun();
            Assert.True(run.Offer(Packets.Tcp(from, to, 1000, 0x10, 500)));
            Assert.False(run.Offer(second));
        }
    }

    /// <summary>A first segment with a bad checksum passes alone: joined, the kernel would give it a good one.</summary>
    [Fact]
    public void ADamagedFirstSegmentIsNotMended()
    {
        using var run = new JoinedRun();
        var damaged = Packets.Tcp("10.99.0.1", "10.10.0.1", 1000, 0x10, 500);
        damaged[100] ^= 1;
        Assert.True(run.Offer(damaged));
        Assert.False(run.Offer(Packets.Tcp("10.99.0.1", "10.10.0.1", 1500, 0x10, 500)));
    }

    [Fact]
    public void SumsOfAllLengthsAreThoseOfTheDefinition()
    {
        var bytes = new byte[200];
        new Random(1071).NextBytes(bytes);
        bytes.AsSpan(50, 70).Fill(0xff);
        for (var start = 0; start < 40; start++)
        {
            for (var length = 0; length <= bytes.Length - start; length++)
            {
                ulong expected = 0x1234_5678;
                for (var i = 0; i < length; i++) expected += (ulong)bytes[start + i] << ((i & 1) == 0 ? 8 : 0);
                while (expected >> 16 != 0) expected = (expected & 0xffff) + (expected >> 16);
                Assert.Equal((ushort)expected, InternetChecksum.Fold(InternetChecksum.Sum(bytes.AsSpan(start, length), 0x1234_5678)));
            }
        }
    }

    /// <summary>A run over packets that are held where they are, without a device.</summary>
    private sealed class JoinedRun : IDisposable
    {
        private readonly List<System.Runtime.InteropServices.GCHandle> pinned = [];
        private readonly EspSa sa = new(Sa.Pair(Sa.Gcm256, 0x1000).Headend, 1);

        public TcpRun Run { get; } = new();

        public unsafe bool Offer(byte[] packet)
        {
            pinned.Add(System.Runtime.InteropServices.GCHandle.Alloc(packet, System.Runtime.InteropServices.GCHandleType.Pinned));
            var pointer = (byte*)pinned[^1].AddrOfPinnedObject();
            Assert.True(IpPacket.TryRead(packet, out var ip));
            var headers = ip.TransportOffset + 20;
            if (Run.Count > 0) return Run.TryAppend(sa, pointer, packet.Length, headers);
            Run.Start(null!, sa, ip, pointer, packet.Length, headers);
            return true;
        }

        public void Dispose()
        {
            Run.Dispose();
            sa.Dispose();
            foreach (var handle in pinned) handle.Free();
        }
    }
}
