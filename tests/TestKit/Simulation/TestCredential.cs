using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2;

namespace Headend.TestKit.Simulation;

/// <summary>Self-signed server certificates, made once per process.</summary>
public static class TestCredential
{
    private static readonly Lazy<IkeCredential> s_ecdsa = new(() =>
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Make(new CertificateRequest("CN=vpn.example.com", key, HashAlgorithmName.SHA256), key);
    });

    private static readonly Lazy<IkeCredential> s_rsa = new(() =>
    {
        var key = RSA.Create(2048);
        return Make(new CertificateRequest("CN=vpn.example.com", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), key);
    });

    public static IkeCredential Ecdsa => s_ecdsa.Value;

    public static IkeCredential Rsa => s_rsa.Value;

    private static IkeCredential Make(CertificateRequest request, AsymmetricAlgorithm key)
    {
        var leaf = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, new DateTimeOffset(2100, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return new IkeCredential(leaf, [leaf.RawData], key);
    }
}
