using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Policy;

public sealed class AccessListParserTests
{
    [Theory]
    [InlineData("permit ip any 10.10.0.0/24", true, null, null, "10.10.0.0/24", null)]
    [InlineData("deny tcp any host 10.1.1.1 eq 443", false, 6, null, "10.1.1.1/32", "443-443")]
    [InlineData("permit tcp host 10.1.1.1 10.2.2.0 0.0.0.255 range 1000 2000", true, 6, "10.1.1.1/32", "10.2.2.0/24", "1000-2000")]
    [InlineData("PERMIT UDP 10.0.0.7/8 any neq domain", true, 17, "10.0.0.0/8", null, "!53-53")]
    [InlineData("permit 10.0.0.0 0.255.255.255", true, null, "10.0.0.0/8", null, null)]
    [InlineData("permit any", true, null, null, null, null)]
    [InlineData("permit ipv6 any 2001:db8::/32", true, null, null, "2001:db8::/32", null)]
    [InlineData("permit 47 any host 2001:db8::1", true, 47, null, "2001:db8::1/128", null)]
    [InlineData("permit tcp any any gt 1023", true, 6, null, null, "1024-65535")]
    [InlineData("permit tcp any any lt 1024", true, 6, null, null, "0-1023")]
    [InlineData("permit ip 10.0.0.0/0 0.0.0.0/0", true, null, null, null, null)]
    public void Lines_are_read(string line, bool permit, int? protocol, string? source, string? destination, string? ports)
    {
        Assert.True(AccessListParser.TryParse(line, out var entry, out var error), error);
        var read = entry!.DestinationPorts is { } range ? $"{(range.IsExcluded ? "!" : "")}{range.First}-{range.Last}" : null;
        Assert.Equal((permit, protocol, source, destination, ports), (entry.IsPermit, entry.Protocol, entry.Source?.ToString(), entry.Destination?.ToString(), read));
    }

    [Fact]
    public void Remarks_and_established_are_read()
    {
        Assert.True(AccessListParser.TryParse("remark whatever stands here", out var entry, out _));
        Assert.Null(entry);
        Assert.True(AccessListParser.TryParse("permit tcp any any established", out entry, out _));
        Assert.True(entry!.Established);
        Assert.True(AccessListParser.TryParse("permit tcp 10.0.0.0/8 eq 22 any", out entry, out _));
        Assert.Equal(new PortRange(22, 22), entry!.SourcePorts);
    }

    [Theory]
    [InlineData("")]
    [InlineData("permit")]
    [InlineData("allow ip any any")]
    [InlineData("permit ip any")]
    [InlineData("permit ip any host")]
    [InlineData("permit ip any 10.0.0.0/33")]
    [InlineData("permit ip any 10.0.0.0 0.255.0.255")]
    [InlineData("permit ip 10.0.0.0/8 2001:db8::/32")]
    [InlineData("permit tcp any any eq")]
    [InlineData("permit tcp any any eq 65536")]
    [InlineData("permit tcp any any range 9 8")]
    [InlineData("permit tcp any any lt 0")]
    [InlineData("permit tcp any any gt 65535")]
    [InlineData("permit udp any any established")]
    [InlineData("permit ip any any eq 80")]
    [InlineData("permit ip any any log")]
    [InlineData("permit 256 any any")]
    [InlineData("permit 1")]
    public void What_is_not_understood_is_refused_with_a_reason(string line)
    {
        Assert.False(AccessListParser.TryParse(line, out var entry, out var error));
        Assert.Null(entry);
        Assert.NotEqual("", error);
    }

    [Fact]
    public void No_line_throws()
    {
        string[] words = ["permit", "deny", "remark", "ip", "tcp", "any", "host", "10.0.0.1", "::1", "10.0.0.0/8", "0.0.0.255", "eq", "range", "80", "/", "%", "-1", "established"];
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var line = string.Join(' ', Enumerable.Range(0, random.Next(8)).Select(_ => words[random.Next(words.Length)]));
            if (!AccessListParser.TryParse(line, out _, out var error)) Assert.NotEqual("", error);
        }
        Assert.False(AccessListParser.TryParse(new string('x', 300), out _, out _));
    }

    /// <summary>What stands for a list in a client's configuration.</summary>
    [Fact]
    public void The_subnets_of_a_list_are_its_permitted_destinations_or_sources()
    {
        string[] lines =
        [
            "permit ip any 10.10.0.0/24", "permit ip any 10.10.0.0/24", "deny ip any 10.66.0.0/16", "permit 192.168.5.0 0.0.0.255", "permit ip 172.16.0.0/12 any",
            "permit ipv6 any 2001:db8:10::/64", "permit ip any any", "remark nothing",
        ];
        var entries = new List<AccessListEntry>();
        foreach (var line in lines)
        {
            Assert.True(AccessListParser.TryParse(line, out var entry, out var error), error);
            if (entry is not null) entries.Add(entry);
        }
        var list = new AccessList("split", entries);
        Assert.Equal("10.10.0.0/24 192.168.5.0/24 172.16.0.0/12", string.Join(' ', list.Subnets(isIpv6: false)));
        Assert.Equal("2001:db8:10::/64", string.Join(' ', list.Subnets(isIpv6: true)));
    }
}
