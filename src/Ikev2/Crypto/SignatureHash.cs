using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>One row of the hashes for digital signatures. SHA-1 (1) has no row: it is refused with method 14.</summary>
/// <param name="Id">Number in SIGNATURE_HASH_ALGORITHMS (RFC 7427 7).</param>
/// <param name="Name">Hash.</param>
/// <param name="Octets">Octets of its output.</param>
/// <param name="HashOid">OID of the hash.</param>
/// <param name="RsaOid">OID of PKCS#1 v1.5 RSA with it.</param>
/// <param name="EcdsaOid">OID of ECDSA with it.</param>
internal sealed record SignatureHash(ushort Id, HashAlgorithmName Name, int Octets, string HashOid, string RsaOid, string EcdsaOid)
{
    public static IReadOnlyList<SignatureHash> All { get; } =
    [
        new(2, HashAlgorithmName.SHA256, 32, "2.16.840.1.101.3.4.2.1", "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"),
        new(3, HashAlgorithmName.SHA384, 48, "2.16.840.1.101.3.4.2.2", "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"),
        new(4, HashAlgorithmName.SHA512, 64, "2.16.840.1.101.3.4.2.3", "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"),
    ];
}
