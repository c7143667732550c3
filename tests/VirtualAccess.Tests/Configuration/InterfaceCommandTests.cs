using Headend.VirtualAccess.Configuration;

namespace Headend.VirtualAccess.Tests.Configuration;

public sealed class InterfaceCommandTests
{
    [Fact]
    public void DerivesFromTemplateThenGroupThenUserAndKeepsTheOrigin()
    {
        var user = new ConfigOrigin(ConfigSource.AaaUser, "alice");
        var failures = VirtualAccessDerivation.Derive(
            new VirtualTemplate(1, ["ip unnumbered lan0", "IP MTU 1400", "ip tcp adjust-mss 1360", "description  two   words"]),
            [new AuthorizedCommands(new ConfigOrigin(ConfigSource.AaaGroup, "staff"), ["ip mtu 1350", "ip mtu 1340"]), new AuthorizedCommands(user, ["ip mtu 1300", "no ip tcp adjust-mss"])],
            out var config);
        Assert.Empty(failures);
        Assert.Equal(new Setting<int>(1300, user, "ip mtu 1300"), config.IpMtu);
        Assert.Null(config.TcpAdjustMss);
        Assert.Equal("two words", config.Description?.Value);
        Assert.Equal("lan0", config.IpUnnumbered?.Value);
        Assert.Equal((1300, 1300), (config.EffectiveIpMtu, config.EffectiveIpv6Mtu));
        Assert.Equal(["description two words", "ip unnumbered lan0", "ip mtu 1300"], config.Commands().Select(c => c.Command));
        Assert.Equal("aaa user alice", config.IpMtu!.Origin.ToString());
    }

    [Theory]
    [InlineData("", "\"\": empty command")]
    [InlineData("no", "\"no\": empty command")]
    [InlineData("ip", "\"ip\": incomplete command")]
    [InlineData("ip mtu", "\"ip mtu\": incomplete, expected ip mtu <68-9216>")]
    [InlineData("ip mtu 67", "\"ip mtu 67\": \"67\": out of range, 68 to 9216")]
    [InlineData("ip mtu x", "\"ip mtu x\": \"x\": expected a number from 68 to 9216")]
    [InlineData("ip mtu +1400", "\"ip mtu +1400\": \"+1400\": expected a number from 68 to 9216")]
    [InlineData("ip mtu 1400 1", "\"ip mtu 1400 1\": \"1\": unexpected, expected ip mtu <68-9216>")]
    [InlineData("ip nat inside", "\"ip nat inside\": \"nat\": unknown command")]
    [InlineData("shutdown", "\"shutdown\": \"shutdown\": unknown command")]
    [InlineData("ip unnumbered ../etc", "\"ip unnumbered ../etc\": \"../etc\": not an interface name")]
    [InlineData("ip unnumbered abcdefghijklmnop", "\"ip unnumbered abcdefghijklmnop\": \"abcdefghijklmnop\": an interface name has at most 15 characters")]
    [InlineData("no ip mtu x", "\"no ip mtu x\": \"x\": expected a number from 68 to 9216")]
    public void RefusesWithCommandTokenAndReason(string command, string expected)
    {
        Assert.False(InterfaceCommandParser.TryParse(command, out _, out var failure));
        Assert.Equal(expected, failure.ToString());
    }

    [Fact]
    public void EveryRowHasAWorkingNoFormAndHelp()
    {
        foreach (var row in InterfaceCommandTable.Rows)
        {
            Assert.True(InterfaceCommandParser.TryParse("no " + string.Join(' ', row.Keywords), out var change, out _));
            Assert.Equal(InterfaceConfig.Empty, change(InterfaceConfig.Empty, ConfigOrigin.Default));
            Assert.NotEmpty(row.Help);
        }

        Assert.Equal(InterfaceCommandTable.Rows.Count, InterfaceCommandParser.Help.Count());
    }
}
