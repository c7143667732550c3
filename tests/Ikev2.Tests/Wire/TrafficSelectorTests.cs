using System.Net;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Wire;

public sealed class TrafficSelectorTests
{
    [Theory]
    [InlineData("10.0.0.0/24", "10.0.0.0", "10.0.0.255")]
    [InlineData("0.0.0.0/0", "0.0.0.0", "255.255.255.255")]
    [InlineData("10.0.0.7/32", "10.0.0.7", "10.0.0.7")]
    [InlineData("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("2001:db8::1/128", "2001:db8::1", "2001:db8::1")]
    public void NetworksBecomeRangesAndBack(string network, string start, string end)
    {
        TrafficSelector selector = Net(network);
        Assert.Equal((IPAddress.Parse(start), IPAddress.Parse(end)), (selector.StartAddress, selector.EndAddress));
        Assert.True(selector.IsAnyPort && selector.Protocol == 0);
        Assert.True(selector.IsNetwork(out IPNetwork back));
        Assert.Equal(network, back.ToString());
    }

    [Theory]
    [InlineData("10.0.0.1", "10.0.0.2")]
    [InlineData("10.0.0.128", "10.0.1.127")]
    [InlineData("10.0.0.0", "10.0.0.254")]
    public void OtherRangesAreNoNetworks(string start, string end)
    {
        var selector = Range(start, end);
        Assert.False(selector.IsNetwork(out _));
        Assert.Equal($"{start}-{end}", selector.ToString());
    }

    [Theory]
    [InlineData("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", "10.1.0.0/16")]
    [InlineData("10.0.0.0/8", "11.0.0.0/8", null)]
    [InlineData("::/0", "0.0.0.0/0", null)]
    [InlineData("::/0", "2001:db8::/64", "2001:db8::/64")]
    public void AddressesIntersect(string left, string right, string? expected)
    {
        Assert.Equal(expected is not null, Net(left).TryIntersect(Net(right), out TrafficSelector both));
        Assert.Equal(expected is not null, Net(right).TryIntersect(Net(left), out TrafficSelector reverse));
        Assert.Equal(both, reverse);
        if (expected is not null) Assert.Equal(expected, both.ToString());
    }

    [Fact]
    public void OverlappingRangesIntersect()
    {
        Assert.True(Range("10.0.0.5", "10.0.0.20").TryIntersect(Range("10.0.0.10", "10.0.0.30"), out TrafficSelector both));
        Assert.Equal("10.0.0.10-10.0.0.20", both.ToString());
        Assert.False(both.Contains(Range("10.0.0.10", "10.0.0.21")));
        Assert.True(Range("10.0.0.5", "10.0.0.20").Contains(both));
        Assert.True(both.Contains(IPAddress.Parse("10.0.0.20")));
        Assert.False(both.Contains(IPAddress.Parse("10.0.0.21")));
        Assert.False(both.Contains(IPAddress.IPv6Loopback));
    }

    [Theory]
    [InlineData(0, 6, true)]
    [InlineData(6, 6, true)]
    [InlineData(6, 17, false)]
    public void ProtocolsIntersect(int left, int right, bool expected)
    {
        TrafficSelector a = Net("10.0.0.0/8") with { Protocol = (byte)left };
        TrafficSelector b = Net("10.0.0.0/8") with { Protocol = (byte)right };
        Assert.Equal(expected, a.TryIntersect(b, out TrafficSelector both));
        if (expected) Assert.Equal(right, both.Protocol);
    }

    // RFC 7296 3.13.1: 65535 to 0 is OPAQUE; RFC 4301 4.4.1.1: ANY includes OPAQUE
    [Theory]
    [InlineData(0, 65535, 65535, 0, 65535, 0)]
    [InlineData(65535, 0, 65535, 0, 65535, 0)]
    [InlineData(0, 65535, 443, 443, 443, 443)]
    [InlineData(100, 500, 443, 600, 443, 500)]
    [InlineData(65535, 0, 443, 443, -1, -1)]
    [InlineData(1, 2, 3, 4, -1, -1)]
    public void PortsIntersect(int s1, int e1, int s2, int e2, int start, int end)
    {
        TrafficSelector a = Net("10.0.0.0/8") with { Protocol = 6, StartPort = (ushort)s1, EndPort = (ushort)e1 };
        TrafficSelector b = Net("10.0.0.0/8") with { Protocol = 6, StartPort = (ushort)s2, EndPort = (ushort)e2 };
        Assert.Equal(start >= 0, a.TryIntersect(b, out TrafficSelector both));
        Assert.Equal(start >= 0, b.TryIntersect(a, out TrafficSelector reverse));
        Assert.Equal(both, reverse);
        if (start >= 0) Assert.Equal((start, end), (both.StartPort, both.EndPort));
    }

    [Theory]
    [InlineData(6, 443, 443, "10.0.0.0/8[6/443]")]
    [InlineData(17, 1000, 2000, "10.0.0.0/8[17/1000-2000]")]
    [InlineData(47, 0, 65535, "10.0.0.0/8[47]")]
    [InlineData(6, 65535, 0, "10.0.0.0/8[6/opaque]")]
    [InlineData(1, 0x0800, 0x0800, "10.0.0.0/8[1/8:0]")]
    public void TextShowsProtocolAndPorts(int protocol, int start, int end, string expected) =>
        Assert.Equal(
            expected,
            (Net("10.0.0.0/8") with { Protocol = (byte)protocol, StartPort = (ushort)start, EndPort = (ushort)end }).ToString());

    [Fact]
    public void SelectorsOfOtherTypesAreCountedAndSkipped()
    {
        // 9 is TS_FC_ADDR_RANGE (RFC 4595).
        TrafficSelectorPayload ts = Parse("02000000 09000008 00000000 07000010 0000ffff 0a000000 0a0000ff");
        Assert.Equal(1, ts.SkippedCount);
        Assert.Equal("10.0.0.0/24", Assert.Single(ts.Selectors).ToString());
    }

    [Theory]
    [InlineData("0000000000", WireErrorCode.ZeroLength)]
    [InlineData("02000000 07000010 0000ffff 0a000000 0a0000ff", WireErrorCode.Truncated)]
    [InlineData("01000000 07000010 0000ffff 0a000000 0a0000ff 00", WireErrorCode.TrailingBytes)]
    [InlineData("01000000 07000011 0000ffff 0a000000 0a0000ff 00", WireErrorCode.BadLength)]
    [InlineData("01000000 08000010 0000ffff 0a000000 0a0000ff", WireErrorCode.BadLength)]
    [InlineData("01000000 09000007 0000ffff", WireErrorCode.BadLength)]
    [InlineData("01000000 07000010 0000ffff 0a0000ff 0a000000", WireErrorCode.BadValue)]
    [InlineData("01000000 07000010 22221111 0a000000 0a0000ff", WireErrorCode.BadValue)]
    [InlineData("41000000", WireErrorCode.TooMany)]
    public void BrokenSelectorsAreRefused(string body, WireErrorCode expected)
    {
        byte[] octets = Hex.Of(body);
        Assert.False(PayloadChain.TryParse(
            PayloadType.TrafficSelectorResponder, (byte[])[0, 0, 0, (byte)(octets.Length + 4), .. octets], out _, out WireError error));
        Assert.Equal(expected, error.Code);
    }

    private static TrafficSelector Net(string network) => TrafficSelector.FromNetwork(IPNetwork.Parse(network));

    private static TrafficSelector Range(string start, string end) => new(0, 0, 65535, IPAddress.Parse(start), IPAddress.Parse(end));

    private static TrafficSelectorPayload Parse(string body)
    {
        byte[] octets = Hex.Of(body);
        Assert.True(PayloadChain.TryParse(
            PayloadType.TrafficSelectorInitiator, (byte[])[0, 0, 0, (byte)(octets.Length + 4), .. octets], out IkePayload[]? payloads, out _));
        return Assert.IsType<TrafficSelectorPayload>(payloads[0]);
    }
}
