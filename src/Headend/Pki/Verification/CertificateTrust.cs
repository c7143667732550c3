using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>What the files of a profile say about clients' certificates. Immutable; a reload makes a new one.</summary>
/// <param name="Authorities">Chains must end in one of these; they may be intermediates.</param>
/// <param name="Lists">Of the profile's files, with the file's name.</param>
internal sealed record CertificateTrust(IReadOnlyList<X509Certificate2> Authorities, IReadOnlyList<(string File, RevocationList List)> Lists)
{
    public bool IsAuthority(X509Certificate2 certificate) => Authorities.Any(a => a.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));
}
