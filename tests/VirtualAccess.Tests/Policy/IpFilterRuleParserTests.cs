using System.Net;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Policy;

/// <summary>RFC 6733 4.3.1, as NAS-Filter-Rule (RFC 4849 2) carries it.</summary>
public sealed class IpFilterRuleParserTests
{
    private static readonly IPAddress[] Assigned = [IPAddress.Parse("10.99.0.7"), IPAddress.Parse("2001:db8:99::7")];

    [Theory]
    [InlineData("permit in ip from any to 10.10.0.0/24", "meta nfproto ipv4 ip daddr 10.10.0.0/24 counter return comment \"10\"")]
    [InlineData("deny in tcp from any to !10.10.0.1 80,8000-8999", "meta nfproto ipv4 ip daddr != 10.10.0.1/32 meta l4proto 6 th dport { 80, 8000-8999 } counter drop comment \"10\"")]
    [InlineData("permit in 6 from any 1024-65535 to any 22 setup", "meta l4proto 6 th sport 1024-65535 th dport 22 tcp flags & 0x12 == 0x02 counter return comment \"10\"")]
    [InlineData("permit in tcp from any to any established", "meta l4proto 6 tcp flags & 0x14 != 0 counter return comment \"10\"")]
    [InlineData("permit in 6 from any to any tcpflags syn,!ack", "meta l4proto 6 tcp flags & 0x12 == 0x02 counter return comment \"10\"")]
    [InlineData("permit in icmp from any to any icmptypes 0,8,11-12", "meta nfproto ipv4 meta l4proto 1 icmp type { 0, 8, 11-12 } counter return comment \"10\"")]
    [InlineData("deny in ip from any to 10.0.0.0/8 frag", "meta nfproto ipv4 ip daddr 10.0.0.0/8 ip frag-off & 0x1fff != 0 counter drop comment \"10\"")]
    [InlineData("permit in ip from assigned to any", "meta nfproto ipv4 ip saddr 10.99.0.7/32 counter return comment \"10\"|meta nfproto ipv6 ip6 saddr 2001:db8:99::7/128 counter return comment \"10\"")]
    [InlineData("permit in udp from assigned to 2001:db8:10::/64 53", "meta nfproto ipv6 ip6 saddr 2001:db8:99::7/128 ip6 daddr 2001:db8:10::/64 meta l4proto 17 th dport 53 counter return comment \"10\"")]
    public void Rules_become_conditions(string rule, string expected)
    {
        Assert.True(IpFilterRuleParser.TryParse([rule], Assigned, "NAS-Filter-Rule", out var inbound, out var outbound, out var error), error);
        Assert.Null(outbound);
        var rules = NftablesCompiler.Rules(inbound!, "l1");
        // The first two discard fragments of offset one, the last is the end of the list.
        Assert.Equal(expected, string.Join('|', rules.Skip(2).SkipLast(1)));
    }

    // RFC 6733 4.3.1: "If no rule matches, the packet is dropped if the last rule evaluated was a permit, and passed if the last rule was a deny."
    [Theory]
    [InlineData("deny in ip from any to 10.0.0.0/8", true)]
    [InlineData("permit in ip from any to 10.0.0.0/8", false)]
    public void The_last_rule_decides_about_the_rest(string rule, bool passes)
    {
        Assert.True(IpFilterRuleParser.TryParse([rule, "permit out ip from any to any"], Assigned, "NAS-Filter-Rule", out var inbound, out var outbound, out _));
        Assert.Equal(passes, inbound!.PermitsRest);
        Assert.False(outbound!.PermitsRest);
        Assert.Equal($"counter {(passes ? "return" : "drop")} comment \"0\"", NftablesCompiler.Rules(inbound, "l1")[^1]);
    }

    // RFC 6733 4.3.1: "There is one kind of packet that the access device MUST always discard, that is an IP fragment with a fragment offset of one."
    [Fact]
    public void A_fragment_of_offset_one_is_always_discarded()
    {
        Assert.True(IpFilterRuleParser.TryParse(["permit in ip from any to any"], Assigned, "NAS-Filter-Rule", out var inbound, out _, out _));
        Assert.Equal("meta nfproto ipv4 ip frag-off & 0x1fff == 1 counter drop comment \"0\"", NftablesCompiler.Rules(inbound!, "l1")[0]);
    }

    [Theory]
    [InlineData("permit in ip from any to any ipoptions ssrr", "NAS-Filter-Rule, rule 1: the option 'ipoptions' is not supported")]
    [InlineData("permit in tcp from any to any tcpoptions mss", "NAS-Filter-Rule, rule 1: the option 'tcpoptions' is not supported")]
    [InlineData("flush", "NAS-Filter-Rule, rule 1: 'flush' is neither permit nor deny")]
    [InlineData("permit both ip from any to any", "NAS-Filter-Rule, rule 1: 'both' is neither in nor out")]
    [InlineData("permit in ip from any to any 80", "NAS-Filter-Rule, rule 1: '80': ports need tcp, udp or sctp")]
    [InlineData("permit in tcp from any 9-8 to any", "NAS-Filter-Rule, rule 1: '9-8' is no list of ports")]
    [InlineData("permit in udp from any to any setup", "NAS-Filter-Rule, rule 1: 'setup' needs protocol 6")]
    [InlineData("permit in ip from any", "NAS-Filter-Rule, rule 1: 'to' is missing before ''")]
    [InlineData("permit in ip from any to 10.0.0.0/40", "NAS-Filter-Rule, rule 1: '10.0.0.0/40' is no address")]
    [InlineData("permit in ip from 10.0.0.1 to 2001:db8::1", "NAS-Filter-Rule, rule 1: source and destination are of two address families")]
    [InlineData("permit in tcp from any to any tcpflags syn,syn", "NAS-Filter-Rule, rule 1: 'syn,syn' is no list of TCP flags")]
    public void What_is_not_understood_is_an_error_that_names_it(string rule, string expected)
    {
        Assert.False(IpFilterRuleParser.TryParse([rule], Assigned, "NAS-Filter-Rule", out _, out _, out var error));
        Assert.Equal(expected, error);
    }

    [Fact]
    public void No_rule_throws()
    {
        string[] words = ["permit", "deny", "in", "out", "ip", "tcp", "6", "from", "to", "any", "assigned", "!10.0.0.1", "!", "10.0.0.0/8", "::/0", "80,", "1-2", "frag", "tcpflags", "icmptypes", "!syn"];
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var rule = string.Join(' ', Enumerable.Range(0, random.Next(12)).Select(_ => words[random.Next(words.Length)]));
            if (!IpFilterRuleParser.TryParse([rule], Assigned, "n", out _, out _, out var error)) Assert.NotEqual("", error);
        }
    }
}
