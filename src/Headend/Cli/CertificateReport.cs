using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Admin;
using Headend.Eap.Tls;
using Headend.Pki;

namespace Headend.Cli;

/// <summary>What <c>headend pki show</c> says of certificates.</summary>
internal static class CertificateReport
{
    private const string TimeFormat = "yyyy-MM-dd HH:mm:ss 'UTC'";
    private const string RsaAlgorithm = "1.2.840.113549.1.1.1";
    private const string EcAlgorithm = "1.2.840.10045.2.1";

    /// <summary>SHA-256 of the whole certificate in hexadecimal, as clients and browsers show it.</summary>
    public static string FingerprintOf(X509Certificate2 certificate) => string.Join(':', certificate.GetCertHash(HashAlgorithmName.SHA256).Select(o => o.ToString("X2", CultureInfo.InvariantCulture)));

    /// <summary>The CA's certificate, that of the start without configuration, then what was issued into the state directory by name.</summary>
    public static IReadOnlyList<string> FilesOf(string stateDirectory)
    {
        var pki = Path.Combine(stateDirectory, "pki");
        List<string> files = [.. new[] { Path.Combine(pki, "ca.pem"), Path.Combine(pki, "server.pem") }.Where(File.Exists)];
        foreach (var folder in (string[])["servers", "clients"])
        {
            var path = Path.Combine(stateDirectory, folder);
            if (Directory.Exists(path))
                files.AddRange(Directory.GetDirectories(path).Order(StringComparer.Ordinal).Select(d => Path.Combine(d, Path.GetFileName(d) + ".pem")).Where(File.Exists));
        }

        return files;
    }

    /// <summary>Every certificate in the files.</summary>
    /// <exception cref="InvalidDataException">A file has none, or one is damaged; names the file.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static IReadOnlyList<CertificateRecord> Read(IReadOnlyList<string> files)
    {
        var records = new List<CertificateRecord>();
        foreach (var file in files)
        {
            if (!ServerCredential.TryReadCertificates(file, out var certificates, out var error))
                throw new InvalidDataException(error);
            foreach (var certificate in certificates)
            {
                using (certificate)
                    records.Add(Describe(file, certificate));
            }
        }

        return records;
    }

    public static void Print(IReadOnlyList<CertificateRecord> records, DateTimeOffset now, CommandLineOptions options)
    {
        var console = AdminTables.Open(options);
        foreach (var record in records)
        {
            AdminTables.Lines(console, record.File, [
                ("subject", record.Subject),
                ("issuer", record.Issuer),
                ("serial", record.SerialNumber),
                ("valid from", Time(record.NotBefore) + (now < record.NotBefore ? " (not yet)" : "")),
                ("valid until", Time(record.NotAfter) + (now > record.NotAfter ? " (expired)" : "")),
                ("names", string.Join(", ", record.SubjectAlternativeNames)),
                ("usage", string.Join(", ", record.ExtendedKeyUsage)),
                ("ca", record.IsAuthority ? record.PathLength is { } length ? $"yes, path length {length}" : "yes" : null),
                ("key", record.Key),
                ("sha-256", record.Sha256Fingerprint)]);
        }
    }

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString(TimeFormat, CultureInfo.InvariantCulture);

    private static CertificateRecord Describe(string file, X509Certificate2 certificate)
    {
        try
        {
            if (!CertificateNames.TryRead(certificate, isConstrained: false, out var names, out var reason))
                throw new InvalidDataException($"{file}: {certificate.Subject}: {reason}");
            var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
            return new CertificateRecord
            {
                File = file,
                Subject = certificate.Subject,
                Issuer = certificate.Issuer,
                SerialNumber = certificate.SerialNumber,
                NotBefore = new DateTimeOffset(certificate.NotBefore).ToUniversalTime(),
                NotAfter = new DateTimeOffset(certificate.NotAfter).ToUniversalTime(),
                SubjectAlternativeNames = [.. names.All.Where(n => n.Kind != CertificateNameKind.CommonName).Select(Named), .. SubjectAlternativeNames.Of(certificate).Addresses.Select(a => $"address {a}")],
                ExtendedKeyUsage = [.. certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().SelectMany(e => e.EnhancedKeyUsages.Cast<Oid>()).Select(UsageOf)],
                IsAuthority = constraints?.CertificateAuthority ?? false,
                PathLength = constraints is { CertificateAuthority: true, HasPathLengthConstraint: true } ? constraints.PathLengthConstraint : null,
                Key = KeyOf(certificate),
                Sha256Fingerprint = FingerprintOf(certificate),
            };
        }
        catch (CryptographicException error)
        {
            throw new InvalidDataException($"{file}: {error.Message}", error);
        }
    }

    private static string Named((CertificateNameKind Kind, string Name) name) => name.Kind switch
    {
        CertificateNameKind.Email => $"email {name.Name}",
        CertificateNameKind.Upn => $"upn {name.Name}",
        _ => $"dns {name.Name}",
    };

    private static string UsageOf(Oid usage) => usage.Value switch
    {
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.17" => "ipsecIKE",
        "1.3.6.1.5.5.8.2.2" => "ikeIntermediate",
        var other => other ?? "",
    };

    private static string KeyOf(X509Certificate2 certificate)
    {
        switch (certificate.PublicKey.Oid.Value)
        {
            case RsaAlgorithm:
                using (var rsa = certificate.GetRSAPublicKey())
                    return $"RSA {rsa?.KeySize} bits";
            case EcAlgorithm:
                using (var ec = certificate.GetECDsaPublicKey())
                    return $"EC {ec?.KeySize} bits";
            default:
                return certificate.PublicKey.Oid.FriendlyName ?? certificate.PublicKey.Oid.Value ?? "unknown";
        }
    }
}
