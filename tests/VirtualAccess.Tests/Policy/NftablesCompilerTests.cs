using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Policy;

public sealed class NftablesCompilerTests
{
    [Theory]
    [InlineData("permit ip any any", "counter return comment \"10\"")]
    [InlineData("deny any", "counter drop comment \"10\"")]
    [InlineData("permit ipv6 any any", "meta nfproto ipv6 counter return comment \"10\"")]
    [InlineData("permit 10.0.0.0 0.255.0.255", "meta nfproto ipv4 ip saddr & 255.0.255.0 == 10.0.0.0 counter return comment \"10\"")]
    [InlineData("deny ip range 10.0.0.1 10.0.0.9 host 10.1.1.1", "meta nfproto ipv4 ip saddr 10.0.0.1-10.0.0.9 ip daddr 10.1.1.1/32 counter drop comment \"10\"")]
    [InlineData("deny tcp any any eq 80 443 81", "meta l4proto 6 th dport { 80-81, 443 } counter drop comment \"10\"")]
    [InlineData("deny udp any neq 53 any", "meta l4proto 17 th sport != 53 counter drop comment \"10\"")]
    [InlineData("deny gre any 2001:db8::/32", "meta nfproto ipv6 ip6 daddr 2001:db8::/32 meta l4proto 47 counter drop comment \"10\"")]
    [InlineData("deny icmp any any packet-too-big", "meta nfproto ipv4 meta l4proto 1 icmp type 3 icmp code 4 counter drop comment \"10\"")]
    [InlineData("deny ip any any dscp ef", "meta nfproto ipv4 ip dscp 46 counter drop comment \"10\"|meta nfproto ipv6 ip6 dscp 46 counter drop comment \"10\"")]
    [InlineData("deny ip any 10.0.0.0/8 fragments", "meta nfproto ipv4 ip daddr 10.0.0.0/8 ip frag-off & 0x1fff != 0 counter drop comment \"10\"")]
    [InlineData("deny tcp any any established", "meta l4proto 6 tcp flags & 0x14 != 0 counter drop comment \"10\"")]
    [InlineData("permit ip any ::/0", "meta nfproto ipv6 counter return comment \"10\"")]
    [InlineData(
        "permit udp any host 10.1.1.1 eq domain",
        "meta nfproto ipv4 ip daddr 10.1.1.1/32 meta l4proto 17 th dport 53 counter return comment \"10\"|meta nfproto ipv4 ip daddr 10.1.1.1/32 ip frag-off & 0x1fff != 0 meta l4proto 17 counter return comment \"10\"")]
    [InlineData("deny ip any any log", "limit rate 10/second burst 20 packets log prefix \"headend l7 10 deny \"|counter drop comment \"10\"")]
    public void Lines_become_rules(string line, string expected)
    {
        Assert.True(AccessListParser.TryParse("x", [line], out var list, out var error), error);
        var rules = NftablesCompiler.Rules(list, "l7");
        Assert.Equal("counter drop comment \"0\"", rules[^1]);
        Assert.Equal(expected, string.Join('|', rules.SkipLast(1)));
    }

    /// <summary>Text of RADIUS must not become text of nftables: whatever a line says, the rules consist of words of ours, numbers and addresses.</summary>
    [Fact]
    public void No_word_of_a_line_reaches_the_rules()
    {
        string[] words = ["permit", "deny", "ip", "tcp", "any", "host", "10.0.0.1", "::1", "1::/16", "eq", "range", "80", "log", "\"", ";", "}", "\n", "flush ruleset", "$(id)", "fe80::1%lo", "::ffff:1.2.3.4", "remark"];
        var random = new Random(11);
        var accepted = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var line = (i % 2 == 0 ? "permit " : "") + string.Join(' ', Enumerable.Range(0, random.Next(7)).Select(_ => words[random.Next(words.Length)]));
            if (!AccessListParser.TryParse("na\"me", [line], out var list, out _)) continue;
            accepted++;
            foreach (var rule in NftablesCompiler.Rules(list, "l1"))
                Assert.Matches("^[a-z0-9 :./&!={},<>-]*( log prefix \"headend l1 [0-9]+ (permit|deny) \"|counter (return|drop) comment \"[0-9]+\")$", rule);
        }

        Assert.True(accepted > 500);
    }

    [Fact]
    public void Equal_lists_are_one_chain_and_one_group()
    {
        var table = new FilterTable("abc");
        var first = Filter(["permit ip any host 10.0.0.1"], []);
        Assert.True(table.TryAcquire(first, out var commands, out var group));
        Assert.Contains("add chain inet headend-abc l1 {\n", commands, StringComparison.Ordinal);
        Assert.True(table.TryAcquire(Filter(["permit   ip any 10.0.0.1 0.0.0.0"], []), out commands, out var again));
        Assert.Equal(("", group), (commands, again));
        Assert.True(table.TryAcquire(Filter(["permit ip any host 10.0.0.1"], ["permit ip any host 10.0.0.1"]), out commands, out var both));
        Assert.DoesNotContain("add chain", commands, StringComparison.Ordinal);
        Assert.NotEqual(group!.Number, both!.Number);
        Assert.Equal("", table.Release(group));
        Assert.Contains($"delete element inet headend-abc in {{ {group.Number} }}", table.Release(group), StringComparison.Ordinal);
        Assert.Contains("delete chain inet headend-abc l1\n", table.Release(both), StringComparison.Ordinal);
        Assert.Empty(table.Chains);
    }

    [Fact]
    public void Two_headends_have_different_link_groups()
    {
        uint[] groups = [.. new[] { "aaaa", "bbbb", "cccc" }.Select(id =>
        {
            Assert.True(new FilterTable(id).TryAcquire(Filter(["permit any"], []), out _, out var group));
            return group!.Number >> 16;
        })];
        Assert.Equal(3, groups.Distinct().Count());
    }

    private static InterfaceFilter Filter(string[] inbound, string[] outbound)
    {
        return new InterfaceFilter(Lists(inbound), Lists(outbound));

        static System.Collections.Immutable.ImmutableArray<AccessList> Lists(string[] lines)
        {
            if (lines.Length == 0) return [];
            Assert.True(AccessListParser.TryParse("x", lines, out var list, out var error), error);
            return [list with { IsOfSession = true }];
        }
    }
}
