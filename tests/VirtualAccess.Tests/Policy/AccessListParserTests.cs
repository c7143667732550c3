using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Policy;

public sealed class AccessListParserTests
{
    [Theory]
    [InlineData("permit ip any 10.10.0.0/24", true, null, null, "10.10.0.0/24", null)]
    [InlineData("deny tcp any host 10.1.1.1 eq 443", false, 6, null, "10.1.1.1/32", "443")]
    [InlineData("permit tcp host 10.1.1.1 10.2.2.0 0.0.0.255 range 1000 2000", true, 6, "10.1.1.1/32", "10.2.2.0/24", "1000-2000")]
    [InlineData("PERMIT UDP 10.0.0.7/8 any neq domain", true, 17, "10.0.0.0/8", null, "!53")]
    [InlineData("permit 10.0.0.0 0.255.255.255", true, null, "10.0.0.0/8", null, null)]
    [InlineData("permit any", true, null, null, null, null)]
    [InlineData("permit ipv6 any 2001:db8::/32", true, null, null, "2001:db8::/32", null)]
    [InlineData("permit 47 any host 2001:db8::1", true, 47, null, "2001:db8::1/128", null)]
    [InlineData("permit tcp any any gt 1023", true, 6, null, null, "1024-65535")]
    [InlineData("permit tcp any any lt 1024", true, 6, null, null, "0-1023")]
    [InlineData("permit ip 10.0.0.0/0 0.0.0.0/0", true, null, "0.0.0.0/0", "0.0.0.0/0", null)]
    [InlineData("20 permit ip any 10.0.0.0 0.255.0.255", true, null, null, "10.0.0.0&255.0.255.0", null)]
    [InlineData("permit tcp range 10.0.0.1 10.0.0.9 any eq 80 443 www", true, 6, "10.0.0.1-10.0.0.9", null, "80,443")]
    [InlineData("deny sctp any any neq 1 2", false, 132, null, null, "!1,2")]
    [InlineData("permit icmp any host 2001:db8::1 echo-request", true, 58, null, "2001:db8::1/128", null)]
    public void Lines_are_read(string line, bool permit, int? protocol, string? source, string? destination, string? ports)
    {
        Assert.True(AccessListParser.TryParse(line, out var entry, out var error), error);
        var read = entry!.DestinationPorts?.ToString();
        Assert.Equal((permit, protocol, source, destination, ports), (entry.IsPermit, entry.Protocol, entry.Source?.ToString(), entry.Destination?.ToString(), read));
    }

    [Fact]
    public void Remarks_and_established_are_read()
    {
        Assert.True(AccessListParser.TryParse("remark whatever stands here", out var entry, out _));
        Assert.Null(entry);
        Assert.True(AccessListParser.TryParse("permit tcp any any established", out entry, out _));
        Assert.Equal(TcpFlagMatch.Established, entry!.TcpFlags);
        Assert.True(AccessListParser.TryParse("permit tcp 10.0.0.0/8 eq 22 any", out entry, out _));
        Assert.Equal("22", entry!.SourcePorts?.ToString());
        Assert.True(AccessListParser.TryParse("  30   Permit   udp any any dscp ef  log ", out entry, out _));
        Assert.Equal((30, (byte)46, true, "Permit udp any any dscp ef log"), (entry!.Sequence, entry.Dscp!.Value, entry.Log, entry.Text));
        Assert.True(AccessListParser.TryParse("deny ip any any fragments", out entry, out _));
        Assert.True(entry!.Fragments);
    }

    [Theory]
    [InlineData("permit icmp any any echo", "8", null)]
    [InlineData("permit icmp any any packet-too-big log", "3", 4)]
    [InlineData("permit icmp any any 3 13", "3", 13)]
    [InlineData("permit icmp any any 11", "11", null)]
    [InlineData("permit icmpv6 any any nd-ns", "135", null)]
    [InlineData("permit icmp any any log", null, null)]
    public void Types_of_icmp_are_words_or_numbers(string line, string? types, int? code)
    {
        Assert.True(AccessListParser.TryParse(line, out var entry, out var error), error);
        Assert.Equal((types, code), (entry!.IcmpTypes is null ? null : string.Join(',', entry.IcmpTypes), entry.IcmpCode));
    }

    [Fact]
    public void Entries_stand_in_the_order_of_their_numbers()
    {
        Assert.True(AccessListParser.TryParse("web", ["permit tcp any any eq 80", "5 deny tcp any host 10.1.1.1", "remark nothing", "permit udp any any"], out var list, out var error), error);
        Assert.Equal("5 deny tcp any host 10.1.1.1|10 permit tcp any any eq 80|20 permit udp any any", string.Join('|', list.Entries.Select(e => $"{e.Sequence} {e.Text}")));
        Assert.False(list.IsStandard);
        Assert.True(AccessListParser.TryParse("empty", ["remark nothing"], out list, out _));
        Assert.Empty(list.Entries);
    }

    [Theory]
    [InlineData("web", "access list web, line 2: the number 10 stands twice", "permit tcp any any eq 80", "10 permit udp any any")]
    [InlineData("web", "access list web, line 2: 'foo' is not understood here", "permit any", "permit tcp any any foo")]
    [InlineData("10", "access list 10, line 1: 'permit ip any any' belongs in an extended list, and 10 is a standard list", "permit ip any any")]
    [InlineData("101", "access list 101, line 1: 'permit any' belongs in a standard list, and 101 is an extended list", "permit any")]
    [InlineData("web", "access list web, line 1: '0' is no sequence number", "0 permit any")]
    [InlineData("web", "access list web, line 2: no sequence number is left", "2147483647 permit any", "permit any")]
    public void Errors_of_a_list_name_list_line_and_word(string name, string expected, params string[] lines)
    {
        Assert.False(AccessListParser.TryParse(name, lines, out var list, out var error));
        Assert.Null(list);
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("permit")]
    [InlineData("allow ip any any")]
    [InlineData("permit ip any")]
    [InlineData("permit ip any host")]
    [InlineData("permit ip any 10.0.0.0/33")]
    [InlineData("permit ip any range 10.0.0.9 10.0.0.1")]
    [InlineData("permit ip any range 10.0.0.9")]
    [InlineData("permit ip any any dscp 64")]
    [InlineData("permit tcp any any eq 80 fragments")]
    [InlineData("permit icmp 10.0.0.0/8 any echo-request")]
    [InlineData("permit icmp any any 256")]
    [InlineData("permit ipv6 any host 10.0.0.1")]
    [InlineData("permit tcp any any eq 1 2 3 4 5 6 7 8 9 10 11")]
    [InlineData("permit host")]
    [InlineData("10")]
    [InlineData("permit ip 10.0.0.0/8 2001:db8::/32")]
    [InlineData("permit tcp any any eq")]
    [InlineData("permit tcp any any eq 65536")]
    [InlineData("permit tcp any any range 9 8")]
    [InlineData("permit tcp any any lt 0")]
    [InlineData("permit tcp any any gt 65535")]
    [InlineData("permit udp any any established")]
    [InlineData("permit ip any any eq 80")]
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
        string[] words = ["permit", "deny", "remark", "ip", "tcp", "any", "host", "10.0.0.1", "::1", "10.0.0.0/8", "0.0.0.255", "eq", "range", "80", "/", "%", "-1", "established", "icmp", "log", "dscp", "fragments", "echo", "neq"];
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
            "permit ipv6 any 2001:db8:10::/64", "permit ip any any", "permit ip any 10.0.0.0/0", "permit ip any range 10.7.0.1 10.7.0.9", "remark nothing",
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
