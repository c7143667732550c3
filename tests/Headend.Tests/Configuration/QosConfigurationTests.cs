using Headend.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Tests.Configuration;

public sealed class QosConfigurationTests
{
    private const string Good = """
        qos:
          class-maps:
            - { name: voice, dscp: [ef, 40], protocol: [udp] }
            - { name: web, match: any, protocol: [tcp] }
          policy-maps:
            - name: outer
              classes:
                - { class: voice, police: 1Mbit burst 20kB }
                - { class: default, shape: 8Mbit, service-policy: inner }
            - name: inner
              classes:
                - { class: voice, priority: 1Mbit, set-dscp: ef }
                - { class: web, bandwidth: 25% }
                - { class: default, bandwidth: 2Mbit }
            - { name: plain, classes: [ { class: default, police: 10Mbit } ] }

        """;

    [Fact]
    public void Class_maps_and_policy_maps_are_compiled()
    {
        using var fixture = new ConfigurationFixture();
        var text = ConfigurationFixture.Complete + Good;
        Assert.Empty(fixture.Findings(text));
        var policies = Compile(fixture.Parse(text).Configuration!);
        var outer = policies["outer"];
        Assert.Equal(["voice", "default"], outer.Classes.Select(c => c.Name));
        Assert.Equal(new PoliceRate(1_000_000, 20_000), outer.Classes[0].Police);
        Assert.Equal<byte>([46, 40], [.. outer.Classes[0].Class!.Dscp]);
        Assert.True(outer.Classes[0].Class!.MatchesAll);
        Assert.Same(policies["inner"], outer.Classes[1].Nested);
        Assert.Equal<byte?>(46, policies["inner"].Classes[0].Dscp);
        Assert.Equal(25, policies["inner"].Classes[1].BandwidthPercent);
        Assert.Equal(new PoliceRate(10_000_000, 312_500), policies["plain"].Classes[0].Police);
        Assert.Null(QosCompiler.Check(outer));
    }

    [Theory]
    [InlineData("{ name: p, classes: [ { class: nope, police: 1Mbit } ] }", "no 'nope' in qos.class-maps; configured: default, v")]
    [InlineData("{ name: p, classes: [ { class: v, service-policy: nope } ] }", "no 'nope' in qos.policy-maps; configured: p")]
    [InlineData("{ name: p, classes: [ { class: v, police: 1Mb } ] }", "'qos.policy-maps[].classes[].police': '1Mb' is not a rate such as 2Mbit")]
    [InlineData("{ name: p, classes: [ { class: v, police: 1Mbit burst 10B } ] }", "or with a burst of 1500B to 4GB")]
    [InlineData("{ name: p, classes: [ { class: v, shape: 7kbit } ] }", "from 8kbit to 100Gbit")]
    [InlineData("{ name: p, classes: [ { class: v, bandwidth: 101% } ] }", "or a percentage from 1% to 100%")]
    [InlineData("{ name: p, classes: [ { class: v, police: 1Mbit, shape: 1Mbit } ] }", "'police' and 'shape' exclude each other")]
    [InlineData("{ name: p, classes: [ { class: v, bandwidth: 1Mbit, priority: true } ] }", "'bandwidth' and 'priority' exclude each other")]
    [InlineData("{ name: p, classes: [ { class: v, police: 1Mbit }, { class: v } ] }", "the class 'v' stands twice in the policy-map")]
    [InlineData("{ name: p, classes: [ { class: default, police: 1Mbit }, { class: v } ] }", "'default' takes what no other class takes, and comes last")]
    [InlineData("{ name: p, classes: [ { class: v, bandwidth: 1Mbit } ] }", "'bandwidth' needs a class with 'shape' or 'police' around the policy-map")]
    [InlineData("{ name: p, classes: [ { class: v, service-policy: p } ] }", "the policy-map 'p' stands within itself")]
    [InlineData("{ name: p, classes: [ { class: v, service-policy: q } ] }, { name: q, classes: [ { class: v, service-policy: p } ] }", "the policy-map 'p' stands within itself")]
    [InlineData("{ name: p, classes: [ { class: v, shape: 1Mbit, service-policy: q } ] }, { name: q, classes: [ { class: v, bandwidth: 2Mbit } ] }",
        "what is guaranteed up to here, 2000000 bit/s, is more than the 1000000 bit/s of the class around, within the policy-map 'p'")]
    [InlineData("{ name: p, classes: [] }", "'qos.policy-maps[].classes' needs at least 1 entry")]
    [InlineData("{ name: p, classes: [ { class: v, polic: 1Mbit } ] }", "unknown key 'polic' in 'qos.policy-maps[].classes[]'; did you mean 'police'?")]
    public void Mistakes_of_policy_maps_have_their_place(string policies, string expected)
    {
        var finding = Assert.Single(Findings($"qos:\n  class-maps: [ {{ name: v, any: true }} ]\n  policy-maps: [ {policies} ]\n"), f => f.Contains(expected, StringComparison.Ordinal));
        Assert.Matches("^[0-9]{2}:[0-9]+: ", finding);
    }

    [Theory]
    [InlineData("{ name: default, any: true }", "'default' is the class of what no other class takes, and needs no class-map")]
    [InlineData("{ name: v }", "a class-map needs one of access-group, dscp, protocol, any")]
    [InlineData("{ name: v, dscp: [af44] }", "'qos.class-maps[].dscp[]': 'af44' is not a DSCP")]
    [InlineData("{ name: v, protocol: [gre] }", "'gre' is not one of ip, ipv6, tcp, udp, icmp")]
    [InlineData("{ name: v, any: true, match: some }", "'some' is not one of all, any")]
    [InlineData("{ name: v, any: true }, { name: v, any: true }", "'v' is already in qos.class-maps, at")]
    public void Mistakes_of_class_maps_have_their_place(string classes, string expected) =>
        Assert.Contains(Findings($"qos:\n  class-maps: [ {classes} ]\n"), f => f.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void A_class_map_names_access_lists()
    {
        using var fixture = new ConfigurationFixture();
        const string text = ConfigurationFixture.Complete + "access-lists: [ { name: lan, entries: [\"permit tcp any 10.10.0.0/24 eq www\"] } ]\n"
            + "qos: { class-maps: [ { name: web, access-group: [lan] } ], policy-maps: [ { name: p, classes: [ { class: web, police: 1Mbit } ] } ] }\n";
        Assert.Empty(fixture.Findings(text));
        Assert.Equal("lan", Assert.Single(Compile(fixture.Parse(text).Configuration!)["p"].Classes[0].Class!.AccessGroups).Name);
        Assert.Contains("no 'lam' in access-lists; did you mean 'lan'?", Assert.Single(fixture.Findings(text.Replace("[lan]", "[lam]", StringComparison.Ordinal))), StringComparison.Ordinal);
    }

    private static IReadOnlyDictionary<string, PolicyMap> Compile(HeadendConfiguration configuration) =>
        QosPolicyCompiler.Compile(configuration.Qos, AccessListTable.ToLists(configuration.AccessLists));

    private static IReadOnlyList<string> Findings(string section)
    {
        using var fixture = new ConfigurationFixture();
        return fixture.Findings(ConfigurationFixture.Complete + section);
    }
}
