using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Eap.Tls;

/// <summary>What a configured authority must be.</summary>
internal static class AuthorityCertificate
{
    /// <summary>False with the problem when it is no certificate, or none that may sign others: as an anchor it would let in whoever holds its key.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> der, out bool selfSigned, out string problem)
    {
        selfSigned = false;
        problem = "an authority of clients' certificates is no certificate";
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(der.Span);
            selfSigned = certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
            problem = $"{certificate.Subject} is no CA certificate (basicConstraints)";
            foreach (var extension in certificate.Extensions)
            {
                if (extension is X509BasicConstraintsExtension { CertificateAuthority: true })
                {
                    problem = "";
                    return true;
                }
            }

            return false;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }
}
