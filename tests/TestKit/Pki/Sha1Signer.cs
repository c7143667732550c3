using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.TestKit.Pki;

/// <summary>Signs certificates by RSA with SHA-1, which .NET no longer does by itself: what must be refused.</summary>
public sealed class Sha1Signer(RSA key) : X509SignatureGenerator
{
    // SEQUENCE { sha1WithRSAEncryption, NULL } (RFC 3279 2.2.1).
    public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm) =>
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05, 0x05, 0x00];

    public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);

    protected override PublicKey BuildPublicKey() => CreateForRSA(key, RSASignaturePadding.Pkcs1).PublicKey;
}
