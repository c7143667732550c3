using Headend.Ikev2;
using Headend.Pki.Verification;

namespace Headend.Tests.Configuration;

public sealed class ClientCertificateTableTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public ClientCertificateTableTests()
    {
        fixture.Write("ca.pem", "authorities");
        fixture.Write("a.crl", "list");
    }

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void EveryKeyIsRead()
    {
        var outcome = fixture.Parse(Text(
            "eap: {}, certificate: { ca: ca.pem, crl: [a.crl], fetch-hosts: [pki.example, 'ocsp.example:8080'], revocation: strict, extended-key-usage: required, match-identity: false, name-mangler: m, then-eap: required }",
            list: true));
        Assert.Empty(outcome.Diagnostics);
        var profile = Assert.Single(outcome.Configuration!.Ikev2.Profiles);
        var options = profile.RemoteCertificate!;
        Assert.Equal((fixture.File("ca.pem"), fixture.File("a.crl")), (options.AuthorityFile, Assert.Single(options.RevocationListFiles)));
        Assert.Equal(["pki.example", "ocsp.example:8080"], options.FetchHosts.Select(h => h.ToString()));
        Assert.Equal((RevocationMode.Strict, true, false, "m"), (options.Revocation, options.UsageRequired, options.MatchIdentity, options.Mangler));
        Assert.Equal(SecondAuthentication.Required, options.ThenEap);
    }

    [Fact]
    public void DefaultsAreThoseOfTheReference()
    {
        var outcome = fixture.Parse(Text("certificate: { ca: ca.pem }"));
        Assert.Empty(outcome.Diagnostics);
        var profile = Assert.Single(outcome.Configuration!.Ikev2.Profiles);
        Assert.Null(profile.Eap);
        var options = profile.RemoteCertificate!;
        Assert.Empty(options.FetchHosts);
        Assert.Equal((RevocationMode.IfAvailable, false, true, null), (options.Revocation, options.UsageRequired, options.MatchIdentity, options.Mangler));
        Assert.Equal(SecondAuthentication.Allowed, options.ThenEap);
    }

    [Theory]
    [InlineData("certificate: {}", "ca")]
    [InlineData("certificate: { ca: nowhere.pem }", "nowhere.pem")]
    [InlineData("certificate: { ca: ca.pem, crl: [b.crl] }", "no file 'b.crl'")]
    [InlineData("certificate: { ca: ca.pem, fetch-hosts: ['http://pki.example/'] }", "a host such as")]
    [InlineData("certificate: { ca: ca.pem, revocation: strict }", "refuses every certificate")]
    [InlineData("certificate: { ca: ca.pem, revocation: off, crl: [a.crl] }", "'crl' does not act")]
    [InlineData("certificate: { ca: ca.pem, revocation: off, fetch-hosts: [pki.example] }", "'fetch-hosts' does not act")]
    [InlineData("certificate: { ca: ca.pem, revocation: sometimes }", "strict")]
    [InlineData("certificate: { ca: ca.pem, match-identity: false }", "needs 'name-mangler'")]
    [InlineData("certificate: { ca: ca.pem, name-mangler: nobody }", "nobody")]
    [InlineData("certificate: { ca: ca.pem, then-eap: required }", "needs 'eap' beside")]
    [InlineData("certificate: { ca: ca.pem, hosts: [a] }", "hosts")]
    public void MistakesAreNamed(string remote, string expected) =>
        Assert.Contains(fixture.Findings(Text(remote)), f => f.Contains(expected, StringComparison.Ordinal));

    [Fact]
    public void ItNeedsOurCertificate() => Assert.Contains(
        fixture.Findings(Text("certificate: { ca: ca.pem }").Replace("{ certificate: gw.pem, key: gw.key }", "{ pre-share: true }", StringComparison.Ordinal)),
        f => f.Contains("needs the headend's certificate", StringComparison.Ordinal));

    [Fact]
    public void ListsOfTheMethodNeedTheMethod()
    {
        var eap = Text("eap: {}", list: true, further: "authorization: { cert: { user: { list: author } } }");
        Assert.Contains(fixture.Findings(eap), f => f.Contains("'authorization.cert' is for clients that prove themselves by a certificate alone", StringComparison.Ordinal));
        Assert.Empty(fixture.Findings(Text("certificate: { ca: ca.pem }", further: "authorization: { cert: { user: { list: author } } }")));
    }

    private static string Text(string remote, bool list = false, string further = "") => $$"""
        aaa:
          authentication: [ { name: users, methods: [local] } ]
          authorization: [ { name: author, methods: [local] } ]
        ikev2:
          name-manglers: [ { name: m, dn: common-name } ]
          profiles:
            - name: p
              match: { remote-identity: [any] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { {{remote}} }
              {{(list ? "authentication-list: users" : "")}}
              {{further}}
              virtual-template: 1
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        """;
}
