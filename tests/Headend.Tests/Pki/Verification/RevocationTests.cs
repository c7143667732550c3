using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki.Verification;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>Revocation lists and OCSP answers: what decides, what does not, what is fetched from where, and how often.</summary>
public sealed class RevocationTests
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root");
    private static readonly TestAuthority Other = TestAuthority.Create("CN=Other");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly X509Certificate2 Leaf = Root.Issue(new TestSubject("CN=leaf"), Key);
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    // RFC 5280 6.3.3.
    [Fact]
    public void AListDecidesOnlyWhenItIsCurrentOfTheIssuerAndBySignature()
    {
        Assert.Null(ListOf(Root.List()).WhyNotFor(Leaf, Root.Certificate, Now));
        Assert.Contains("expired", ListOf(Root.List(Now.AddDays(-3), Now.AddDays(-2))).WhyNotFor(Leaf, Root.Certificate, Now), StringComparison.Ordinal);
        Assert.Contains("not valid before", ListOf(Root.List(Now.AddDays(1), Now.AddDays(2))).WhyNotFor(Leaf, Root.Certificate, Now), StringComparison.Ordinal);
        Assert.Contains("another issuer", ListOf(Other.List()).WhyNotFor(Leaf, Root.Certificate, Now), StringComparison.Ordinal);

        // The same name and another key.
        var forger = TestAuthority.Create("CN=Root");
        Assert.Contains("does not verify", ListOf(forger.List()).WhyNotFor(Leaf, Root.Certificate, Now), StringComparison.Ordinal);
        var altered = Root.List();
        altered[^3] ^= 1;
        Assert.NotNull(RevocationList.TryRead(altered, out var list, out _) ? list.WhyNotFor(Leaf, Root.Certificate, Now) : "malformed");
    }

    [Fact]
    public void AListHoldsWhatIsRevoked()
    {
        var authority = TestAuthority.Create("CN=Lists");
        var good = authority.Issue(new TestSubject("CN=good"), Key);
        var bad = authority.Issue(new TestSubject("CN=bad"), Key);
        authority.Revoke(bad);
        var list = ListOf(authority.List());
        Assert.True(list.Holds(bad));
        Assert.False(list.Holds(good));
        Assert.Equal(1, list.Count);
    }

    [Fact]
    public void OcspGoodRevokedAndUnknown()
    {
        var nonce = RandomNumberGenerator.GetBytes(OcspCodec.NonceOctets);
        var responder = new TestOcsp(Root.Certificate, Root.Signer, Root.Certificate) { Nonce = nonce };
        Assert.Equal(RevocationStatus.Good, Decode(responder, nonce).Status);
        Assert.Equal(RevocationStatus.Good, Decode(responder with { ByKey = true, SendsCertificate = false }, nonce).Status);
        Assert.Equal(RevocationStatus.Revoked, Decode(responder with { Says = TestOcsp.Status.Revoked }, nonce).Status);
        Assert.Equal(RevocationStatus.Unknown, Decode(responder with { Says = TestOcsp.Status.Unknown }, nonce).Status);

        // RFC 6960 4.4.1: a responder may leave the nonce out; another one is an answer to somebody else.
        Assert.Equal(RevocationStatus.Good, Decode(responder with { Nonce = null }, nonce).Status);
        Assert.Contains("nonce", Decode(responder with { Nonce = new byte[32] }, nonce).Detail, StringComparison.Ordinal);

        // RFC 6960 4.2.2.1.
        Assert.Contains("no longer valid", Decode(responder with { ThisUpdate = Now.AddDays(-2), NextUpdate = Now.AddDays(-1) }, nonce).Detail, StringComparison.Ordinal);
        Assert.Contains("no longer valid", Decode(responder with { ThisUpdate = Now.AddDays(-2), NextUpdate = null }, nonce).Detail, StringComparison.Ordinal);
        Assert.Contains("not valid before", Decode(responder with { ThisUpdate = Now.AddHours(1), NextUpdate = Now.AddHours(2) }, nonce).Detail, StringComparison.Ordinal);
        var other = Root.Issue(new TestSubject("CN=other"), Key);
        Assert.Contains("another certificate", OcspCodec.Decode(responder.Answer(other), Leaf, Root.Certificate, nonce, Now).Detail, StringComparison.Ordinal);
    }

    // RFC 6960 4.2.2.2: the issuer, or who "includes a value of id-kp-OCSPSigning in an extended key usage extension and is issued by the CA".
    [Fact]
    public void OnlyWhomTheIssuerHasCertifiedMayAnswer()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signer = TestAuthority.GeneratorOf(key);
        Assert.Equal(RevocationStatus.Good, By(Root.Issue(Delegated(), key)).Status);
        foreach (var wrong in (X509Certificate2[])[
            Root.Issue(Delegated() with { Usages = ["1.3.6.1.5.5.7.3.2"] }, key),
            Root.Issue(Delegated() with { Usages = null }, key),
            Root.Issue(Delegated() with { NotBefore = Now.AddDays(-9), NotAfter = Now.AddDays(-8) }, key),
            Other.Issue(Delegated(), key),
            TestAuthority.Create("CN=Root").Issue(Delegated(), key)])
        {
            var answer = By(wrong);
            Assert.Equal(RevocationStatus.Unknown, answer.Status);
            Assert.Contains("nobody whom the issuer", answer.Detail, StringComparison.Ordinal);
        }

        using var forger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var responder = new TestOcsp(Root.Certificate, TestAuthority.GeneratorOf(forger), Root.Issue(Delegated(), key));
        Assert.Equal(RevocationStatus.Unknown, Decode(responder, new byte[32]).Status);
        Assert.Equal(RevocationStatus.Unknown, Decode(responder with { Responder = Root.Certificate }, new byte[32]).Status);

        RevocationAnswer By(X509Certificate2 certificate) => Decode(new TestOcsp(Root.Certificate, signer, certificate), new byte[32]);

        static TestSubject Delegated() => new("CN=responder") { Usages = ["1.3.6.1.5.5.7.3.9"] };
    }

    [Theory]
    [InlineData("http://pki.example/a.crl", true)]
    [InlineData("http://PKI.example:80/a.crl", true)]
    [InlineData("http://pki.example:8080/a.crl", false)]
    [InlineData("https://pki.example/a.crl", false)]
    [InlineData("http://pki.example.evil/a.crl", false)]
    [InlineData("http://evil@pki.example/a.crl", false)]
    [InlineData("http://pki.example@evil/a.crl", false)]
    [InlineData("http://127.0.0.1/a.crl", false)]
    [InlineData("http://10.1.2.3:8088/a.crl", true)]
    [InlineData("ldap://pki.example/cn=a", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("http://xn--\u00fc/", false)]
    [InlineData("http://\u2028/", false)]
    [InlineData("http://xn--a\u0300--/", false)]
    [InlineData("http://\u0300pki.example/", false)]
    [InlineData("", false)]
    public void OnlyHostsOfTheListAreAsked(string uri, bool allowed)
    {
        Assert.True(RevocationHost.TryParse("pki.example", out var name));
        Assert.True(RevocationHost.TryParse("10.1.2.3:8088", out var address));
        Assert.Equal(allowed, RevocationHost.TryAllow(uri, [name, address], out _));
    }

    [Theory]
    [InlineData("http://pki.example")]
    [InlineData("pki.example/a")]
    [InlineData("user@pki.example")]
    [InlineData("pki.example:0")]
    [InlineData("pki example")]
    [InlineData("xn--\u00fc")]
    [InlineData("")]
    public void WhatIsNoHostIsNone(string text) => Assert.False(RevocationHost.TryParse(text, out _));

    [Fact]
    public async Task AListIsFetchedOnceForManyLoginsAndKept()
    {
        var authority = TestAuthority.Create("CN=Web");
        using var web = new TestWeb(_ => authority.List()) { Delay = TimeSpan.FromMilliseconds(200) };
        using var client = new RevocationClient(new RevocationClientLimits { Timeout = TimeSpan.FromSeconds(30) }, TimeProvider.System);
        var check = new RevocationCheck(client, TimeProvider.System);
        var leaf = authority.Issue(new TestSubject("CN=leaf") { ListUris = [$"http://{web.Host}/a.crl"] }, Key);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CheckAsync(check, leaf, authority, web.Host)));
        Assert.All(answers, a => Assert.Equal(RevocationStatus.Good, a.Status));
        Assert.Equal(1, web.Requests);
        await CheckAsync(check, leaf, authority, web.Host);
        Assert.Equal(1, web.Requests);
    }

    [Fact]
    public async Task OcspIsAskedByPostAndBeforeLists()
    {
        var authority = TestAuthority.Create("CN=Web");
        X509Certificate2? leaf = null;
        var seen = Array.Empty<byte>();
        using var web = new TestWeb(request =>
        {
            seen = request;
            return new TestOcsp(authority.Certificate, authority.Signer, authority.Certificate) { Says = TestOcsp.Status.Revoked }.Answer(leaf!);
        });
        leaf = authority.Issue(new TestSubject("CN=leaf") { ResponderUris = [$"http://{web.Host}/"], ListUris = [$"http://{web.Host}/a.crl"] }, Key);
        using var client = new RevocationClient(new RevocationClientLimits { Timeout = TimeSpan.FromSeconds(30) }, TimeProvider.System);
        var check = new RevocationCheck(client, TimeProvider.System);
        var answer = await CheckAsync(check, leaf, authority, web.Host);
        Assert.Equal(RevocationStatus.Revoked, answer.Status);
        Assert.Contains("revoked (by OCSP)", answer.Detail, StringComparison.Ordinal);
        Assert.NotEmpty(seen);
        Assert.Equal(1, web.Requests);
    }

    [Theory]
    [InlineData("oversize")]
    [InlineData("oversize without length")]
    [InlineData("slow")]
    [InlineData("redirect")]
    [InlineData("nonsense")]
    [InlineData("nobody")]
    [InlineData("other host")]
    public async Task WhatCannotBeFetchedIsUnknownWithinBounds(string how)
    {
        var authority = TestAuthority.Create("CN=Web");
        using var web = new TestWeb(_ => how.StartsWith("oversize", StringComparison.Ordinal) ? new byte[200_000] : how == "nonsense" ? [1, 2, 3] : authority.List())
        {
            HidesLength = how == "oversize without length",
            Delay = how == "slow" ? TimeSpan.FromSeconds(30) : TimeSpan.Zero,
            StatusLine = how == "redirect" ? "302 Found" : "200 OK",
        };
        var host = web.Host;
        if (how == "nobody")
            web.Dispose();
        using var client = new RevocationClient(new RevocationClientLimits { ListOctets = 100_000, Timeout = TimeSpan.FromSeconds(how == "slow" ? 3 : 8) }, TimeProvider.System);
        var check = new RevocationCheck(client, TimeProvider.System);
        var leaf = authority.Issue(new TestSubject("CN=leaf") { ListUris = [$"http://{host}/a.crl"] }, Key);
        var began = Stopwatch.GetTimestamp();
        var answer = await CheckAsync(check, leaf, authority, how == "other host" ? "pki.example" : host);
        Assert.Equal(RevocationStatus.Unknown, answer.Status);
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(20));
        Assert.Contains(
            how switch
            {
                "oversize" or "oversize without length" => "more than 100000 octets",
                "slow" => "did not answer within 3 s",
                "redirect" => "answers 302",
                "nonsense" => "no revocation list",
                "other host" => "none of fetch-hosts",
                _ => host,
            },
            answer.Detail,
            StringComparison.Ordinal);
        Assert.Equal(how is "nobody" or "other host" ? 0 : 1, web.Requests);

        // The next login does not ask again at once.
        await CheckAsync(check, leaf, authority, how == "other host" ? "pki.example" : host);
        Assert.Equal(how is "nobody" or "other host" ? 0 : 1, web.Requests);
    }

    private static async Task<RevocationAnswer> CheckAsync(RevocationCheck check, X509Certificate2 leaf, TestAuthority authority, string host)
    {
        var trust = new CertificateTrust([authority.Certificate], []);
        Assert.True(CertificatePath.TryBuild([leaf.RawDataMemory], trust, usageRequired: false, DateTimeOffset.UtcNow, out var path, out var refusal), refusal);
        Assert.True(RevocationHost.TryParse(host, out var allowed));
        using (path)
            return await check.CheckAsync(path, trust, [allowed], CancellationToken.None);
    }

    private static RevocationList ListOf(byte[] der)
    {
        Assert.True(RevocationList.TryRead(der, out var list, out var problem), problem);
        return list;
    }

    private static RevocationAnswer Decode(TestOcsp responder, byte[] nonce) => OcspCodec.Decode(responder.Answer(Leaf), Leaf, Root.Certificate, nonce, Now);
}
