using Headend.Configuration;

namespace Headend.Tests.Configuration;

public sealed class ReturnTableTests
{
    private const string Dpd = "      dpd: { interval: 20s, mode: on-demand }\n";

    [Theory]
    [InlineData("traffic: {}", null, "Periodic")]
    [InlineData("reconnect: {}", 1800, "Smart")]
    [InlineData("reconnect: { timeout: 600s }", 600, "Smart")]
    [InlineData("reconnect: { timeout: 24h }\n      dpd: { mode: on-demand }", 86400, "OnDemand")]
    public void Reconnect_listens_first_unless_the_mode_is_set(string lines, int? seconds, string mode)
    {
        using var fixture = new ConfigurationFixture();
        var text = With(lines).Replace("      traffic: { local: [10.10.0.0/24] }\n", "", StringComparison.Ordinal);
        Assert.Empty(fixture.Findings(text));
        var profile = fixture.Parse(text).Configuration!.Ikev2.Profiles[0];
        Assert.Equal((seconds, mode), ((int?)profile.Reconnect?.Timeout.TotalSeconds, profile.Dpd.Mode.ToString()));
        Assert.Null(profile.ClientResume);
    }

    [Fact]
    public void Attribute_numbers_are_the_configurations()
    {
        using var fixture = new ConfigurationFixture();
        var text = With("reconnect: { attributes: { session-id: 28720, token-id: 28721 } }\n      client-resume: { interval: 90s }");
        Assert.Empty(fixture.Findings(text));
        var profile = fixture.Parse(text).Configuration!.Ikev2.Profiles[0];
        Assert.Equal(new ReconnectOptions(TimeSpan.FromMinutes(30), 28720, 28721, 28706, 28709), profile.Reconnect);
        Assert.Equal(TimeSpan.FromSeconds(90), profile.ClientResume);
    }

    [Fact]
    public void Tickets_are_given_where_the_section_is_written()
    {
        using var fixture = new ConfigurationFixture();
        Assert.Null(fixture.Parse(With("traffic: {}")).Configuration?.Ikev2.Profiles[0].Resumption);
        Assert.Equal(new ResumptionOptions(TimeSpan.FromHours(24), TimeSpan.FromMinutes(30)), fixture.Parse(With("session-resumption: {}")).Configuration!.Ikev2.Profiles[0].Resumption);
        var both = fixture.Parse(With("session-resumption: { lifetime: 2h, timeout: 15m }\n      reconnect: {}")).Configuration!.Ikev2.Profiles[0];
        Assert.Equal(new ResumptionOptions(TimeSpan.FromHours(2), TimeSpan.FromMinutes(15)), both.Resumption);
        Assert.NotNull(both.Reconnect);
    }

    [Theory]
    [InlineData("reconnect: { timeout: 599s }", "599s")]
    [InlineData("reconnect: { timeout: 86401s }", "86401s")]
    [InlineData("reconnect: { attributes: { token-id: 28709 } }", "'dpd-interval' has the number of 'token-id'")]
    [InlineData("client-resume: { interval: 1s }", "1s")]
    [InlineData("session-resumption: { lifetime: 599s }", "599s")]
    [InlineData("session-resumption: { lifetime: 8d }", "8d")]
    [InlineData("session-resumption: { timeout: 25h }", "25h")]
    [InlineData("session-resumption: { timeout: 1h, lifetime: 30m }", "'timeout' (01:00:00) is longer than 'lifetime' (00:30:00)")]
    public void Bad_values_are_named(string lines, string finding)
    {
        using var fixture = new ConfigurationFixture();
        Assert.Contains(fixture.Findings(With(lines)), f => f.Contains(finding, StringComparison.Ordinal));
    }

    /// <summary>FlexVPN: "Reconnect can not be configured if either Keyring, PSK authentication or PSK authorization enabled in profile."</summary>
    [Fact]
    public void Reconnect_beside_pre_shared_keys_is_refused_at_its_line()
    {
        using var fixture = new ConfigurationFixture();
        var text = With("reconnect: {}\n      keyring: { local: kr }")
            .Replace("eap: { query-identity: true, timeout: 60s }", "eap: {}, pre-share: true", StringComparison.Ordinal)
            .Replace("ikev2:\n", "ikev2:\n  keyrings: [ { name: kr, peers: [ { identity: fqdn b.example, secret: a long enough secret } ] } ]\n", StringComparison.Ordinal);
        var line = text.Split('\n').ToList().FindIndex(l => l.Contains("reconnect: {}", StringComparison.Ordinal)) + 1;
        Assert.Contains(fixture.Findings(text), f => f.StartsWith($"{line}:", StringComparison.Ordinal)
            && f.Contains("'reconnect' cannot stand beside 'pre-share' in 'remote-authentication'", StringComparison.Ordinal));
    }

    /// <summary>Each way in which a pre-shared key can be meant stands in the way by itself; EAP and certificates do not.</summary>
    [Theory]
    [InlineData("eap: {}, pre-share: true", "keyring: { local: kr }", "'reconnect' cannot stand beside 'pre-share' in 'remote-authentication'")]
    [InlineData("eap: {}", "keyring: { local: kr }", "'reconnect' cannot stand beside 'keyring'")]
    [InlineData("eap: {}", "authorization: { psk: { user: { cached: true } } }", "'authorization.psk' is for clients that prove themselves by a pre-shared key, which")]
    [InlineData("eap: {}", "", null)]
    [InlineData("certificate: { ca: gw.pem }, eap: {}", "", null)]
    [InlineData("certificate: { ca: gw.pem, then-eap: required }, eap: {}", "", null)]
    public void Reconnect_is_for_clients_with_EAP_or_certificates(string remote, string further, string? finding)
    {
        using var fixture = new ConfigurationFixture();
        var text = Authenticated($"reconnect: {{}}\n      {further}", remote);
        if (further.StartsWith("authorization", StringComparison.Ordinal))
            text = text.Replace("      authorization:\n        user: { cached: true }\n        group: { list: author-list, name: staff, override: false }\n", "", StringComparison.Ordinal);
        var findings = fixture.Findings(text);
        if (finding is null)
            Assert.Empty(findings);
        else
            Assert.Single(findings, f => f.Contains(finding, StringComparison.Ordinal));
    }

    [Fact]
    public void Reconnect_where_the_headend_has_a_pre_shared_key_is_refused()
    {
        using var fixture = new ConfigurationFixture();
        var text = Authenticated("reconnect: {}\n      keyring: { local: kr }", "pre-share: true");
        var line = text.Split('\n').Single(l => l.Contains("local-authentication:", StringComparison.Ordinal));
        text = text.Replace(line, "      local-authentication: { pre-share: true }", StringComparison.Ordinal);
        Assert.Contains(fixture.Findings(text), f => f.Contains("'reconnect' cannot stand beside 'pre-share' in 'local-authentication'", StringComparison.Ordinal));
    }

    /// <summary>A ticket is no pre-shared key, and who resumes by a login logs in.</summary>
    [Theory]
    [InlineData("session-resumption: {}")]
    [InlineData("client-resume: {}")]
    public void The_other_ways_back_may_stand_beside_pre_shared_keys(string lines)
    {
        using var fixture = new ConfigurationFixture();
        Assert.Empty(fixture.Findings(Authenticated($"{lines}\n      keyring: {{ local: kr }}", "eap: { query-identity: true, timeout: 60s }, pre-share: true")));
    }

    private static string Authenticated(string lines, string remote)
    {
        const string Eap = "eap: { query-identity: true, timeout: 60s }";
        var text = With(lines);
        Assert.Contains(Eap, text, StringComparison.Ordinal);
        return text.Replace(Eap, remote, StringComparison.Ordinal)
            .Replace("ikev2:\n", "ikev2:\n  keyrings: [ { name: kr, peers: [ { identity: fqdn b.example, secret: a long enough secret } ] } ]\n", StringComparison.Ordinal);
    }

    private static string With(string lines)
    {
        Assert.Contains(Dpd, ConfigurationFixture.Complete, StringComparison.Ordinal);
        return ConfigurationFixture.Complete.Replace(Dpd, $"      {lines}\n", StringComparison.Ordinal);
    }
}
