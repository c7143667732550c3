using Headend.Configuration;
using Headend.Eap;
using Headend.Eap.Tls;

namespace Headend.Tests.Configuration;

public sealed class LocalEapTableTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public LocalEapTableTests()
    {
        fixture.Write("users-ca.pem", "authority");
        fixture.Write("users.crl", "list");
    }

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Everything_can_be_said()
    {
        var outcome = Parse("methods: [tls, mschapv2], tls: { ca: users-ca.pem, crl: [users.crl], certificate: gw.pem, key: gw.key, minimum-version: 1.3, identity: [cn, email], match-eap-identity: false }");
        Assert.Empty(outcome.Diagnostics);
        var eap = outcome.Configuration!.Ikev2.Profiles[0].LocalEap;
        Assert.Equal([EapType.Tls, EapType.MsChapV2], eap.Methods);
        Assert.Equal((fixture.File("gw.pem"), fixture.File("gw.key"), fixture.File("users-ca.pem")), (eap.Tls!.CertificateFile, eap.Tls.KeyFile, eap.Tls.AuthorityFile));
        Assert.Equal([fixture.File("users.crl")], eap.Tls.RevocationListFiles);
        Assert.Equal(TlsVersion.Tls13, eap.Tls.MinimumVersion);
        Assert.Equal([CertificateNameKind.CommonName, CertificateNameKind.Email], eap.Tls.Identity);
        Assert.False(eap.Tls.MatchEapIdentity);
    }

    [Fact]
    public void Defaults()
    {
        var c = Parse("methods: [mschapv2, tls], tls: { ca: users-ca.pem }").Configuration!;
        var tls = c.Ikev2.Profiles[0].LocalEap.Tls!;
        Assert.Null(tls.CertificateFile);
        Assert.Equal(TlsVersion.Tls12, tls.MinimumVersion);
        Assert.True(tls.MatchEapIdentity);
        Assert.Equal([CertificateNameKind.Upn, CertificateNameKind.Email, CertificateNameKind.Dns, CertificateNameKind.CommonName], tls.Identity);
        Assert.Equal([EapType.MsChapV2], fixture.Parse(ConfigurationFixture.Complete).Configuration!.Ikev2.Profiles[0].LocalEap.Methods);
        Assert.Equal(new LockoutOptions(10, 100, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10)), c.Aaa.Lockout);
    }

    [Theory]
    [InlineData("methods: [tls]", "'tls' in 'methods' needs the section 'tls'")]
    [InlineData("tls: { ca: users-ca.pem }", "the section 'tls' acts only with 'tls' in 'methods'")]
    [InlineData("methods: [gtc]", "EAP-GTC makes no key; 'allow-methods-without-key: true' would allow it")]
    [InlineData("methods: [mschapv2, mschapv2]", "'EAP-MSCHAPv2' stands twice in 'methods'")]
    [InlineData("methods: [peap]", "'ikev2.profiles[].remote-authentication.eap.methods[]': 'peap' is not one of mschapv2, gtc, md5, tls")]
    [InlineData("methods: [tls], tls: { ca: nowhere.pem }", "no file '{0}/nowhere.pem'")]
    [InlineData("methods: [tls], tls: { ca: users-ca.pem, crl: [nowhere.crl] }", "no file 'nowhere.crl'")]
    [InlineData("methods: [tls], tls: { ca: users-ca.pem, certificate: gw.pem }", "'certificate' and 'key' stand together")]
    public void What_cannot_be_is_said(string eap, string message)
    {
        var expected = message.Replace("{0}", fixture.Directory, StringComparison.Ordinal);
        Assert.Contains(Parse(eap).Diagnostics, d => d.Message == expected);
    }

    // The stored form must serve a method that some profile of the local users offers.
    [Theory]
    [InlineData("password: correct horse", "md5", true)]
    [InlineData("nt-hash: 8846F7EAEE8FB117AD06BDD830B7586C", "md5", false)]
    [InlineData("nt-hash: 8846F7EAEE8FB117AD06BDD830B7586C", "gtc", true)]
    [InlineData("nt-hash: 8846F7EAEE8FB117AD06BDD830B7586C", "mschapv2", true)]
    [InlineData("password-hash: HASH", "mschapv2", false)]
    [InlineData("password-hash: HASH", "mschapv2, gtc", true)]
    [InlineData("policy: staff", "mschapv2", false)]
    public void A_user_that_no_method_serves_is_an_error(string form, string methods, bool good)
    {
        var user = form.Replace("HASH", "'" + PasswordHash.Create("correct horse"u8, PasswordHash.MinRounds).ToModularCrypt() + "'", StringComparison.Ordinal);
        var outcome = fixture.Parse(Local($"methods: [{methods}], allow-methods-without-key: true")
            .Replace("password-file: alice.secret, policy: staff", user, StringComparison.Ordinal));
        if (good)
            Assert.Empty(outcome.Errors);
        else
            Assert.StartsWith("user 'alice' has ", Assert.Single(outcome.Errors).Message, StringComparison.Ordinal);
    }

    private static string Local(string eap) => ConfigurationFixture.Complete
        .Replace("authentication-list: eap-list", "authentication-list: local-list", StringComparison.Ordinal)
        .Replace("eap: { query-identity: true, timeout: 60s }", $"eap: {{ {eap} }}", StringComparison.Ordinal);

    private ConfigurationOutcome Parse(string eap) => fixture.Parse(Local(eap));
}
