using Headend.Aaa.Authorization;
using Headend.Configuration;
using Headend.Sessions;
using Headend.Tests.Configuration;

namespace Headend.Tests.Sessions;

/// <summary>Every source, from AAA's pair and the configuration's word to the octets.</summary>
public sealed class CiscoAttributeCompilerTests : IProfileObserver, IDisposable
{
    private static readonly (string Word, string[] Pairs, byte[] Octets)[] Sources =
    [
        ("banner", ["ipsec:banner=Gr\u00fc\u00df Gott"], [.. "Gr\u00fc\u00df Gott"u8]),
        ("default-domain", ["ipsec:default-domain=corp.example"], [.. "corp.example"u8]),
        ("split-dns", ["ipsec:split-dns=lab.example", "ipsec:split-dns=r-d.example"], [.. "lab.example,r-d.example"u8]),
        ("split-include", ["ipsec:route-set=prefix 10.1.0.0/16", "ipsec:route-set=prefix 2001:db8::/32", "ipsec:route-set=prefix 192.0.2.128/25"],
            [10, 1, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 128, 255, 255, 255, 128, 0, 0, 0, 0, 0, 0]),
        ("backup-servers", ["ipsec:ipsec-backup-gateway=gw2.example", "ipsec:backup-gateway=198.51.100.2"], [.. "gw2.example,198.51.100.2"u8]),
        ("session-timeout", ["Session-Timeout=3600"], [0, 0, 14, 16]),
        ("idle-timeout", ["Idle-Timeout=1800"], [0, 0, 7, 8]),
        ("pfs", ["ipsec:pfs=1"], [1]),
        ("smartcard-removal-disconnect", ["ipsec:smartcard-removal-disconnect=0"], [0]),
        ("include-local-lan", ["ipsec:include-local-lan=1"], [1]),
        ("configuration-url", ["ipsec:configuration-url=https://vpn.example/c"], [.. "https://vpn.example/c"u8]),
        ("configuration-version", ["ipsec:configuration-version=66051"], [0, 1, 2, 3]),
        ("complete-document", [], [.. "<config-auth/>"u8]),
        ("none", [], []),
    ];

    private readonly ConfigurationFixture fixture = new();

    public static TheoryData<int> Rows { get; } = new(Enumerable.Range(0, Sources.Length));

    public void Dispose() => fixture.Dispose();

    void IProfileObserver.UnknownPair(string name) => Assert.Fail(name);

    [Theory]
    [MemberData(nameof(Rows))]
    public void A_source_is_filled_with_what_the_session_was_granted(int row)
    {
        var (word, pairs, octets) = Sources[row];
        var rules = Rules($"source: {word}");
        var document = word == "complete-document" ? octets : [];
        Assert.True(SessionProfileReader.TryRead(pairs, this, out var profile, out var error), error);
        var pushed = CiscoAttributeCompiler.Compile(rules, profile, [.. profile.Routes], document).Where(a => a.Key == 30000).Select(a => Convert.ToHexString(a.Value.Span));
        Assert.Equal(word == "none" ? [] : [Convert.ToHexString(octets)], pushed);

        // What the session does not have is not answered.
        Assert.Empty(CiscoAttributeCompiler.Compile(rules, SessionProfile.Empty, [], default));
    }

    [Fact]
    public void Every_source_has_a_row_here()
    {
        var covered = Sources.SelectMany(s => Rules($"source: {s.Word}")).Select(r => r.Source).Append(CiscoAttributeSource.None).Append(Assert.Single(Rules("value: 0a"), r => r.Number == 30000).Source);
        Assert.Equal(Enum.GetValues<CiscoAttributeSource>(), covered.Distinct().Order());
    }

    /// <summary>docs/attributes.md comes from the leaf, the numbers from the headend.</summary>
    [Theory]
    [MemberData(nameof(Rows))]
    public void The_reference_of_AAA_names_the_number(int row)
    {
        foreach (var name in Sources[row].Pairs.Select(p => p[..p.IndexOf('=', StringComparison.Ordinal)]).Where(n => n != "ipsec:backup-gateway"))
        {
            var effect = Assert.Single(AttributeTable.Rows, r => r.Name == name).Effect;
            var source = Rules($"source: {Sources[row].Word}")[0].Source;
            var expected = CiscoAttributeTable.Known.FirstOrDefault(k => k.Source == source) is { } known ? $"configuration attribute {known.Number} " : $"`source: {Sources[row].Word}`; no number is built in";
            Assert.Contains(expected, effect, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Octets_of_the_configuration_go_out_as_they_stand_and_nothing_overlong()
    {
        Assert.Equal("0A0B", Convert.ToHexString(Assert.Single(CiscoAttributeCompiler.Compile(Rules("value: 0a0b"), SessionProfile.Empty, [], default)).Value.Span));
        var rules = Rules("source: complete-document");
        Assert.Single(CiscoAttributeCompiler.Compile(rules, SessionProfile.Empty, [], new byte[8192]));
        Assert.Empty(CiscoAttributeCompiler.Compile(rules, SessionProfile.Empty, [], new byte[8193]));
    }

    private IReadOnlyList<CiscoAttributeOptions> Rules(string filling)
    {
        var outcome = fixture.Parse(ConfigurationFixture.Complete.Replace(
            "      virtual-template: 1\n", $"      virtual-template: 1\n      cisco-attributes: [ {{ number: 30000, {filling} }} ]\n", StringComparison.Ordinal));
        Assert.Empty(outcome.Errors);
        return outcome.Configuration!.Ikev2.Profiles[0].CiscoAttributes;
    }
}
