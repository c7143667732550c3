using System.Text.RegularExpressions;
using Headend.Aaa.Radius;

namespace Headend.Tests.Configuration;

/// <summary>Access lists, dictionaries and routes of the configuration.</summary>
public sealed class PolicyConfigurationTests : IDisposable
{
    private const string Lists = """
        access-lists:
          - { name: split, entries: ["permit ip any 10.10.0.0/24", "deny ip any any"] }
          - { name: 10, entries: ["permit 10.0.0.0 0.255.255.255"] }

        """;

    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    private static string Policy(string source, string prefixPool) => ConfigurationFixture.Complete
        .Replace("pool: p4", $"{source}\n      delegated-prefix-pool: {prefixPool}", StringComparison.Ordinal)
        .Replace("pools: [ ", "pools: [ { name: pd, range: '2001:db8:d0::/48', prefix-length: 56 }, ", StringComparison.Ordinal);

    [Fact]
    public void Access_lists_have_names_or_numbers_and_policies_may_name_them()
    {
        var text = ConfigurationFixture.Complete.Replace("[\"prefix 10.10.0.0/24\"]", "[\"access-list split\", \"access-list 10\", \"interface lan0\", \"local ipv4 10.30.0.0 255.255.0.0\"]", StringComparison.Ordinal) + Lists;
        Assert.Empty(fixture.Findings(text));
        var configuration = fixture.Parse(text).Configuration!;
        Assert.Equal(["split", "10"], configuration.AccessLists.Select(l => l.Name));
        Assert.Equal(["access-list split", "access-list 10", "interface lan0", "local ipv4 10.30.0.0 255.255.0.0"], configuration.Ikev2.AuthorizationPolicies[0].RouteSet);
    }

    [Fact]
    public void A_policy_may_name_dhcp_servers_and_a_pool_of_prefixes()
    {
        var text = Policy("dhcp: { servers: [10.10.0.67, 10.10.0.68], giaddr: 10.97.0.1, timeout: 5s }", "pd");
        Assert.Empty(fixture.Findings(text));
        var policy = fixture.Parse(text).Configuration!.Ikev2.AuthorizationPolicies[0];
        Assert.Equal("pd", policy.DelegatedPrefixPool);
        Assert.Equal(["10.10.0.67", "10.10.0.68"], policy.Dhcp!.Servers.Select(s => s.ToString()));
        Assert.Equal(("10.97.0.1", TimeSpan.FromSeconds(5)), (policy.Dhcp.Giaddr!.ToString(), policy.Dhcp.Timeout));

        policy = fixture.Parse(Policy("dhcp: { servers: [10.10.0.67] }", "pd")).Configuration!.Ikev2.AuthorizationPolicies[0];
        Assert.Equal((null, TimeSpan.FromSeconds(8)), (policy.Dhcp!.Giaddr, policy.Dhcp.Timeout));
    }

    [Theory]
    [InlineData("dhcp: { servers: [] }", "pd", "'ikev2.authorization-policies[].dhcp.servers' needs at least 1 entry")]
    [InlineData("dhcp: { giaddr: 10.97.0.1 }", "pd", "missing key 'servers' in 'ikev2.authorization-policies[].dhcp'")]
    [InlineData("dhcp: { servers: ['2001:db8::1'] }", "pd", "'2001:db8::1' is no IPv4 address that a DHCP server or relay can have")]
    [InlineData("dhcp: { servers: [10.10.0.67], giaddr: 0.0.0.0 }", "pd", "'0.0.0.0' is no IPv4 address that a DHCP server or relay can have")]
    [InlineData("dhcp: { servers: [10.10.0.67] }\n      pool: p4", "pd", "'dhcp' and 'pool' both say where the IPv4 address comes from; one of them is enough")]
    [InlineData("dhcp: { servers: [10.10.0.67] }", "p6", "'delegated-prefix-pool' needs a pool with a 'prefix-length'; 'p6' has none")]
    [InlineData("dhcp: { servers: [10.10.0.67] }", "nope", "no 'nope' in pools")]
    public void Mistakes_about_the_sources_of_addresses_are_named(string dhcp, string pool, string expected) =>
        Assert.Matches($"^[0-9]+:[0-9]+: .*{Regex.Escape(expected)}", Assert.Single(fixture.Findings(Policy(dhcp, pool))));

    [Theory]
    [InlineData("masquerade", "ip nat inside source overload", "ipv6 nat inside source overload")]
    [InlineData("masquerade lan0", "ip nat inside source interface lan0 overload", "ipv6 nat inside source interface lan0 overload")]
    [InlineData("one-to-one 10.10.0.50", "ip nat inside source static self 10.10.0.50")]
    [InlineData("one-to-one 2001:db8:10::50", "ipv6 nat inside source static self 2001:db8:10::50")]
    [InlineData("one-to-one pool outside", "ip nat inside source pool outside")]
    [InlineData("one-to-one pool outside6", "ipv6 nat inside source pool outside6")]
    public void Translation_of_a_policy_is_interface_commands(string nat, params string[] commands)
    {
        var text = Translation(nat);
        Assert.Empty(fixture.Findings(text));
        var configuration = fixture.Parse(text).Configuration!;
        Assert.Equal(commands, configuration.Ikev2.AuthorizationPolicies[0].Nat!.ToCommands(pool => configuration.Pools.First(p => p.Name == pool).Ranges[0].Family));
    }

    [Theory]
    [InlineData("yes", "'yes' is not 'masquerade', 'masquerade IFNAME', 'one-to-one ADDRESS' or 'one-to-one pool NAME'")]
    [InlineData("one-to-one 10.10.0", "'one-to-one 10.10.0' is not 'masquerade', 'masquerade IFNAME', 'one-to-one ADDRESS' or 'one-to-one pool NAME'")]
    [InlineData("masquerade a/b", "not an interface name")]
    [InlineData("one-to-one pool nope", "no 'nope' in pools")]
    [InlineData("one-to-one pool p4", "the pool 'p4' is of clients' own addresses; 'nat' needs another")]
    [InlineData("one-to-one pool pd", "the pool 'pd' gives prefixes, and 'nat' needs addresses")]
    public void Mistakes_about_translation_are_named(string nat, string expected) =>
        Assert.Matches($"^[0-9]+:[0-9]+: .*{Regex.Escape(expected)}", Assert.Single(fixture.Findings(Translation(nat))));

    [Fact]
    public void A_template_may_name_pools_and_policy_maps_that_are_there()
    {
        var text = Translation("masquerade").Replace("commands: [", "commands: [\"ip nat inside source pool outside\", \"service-policy input gold\", ", StringComparison.Ordinal)
            + "qos: { policy-maps: [ { name: gold, classes: [ { class: default, police: 1Mbit } ] } ] }\n";
        Assert.Empty(fixture.Findings(text));
        Assert.EndsWith("\"nowhere\": no pool nowhere", Assert.Single(fixture.Findings(text.Replace("source pool outside", "source pool nowhere", StringComparison.Ordinal))), StringComparison.Ordinal);
    }

    private static string Translation(string nat) => ConfigurationFixture.Complete
        .Replace("pool: p4", $"pool: p4\n      nat: '{nat}'", StringComparison.Ordinal)
        .Replace("pools: [ ", "pools: [ { name: outside, range: 10.10.0.50-10.10.0.59 }, { name: outside6, range: '2001:db8:10::50-2001:db8:10::59' }, { name: pd, range: '2001:db8:d0::/48', prefix-length: 56 }, ", StringComparison.Ordinal);

    [Theory]
    [InlineData("prefix 10.10.0.0/24", "access-list nope", "no 'nope' in access-lists")]
    [InlineData("prefix 10.10.0.0/24", "prefix 10.10.0.1/24", "'10.10.0.1/24' has bits set after its prefix length")]
    [InlineData("prefix 10.10.0.0/24", "everything", "'ikev2.authorization-policies[].route-set[]': route-set has a bad value 'everything'")]
    [InlineData("permit ip any 10.10.0.0/24", "permit ip any 10.10.0.0/44", "'access-lists[].entries[]': '10.10.0.0/44' is no prefix")]
    [InlineData("permit ip any 10.10.0.0/24", "20 permit ip any 10.10.0.0/24\", \"20 deny ip any any", "the number 20 stands twice")]
    [InlineData("permit 10.0.0.0 0.255.255.255", "permit ip any any", "'permit ip any any' belongs in an extended list, and 10 is a standard list")]
    public void Mistakes_are_named_at_their_place(string good, string bad, string expected)
    {
        var text = ConfigurationFixture.Complete + Lists;
        var at = text.IndexOf(good, StringComparison.Ordinal);
        var finding = Assert.Single(fixture.Findings(text[..at] + bad + text[(at + good.Length)..]));
        Assert.Contains(expected, finding, StringComparison.Ordinal);
        Assert.Matches("^[0-9]+:[0-9]+: ", finding);
    }

    [Fact]
    public void Templates_name_access_lists_that_exist()
    {
        var text = ConfigurationFixture.Complete.Replace("\"ip mtu 1400\"", "\"ip access-group split in\", \"ip access-group nope out\"", StringComparison.Ordinal) + Lists;
        var finding = Assert.Single(fixture.Findings(text));
        Assert.Contains("\"ip access-group nope out\": \"nope\": no access list nope", finding, StringComparison.Ordinal);
    }

    [Fact]
    public void Dictionaries_are_read_with_the_configuration()
    {
        fixture.Write("dictionary.acme", "$INCLUDE more/acme\n");
        fixture.Write("more/acme", "VENDOR Acme 4711\nBEGIN-VENDOR Acme\nATTRIBUTE Acme-Mode 7 integer\nEND-VENDOR Acme\n");
        var outcome = fixture.Parse(With("dictionary.acme"));
        Assert.Empty(outcome.Diagnostics);
        Assert.Equal("Acme-Mode", outcome.Configuration!.Radius.Dictionary.NameOf(new RadiusVendor(4711), 7));
        Assert.Same(RadiusDictionary.Core, fixture.Parse(ConfigurationFixture.Complete).Configuration!.Radius.Dictionary);
    }

    [Fact]
    public void Errors_of_dictionaries_stand_at_their_own_lines()
    {
        fixture.Write("dictionary.acme", "\n$INCLUDE more/acme\n$INCLUDE absent\n");
        fixture.Write("more/acme", "VENDOR Acme 4711\nATTRIBUT Acme-Mode 7 integer\n");
        var found = fixture.Findings(With("dictionary.acme")).Select(f => f.Replace(fixture.Directory + "/", "", StringComparison.Ordinal)).Order(StringComparer.Ordinal);
        Assert.Equal(["dictionary.acme:3:1: absent cannot be read: no such file", "more/acme:2:1: not understood: ATTRIBUT Acme-Mode 7 integer"], found);
    }

    private static string With(string dictionary) =>
        ConfigurationFixture.Complete.Replace("  attributes: { nas-identifier: gw1 }", $"  attributes: {{ nas-identifier: gw1 }}\n  dictionaries: [{dictionary}]", StringComparison.Ordinal);
}
