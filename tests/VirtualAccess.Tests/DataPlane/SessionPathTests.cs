using System.Net;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class SessionPathTests
{
    private const int Fragmenting = 7;
    private const int DontFragment = 8;
    private static readonly TransportAddress Ours = TransportAddress.From(IPAddress.Parse("192.0.2.2"), 4500);
    private static readonly TransportAddress Theirs = TransportAddress.From(IPAddress.Parse("198.51.100.9"), 61000);

    [Fact]
    public void Reports_lower_the_mtu_not_below_a_bound_and_are_forgotten()
    {
        var path = Path();
        Assert.Equal(0, path.MtuAt(0));
        var narrow = path.Learn(1300, 10, 100)!;
        Assert.Equal((1300, 1300, 0), (narrow.MtuAt(10), narrow.MtuAt(99), narrow.MtuAt(100)));
        Assert.Null(narrow.Learn(1300, 20, 120));
        Assert.Null(narrow.Learn(1400, 20, 120));
        Assert.Equal(1400, narrow.Learn(1400, 100, 200)!.MtuAt(100));
        Assert.Equal(576, narrow.Learn(68, 20, 120)!.MtuAt(20));
        Assert.Equal(576, narrow.Learn(0, 20, 120)!.MtuAt(20));
        Assert.Null(narrow.Learn(68, 20, 120)!.Learn(68, 30, 130));
        Assert.Equal(1280, Path("2001:db8::2", "2001:db8::9").Learn(600, 0, 100)!.MtuAt(0));
    }

    /// <summary>RFC 4301 8.1: the DF bit of the outer header by rule and inner header; what is known not to fit goes out in fragments.</summary>
    [Theory]
    [InlineData(DfBit.Copy, true, 1272, DontFragment)]
    [InlineData(DfBit.Copy, true, 1273, Fragmenting)]
    [InlineData(DfBit.Copy, false, 100, Fragmenting)]
    [InlineData(DfBit.Set, false, 1272, DontFragment)]
    [InlineData(DfBit.Set, false, 1273, Fragmenting)]
    [InlineData(DfBit.Clear, true, 100, Fragmenting)]
    public void Every_packet_has_its_socket(DfBit rule, bool inner, int espLength, int expected)
    {
        var path = Path().Learn(1300, 0, 100)!;
        Assert.Equal(expected, path.DescriptorFor(rule, inner, espLength, 0));
        Assert.Equal(rule == DfBit.Clear || (rule == DfBit.Copy && !inner) ? Fragmenting : DontFragment, path.DescriptorFor(rule, inner, espLength, 100));
        // Narrower than our bound: routers must be able to fragment all of it.
        Assert.Equal(Fragmenting, path.Learn(100, 0, 100)!.DescriptorFor(rule, inner, 100, 0));
    }

    /// <summary>struct cmsghdr and struct sock_extended_err of linux/errqueue.h, as the kernel writes them.</summary>
    [Theory]
    [InlineData("3000000000000000000000000b0000005a00000002030400140500000000000002000000c0000201000000000000000000000000", true, 1300, false)]
    [InlineData("300000000000000029000000190000005a00000003020000140500000000000002000000c0000201000000000000000000000000", true, 1300, false)]
    [InlineData("3000000000000000000000000b0000005a00000001000000b00400000000000002000000c0000201000000000000000000000000", true, 1200, true)]
    // Port unreachable, host unreachable; cut short; another control message.
    [InlineData("3000000000000000000000000b0000006f00000002030300140500000000000002000000c0000201000000000000000000000000", false, 0, false)]
    [InlineData("3000000000000000000000000b0000005a00000002030100140500000000000002000000c0000201000000000000000000000000", false, 0, false)]
    [InlineData("1800000000000000000000000b0000005a000000", false, 0, false)]
    [InlineData("300000000000000000000000080000005a00000002030400140500000000000002000000c0000201000000000000000000000000", false, 0, false)]
    public void Of_the_error_queue_only_path_mtus_are_read(string control, bool found, int mtu, bool isLocal)
    {
        Assert.Equal(found, ErrorQueue.TryReadMtu(Convert.FromHexString(control), out var read, out var local));
        if (found) Assert.Equal((mtu, isLocal), (read, local));
    }

    private static SessionPath Path(string local = "192.0.2.2", string remote = "198.51.100.9") => new(
        new EspPath(Ours with { Address = TransportAddress.ToBits(IPAddress.Parse(local)) }, Theirs with { Address = TransportAddress.ToBits(IPAddress.Parse(remote)) }, EspEncapsulation.Udp), Fragmenting, DontFragment);
}
