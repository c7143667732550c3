using System.Net;
using Headend.Aaa.Client;
using Headend.Configuration;

namespace Headend.Tests.Configuration;

public sealed class RadiusTableTests : IDisposable
{
    private const string Server = "- { name: radius1, address: 198.51.100.2, auth-port: 1812, acct-port: 1813, secret-file: radius1.secret, timeout: 5s, retransmit: 3 }";
    private const string Group = "- { name: corp, servers: [radius1], dead-time: 2m, load-balance: false }";

    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Defaults_are_udp_with_message_authenticators_always_and_no_status_server()
    {
        var server = Assert.Single(Compile(Server).Servers);
        Assert.Equal((MessageAuthenticatorRule.Always, StatusServerRule.Off), (server.RequireMessageAuthenticator, server.StatusServer));
        Assert.Null(server.Tls);
        Assert.Null(server.MfaWait);
        Assert.Null(server.Login);
    }

    [Fact]
    public void Phases_have_timers_of_their_own_and_take_the_rest_from_the_server()
    {
        var server = Assert.Single(Compile("""
            - name: radius1
              address: 198.51.100.2
              secret-file: radius1.secret
              timeout: 2s
              retransmit: 4
              maximum-timeout: 16s
              mfa-wait: 80s
              authorization: { timeout: 1s, retransmit: 0 }
              accounting: { timeout: 20s }
              status-server: auto
              status-interval: 10s
              require-message-authenticator: eap
              source-address: 192.0.2.1
              source-interface: mgmt0
            """).Servers);
        Assert.Equal(TimeSpan.FromSeconds(80), server.MfaWait);
        Assert.Equal(new RadiusTimers(TimeSpan.FromSeconds(1), 0, TimeSpan.FromSeconds(16)), server.Authorization);
        Assert.Equal(new RadiusTimers(TimeSpan.FromSeconds(20), 4, TimeSpan.FromSeconds(20)), server.Accounting);
        Assert.Equal((StatusServerRule.Auto, TimeSpan.FromSeconds(10)), (server.StatusServer, server.StatusInterval));
        Assert.Equal((IPAddress.Parse("192.0.2.1"), "mgmt0"), (server.SourceAddress, server.SourceInterface));
    }

    [Fact]
    public void Tls_needs_its_files_and_no_secret()
    {
        fixture.Write("ca.pem", "x");
        var server = Assert.Single(Compile("- { name: radius1, address: 198.51.100.2, transport: tls, ca-file: ca.pem, certificate: gw.pem, key: gw.key, server-name: radius.example.com }").Servers);
        Assert.Equal(new RadiusTlsOptions(2083, fixture.File("ca.pem"), fixture.File("gw.pem"), fixture.File("gw.key"), "radius.example.com"), server.Tls);
        Assert.Equal("radsec"u8.ToArray(), server.Secret.Octets.ToArray());
        Assert.Equal((MessageAuthenticatorRule.Eap, StatusServerRule.Auto), (server.RequireMessageAuthenticator, server.StatusServer));

        var findings = Findings("- { name: radius1, address: 198.51.100.2, transport: tls, secret-file: radius1.secret, certificate: gw.pem }");
        Assert.Contains(findings, f => f.EndsWith("missing key 'ca-file', which 'transport: tls' needs", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.EndsWith("missing key 'key', which 'transport: tls' needs", StringComparison.Ordinal));
        Assert.Contains(findings, f => f.Contains("'secret-file' has no place with 'transport: tls'", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("require-message-authenticator: off", "warning: replies without Message-Authenticator are taken: whoever is on the way")]
    [InlineData("certificate: gw.pem", "'certificate' needs 'transport: tls'")]
    [InlineData("source-interface: an-interface-name-too-long", "an interface name has at most 15 characters")]
    [InlineData("source-address: \"2001:db8::1\"", "'source-address' and 'address' are of different families")]
    [InlineData("maximum-timeout: 2s", "'maximum-timeout' is below 'timeout'")]
    [InlineData("mfa-wait: 60s, login: { timeout: 3s }", "'login' would never act beside 'mfa-wait'")]
    [InlineData("mfa-wait: 165s", "warning: the profile 'remote-workers' ends EAP after")]
    public void What_does_not_fit_is_told(string keys, string message)
    {
        var findings = Findings($"- {{ name: radius1, address: 198.51.100.2, secret-file: radius1.secret, {keys} }}");
        Assert.Contains(findings, f => f.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public void A_groups_source_serves_its_servers_and_two_groups_must_agree()
    {
        var radius = Compile(Server, "- { name: corp, servers: [radius1], source-interface: mgmt0 }");
        Assert.Equal("mgmt0", radius.Servers[0].SourceInterface);
        var findings = Findings(Server, "- { name: corp, servers: [radius1], source-interface: mgmt0 }\n- { name: other, servers: [radius1], source-interface: mgmt1 }");
        Assert.Contains(findings, f => f.Contains("is in two groups that give it different source-interface", StringComparison.Ordinal));
    }

    private RadiusOptions Compile(string servers, string groups = Group)
    {
        var outcome = fixture.Parse(Text(servers, groups));
        Assert.Empty(outcome.Errors);
        return outcome.Configuration!.Radius;
    }

    private IReadOnlyList<string> Findings(string servers, string groups = Group) => fixture.Findings(Text(servers, groups));

    private static string Text(string servers, string groups) => ConfigurationFixture.Complete
        .Replace("    " + Server, Indent(servers), StringComparison.Ordinal)
        .Replace("    " + Group, Indent(groups), StringComparison.Ordinal);

    private static string Indent(string text) => "    " + text.Trim().ReplaceLineEndings("\n").Replace("\n", "\n    ", StringComparison.Ordinal);
}
