using System.Text;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Sessions;

namespace Headend.Tests.Configuration;

public sealed class KeyringTableTests : IDisposable
{
    private const string Key = "a key of more than sixteen octets";

    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void AProfileWithPreSharedKeysOfBothSidesIsRead()
    {
        var outcome = fixture.Parse(Text(
            peers: $"{{ name: hq, identity: fqdn hq.example, secret: {Key} }}, {{ identity: email-domain example.com, remote-secret: their {Key}, local-secret: our {Key} }}",
            match: "{ remote-identity: [fqdn-domain example, any], local-identity: [fqdn vpn.example.com] }"));
        Assert.Empty(outcome.Diagnostics);
        var options = outcome.Configuration!.Ikev2;
        var profile = Assert.Single(options.Profiles);
        Assert.Null(profile.LocalAuthentication);
        Assert.Null(profile.Eap);
        Assert.Null(profile.AuthenticationList);
        Assert.True(profile.RemotePreSharedKey);
        Assert.Equal("kr1", profile.Keyring?.Local);
        Assert.Equal(["fqdn-domain example", "any"], profile.MatchRemoteIdentity.Select(m => m.Text));
        Assert.Equal(["fqdn vpn.example.com"], profile.MatchLocalIdentity.Select(m => m.Text));
        var peers = Assert.Single(options.Keyrings).Peers;
        Assert.Equal(["hq", null], peers.Select(p => p.Name));
        Assert.Same(peers[0].Local, peers[0].Remote);
        Assert.Equal((Key, $"our {Key}", $"their {Key}"), (AsText(peers[0].Remote), AsText(peers[1].Local!), AsText(peers[1].Remote)));
    }

    [Fact]
    public void TheNarrowestPeerIsTaken()
    {
        var peers = """
            { name: any, identity: any, secret: KEY }, { name: net, identity: address 192.0.2.0/24, secret: KEY }, { name: subnet, identity: address 192.0.2.0/28, secret: KEY },
            { name: host, identity: address 192.0.2.1, secret: KEY }, { name: domain, identity: fqdn-domain example, secret: KEY }, { name: subdomain, identity: fqdn-domain b.example, secret: KEY },
            { name: name, identity: fqdn a.b.example, secret: KEY }, { name: dn, identity: "dn CN=al,O=Example", secret: KEY }, { name: dns, identity: "dn CN=*,O=Example", secret: KEY }
            """.Replace("KEY", Key, StringComparison.Ordinal);
        var outcome = fixture.Parse(Text(peers));
        Assert.Empty(outcome.Diagnostics);
        var keyring = new LocalKeyring(Assert.Single(outcome.Configuration!.Ikev2.Keyrings));
        foreach (var (identity, peer) in ((string, string)[])
        [
            ("address 192.0.2.1", "host"), ("address 192.0.2.2", "subnet"), ("address 192.0.2.99", "net"), ("address 198.51.100.1", "any"),
            ("fqdn a.b.example", "name"), ("fqdn c.b.example", "subdomain"), ("fqdn b.example", "domain"), ("fqdn example", "any"), ("key-id example", "any"),
            ("dn CN=al,O=Example", "dn"), ("dn CN=bo,O=Example", "dns"), ("dn CN=bo,O=Other", "any"),
        ])
        {
            Assert.True(IkeIdentity.TryParse(identity, out var claimed));
            using var keys = Assert.IsType<KeyringAnswer.Found>(keyring.Find(claimed)) is { } found ? found.Keys : null;
            Assert.Equal($"keyring kr1, peer {peer}", ((KeyringAnswer.Found)keyring.Find(claimed)).Entry);
        }
    }

    // RFC 7296 2.15: the management interface "MUST accept ASCII strings of at least 64 octets and MUST NOT add a null terminator before using them as shared secrets.
    // It MUST also accept a hex encoding of the shared secret."
    [Theory]
    [InlineData("sixty-four octets of text that go on and on until they are enough", "sixty-four octets of text that go on and on until they are enough")]
    [InlineData("0x303132333435363738394142434445462a", "0123456789ABCDEF*")]
    [InlineData("0Xnothing special here", "0Xnothing special here")]
    public void ASecretIsTextOrHexadecimal(string written, string octets)
    {
        fixture.Write("hq.psk", written + "\n");
        Environment.SetEnvironmentVariable("HEADEND_TEST_PSK", written);
        foreach (var form in (string[])[$"secret: '{written}'", "secret-file: hq.psk", "secret-env: HEADEND_TEST_PSK"])
        {
            var outcome = fixture.Parse(Text($"{{ identity: any, {form} }}"));
            Assert.Empty(outcome.Diagnostics);
            Assert.Equal(octets, AsText(outcome.Configuration!.Ikev2.Keyrings[0].Peers[0].Remote));
        }
    }

    [Theory]
    [InlineData("{ identity: any }", "no key; it needs 'secret'")]
    [InlineData("{ identity: any, local-secret: KEY }", "'local-secret' without a 'remote-secret'")]
    [InlineData("{ identity: any, remote-secret: KEY }", "no 'local-secret', and profile 'branches'")]
    [InlineData("{ identity: any, secret: KEY, remote-secret: KEY }", "'remote-secret' beside 'secret'")]
    [InlineData("{ identity: any, secret: KEY, secret-file: x }", "exactly one of secret, secret-file, secret-env")]
    [InlineData("{ identity: any, secret-file: missing }", "no file")]
    [InlineData("{ identity: any, secret: 0x123 }", "begins with 0x")]
    [InlineData("{ identity: any, secret: 0x }", "begins with 0x")]
    [InlineData("{ identity: any, secret: 0x0102zz }", "begins with 0x")]
    [InlineData("{ identity: any, secret: short }", "a secret of 5 octets is weak")]
    [InlineData("{ identity: any, secret: 0x0102030405060708090a0b0c0d0e0f }", "a secret of 15 octets is weak")]
    [InlineData("{ identity: nonsense, secret: KEY }", "'nonsense'")]
    [InlineData("{ identity: fqdn a.example, secret: KEY }, { identity: fqdn A.example, secret: KEY }", "has 'fqdn A.example' already")]
    [InlineData("", "needs at least 1 entry")]
    public void APeerWithoutUsableKeysIsRefusedAtItsPlace(string peers, string complaint)
    {
        var finding = Assert.Single(fixture.Findings(Text(peers.Replace("KEY", Key, StringComparison.Ordinal))));
        Assert.StartsWith("4:", finding, StringComparison.Ordinal);
        Assert.Contains(complaint, finding, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, finding, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{ pre-share: true }", "{ pre-share: true }", "", "'pre-share' needs the profile's 'keyring'")]
    [InlineData("{ pre-share: true }", "{ pre-share: true }", "keyring: { local: other }", "no 'other' in ikev2.keyrings")]
    [InlineData("{ pre-share: true }", "{ pre-share: true }", "keyring: {}", "names no keyring")]
    [InlineData("{ pre-share: true }", "{ pre-share: true }", "keyring: { local: kr1 }, authentication-list: a", "'authentication-list' acts only with 'eap'")]
    [InlineData("{ pre-share: true }", "{ eap: {}, pre-share: true }", "keyring: { local: kr1 }, authentication-list: a", "needs the headend's certificate")]
    [InlineData("{ pre-share: true }", "{ eap: {} }", "authentication-list: a", "needs the headend's certificate")]
    [InlineData("{ pre-share: true, key: gw.key }", "{ pre-share: true }", "keyring: { local: kr1 }", "beside a certificate")]
    [InlineData("{ key: gw.key }", "{ pre-share: true }", "keyring: { local: kr1 }", "missing key 'certificate'")]
    [InlineData("{}", "{ pre-share: true }", "keyring: { local: kr1 }", "needs 'certificate' and 'key', or 'pre-share: true'")]
    [InlineData("{ certificate: gw.pem, key: gw.key }", "{ eap: {} }", "", "'eap' needs the profile's 'authentication-list'")]
    [InlineData("{ certificate: gw.pem, key: gw.key }", "{ eap: {} }", "authentication-list: a, keyring: { local: kr1 }", "'keyring' acts only with 'pre-share: true'")]
    [InlineData("{ certificate: gw.pem, key: gw.key }", "{}", "", "needs 'eap', 'anyconnect-eap', 'certificate' or 'pre-share: true'")]
    public void WhatCannotWorkTogetherIsSaidAtItsPlace(string local, string remote, string rest, string complaint)
    {
        var finding = Assert.Single(fixture.Findings(Text($"{{ identity: any, secret: {Key} }}", local: local, remote: remote, rest: rest)));
        Assert.StartsWith("7:", finding, StringComparison.Ordinal);
        Assert.Contains(complaint, finding, StringComparison.Ordinal);
    }

    [Fact]
    public void OurCertificateAndTheirKeyNeedNoKeyOfOurs() => Assert.Empty(fixture.Findings(Text(
        $"{{ identity: any, remote-secret: {Key} }}", local: "{ certificate: gw.pem, key: gw.key }", remote: "{ eap: {}, pre-share: true }", rest: "keyring: { local: kr1 }, authentication-list: a")));

    [Fact]
    public void AProfileBehindOneForEverybodyIsNeverReached()
    {
        var text = Text($"{{ identity: any, secret: {Key} }}");
        var second = text.Split('\n').First(l => l.Contains("name: branches", StringComparison.Ordinal)).Replace("branches", "more", StringComparison.Ordinal);
        Assert.Contains("profile 'more' is never reached: 'branches' before it", Assert.Single(fixture.Findings(text.Replace("\nvirtual", $"\n{second}\nvirtual", StringComparison.Ordinal))), StringComparison.Ordinal);
        var narrow = text.Replace("match: { remote-identity: [any] }", "match: { remote-identity: [any], local-identity: [fqdn vpn.example.com] }", StringComparison.Ordinal);
        Assert.Empty(fixture.Findings(narrow.Replace("\nvirtual", $"\n{second}\nvirtual", StringComparison.Ordinal)));
    }

    [Fact]
    public void AProfileThatAnswersOtherwiseThanItIsAskedIsWarnedAbout() => Assert.Contains(
        "answered 'vpn.example.com'",
        Assert.Single(fixture.Findings(Text($"{{ identity: any, secret: {Key} }}", match: "{ remote-identity: [any], local-identity: [fqdn b.example, fqdn-domain vpn.example.com] }"))),
        StringComparison.Ordinal);

    private static string AsText(SecretOptions secret) => Encoding.UTF8.GetString(secret.Octets);

    private static string Text(
        string peers, string match = "{ remote-identity: [any] }", string local = "{ pre-share: true }", string remote = "{ pre-share: true }", string rest = "keyring: { local: kr1 }") =>
        $$"""
        aaa: { authentication: [ { name: a, methods: [local] } ] }
        ikev2:
          keyrings:
            - { name: kr1, peers: [ {{peers.ReplaceLineEndings(" ")}} ] }
          profiles:

            - { name: branches, match: {{match}}, local-identity: fqdn vpn.example.com, local-authentication: {{local}}, remote-authentication: {{remote}}, virtual-template: 1{{(rest.Length > 0 ? ", " + rest : "")}} }
        virtual-templates: [ { number: 1 } ]
        """;
}
