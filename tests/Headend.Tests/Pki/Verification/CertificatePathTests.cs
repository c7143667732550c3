using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki;
using Headend.Pki.Verification;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>Which chains of clients are accepted (RFC 5280 6, RFC 4945 5).</summary>
public sealed class CertificatePathTests
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa MiddleKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private static readonly TestAuthority Middle = Root.CreateBelow("CN=Middle", TestAuthority.GeneratorOf(MiddleKey));
    private static readonly TestSubject Laptop = new("CN=laptop");

    [Fact]
    public void GoodChains()
    {
        Accepts([Root.Issue(Laptop, Key)], Root);
        Accepts([Middle.Issue(Laptop, Key), Middle.Certificate], Root);

        // Order behind the leaf does not matter, nor do strangers.
        Accepts([Middle.Issue(Laptop, Key), TestAuthority.Create("CN=Stranger").Certificate, Root.Certificate, Middle.Certificate], Root);

        // An intermediate may be all that is configured, even where the client sends its root too.
        Accepts([Middle.Issue(Laptop, Key)], Middle);
        Accepts([Middle.Issue(Laptop, Key), Middle.Certificate, Root.Certificate], Middle);

        // RSA PKCS#1, RSA-PSS and Ed25519 sign certificates too.
        using var rsa = RSA.Create(2048);
        foreach (var signer in (X509SignatureGenerator[])[TestAuthority.GeneratorOf(rsa), TestAuthority.GeneratorOf(rsa, pss: true), new Ed25519Key().Generator])
        {
            var authority = TestAuthority.Create("CN=Signer", signer);
            Accepts([authority.Issue(Laptop, Key)], authority);
        }
    }

    [Theory]
    [InlineData("foreign CA", "foreign")]
    [InlineData("missing intermediate", "foreign")]
    [InlineData("expired", "expired on")]
    [InlineData("not yet valid", "not valid before")]
    [InlineData("expired intermediate", "(at CN=Old)")]
    [InlineData("server", "wrong usage")]
    [InlineData("server intermediate", "wrong usage")]
    [InlineData("key encipherment", "key usage does not allow signatures")]
    [InlineData("authority", "authority's certificate")]
    [InlineData("self-signed", "foreign")]
    [InlineData("configured authority itself", "foreign")]
    [InlineData("issuer is a leaf", "")]
    [InlineData("SHA-1", "SHA-1 is not")]
    [InlineData("SHA-1 intermediate", "SHA-1 is not")]
    [InlineData("critical extension", "HasNotSupportedCriticalExtension")]
    [InlineData("1024-bit authority", "1024 bits")]
    [InlineData("name constraints", "NameConstraint")]
    public void BadChains(string how, string reason)
    {
        using var weak = RSA.Create(1024);
        using var middle = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var rsa = RSA.Create(2048);
        var signer = TestAuthority.GeneratorOf(middle);
        var sub = new TestSubject("CN=Sub") { IsAuthority = true, Usages = null, KeyUsage = X509KeyUsageFlags.KeyCertSign };
        var trusted = Root;
        X509Certificate2[] chain = how switch
        {
            "foreign CA" => [TestAuthority.Create("CN=Root").Issue(Laptop, Key)],
            "missing intermediate" => [Middle.Issue(Laptop, Key)],
            "expired" => [Root.Issue(Laptop with { NotBefore = DateTimeOffset.UtcNow.AddDays(-9), NotAfter = DateTimeOffset.UtcNow.AddDays(-1) }, Key)],
            "not yet valid" => [Root.Issue(Laptop with { NotBefore = DateTimeOffset.UtcNow.AddDays(1), NotAfter = DateTimeOffset.UtcNow.AddDays(2) }, Key)],
            "expired intermediate" => Below(sub with { Name = "CN=Old", NotBefore = DateTimeOffset.UtcNow.AddDays(-9), NotAfter = DateTimeOffset.UtcNow.AddDays(-1) }),
            "server" => [Root.Issue(Laptop with { Usages = ["1.3.6.1.5.5.7.3.1"] }, Key)],
            "server intermediate" => Below(sub with { Usages = ["1.3.6.1.5.5.7.3.1"] }),
            "key encipherment" => [Root.Issue(Laptop with { KeyUsage = X509KeyUsageFlags.KeyEncipherment }, Key)],
            "authority" => [Middle.Certificate],
            "self-signed" => [TestAuthority.Create("CN=laptop").Certificate],
            "configured authority itself" => [Root.Certificate],
            "issuer is a leaf" => Below(Laptop with { Name = "CN=Fellow" }),
            "SHA-1" => [OldFashioned()],
            "SHA-1 intermediate" => Sha1Below(),
            "critical extension" => [Root.Issue(Laptop with { Further = [new X509Extension("1.2.3.4.5", [5, 0], critical: true)] }, Key)],
            "1024-bit authority" => Weak(),
            _ => Constrained(),
        };
        Assert.False(TryBuild(chain, trusted, usageRequired: false, out _, out var refusal));
        Assert.Contains(reason, refusal, StringComparison.Ordinal);

        X509Certificate2[] Below(TestSubject subject)
        {
            var authority = Root.CreateBelow(subject.Name, signer, subject);
            return [authority.Issue(Laptop, Key), authority.Certificate];
        }

        X509Certificate2[] Constrained()
        {
            // permittedSubtrees { dNSName good.example } (RFC 5280 4.2.1.10; CVE-2026-35331 of another implementation).
            byte[] permitted = [0x30, 0x12, 0xa0, 0x10, 0x30, 0x0e, 0x82, 0x0c, .. "good.example"u8];
            var authority = Root.CreateBelow("CN=Bound", signer, sub with { Name = "CN=Bound", Further = [new X509Extension("2.5.29.30", permitted, critical: true)] });
            return [authority.Issue(Laptop with { DnsNames = ["laptop.bad.example"] }, Key), authority.Certificate];
        }

        X509Certificate2 OldFashioned()
        {
            trusted = TestAuthority.Create("CN=RSA", new Sha1Signer(rsa));
            return trusted.Issue(Laptop, Key);
        }

        X509Certificate2[] Sha1Below()
        {
            trusted = TestAuthority.Create("CN=RSA", new Sha1Signer(rsa));
            var authority = trusted.CreateBelow("CN=Sub", signer, sub);
            return [authority.Issue(Laptop, Key), authority.Certificate];
        }

        X509Certificate2[] Weak()
        {
            trusted = TestAuthority.Create("CN=Weak", TestAuthority.GeneratorOf(weak));
            return [trusted.Issue(Laptop, Key)];
        }
    }

    [Theory]
    [InlineData("1.3.6.1.5.5.7.3.2", true)] // clientAuth
    [InlineData("1.3.6.1.5.5.7.3.17", true)] // ipsecIKE
    [InlineData("1.3.6.1.5.5.8.2.2", true)] // iKEIntermediate
    [InlineData("2.5.29.37.0", true)] // anyExtendedKeyUsage
    [InlineData("1.3.6.1.5.5.7.3.1", false)]
    [InlineData("1.3.6.1.5.5.7.3.4", false)]
    [InlineData("1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.8.2.2", false)] // a server's for old clients
    [InlineData("1.3.6.1.5.5.8.2.2 1.3.6.1.5.5.7.3.4", true)]
    [InlineData("1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.2", true)]
    [InlineData("1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.8.2.2 1.3.6.1.5.5.7.3.2", true)]
    [InlineData("1.3.6.1.5.5.7.3.1 1.3.6.1.5.5.7.3.17", true)]
    public void UsagesOfClients(string usages, bool accepted)
    {
        Assert.Equal(accepted, TryBuild([Root.Issue(Laptop with { Usages = usages.Split(' ') }, Key)], Root, usageRequired: true, out _, out _));

        // An intermediate's bound what is below it.
        var sub = Root.CreateBelow("CN=Sub", TestAuthority.GeneratorOf(MiddleKey), Authority("CN=Sub") with { Usages = usages.Split(' ') });
        Assert.Equal(accepted, TryBuild([sub.Issue(Laptop, Key), sub.Certificate], Root, usageRequired: false, out _, out _));
    }

    // Whoever has the key of a server under the same CA is not a client by that.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OurOwnServersAreNoClients(bool usageRequired)
    {
        using var directory = new TemporaryDirectory();
        using var authority = CertificateAuthority.LoadOrCreate(directory.Path);
        using var server = authority.IssueServer(["vpn.example.com"], []);
        var trust = new CertificateTrust([authority.Certificate], []);
        Assert.False(CertificatePath.TryBuild([server.Leaf.RawDataMemory], trust, usageRequired, DateTimeOffset.UtcNow, out _, out var refusal));
        Assert.Contains("wrong usage", refusal, StringComparison.Ordinal);
    }

    // Whether its dates count must not depend on what the client sends along, nor on whether the configured authority is a root.
    [Theory]
    [InlineData(-9, -1, "expired on")]
    [InlineData(1, 2, "not valid before")]
    public void AConfiguredIntermediateHasDatesToo(int from, int until, string reason)
    {
        var old = Authority("CN=Old") with { NotBefore = DateTimeOffset.UtcNow.AddDays(from), NotAfter = DateTimeOffset.UtcNow.AddDays(until) };
        var sub = Root.CreateBelow("CN=Old", TestAuthority.GeneratorOf(MiddleKey), old);
        var leaf = sub.Issue(Laptop, Key);
        foreach (X509Certificate2[] chain in (X509Certificate2[][])[[leaf], [leaf, sub.Certificate], [leaf, sub.Certificate, Root.Certificate], [leaf, Root.Certificate]])
        {
            Assert.False(TryBuild(chain, sub, usageRequired: false, out _, out var refusal));
            Assert.Contains(reason, refusal, StringComparison.Ordinal);
            Assert.EndsWith("(at CN=Old)", refusal, StringComparison.Ordinal);
        }

        // One in between counts as well.
        using var lowest = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var below = sub.CreateBelow("CN=Below", TestAuthority.GeneratorOf(lowest));
        foreach (X509Certificate2[] chain in (X509Certificate2[][])[[below.Issue(Laptop, Key), below.Certificate], [below.Issue(Laptop, Key), below.Certificate, Root.Certificate]])
        {
            Assert.False(TryBuild(chain, sub, usageRequired: false, out _, out var refusal));
            Assert.EndsWith("(at CN=Old)", refusal, StringComparison.Ordinal);
        }
    }

    // RFC 5280 4.2.1.9: no more intermediates below than pathLenConstraint says, the configured authority's own included.
    [Fact]
    public void PathLengths()
    {
        using var low = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var high = Root.CreateBelow("CN=High", TestAuthority.GeneratorOf(MiddleKey), Authority("CN=High") with { PathLength = 0 });
        var below = high.CreateBelow("CN=Low", TestAuthority.GeneratorOf(low), Authority("CN=Low"));
        Accepts([high.Issue(Laptop, Key), high.Certificate], Root);
        Accepts([high.Issue(Laptop, Key)], high);
        Refuses([below.Issue(Laptop, Key), below.Certificate, high.Certificate], Root);
        Refuses([below.Issue(Laptop, Key), below.Certificate], high);
        Refuses([below.Issue(Laptop, Key), below.Certificate, Root.Certificate], high);

        // Only what is above the constraint is longer.
        Accepts([below.Issue(Laptop, Key)], below);
        var wider = Root.CreateBelow("CN=High", TestAuthority.GeneratorOf(MiddleKey), Authority("CN=High") with { PathLength = 1 });
        Accepts([below.Issue(Laptop, Key), below.Certificate, wider.Certificate], Root);

        static void Refuses(X509Certificate2[] chain, TestAuthority authority)
        {
            Assert.False(TryBuild(chain, authority, usageRequired: false, out _, out var refusal));
            Assert.Contains("InvalidBasicConstraints", refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void WithoutExtendedKeyUsageByConfiguration()
    {
        var leaf = Root.Issue(Laptop with { Usages = null, KeyUsage = null }, Key);
        Assert.True(TryBuild([leaf], Root, usageRequired: false, out _, out _));
        Assert.False(TryBuild([leaf], Root, usageRequired: true, out _, out var refusal));
        Assert.Contains("no extended key usage", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void GarbageIsRefusedWithoutException()
    {
        var random = new Random(815);
        var leaf = Root.Issue(Laptop with { DnsNames = ["a.example"], Emails = ["a@example"] }, Key).RawData;
        var trust = new CertificateTrust([Root.Certificate], []);
        for (var i = 0; i < 2000; i++)
        {
            var octets = (byte[])leaf.Clone();
            for (var n = random.Next(1, 5); n > 0; n--)
                octets[random.Next(octets.Length)] = (byte)random.Next(256);
            if (random.Next(8) == 0)
                octets = octets[..random.Next(octets.Length)];
            if (CertificatePath.TryBuild([octets], trust, false, DateTimeOffset.UtcNow, out var path, out _))
            {
                Assert.Equal(leaf, octets);
                path.Dispose();
            }
        }

        Assert.False(CertificatePath.TryBuild([System.Text.Encoding.ASCII.GetBytes(Root.Pem)], trust, false, DateTimeOffset.UtcNow, out _, out var refusal));
        Assert.Contains("not DER", refusal, StringComparison.Ordinal);
    }

    // What AnyConnect-EAP shows: a signature without AUTH payload, its hash told elsewhere.
    [Fact]
    public void APlainSignatureProvesTheKeyToo()
    {
        byte[] octets = [1, 2, 3];
        using var rsa = RSA.Create(2048);
        Proves(rsa, rsa.SignData(octets, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), HashAlgorithmName.SHA256);
        Proves(Key, Key.SignData(octets, HashAlgorithmName.SHA512, DSASignatureFormat.Rfc3279DerSequence), HashAlgorithmName.SHA512);
        var leaf = Root.Issue(Laptop, rsa);
        Assert.NotNull(new CertificateProof.Plain(HashAlgorithmName.SHA1, rsa.SignData(octets, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1), octets).WhyNotBy(leaf));

        void Proves(AsymmetricAlgorithm key, byte[] signature, HashAlgorithmName hash)
        {
            var certificate = Root.Issue(Laptop, key);
            Assert.Null(new CertificateProof.Plain(hash, signature, octets).WhyNotBy(certificate));
            signature[^1] ^= 1;
            Assert.NotNull(new CertificateProof.Plain(hash, signature, octets).WhyNotBy(certificate));
        }
    }

    // A stranger's certificate is nothing to calculate with before it is known that anybody trusted is above it.
    [Theory]
    [InlineData("RSASSA-PSS")]
    [InlineData("DSA")]
    [InlineData("P-224")]
    [InlineData("P-256 written out")]
    [InlineData("RSA of 16384 bits")]
    public void KeysThatNobodyNeedsAreNotComputedWith(string kind)
    {
        var key = KeyOf(kind);
        var costly = Root.Issue(new TestSubject("CN=Costly") { IsAuthority = true, Usages = null, KeyUsage = X509KeyUsageFlags.KeyCertSign }, key);
        var reason = kind == "RSA of 16384 bits" ? "more than 8192 bits" : "neither rsaEncryption nor Ed25519";

        // Its own, and one that the path would lead over.
        Assert.False(TryBuild([Root.Issue(Laptop, key)], Root, usageRequired: false, out _, out var refusal));
        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        var below = TestAuthority.Create("CN=Costly").Issue(Laptop, Key);
        Assert.False(TryBuild([below, costly], Root, usageRequired: false, out _, out refusal));
        Assert.Contains($"left out: certificate {CertificateText.Describe(costly)}", refusal, StringComparison.Ordinal);
        Assert.Contains(reason, refusal, StringComparison.Ordinal);

        // One that stands beside a good path harms nobody.
        Accepts([Middle.Issue(Laptop, Key), costly, Middle.Certificate], Root);
    }

    private static PublicKey KeyOf(string kind)
    {
        if (kind.StartsWith("P-", StringComparison.Ordinal))
        {
            using var curve = kind == "P-224" ? ECDsa.Create(ECCurve.CreateFromValue("1.3.132.0.33")) : ECDsa.Create(Key.ExportExplicitParameters(false));
            return PublicKey.CreateFromSubjectPublicKeyInfo(curve.ExportSubjectPublicKeyInfo(), out _);
        }

        if (kind == "DSA")
        {
            var numbers = new AsnWriter(AsnEncodingRules.DER);
            using (numbers.PushSequence())
            {
                numbers.WriteIntegerUnsigned(Large(1250));
                numbers.WriteIntegerUnsigned(Large(32));
                numbers.WriteIntegerUnsigned(Large(1249));
            }

            var value = new AsnWriter(AsnEncodingRules.DER);
            value.WriteIntegerUnsigned(Large(1249));
            return new PublicKey(new Oid("1.2.840.10040.4.1"), new AsnEncodedData(numbers.Encode()), new AsnEncodedData(value.Encode()));
        }

        var octets = kind == "RSASSA-PSS" ? 384 : 2048;
        var rsa = new AsnWriter(AsnEncodingRules.DER);
        using (rsa.PushSequence())
        {
            rsa.WriteIntegerUnsigned(Large(octets));
            rsa.WriteIntegerUnsigned(kind == "RSASSA-PSS" ? Large(octets - 1) : [1, 0, 1]);
        }

        var isPss = kind == "RSASSA-PSS";
        return new PublicKey(new Oid(isPss ? "1.2.840.113549.1.1.10" : "1.2.840.113549.1.1.1"), isPss ? null! : new AsnEncodedData(new byte[] { 5, 0 }), new AsnEncodedData(rsa.Encode()));

        static byte[] Large(int octets) => [0xff, .. RandomNumberGenerator.GetBytes(octets - 2), 0xff];
    }

    private static TestSubject Authority(string name) => new(name) { IsAuthority = true, Usages = null, KeyUsage = X509KeyUsageFlags.KeyCertSign };

    private static void Accepts(X509Certificate2[] chain, TestAuthority authority) =>
        Assert.True(TryBuild(chain, authority, usageRequired: true, out var path, out var refusal) && path!.Leaf.RawDataMemory.Span.SequenceEqual(chain[0].RawDataMemory.Span), refusal);

    internal static bool TryBuild(X509Certificate2[] chain, TestAuthority authority, bool usageRequired, out CertificatePath? path, out string? refusal) =>
        CertificatePath.TryBuild([.. chain.Select(c => c.RawDataMemory)], new CertificateTrust([authority.Certificate], []), usageRequired, DateTimeOffset.UtcNow, out path, out refusal);
}
