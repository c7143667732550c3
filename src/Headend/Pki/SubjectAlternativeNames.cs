using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki;

/// <summary>The names and addresses in a certificate's subjectAltName (RFC 5280 4.2.1.6).</summary>
public sealed record SubjectAlternativeNames(IReadOnlyList<string> DnsNames, IReadOnlyList<IPAddress> Addresses)
{
    private const string Oid = "2.5.29.17";

    /// <summary>Both lists empty when the certificate has no such extension.</summary>
    public static SubjectAlternativeNames Of(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        foreach (var extension in certificate.Extensions)
        {
            if (!string.Equals(extension.Oid?.Value, Oid, StringComparison.Ordinal))
                continue;
            var names = new X509SubjectAlternativeNameExtension(extension.RawData, extension.Critical);
            return new SubjectAlternativeNames([.. names.EnumerateDnsNames()], [.. names.EnumerateIPAddresses()]);
        }

        return new SubjectAlternativeNames([], []);
    }
}
