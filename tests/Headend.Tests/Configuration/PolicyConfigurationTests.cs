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

    [Fact]
    public void Access_lists_have_names_or_numbers_and_policies_may_name_them()
    {
        var text = ConfigurationFixture.Complete.Replace("[\"prefix 10.10.0.0/24\"]", "[\"access-list split\", \"access-list 10\", \"interface lan0\", \"local ipv4 10.30.0.0 255.255.0.0\"]", StringComparison.Ordinal) + Lists;
        Assert.Empty(fixture.Findings(text));
        var configuration = fixture.Parse(text).Configuration!;
        Assert.Equal(["split", "10"], configuration.AccessLists.Select(l => l.Name));
        Assert.Equal(["access-list split", "access-list 10", "interface lan0", "local ipv4 10.30.0.0 255.255.0.0"], configuration.Ikev2.AuthorizationPolicies[0].RouteSet);
    }

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
