using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Headend.Configuration;

namespace Headend.Tests.Configuration;

public sealed class HostileYamlTests
{
    [Fact]
    public void An_alias_bomb_is_refused_where_it_multiplies()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var i = 1; i < 12; i++)
            bomb.Append($"a{i}: &a{i} [{string.Join(", ", Enumerable.Repeat($"*a{i - 1}", 10))}]\n");

        var finding = Assert.Single(Parse(bomb.ToString()), d => d.Contains("nodes", StringComparison.Ordinal));
        Assert.StartsWith("h.yaml:5:", finding, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a: &a [*a]", "h.yaml:1:8: the alias 'a' stands within its own anchor")]
    [InlineData("a: *b", "h.yaml:1:4: ")]
    [InlineData("a: !!binary aGk=", "h.yaml:1:4: a tag has no meaning here")]
    [InlineData("? [a]\n: b", "h.yaml:1:3: a key must be a word")]
    [InlineData("--- {}\n--- {}", "h.yaml:2:1: a second document; one file holds one")]
    [InlineData("[a]", "h.yaml:1:1: expected keys and values at the top")]
    [InlineData("a: [", "h.yaml:2:1: not YAML: ")]
    [InlineData("a: \"\\u001b[2J\"\n\"b\\u001b\": 1", "h.yaml:2:1: unknown key 'b\\u001b' in the configuration")]
    public void A_document_that_is_no_configuration_is_refused_at_its_place(string text, string beginning) =>
        Assert.Contains(Parse(text), d => d.StartsWith(beginning, StringComparison.Ordinal));

    [Fact]
    public void Deep_nesting_is_refused_before_it_costs_the_stack()
    {
        var finding = Assert.Single(Parse("a: " + new string('[', 200_000)));
        Assert.Equal("h.yaml:1:28: nested deeper than 24", finding);
    }

    [Fact]
    public void A_file_longer_than_the_limit_is_refused() =>
        Assert.Equal(["h.yaml:1:1: the file is longer than 1048576 characters"], Parse("#" + new string('x', 1 << 20)));

    [Fact]
    public void No_text_makes_the_parser_throw()
    {
        var fragments = Gen.Elements(
            "a", ": ", "\n", "- ", "  ", "[", "]", "{", "}", "&x ", "*x", "!t ", "\"", "'", "|", ">", "#", "? ", "---", "listen", "pools", "radius", "servers", "10.0.0.0/8", "\t", "\0", "\u0085", "%", "@", ",");
        var texts = Gen.ListOf(fragments).Select(parts => string.Concat(parts));
        Prop.ForAll(Arb.From(texts), text => Parse(text) is not null).QuickCheckThrowOnFailure();
    }

    private static List<string> Parse(string text) =>
        [.. ConfigurationParser.ParseText(text, "h.yaml", ConfigurationRules.OfLeaves).Diagnostics.Select(d => d.ToString())];
}
