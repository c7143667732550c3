using System.Collections.Immutable;
using System.Net;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class XfrmSelectorCompilerTests
{
    [Fact]
    public void A_prefix_and_any_port_is_one_policy()
    {
        var selector = Assert.Single(Compile(Range("10.10.0.0", "10.10.0.255"), Range("10.99.0.7", "10.99.0.7")));
        Assert.Equal((24, 32), (selector.Source.PrefixLength, selector.Destination.PrefixLength));
        Assert.Equal((0, 0), (selector.Source.PortMask, selector.Destination.PortMask));
    }

    [Fact]
    public void Everything_is_one_policy_of_each_family()
    {
        var v4 = Assert.Single(Compile(Range("0.0.0.0", "255.255.255.255"), Range("10.99.0.7", "10.99.0.7")));
        Assert.Equal(0, v4.Source.PrefixLength);
        var v6 = Assert.Single(Compile(Range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Range("2001:db8::7", "2001:db8::7")));
        Assert.Equal((0, 128), (v6.Source.PrefixLength, v6.Destination.PrefixLength));
        Assert.False(v6.Source.IsIPv4);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_blocks_match_exactly_what_the_ranges_match(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            var (first, last) = Ordered(random.Next(256), random.Next(256));
            var (firstPort, lastPort) = Ordered(random.Next(65536), random.Next(65536));
            var ours = new EspSelector(Host(first), Host(last), 6, (ushort)firstPort, (ushort)lastPort);
            if (!XfrmSelectorCompiler.TryCompile([ours], [Range("10.99.0.7", "10.99.0.7")], out var selectors, out _)) continue;
            for (var probe = 0; probe < 300; probe++)
            {
                var (host, port) = (random.Next(256), random.Next(65536));
                var expected = host >= first && host <= last && port >= firstPort && port <= lastPort;
                Assert.Equal(expected, selectors.Count(selector => selector.Source.Holds(TransportAddress.ToBits(Host(host)), isIPv4: true, (ushort)port)) == 1);
            }
        }
    }

    [Fact]
    public void Too_many_blocks_are_refused_by_name()
    {
        var ours = new EspSelector(Host(1), Host(254), 6, 1, 65534);
        Assert.False(XfrmSelectorCompiler.TryCompile([ours], [Range("10.99.0.7", "10.99.0.7")], out _, out var reason));
        Assert.Contains("64 policies", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Selectors_of_two_families_or_protocols_alone_make_nothing()
    {
        Assert.False(XfrmSelectorCompiler.TryCompile([Range("10.0.0.0", "10.0.0.255")], [Range("2001:db8::7", "2001:db8::7")], out _, out var reason));
        Assert.Contains("no packet fits", reason, StringComparison.Ordinal);
        Assert.False(XfrmSelectorCompiler.TryCompile([Range("10.0.0.0", "10.0.0.255") with { Protocol = 6 }], [Range("10.99.0.7", "10.99.0.7") with { Protocol = 17 }], out _, out _));
    }

    [Fact]
    public void Types_of_icmp_are_refused_and_any_icmp_is_not()
    {
        var icmp = Range("10.0.0.0", "10.0.0.255") with { Protocol = 1 };
        Assert.Equal(1, Assert.Single(Compile(icmp, Range("10.99.0.7", "10.99.0.7"))).Protocol);
        Assert.False(XfrmSelectorCompiler.TryCompile([icmp with { FirstPort = 8 << 8, LastPort = (8 << 8) + 255 }], [Range("10.99.0.7", "10.99.0.7")], out _, out var reason));
        Assert.Contains("ICMP", reason, StringComparison.Ordinal);
    }

    private static ImmutableArray<XfrmSelector> Compile(EspSelector ours, EspSelector theirs)
    {
        Assert.True(XfrmSelectorCompiler.TryCompile([ours], [theirs], out var selectors, out var reason), reason);
        return selectors;
    }

    private static EspSelector Range(string first, string last) => new(IPAddress.Parse(first), IPAddress.Parse(last));

    private static IPAddress Host(int last) => new([10, 10, 0, (byte)last]);

    private static (int First, int Last) Ordered(int one, int other) => (Math.Min(one, other), Math.Max(one, other));
}
