using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class TooBigMessageTests
{
    /// <summary>RFC 1122 3.2.2: "An ICMP error message MUST NOT be sent as the result of receiving: ... a datagram destined to an IP broadcast or IP multicast address ...
    /// a datagram whose source address does not define a single host".</summary>
    [Theory]
    [InlineData("10.99.0.1", "10.10.0.1", 576)]
    [InlineData("10.99.0.1", "239.1.1.1", 0)]
    [InlineData("10.99.0.1", "255.255.255.255", 0)]
    [InlineData("0.0.0.0", "10.10.0.1", 0)]
    [InlineData("2001:db8::1", "2001:db8::2", 1280)]
    [InlineData("2001:db8::1", "ff02::1", 0)]
    [InlineData("::", "2001:db8::2", 0)]
    public void OnlyHostsAreTold(string from, string to, int length)
    {
        var packet = Packets.Udp(from, to, 1400);
        Assert.True(IpPacket.TryRead(packet, out var ip));
        Assert.Equal(length, TooBigMessage.Write(new byte[TooBigMessage.MaximumLength], packet, ip, 1200));
    }
}
