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

    /// <summary>Every way of cutting: rests of all lengths, options, IP options, an extension header, extreme numbers.</summary>
    [Theory]
    [InlineData("10.10.0.1", "10.99.0.1", 0, 0)]
    [InlineData("10.10.0.1", "10.99.0.1", 12, 0)]
    [InlineData("10.10.0.1", "10.99.0.1", 40, 8)]
    [InlineData("2001:db8:10::1", "2001:db8:99::1", 12, 0)]
    [InlineData("2001:db8:10::1", "2001:db8:99::1", 40, 8)]
    public void SegmentsHaveTheChecksumsOfTheDefinition(string from, string to, int tcpOptions, int ipOptions)
    {
        var output = new byte[2000];
        foreach (var fill in new byte?[] { null, 0x00, 0xff })
        {
            for (var payload = 65; payload < 330; payload++)
            {
                var whole = Stretch(Packets.Tcp(from, to, uint.MaxValue - 77, 0x99, payload, identification: 0xfffe), tcpOptions, ipOptions);
                if (fill is { } octet) whole.AsSpan(whole.Length - payload).Fill(octet);
                var type = (byte)(whole[0] >> 4 == 6 ? VirtioHeader.GsoTcpIPv6 : VirtioHeader.GsoTcpIPv4);
                Assert.True(IpPacket.TryRead(whole, out var ip));
                Assert.True(TcpSegmentCutter.TryPrepare(new VirtioHeader { GsoType = type, GsoSize = 65 }, whole, ip, out var cutter));
                for (var index = 0; index < cutter.Count; index++)
                {
                    // What stood in the slot before must not matter.
                    output.AsSpan().Fill(0xa5);
                    var segment = output[..cutter.Write(index, output)];
                    Assert.Equal(0xa5, output[segment.Length]);
                    Assert.Equal(whole.AsSpan(cutter.HeaderLength + (index * 65), segment.Length - cutter.HeaderLength), segment.AsSpan(cutter.HeaderLength));
                    AssertChecksums(segment, ip.TransportOffset);
                }
            }
        }
    }

    /// <summary>Sums as RFC 1071 defines them come to 0xffff over a header with its checksum.</summary>
    private static void AssertChecksums(byte[] segment, int transport)
    {
        var ipv6 = segment[0] >> 4 == 6;
        if (!ipv6) Assert.Equal(ushort.MaxValue, NaiveSum(segment.AsSpan(0, transport), 0));
        var addresses = ipv6 ? segment.AsSpan(8, 32) : segment.AsSpan(12, 8);
        Assert.Equal(ushort.MaxValue, NaiveSum(segment.AsSpan(transport), NaiveSum(addresses, (uint)(segment.Length - transport) + IpPacket.Tcp)));
    }

    /// <summary>The packet with more options; its checksums, which the cutter does not read, stay as they are.</summary>
    private static byte[] Stretch(byte[] packet, int tcpOptions, int ipOptions)
    {
        var ipv6 = packet[0] >> 4 == 6;
        var ipHeader = ipv6 ? IpPacket.IPv6Header : IpPacket.MinimumIPv4;
        var tcpHeader = (packet[ipHeader + 12] >> 4) * 4;
        var options = new byte[ipOptions];
        // RFC 791 3.1: no operation. RFC 8200 4.6: destination options before TCP, filled by PadN.
        Array.Fill(options, (byte)1);
        if (ipv6 && ipOptions > 0) options = [IpPacket.Tcp, 0, 1, 4, 0, 0, 0, 0];
        byte[] longer = [.. packet[..ipHeader], .. options, .. packet[ipHeader..(ipHeader + 20)], .. Enumerable.Repeat((byte)1, tcpOptions), .. packet[(ipHeader + tcpHeader)..]];
        longer[ipHeader + ipOptions + 12] = (byte)((20 + tcpOptions) << 2);
        if (ipv6 && ipOptions > 0) longer[6] = 60;
        if (!ipv6) longer[0] = (byte)(0x40 | ((ipHeader + ipOptions) / 4));
        BinaryPrimitives.WriteUInt16BigEndian(longer.AsSpan(ipv6 ? 4 : 2), (ushort)(longer.Length - (ipv6 ? IpPacket.IPv6Header : 0)));
        return longer;
    }

    [Fact]
    public void SumsOfAllLengthsAreThoseOfTheDefinition()
    {
        var bytes = new byte[300];
        new Random(1071).NextBytes(bytes);
        bytes.AsSpan(50, 140).Fill(0xff);
        var copy = new byte[bytes.Length + 70];
        for (var start = 0; start < 70; start++)
        {
            for (var length = 0; length <= bytes.Length - start; length++)
            {
                var source = bytes.AsSpan(start, length);
                var expected = NaiveSum(source, 0x1234_5678);
                Assert.Equal(expected, InternetChecksum.Fold(InternetChecksum.Sum(source, 0x1234_5678)));
                copy.AsSpan().Fill(0xa5);
                var place = (start * 7) % 64;
                Assert.Equal(expected, InternetChecksum.Fold(InternetChecksum.CopyAndSum(source, copy.AsSpan(place), 0x1234_5678)));
                Assert.Equal(source, copy.AsSpan(place, length));
                Assert.False(copy.AsSpan(0, place).ContainsAnyExcept((byte)0xa5) || copy.AsSpan(place + length).ContainsAnyExcept((byte)0xa5));
            }
        }
    }

    /// <summary>The longest packet of the largest words does not overflow; nothing but zeros is zero.</summary>
    [Fact]
    public void ExtremeSumsAreThoseOfTheDefinition()
    {
        foreach (var octet in new byte[] { 0x00, 0x80, 0xff })
        {
            var bytes = Enumerable.Repeat(octet, 65_535).ToArray();
            Assert.Equal(NaiveSum(bytes, 0), InternetChecksum.Fold(InternetChecksum.Sum(bytes)));
            Assert.Equal(NaiveSum(bytes, 0), InternetChecksum.Fold(InternetChecksum.CopyAndSum(bytes, new byte[65_535])));
        }
    }

    [Fact]
    public void NothingIsCopiedBeyondTheDestination() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => InternetChecksum.CopyAndSum(new byte[100], new byte[99]));

    private static ushort NaiveSum(ReadOnlySpan<byte> bytes, ulong sum)
    {
        for (var i = 0; i < bytes.Length; i++) sum += (ulong)bytes[i] << ((i & 1) == 0 ? 8 : 0);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
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
