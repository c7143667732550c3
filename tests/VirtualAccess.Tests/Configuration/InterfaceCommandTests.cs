using Headend.VirtualAccess.Configuration;

namespace Headend.VirtualAccess.Tests.Configuration;

public sealed class InterfaceCommandTests
{
    [Fact]
    public void DerivesFromTemplateThenGroupThenUserAndKeepsTheOrigin()
    {
        var user = new ConfigOrigin(ConfigSource.AaaUser, "alice");
        var derived = VirtualAccessDerivation.Derive(
            new VirtualTemplate(1, ["ip unnumbered lan0", "IP MTU 1400", "ip tcp adjust-mss 1360", "description  two   words"]),
            [new AuthorizedCommands(new ConfigOrigin(ConfigSource.AaaGroup, "staff"), ["ip mtu 1350", "ip mtu 1340"]), new AuthorizedCommands(user, ["ip mtu 1300", "no ip tcp adjust-mss"])],
            InterfaceNames.NoRules);
        Assert.Empty(derived.Failures);
        var config = derived.Config;
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
    [InlineData("ip access-group", "\"ip access-group\": incomplete, expected ip access-group NAME in or ip access-group NAME out")]
    [InlineData("ip access-group lan", "\"ip access-group lan\": incomplete, expected ip access-group NAME in or ip access-group NAME out")]
    [InlineData("ip access-group lan sideways", "\"ip access-group lan sideways\": \"sideways\": not understood, expected in or out")]
    [InlineData("ip access-group a;b in", "\"ip access-group a;b in\": \"a;b\": a name has letters, digits, '.', '_', '-' and '#'")]
    [InlineData("service-policy gold", "\"service-policy gold\": \"gold\": unknown command")]
    [InlineData("ip nat outside", "\"ip nat outside\": \"outside\": unknown command")]
    [InlineData("ip nat inside source", "\"ip nat inside source\": incomplete, expected ip nat inside source [interface IFNAME] overload")]
    [InlineData("ip nat inside source static me 10.1.1.1", "\"ip nat inside source static me 10.1.1.1\": \"me\": not an IPv4 address or self")]
    [InlineData("ip nat inside source static self 2001:db8::1", "\"ip nat inside source static self 2001:db8::1\": \"2001:db8::1\": not an IPv4 address")]
    [InlineData("ip nat inside source interface lan0", "\"ip nat inside source interface lan0\": incomplete, expected ip nat inside source [interface IFNAME] overload")]
    [InlineData("shut", "\"shut\": \"shut\": unknown command")]
    [InlineData("ip address 10.1.1.1 255.0.255.0", "\"ip address 10.1.1.1 255.0.255.0\": \"255.0.255.0\": a mask has no holes")]
    [InlineData("ip address 10.1.1.1 255.255.255.0 primary", "\"ip address 10.1.1.1 255.255.255.0 primary\": \"primary\": unexpected, expected ip address A.B.C.D MASK [secondary]")]
    [InlineData("ip route 10.1.1.1 255.255.0.0", "\"ip route 10.1.1.1 255.255.0.0\": the address has bits beyond the mask; meant is perhaps 10.1.0.0/16")]
    [InlineData("ip route 10.1.0.0 255.255.0.0 distance 256", "\"ip route 10.1.0.0 255.255.0.0 distance 256\": \"256\": out of range, 1 to 255")]
    [InlineData("ip route 10.1.0.0 255.255.0.0 distance", "\"ip route 10.1.0.0 255.255.0.0 distance\": incomplete, expected ip route A.B.C.D MASK [distance <1-255>] [tag <1-255>]")]
    [InlineData("ipv6 address 10.1.1.1/24", "\"ipv6 address 10.1.1.1/24\": \"10.1.1.1/24\": not an IPv6 address with a prefix length")]
    [InlineData("ipv6 address 2001:db8::1/129", "\"ipv6 address 2001:db8::1/129\": \"2001:db8::1/129\": a prefix length is 0 to 128")]
    [InlineData("vrf forwarding ../red", "\"vrf forwarding ../red\": \"../red\": not an interface name")]
    [InlineData("ip unnumbered ../etc", "\"ip unnumbered ../etc\": \"../etc\": not an interface name")]
    [InlineData("ip unnumbered abcdefghijklmnop", "\"ip unnumbered abcdefghijklmnop\": \"abcdefghijklmnop\": an interface name has at most 15 characters")]
    [InlineData("keepalive", "\"keepalive\": GRE keepalives do not go with tunnel protection; a client that is gone is found by 'dpd' of the profile")]
    [InlineData("keepalive 10 3", "\"keepalive 10 3\": GRE keepalives do not go with tunnel protection; a client that is gone is found by 'dpd' of the profile")]
    [InlineData("no ip mtu x", "\"no ip mtu x\": \"x\": expected a number from 68 to 9216")]
    public void RefusesWithCommandTokenAndReason(string command, string expected)
    {
        Assert.False(InterfaceCommandParser.TryParse(command, out _, out var failure));
        Assert.Equal(expected, failure.ToString());
    }

    [Fact]
    public void TunnelSourceIsAnAddressOrAnInterfaceAndTheLastWordCounts()
    {
        var config = VirtualAccessDerivation.Derive(new VirtualTemplate(1, ["tunnel source 192.0.2.1", "tunnel source wan0", "no keepalive", "no keepalive 10 3"]), [], InterfaceNames.NoRules).Config;
        Assert.Equal(["tunnel source wan0"], config.Commands().Select(c => c.Command));
        config = VirtualAccessDerivation.Derive(new VirtualTemplate(1, ["tunnel source wan0", "tunnel source 2001:db8::1"]), [], InterfaceNames.NoRules).Config;
        Assert.Equal(["tunnel source 2001:db8::1"], config.Commands().Select(c => c.Command));
        Assert.Empty(VirtualAccessDerivation.Derive(new VirtualTemplate(1, ["tunnel source wan0", "no tunnel source"]), [], InterfaceNames.NoRules).Config.Commands());
    }

    [Fact]
    public void EveryRowHasAWorkingNoFormAndHelp()
    {
        foreach (var row in InterfaceCommandTable.Rows)
        {
            var bare = string.Join(' ', row.Grammar.Split(' ').Where(w => !char.IsUpper(w[0]) && w[0] is not '<' and not '['));
            Assert.True(InterfaceCommandParser.TryParse("no " + bare, out var change, out _), bare);
            Assert.Equal(InterfaceConfig.Empty, change(InterfaceConfig.Empty, ConfigOrigin.Default, []));
            Assert.NotEmpty(row.Help);
            Assert.NotEmpty(row.Effect);
        }

        Assert.Equal(InterfaceCommandTable.Rows.Count, InterfaceCommandParser.Help.Count());
    }

    [Fact]
    public void TheReferenceIsFresh()
    {
        var path = Path.Combine(RepositoryRoot(), "docs", "interface-commands.md");
        if (Environment.GetEnvironmentVariable("HEADEND_WRITE_DOCS") == "1") File.WriteAllText(path, InterfaceReferenceCompiler.Compile());
        Assert.True(File.ReadAllText(path) == InterfaceReferenceCompiler.Compile(), "docs/interface-commands.md is stale; run these tests with HEADEND_WRITE_DOCS=1 and commit it");
    }

    private static string RepositoryRoot()
    {
        var directory = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(directory, "Headend.sln"))) directory = Path.GetDirectoryName(directory)!;
        return directory;
    }

    [Fact]
    public void AccessGroupsAndServicePoliciesNameWhatIsConfigured()
    {
        var names = new InterfaceNames(new HashSet<string> { "lan", "101" }, new HashSet<string> { "gold" });
        var user = new ConfigOrigin(ConfigSource.AaaUser, "alice");
        var derived = VirtualAccessDerivation.Derive(
            new VirtualTemplate(1, ["ip access-group lan in", "ip access-group 101 OUT", "ipv6 traffic-filter lan in", "service-policy input gold"]),
            [new AuthorizedCommands(user, ["no ip access-group out", "ipv6 traffic-filter lam out", "service-policy output silver"])],
            new DerivationRules(names));
        Assert.Equal(
            ["aaa user alice: \"ipv6 traffic-filter lam out\": \"lam\": no access list lam", "aaa user alice: \"service-policy output silver\": \"silver\": no policy map silver"],
            derived.Failures.Select(f => $"{f.Origin}: {f.Failure}"));
        Assert.Equal("lan", derived.Config.InboundAccessGroup?.Value);
        Assert.Null(derived.Config.OutboundAccessGroup);
        Assert.Equal("lan", derived.Config.Ipv6InboundAccessGroup?.Value);
        Assert.Equal("gold", derived.Config.ServicePolicyInput?.Value);
    }

    [Fact]
    public void ListsGrowAndShrinkByValue()
    {
        var config = VirtualAccessDerivation.Derive(
            new VirtualTemplate(1, [
                "ip unnumbered lan0", "ip address 10.1.1.1 255.255.255.0", "ip address 10.1.2.1 255.255.255.0 secondary", "ip address 10.1.3.1 255.255.255.0 SECONDARY",
                "no ip address 10.1.2.1 255.255.255.0", "ip route 10.5.0.0 255.255.0.0 tag 9", "ip route 10.6.0.0 255.255.0.0", "ipv6 route 2001:db8:5::/48", "no ip route 10.6.0.0 255.255.0.0",
            ]),
            [], InterfaceNames.NoRules).Config;
        Assert.Equal(
            ["ip address 10.1.1.1 255.255.255.0", "ip address 10.1.3.1 255.255.255.0 secondary", "ip route 10.5.0.0 255.255.0.0 tag 9", "ipv6 route 2001:db8:5::/48"],
            config.Commands().Select(c => c.Command));
        Assert.Equal((0u, (byte)9), (config.Routes[0].Value.Metric, config.Routes[0].Value.Realm));
    }

    [Fact]
    public void VrfTakesAwayTheAddressesThatStoodBeforeIt()
    {
        var user = new ConfigOrigin(ConfigSource.AaaUser, "alice");
        var template = new VirtualTemplate(1, ["ip unnumbered lan0"]);
        var bare = VirtualAccessDerivation.Derive(template, [new AuthorizedCommands(user, ["vrf forwarding red"])], InterfaceNames.NoRules);
        Assert.Equal(["vrf forwarding red"], bare.Config.Commands().Select(c => c.Command));
        Assert.Equal("aaa user alice: \"vrf forwarding red\" took away \"ip unnumbered lan0\" of virtual-template 1", Assert.Single(bare.Notes));

        var inOrder = VirtualAccessDerivation.Derive(template, [new AuthorizedCommands(user, ["vrf forwarding red", "ip unnumbered lan1", "vrf forwarding red"])], InterfaceNames.NoRules);
        Assert.Equal("lan1", inOrder.Config.IpUnnumbered?.Value);
    }

    [Fact]
    public void ErrorsAreLeftOutWhereTheProfileSaysSoButNeverFilters()
    {
        var template = new VirtualTemplate(1, ["ip mtu 1400", "ip nonsense", "ip mtu 1", "tunnel source 192.0.2.9", "vrf forwarding red"]);
        var session = new TunnelSession(System.Net.IPAddress.Parse("192.0.2.1"), System.Net.IPAddress.Parse("192.0.2.2"), TunnelEncapsulation.Ipsec, "p");
        var rules = new DerivationRules(InterfaceNames.None, session, IgnoresErrors: true) { LeftOut = ["vrf forwarding red"] };
        var derived = VirtualAccessDerivation.Derive(template, [], rules);
        Assert.Empty(derived.Failures);
        Assert.Equal(["ip mtu 1400"], derived.Config.Commands().Select(c => c.Command));
        Assert.Equal(3, derived.Notes.Length);
        Assert.Equal("virtual-template 1: \"ip nonsense\": \"nonsense\": unknown command: left out", derived.Notes[0]);

        foreach (var filter in new[] { "ip access-group nope in", "ipv6 traffic-filter nope in", "service-policy input nope", "ip access-group x sideways", "ip verify unicast" })
            Assert.NotEmpty(VirtualAccessDerivation.Derive(new VirtualTemplate(1, [filter, "ip nonsense"]), [], rules).Failures);
    }

    [Fact]
    public void ServicePolicyStaysUntilItIsTakenAwayOrChangedBySession()
    {
        var names = new InterfaceNames(new HashSet<string>(), new HashSet<string> { "one", "two" });
        var template = new VirtualTemplate(1, ["service-policy input one", "service-policy output one"]);
        var user = new ConfigOrigin(ConfigSource.AaaUser, "alice");
        var derived = VirtualAccessDerivation.Derive(template, [new AuthorizedCommands(user, ["service-policy input two", "no service-policy output", "service-policy output two"])], new DerivationRules(names));
        Assert.Empty(derived.Failures);
        Assert.Equal(("one", "two"), (derived.Config.ServicePolicyInput?.Value, derived.Config.ServicePolicyOutput?.Value));
        Assert.Equal(
            "aaa user alice: \"service-policy input two\" changed nothing: \"service-policy input one\" of virtual-template 1 is attached, and only its 'no' form takes it away",
            Assert.Single(derived.Notes));

        var changed = VirtualAccessDerivation.Change(
            derived.Config, new AuthorizedCommands(new ConfigOrigin(ConfigSource.ChangeOfAuthorization, "192.0.2.2"), ["service-policy input two"]), new DerivationRules(names));
        Assert.Equal(("two", 0), (changed.Config.ServicePolicyInput?.Value, changed.Notes.Length));
    }
}
