using System.Net;
using System.Security.Cryptography;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class EspSaTests
{
    public static TheoryData<string> Algorithms => [.. EspAlgorithmTable.Rows.Select(row => row.Name)];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void OpensWhatItSealedAtEveryLength(string name)
    {
        var (headend, client) = Pair(Sa.Algorithm(name));
        for (var payload = 0; payload < 100; payload++)
        {
            var inner = Packets.Udp("10.99.0.1", "10.10.0.1", payload);
            var packet = Packets.Seal(client, inner);
            Assert.Equal(0, (packet.Length - 8 - client.Algorithm.IvLength - client.Algorithm.IcvLength) % client.Algorithm.BlockLength);
            Assert.Equal(EspDrop.None, Packets.Open(headend, packet, out var opened));
            Assert.Equal(inner, opened);
        }
    }

    /// <summary>RFC 4303 3.4.4.1: "if the computed and received ICVs [do not] match, then the receiver MUST discard the received IP datagram as invalid".</summary>
    [Theory]
    [MemberData(nameof(Algorithms))]
    public void AnyChangedOctetIsDropped(string name)
    {
        var (headend, client) = Pair(Sa.Algorithm(name));
        var packet = Packets.Seal(client, Packets.Udp("10.99.0.1", "10.10.0.1", 40));
        for (var i = 4; i < packet.Length; i++)
        {
            for (var bit = 1; bit < 256; bit <<= 1)
            {
                var changed = packet.ToArray();
                changed[i] ^= (byte)bit;
                Assert.Contains(Packets.Open(headend, changed, out _), new[] { EspDrop.AuthenticationFailed, EspDrop.Replay });
            }
        }

        for (var length = 0; length < packet.Length; length++)
        {
            Assert.Contains(Packets.Open(headend, packet.AsSpan(0, length).ToArray(), out _), new[] { EspDrop.AuthenticationFailed, EspDrop.Malformed });
        }

        Assert.Equal(0ul, headend.Window.Highest);
        Assert.Equal(EspDrop.None, Packets.Open(headend, packet.ToArray(), out _));
        Assert.Equal(EspDrop.Replay, Packets.Open(headend, packet, out _));
    }

    [Fact]
    public void SelectorsHoldBothEndsAndPorts()
    {
        var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x1000);
        var narrow = new EspSelector(IPAddress.Parse("10.10.0.1"), IPAddress.Parse("10.10.0.9"), 17, 53, 53);
        using var headend = new EspSa(hp with { LocalSelectors = [narrow] }, 1);
        using var client = new EspSa(cp, 2);
        Assert.Equal(EspDrop.None, Send("10.99.0.1", "10.10.0.1", 53));
        Assert.Equal(EspDrop.InboundSelector, Send("10.99.0.1", "10.10.0.1", 54));
        Assert.Equal(EspDrop.InboundSelector, Send("10.99.0.1", "10.10.0.10", 53));
        Assert.Equal(EspDrop.InboundSelector, Send("10.98.0.1", "10.10.0.1", 53));
        Assert.Equal(EspDrop.InboundSelector, Send("2001:db8::1", "2001:db8::2", 53));

        EspDrop Send(string from, string to, ushort port) => Packets.Open(headend, Packets.Seal(client, Packets.Udp(from, to, 8, 999, port)), out _);
    }

    /// <summary>::ffff:10.99.0.1 in an IPv6 header is not the IPv4 address that the selector means.</summary>
    /// <summary>RFC 4301 4.4.1.1, 7: fragments behind the first carry no ports; an SA for some ports takes none of them, an SA for any port takes all.</summary>
    [Fact]
    public void InnerFragmentsFitAnyPortOnly()
    {
        var (headend, client) = Sa.Pair(Sa.Gcm256, 0x1000);
        var any = headend.LocalSelectors[0];
        var some = any with { Protocol = 17, FirstPort = 2000, LastPort = 2000 };
        var first = Packets.Udp("10.99.0.1", "10.10.0.1", 16);
        first[6] = 0x20;
        var second = Packets.Udp("10.99.0.1", "10.10.0.1", 16);
        second[7] = 3;
        foreach (var (selector, packet, expected) in new[] { (any, first, EspDrop.None), (any, second, EspDrop.None), (some, first, EspDrop.None), (some, second, EspDrop.InboundSelector) })
        {
            using var sender = new EspSa(client, 1);
            using var receiver = new EspSa(headend with { LocalSelectors = [selector] }, 1);
            Assert.Equal(expected, Packets.Open(receiver, Packets.Seal(sender, packet), out _));
        }
    }

    [Theory]
    [InlineData("::ffff:10.99.0.1", "::ffff:10.10.0.1")]
    [InlineData("2001:db8::1", "::ffff:10.10.0.1")]
    public void MappedAddressesAreNoIPv4Addresses(string from, string to)
    {
        var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x1000);
        using var headend = new EspSa(hp with { RemoteSelectors = [.. hp.RemoteSelectors, EspSelector.FromNetwork(IPNetwork.Parse("2001:db8::/64"))] }, 1);
        using var client = new EspSa(cp, 2);
        Assert.Equal(EspDrop.Malformed, Packets.Open(headend, Packets.Seal(client, Packets.Udp(from, to, 8)), out _));
    }

    /// <summary>RFC 4303 3.3.3: "the sender MUST NOT send a packet on an SA if doing so would cause the sequence number to cycle".</summary>
    [Fact]
    public void StopsAtTheLastSequenceNumberAndWarnsLongBefore()
    {
        var (_, client) = Pair(Sa.Gcm256);
        var packet = new byte[EspCodec.SealedLength(Sa.Gcm256, 28)];
        client.Sequence = 0xbfff_ffff;
        Assert.Equal(EspDrop.None, client.Seal(packet, 28, EspCodec.NextHeaderIPv4, out var near));
        Assert.True(near);
        Assert.Equal(EspDrop.None, client.Seal(packet, 28, EspCodec.NextHeaderIPv4, out near));
        Assert.False(near);
        client.Sequence = uint.MaxValue - 1;
        Assert.Equal(EspDrop.None, client.Seal(packet, 28, EspCodec.NextHeaderIPv4, out _));
        Assert.Equal(EspDrop.SequenceExhausted, client.Seal(packet, 28, EspCodec.NextHeaderIPv4, out _));
    }

    /// <summary>RFC 4303 2.2.1 and appendix A: the ICV covers the high half, which is not sent; the receiver finds it, also over the turn of the low half and after losses.</summary>
    [Theory]
    [InlineData("aes256gcm16"), InlineData("aes128ccm8"), InlineData("aes128gmac"), InlineData("chacha20poly1305")]
    [InlineData("aes256-sha256"), InlineData("aes128ctr-aesxcbc"), InlineData("aes128-aescmac")]
    public void ExtendedSequenceNumbers(string name)
    {
        var (hp, cp) = Sa.Pair(Sa.Algorithm(name), 0x1000);
        using var headend = new EspSa(hp with { ExtendedSequenceNumbers = true }, 1);
        using var client = new EspSa(cp with { ExtendedSequenceNumbers = true }, 2);
        using var plain = new EspSa(hp, 3);
        var inner = Packets.Udp("10.99.0.1", "10.10.0.1", 61);
        Assert.Equal(EspDrop.AuthenticationFailed, Packets.Open(plain, Packets.Seal(client, inner), out _));
        foreach (var start in new ulong[] { 5, 0x8000_0000, 0xffff_fffd, 0x1_7000_0000, 0x1_ffff_fffe, 0x2_8000_0000 })
        {
            client.Sequence = start;
            for (var i = 0; i < 5; i++)
            {
                var packet = Packets.Seal(client, inner);
                Assert.Equal(EspDrop.None, Packets.Open(headend, packet.ToArray(), out var opened));
                Assert.Equal(inner, opened);
                Assert.Equal(client.Sequence, headend.Window.Highest);
                Assert.NotEqual(EspDrop.None, Packets.Open(headend, packet, out _));
            }
        }

        client.Sequence = ulong.MaxValue - 1;
        Assert.Equal(EspDrop.None, client.Seal(new byte[EspCodec.SealedLength(client.Algorithm, 28)], 28, EspCodec.NextHeaderIPv4, out _));
        Assert.Equal(EspDrop.SequenceExhausted, client.Seal(new byte[EspCodec.SealedLength(client.Algorithm, 28)], 28, EspCodec.NextHeaderIPv4, out _));
    }

    [Fact]
    public void ADisposedSaRefusesPackets()
    {
        var (headend, client) = Pair(Sa.Gcm256);
        var packet = Packets.Seal(client, Packets.Udp("10.99.0.1", "10.10.0.1", 8));
        headend.Dispose();
        client.Dispose();
        Assert.Equal(EspDrop.UnknownSpi, Packets.Open(headend, packet, out _));
        Assert.Equal(EspDrop.NoOutboundSa, client.Seal(packet, 36, EspCodec.NextHeaderIPv4, out _));
    }

    [Fact]
    public void SoftLimitIsReportedOnce()
    {
        var (hp, _) = Sa.Pair(Sa.Gcm256, 0x1000);
        using var sa = new EspSa(hp with { SoftLimits = new EspSoftLimits(0, 3) }, 1);
        sa.CountOutbound(10, 1);
        sa.CountOutbound(10, 1);
        Assert.False(sa.ReachedSoftLimit());
        sa.CountOutbound(10, 1);
        Assert.True(sa.ReachedSoftLimit());
        Assert.False(sa.ReachedSoftLimit());
    }

    [Theory]
    [InlineData("aes256gcm16"), InlineData("aes128ccm16"), InlineData("aes128gmac"), InlineData("chacha20poly1305"), InlineData("aes256-sha256"), InlineData("aes128ctr-aesxcbc")]
    public void AllocatesNothingPerPacket(string name)
    {
        var (headend, client) = Pair(Sa.Algorithm(name));
        var inner = Packets.Udp("10.99.0.1", "10.10.0.1", 1372);
        var packet = new byte[EspCodec.SealedLength(client.Algorithm, inner.Length)];
        // The runtime allocates some octets of its own once, when it recompiles a hot method: the best of three runs has none of those.
        Assert.Equal(0, Enumerable.Range(0, 3).Min(_ => Measure()));

        long Measure()
        {
            for (var i = 0; i < 100; i++) RoundTrip();
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++) RoundTrip();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        void RoundTrip()
        {
            inner.CopyTo(packet.AsSpan(8 + client.Algorithm.IvLength));
            if (client.Seal(packet, inner.Length, EspCodec.NextHeaderIPv4, out _) != EspDrop.None) throw new InvalidOperationException("seal");
            if (headend.Open(packet, null, out _, out _, out _, out _) != EspDrop.None) throw new InvalidOperationException("open");
        }
    }

    [Fact]
    public void RandomBytesNeverThrow()
    {
        var (headend, _) = Pair(Sa.Algorithm("aes256-sha256"));
        for (var i = 0; i < 5000; i++)
        {
            var bytes = RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(200));
            Assert.NotEqual(EspDrop.None, Packets.Open(headend, bytes, out _));
            _ = EspCodec.ReadInner(bytes, out _);
            _ = IpPacket.TryRead(bytes, out _);
        }
    }

    private static (EspSa Headend, EspSa Client) Pair(EspAlgorithm algorithm)
    {
        var (hp, cp) = Sa.Pair(algorithm, 0x1000);
        // The client is one that does not check what it sends.
        return (new EspSa(hp, 1), new EspSa(cp, 2));
    }
}
