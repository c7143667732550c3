using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki;

namespace Headend.Tests.Pki;

public sealed class ServerCredentialTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly TemporaryDirectory _files = new();
    private readonly ECDsa _rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly ECDsa _middleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _root;
    private readonly X509Certificate2 _middle;

    public ServerCredentialTests()
    {
        _root = Issue("CN=Root", _rootKey, null, authority: true);
        _middle = Issue("CN=Middle", _middleKey, _root, authority: true);
    }

    public void Dispose()
    {
        _files.Dispose();
        _rootKey.Dispose();
        _middleKey.Dispose();
    }

    private static X509Certificate2 Issue(string subject, ECDsa key, X509Certificate2? issuer, bool authority, DateTimeOffset? end = null)
    {
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        return issuer is null
            ? request.CreateSelfSigned(Now.AddDays(-30), Now.AddDays(30))
            : request.Create(issuer, Now.AddDays(-20), end ?? Now.AddDays(10), [1, 2, 3, 4]);
    }

    private X509Certificate2 Leaf(ECDsa key, DateTimeOffset? end = null) => Issue("CN=leaf", key, _middle.CopyWithPrivateKey(_middleKey), authority: false, end);

    private static string Pem(params X509Certificate2[] certificates) => string.Join('\n', certificates.Select(c => c.ExportCertificatePem()));

    private string Error(string certificates, string key)
    {
        Assert.False(ServerCredential.TryLoad(_files.Write("c.pem", certificates), _files.Write("k.pem", key), Now, out var credential, out var error));
        Assert.Null(credential);
        return error;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ChainIsOrderedAndWithoutRoot(bool shuffled)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        var leaf = Leaf(key);
        var pem = shuffled ? Pem(_root, _middle, leaf) : Pem(leaf, _middle, _root);
        Assert.True(ServerCredential.TryLoad(_files.Write("c.pem", pem), _files.Write("k.pem", key.ExportECPrivateKeyPem()), Now, out var credential, out _));
        using (credential)
        {
            Assert.Equal(leaf.RawData, credential!.Leaf.RawData);
            Assert.Equal(_middle.RawData, Assert.Single(credential.Chain).RawData);
            Assert.Equal("CN=leaf", credential.Identity);
            Assert.True(credential.Key is ECDsa { KeySize: 384 });
        }
    }

    [Fact]
    public void RsaKeyOfEitherEncoding()
    {
        using var rsa = RSA.Create(2048);
        using var certificate = new CertificateRequest("CN=rsa", rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSelfSigned(Now.AddDays(-1), Now.AddDays(1));
        foreach (var pem in new[] { rsa.ExportRSAPrivateKeyPem(), rsa.ExportPkcs8PrivateKeyPem() })
        {
            Assert.True(ServerCredential.TryLoad(_files.Write("c.pem", Pem(certificate)), _files.Write("k.pem", pem), Now, out var credential, out _));
            credential!.Dispose();
        }
    }

    [Fact]
    public void ErrorsNameTheFile()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var small = RSA.Create(1024);
        var chain = Pem(Leaf(key));
        var good = key.ExportPkcs8PrivateKeyPem();
        Assert.Matches("k.pem: no PEM private key", Error(chain, "nothing"));
        Assert.Matches("k.pem: the private key is encrypted", Error(chain, key.ExportEncryptedPkcs8PrivateKeyPem("x", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1))));
        Assert.Matches("k.pem: .*damaged", Error(chain, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"));
        Assert.Matches("k.pem: RSA key of 1024 bits", Error(chain, small.ExportPkcs8PrivateKeyPem()));
        Assert.Matches("c.pem: no PEM certificate", Error("nothing", good));
        Assert.Matches("c.pem: damaged certificate", Error("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", good));
        Assert.Matches("c.pem: no certificate for the private key in .*k.pem", Error(chain, other.ExportPkcs8PrivateKeyPem()));
        Assert.Matches("c.pem: the certificate CN=leaf expired on", Error(Pem(Leaf(key, Now.AddDays(-2))), good));
        Assert.False(ServerCredential.TryLoad(_files.File("absent"), _files.File("k.pem"), Now, out _, out var error));
        Assert.Contains("absent", error, StringComparison.Ordinal);
    }
}
