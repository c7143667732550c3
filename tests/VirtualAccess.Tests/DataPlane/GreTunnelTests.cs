using System.Collections.Immutable;
using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

/// <summary>GRE (RFC 2784, RFC 2890) in literal packets, and ESP in transport mode around it. Checksums and the ESP packet are of another program (Python, cryptography).</summary>
public sealed class GreTunnelTests
{
    /// <summary>UDP from 10.99.0.1 to 10.10.0.1.</summary>
    private const string Inner4 = "45000020123400004011542b0a6300010a0a000103e807d0000c000047524521";

    /// <summary>UDP from 2001:db8:99::1 to 2001:db8:10::1.</summary>
    private const string Inner6 = "60000000000c114020010db800990000000000000000000120010db800100000000000000000000103e807d0000c000047524536";

    /// <summary>C, K and S: checksum af96, key 7, sequence number 42.</summary>
    private const string AllFields = "b0000800af960000000000070000002a" + Inner4;

    /// <summary>SPI 1000, number 1, AES-128-GCM with key 00..0f, salt a0a1a2a3 and IV 1: GRE with key 7, padding 1 2, Next Header 47.</summary>
    private const string Esp =
        "00001000000000010000000000000001667114f26c847757c26c4637c930946651e34da89c9680a367fb8b111f4e58c2ebf7ceab6263d5f63108e697f870527c5e0b5e4b017caaa52ab1317f";

    [Theory]
    [InlineData(null, "00000800" + Inner4, Inner4)]
    [InlineData(null, "000086dd" + Inner6, Inner6)]
    [InlineData("7", "2000080000000007" + Inner4, Inner4)]
    [InlineData("4294967295", "200086ddffffffff" + Inner6, Inner6)]
    [InlineData("0", "2000080000000000" + Inner4, Inner4)]
    [InlineData("7", AllFields, Inner4)]
    [InlineData(null, "100008000000002a" + Inner4, Inner4)] // S alone
    [InlineData(null, "03f80800" + Inner4, Inner4)] // RFC 2784 2.3: Reserved0 bits 6 to 12 MUST be ignored
    [InlineData(null, "00000800" + Inner4 + "0000000000", Inner4)] // padding
    public void OpensWhatTheRfcsHave(string? key, string packet, string inner) => Assert.Equal((EspDrop.None, inner), Open(Tunnel(key), packet));

    [Theory]
    [InlineData("7", "2000080000000008" + Inner4, EspDrop.GreKey)]
    [InlineData("7", "00000800" + Inner4, EspDrop.GreKey)]
    [InlineData("0", "00000800" + Inner4, EspDrop.GreKey)]
    [InlineData(null, "2000080000000007" + Inner4, EspDrop.GreKey)]
    [InlineData(null, "2000080000000000" + Inner4, EspDrop.GreKey)]
    [InlineData("7", "b0000800af970000000000070000002a" + Inner4, EspDrop.GreChecksum)]
    [InlineData("7", AllFields + "01", EspDrop.GreChecksum)]
    [InlineData(null, "40000800" + Inner4, EspDrop.Malformed)] // RFC 2784 2.3: bits 1, 4, 5 MUST be zero
    [InlineData(null, "08000800" + Inner4, EspDrop.Malformed)]
    [InlineData(null, "04000800" + Inner4, EspDrop.Malformed)]
    [InlineData(null, "00010800" + Inner4, EspDrop.Malformed)] // version
    [InlineData(null, "000086dd" + Inner4, EspDrop.Malformed)] // not what the type says
    [InlineData(null, "0000880b" + Inner4, EspDrop.UnsupportedNextHeader)] // PPP
    [InlineData(null, "00000000", EspDrop.UnsupportedNextHeader)] // a keepalive of IOS
    [InlineData(null, "00000800", EspDrop.Malformed)]
    public void RefusesTheRest(string? key, string packet, EspDrop expected) => Assert.Equal((expected, ""), Open(Tunnel(key), packet));

    [Fact]
    public void NoLengthIsTooShort()
    {
        var tunnel = Tunnel("7");
        for (var length = 0; length < AllFields.Length; length += 2) Assert.NotEqual(EspDrop.None, Open(tunnel, AllFields[..length]).Drop);
    }

    /// <summary>Only the client's own addresses and routes may come from it, and go only to where its profile lets it.</summary>
    [Fact]
    public void SourceAndDestinationAreOfTheInterfacesNetworks()
    {
        EspDrop Send(string from, string to, params string[] local) =>
            Open(Tunnel(null, local), "00000800" + Convert.ToHexStringLower(Packets.Udp(from, to, 4))).Drop;
        Assert.Equal(EspDrop.None, Send("10.99.0.1", "203.0.113.1"));
        Assert.Equal(EspDrop.None, Send("10.71.3.4", "203.0.113.1"));
        Assert.Equal(EspDrop.InboundSelector, Send("10.99.0.2", "203.0.113.1"));
        Assert.Equal(EspDrop.InboundSelector, Send("198.51.100.10", "203.0.113.1"));
        Assert.Equal(EspDrop.None, Send("10.99.0.1", "10.10.0.1", "10.10.0.0/24"));
        Assert.Equal(EspDrop.InboundSelector, Send("10.99.0.1", "10.10.1.1", "10.10.0.0/24"));
    }

    [Theory]
    [InlineData(null, false, "00000800")]
    [InlineData(null, true, "000086dd")]
    [InlineData("7", false, "2000080000000007")]
    [InlineData("0", true, "200086dd00000000")]
    public void WritesTheHeader(string? key, bool ipv6, string expected)
    {
        var tunnel = Tunnel(key);
        var header = new byte[tunnel.HeaderLength];
        tunnel.Write(header, ipv6);
        Assert.Equal(expected, Convert.ToHexStringLower(header));
    }

    [Fact]
    public void OpensEspOfAnotherProgramAndSealsWhatItSeals()
    {
        var keys = new EspKeys(Convert.FromHexString("000102030405060708090a0b0c0d0e0fa0a1a2a3"));
        var algorithm = Sa.Algorithm("aes128gcm16");
        var outer = new EspSelector(IPAddress.Parse("192.0.2.1"), IPAddress.Parse("192.0.2.1"), 47);
        using var sa = new EspSa(
            new EspSaParameters
            {
                InboundSpi = 0x1000,
                OutboundSpi = 0x1000,
                Algorithm = algorithm,
                InboundKeys = keys,
                OutboundKeys = keys,
                LocalSelectors = [outer],
                RemoteSelectors = [outer],
                IsTransportMode = true,
            },
            1);
        var packet = Convert.FromHexString(Esp);
        Assert.Equal(EspDrop.None, sa.Open(packet, Tunnel("7"), out var inner, out var ip, out var authentic, out _));
        Assert.True(authentic);
        Assert.Equal(Inner4, Convert.ToHexStringLower(inner));
        Assert.Equal(17, ip.Protocol);

        var payload = Convert.FromHexString("2000080000000007" + Inner4);
        var made = new byte[EspCodec.SealedLength(algorithm, payload.Length)];
        payload.CopyTo(made.AsSpan(16));
        Assert.Equal(EspDrop.None, sa.Seal(made, payload.Length, GreTunnel.Protocol, out _));
        // Its IV is the sequence number, as there.
        Assert.Equal(Esp, Convert.ToHexStringLower(made));
    }

    /// <summary>An SA in transport mode carries protocol 47 and nothing else, one in tunnel mode no 47; a dummy is one in both.</summary>
    [Theory]
    [InlineData(true, EspCodec.NextHeaderIPv4, EspDrop.InboundSelector)]
    [InlineData(true, (byte)17, EspDrop.InboundSelector)]
    [InlineData(true, EspCodec.NextHeaderNone, EspDrop.Dummy)]
    [InlineData(true, GreTunnel.Protocol, EspDrop.GreKey)]
    [InlineData(false, GreTunnel.Protocol, EspDrop.UnsupportedNextHeader)]
    public void TheNextHeaderFitsTheMode(bool transport, byte nextHeader, EspDrop expected)
    {
        var (headend, client) = Sa.Pair(Sa.Gcm256, 0x1000);
        using var sender = new EspSa(client, 1);
        using var receiver = new EspSa(headend with { IsTransportMode = transport }, 1);
        var payload = Convert.FromHexString("2000080000000009" + Inner4);
        var packet = new byte[EspCodec.SealedLength(Sa.Gcm256, payload.Length)];
        payload.CopyTo(packet.AsSpan(16));
        sender.Seal(packet, payload.Length, nextHeader, out _);
        Assert.Equal(expected, receiver.Open(packet, transport ? Tunnel("7") : null, out _, out _, out _, out _));
    }

    [Fact]
    public void AllocatesNothingPerPacket()
    {
        var tunnel = Tunnel("7");
        var packet = Convert.FromHexString(AllFields);
        var header = new byte[8];
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
            tunnel.Write(header, ipv6: false);
            if (tunnel.Open(packet, out _, out _) != EspDrop.None) throw new InvalidOperationException("open");
        }
    }

    [Fact]
    public void RandomBytesNeverThrow()
    {
        var random = new Random(1);
        var tunnel = Tunnel(null);
        for (var i = 0; i < 200_000; i++)
        {
            var bytes = new byte[random.Next(80)];
            random.NextBytes(bytes);
            if (bytes.Length > 4) Convert.FromHexString(random.Next(2) == 0 ? "00000800" : "300086dd").CopyTo(bytes, 0);
            tunnel.Open(bytes, out _, out _);
        }
    }

    private static GreTunnel Tunnel(string? key, params string[] local)
    {
        ImmutableArray<string> commands = key is null ? ["ip route 10.71.0.0 255.255.0.0"] : ["ip route 10.71.0.0 255.255.0.0", $"tunnel key {key}"];
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, commands), [], InterfaceNames.NoRules);
        Assert.Empty(derived.Failures);
        return new GreTunnel(new InterfaceRequest
        {
            Number = 1,
            Config = derived.Config,
            ClientAddresses = [IPAddress.Parse("10.99.0.1"), IPAddress.Parse("2001:db8:99::1")],
            LocalNetworks = [.. local.Select(n => IPNetwork.Parse(n))],
            Path = default,
            Encapsulation = TunnelEncapsulation.Gre,
        });
    }

    private static (EspDrop Drop, string Inner) Open(GreTunnel tunnel, string packet)
    {
        var drop = tunnel.Open(Convert.FromHexString(packet), out var inner, out _);
        return (drop, drop == EspDrop.None ? Convert.ToHexStringLower(inner) : "");
    }
}
