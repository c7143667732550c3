using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki;

/// <summary>The name of a CA in a CERTREQ payload.</summary>
public static class CertificateRequestHash
{
    public const int Length = SHA1.HashSizeInBytes;

    // RFC 7296 3.7: "a concatenated list of SHA-1 hashes of the public keys of trusted Certification Authorities (CAs). Each is encoded as
    // the SHA-1 hash of the Subject Public Key Info element".
    public static byte[] Of(X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        return SHA1.HashData(authority.PublicKey.ExportSubjectPublicKeyInfo());
    }
}
