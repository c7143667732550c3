using System.Buffers.Binary;
using System.Net;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Tests.DataPlane;

/// <summary>RFC 2131 3.4, RFC 3442; the packets were put together apart from this code.</summary>
public sealed class DhcpInformCodecTests
{
    private const uint Server = 0x0a0a0001;

    /// <summary>From 10.99.0.7 to 255.255.255.255 in the manner of Windows' RAS: type, client identifier, vendor class MSFT 5.0, parameter list with 249.</summary>
    private static readonly byte[] Request = Convert.FromHexString(
        "4500012b47110000401128480a630007ffffffff004400430117a567010810001a2b3c4d000000000a63000700000000000000000000000052415320"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000000000000000000000000638253633501083d07085241532000003c084d53465420352e303706062c2b4d0ff9ff");

    /// <summary>From 10.10.0.1: DNS 10.10.0.53 and .54, corp.example, routes 10.10.0.0/24, 172.16.0.0/12 and 192.168.1.5/32 by 249 and 121.</summary>
    private const string Answer =
        "4500016800000000401165110a0a00010a63000700430044015441a6020810001a2b3c4d000000000a63000700000000000000000000000052415320"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
        + "0000000000000000000000000000000000000000000000006382536335010536040a0a00010104ffffffff06080a0a00350a0a00360f0c636f72702e"
        + "6578616d706c65f918180a0a000a0a00010cac100a0a000120c0a801050a0a00017918180a0a000a0a00010cac100a0a000120c0a801050a0a0001ff";

    private static readonly DhcpInformation Information = new(
        [IPNetwork.Parse("10.10.0.0/24"), IPNetwork.Parse("2001:db8::/32"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.168.1.5/32")],
        [IPAddress.Parse("10.10.0.53"), IPAddress.Parse("2001:db8::53"), IPAddress.Parse("10.10.0.54")],
        "corp.example");

    [Fact]
    public void A_request_is_answered_octet_by_octet()
    {
        Assert.True(TryRead(Request, out var request));
        Assert.True(request.AsksForMicrosoftRoutes);
        var output = new byte[DhcpInformCodec.MaximumLength];
        output.AsSpan().Fill(0xee);
        var length = DhcpInformCodec.Write(output, request, Information, Server, 1400);
        Assert.Equal(Answer, Convert.ToHexStringLower(output.AsSpan(0, length)));
    }

    [Fact]
    public void To_the_headend_itself_is_as_good_as_to_everybody()
    {
        var packet = Request.ToArray();
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(16), Server);
        WithoutChecksum(packet);
        Assert.True(TryRead(packet, out _));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(16), Server + 1);
        Assert.False(TryRead(packet, out _));
    }

    /// <summary>Other messages than DHCPINFORM, answers, relayed messages, another's ciaddr, no DHCP, a longer hardware address than there is room for, a bad checksum, a fragment.</summary>
    [Theory]
    [InlineData(28 + 240 + 2, 1)]
    [InlineData(28 + 240 + 2, 3)]
    [InlineData(28 + 240 + 2, 7)]
    [InlineData(28, 2)]
    [InlineData(28 + 27, 1)]
    [InlineData(28 + 15, 8)]
    [InlineData(28 + 236, 0)]
    [InlineData(28 + 2, 17)]
    [InlineData(26, 1)]
    [InlineData(6, 0x20)]
    [InlineData(25, 1)]
    [InlineData(28 + 240 + 1, 255)]
    public void Anything_else_is_not_taken(int offset, byte value)
    {
        var packet = Request.ToArray();
        packet[offset] = value;
        if (offset != 26) WithoutChecksum(packet);
        Assert.False(TryRead(packet, out _));
    }

    [Fact]
    public void Where_not_all_fits_the_options_that_the_client_asks_for_have_the_room()
    {
        Assert.True(TryRead(Request, out var request));
        var many = new DhcpInformation(Enumerable.Range(0, 300).Select(n => new IPNetwork(new IPAddress([10, (byte)(n >> 8), (byte)n, 0]), 24)), Information.DnsServers, new string('a', 255));
        foreach (var (asks, longest, told) in new[] { (true, 1400, 0), (false, 1400, 0), (true, 1400, 576), (true, 68, 0) })
        {
            request.AsksForMicrosoftRoutes = asks;
            request.LongestMessage = (ushort)told;
            var output = new byte[DhcpInformCodec.MaximumLength];
            var length = DhcpInformCodec.Write(output, request, many, Server, longest);
            Assert.InRange(length, 328, told != 0 || longest < 576 ? 576 : longest);
            var options = Options(output.AsSpan(28 + 240, length - 28 - 240));
            Assert.Equal(asks, options.ContainsKey(249));
            Assert.Equal(!asks, options.ContainsKey(121));
            Assert.True(options[asks ? (byte)249 : (byte)121].Count % 8 == 0);
        }
    }

    [Fact]
    public void Random_octets_never_throw()
    {
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var packet = Request.ToArray();
            for (var changes = random.Next(1, 6); changes > 0; changes--) packet[random.Next(28, packet.Length)] = (byte)random.Next(256);
            WithoutChecksum(packet);
            if (TryRead(packet, out var request)) DhcpInformCodec.Write(new byte[DhcpInformCodec.MaximumLength], request, Information, Server, random.Next(2000));
        }
    }

    private static bool TryRead(byte[] packet, out DhcpInformRequest request)
    {
        request = default;
        return IpPacket.TryRead(packet, out var ip) && DhcpInformCodec.IsCandidate(ip) && DhcpInformCodec.TryRead(packet, ip, Server, out request);
    }

    private static void WithoutChecksum(byte[] packet) => packet.AsSpan(26, 2).Clear();

    private static Dictionary<byte, List<byte>> Options(ReadOnlySpan<byte> options)
    {
        var found = new Dictionary<byte, List<byte>>();
        while (options[0] != 255)
        {
            if (!found.TryGetValue(options[0], out var value)) found[options[0]] = value = [];
            value.AddRange(options.Slice(2, options[1]).ToArray());
            options = options[(2 + options[1])..];
        }

        return found;
    }
}
