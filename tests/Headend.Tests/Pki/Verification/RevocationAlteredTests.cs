using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki.Verification;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>Lists and OCSP answers of which somebody on the way has altered octets.</summary>
public sealed class RevocationAlteredTests
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Altered");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly X509Certificate2 Leaf = Root.Issue(new TestSubject("CN=leaf"), Key);
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    // The issuer signs its answers itself here, so that nobody looks at the certificates behind the signature (RFC 6960 4.2.1): they alone may be altered, and nothing comes of it.
    [Theory]
    [InlineData(TestOcsp.Status.Good)]
    [InlineData(TestOcsp.Status.Revoked)]
    public void OfAnAnswerOfTheIssuerNoBitMayBeAlteredButInTheCertificates(object says)
    {
        var answer = new TestOcsp(Root.Certificate, Root.Signer, Root.Certificate) { Says = (TestOcsp.Status)says }.Answer(Leaf);
        var certificates = answer.Length - CertificatesOctets(Root.Certificate);
        var expected = Judge(answer);
        Assert.Equal(says.ToString(), expected.ToString());
        for (var bit = 0; bit < answer.Length * 8; bit++)
            Assert.True(Judge(Flipped(answer, bit)) == (bit / 8 < certificates ? RevocationStatus.Unknown : expected), $"bit {bit % 8} of octet {bit / 8} of {answer.Length}");
    }

    [Fact]
    public void OfADelegatedRespondersAnswerNoBitMayBeAltered()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var responder = Root.Issue(new TestSubject("CN=responder") { Usages = ["1.3.6.1.5.5.7.3.9"] }, key);
        var answer = new TestOcsp(Root.Certificate, TestAuthority.GeneratorOf(key), responder).Answer(Leaf);
        Assert.Equal(RevocationStatus.Good, Judge(answer));
        for (var bit = 0; bit < answer.Length * 8; bit++)
            Assert.True(Judge(Flipped(answer, bit)) == RevocationStatus.Unknown, $"bit {bit % 8} of octet {bit / 8} of {answer.Length}");
    }

    [Fact]
    public void OfAListNoBitMayBeAltered()
    {
        var other = Root.Issue(new TestSubject("CN=other"), Key);
        var list = new TestList(Root) { Revoked = other, Number = 1, Point = "http://pki.example/a.crl" }.Encode();
        var leaf = Root.Issue(new TestSubject("CN=leaf") { ListUris = ["http://pki.example/a.crl"] }, Key);
        Assert.True(Passes(list, leaf) && Revokes(list, other));
        for (var bit = 0; bit < list.Length * 8; bit++)
        {
            var altered = Flipped(list, bit);
            Assert.False(Passes(altered, leaf) || Revokes(altered, other), $"bit {bit % 8} of octet {bit / 8} of {list.Length}");
        }
    }

    [Fact]
    public void AlteredAnswersAndListsNeverThrowAndNeverPass()
    {
        var random = new Random(4711);
        var answer = new TestOcsp(Root.Certificate, Root.Signer, Root.Certificate).Answer(Leaf);
        var certificates = answer.Length - CertificatesOctets(Root.Certificate);
        var list = Root.List();
        for (var i = 0; i < 4000; i++)
        {
            var original = i % 2 == 0 ? answer : list;
            var octets = (byte[])original.Clone();
            for (var n = random.Next(1, 4); n > 0; n--)
                octets[random.Next(octets.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                octets = octets[..random.Next(octets.Length)];
            var covered = original.AsSpan(0, i % 2 == 0 ? certificates : list.Length);
            var isSame = octets.Length == original.Length && octets.AsSpan().StartsWith(covered);
            Assert.Equal(isSame, i % 2 == 0 ? Judge(octets) == RevocationStatus.Good : Passes(octets, Leaf));
        }
    }

    private static RevocationStatus Judge(byte[] answer) => OcspCodec.Decode(answer, Leaf, Root.Certificate, new byte[32], Now).Status;

    private static bool Passes(byte[] list, X509Certificate2 certificate) =>
        RevocationList.TryRead(list, out var read, out _) && read.WhyNotFor(certificate, Root.Certificate, Now) is null;

    private static bool Revokes(byte[] list, X509Certificate2 certificate) => RevocationList.TryRead(list, out var read, out _) && read.Revokes(certificate, Root.Certificate);

    private static byte[] Flipped(byte[] octets, int bit)
    {
        var altered = (byte[])octets.Clone();
        altered[bit / 8] ^= (byte)(1 << (bit % 8));
        return altered;
    }

    // certs [0] EXPLICIT SEQUENCE OF Certificate: the last of everything.
    private static int CertificatesOctets(X509Certificate2 certificate)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
        using (writer.PushSequence())
            writer.WriteEncodedValue(certificate.RawData);
        return writer.GetEncodedLength();
    }
}
