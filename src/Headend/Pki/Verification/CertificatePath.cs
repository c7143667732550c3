using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Eap.Tls;

namespace Headend.Pki.Verification;

/// <summary>
/// A client's certificate, the intermediates above it and the configured authority at the end (RFC 5280 6). Made only of what the client sent and what is configured:
/// nothing is fetched. Dispose it.
/// </summary>
internal sealed class CertificatePath : IDisposable
{
    /// <summary>RFC 4945 5.1.3.12 and what clients' certificates bear in practice: clientAuth, id-kp-ipsecIKE, anyExtendedKeyUsage; iKEIntermediate, too, but not beside serverAuth.</summary>
    private static readonly HashSet<string> ClientUsages = ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.17", "2.5.29.37.0"];

    private const string IkeIntermediate = "1.3.6.1.5.5.8.2.2";
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string RsaKey = "1.2.840.113549.1.1.1";
    private const string EcKey = "1.2.840.10045.2.1";
    private const string Ed25519Key = "1.3.101.112";

    /// <summary>P-256, P-384, P-521.</summary>
    private static readonly HashSet<string> Curves = ["1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"];

    private const int LargestModulusOctets = 1024;
    private const int LargestExponentOctets = 4;

    private readonly List<X509Certificate2> certificates = [];

    private CertificatePath()
    {
    }

    /// <summary>From the client's to the authority's; at least two.</summary>
    public IReadOnlyList<X509Certificate2> Certificates => certificates;

    public X509Certificate2 Leaf => certificates[0];

    /// <summary>An authority of the path, the configured one included, may certify some names only (RFC 5280 4.2.1.10).</summary>
    public bool HasNameConstraints => certificates.Skip(1).Any(CertificateNames.IsConstrained);

    /// <summary>False, with the reason for the log, when the chain does not lead from a client's certificate to an authority at this time.</summary>
    /// <param name="chain">DER: the client's own first, the others in any order.</param>
    /// <param name="trust">The authorities.</param>
    /// <param name="usageRequired">A certificate without extended key usage is refused.</param>
    /// <param name="now">For validity.</param>
    /// <param name="path">The caller's to dispose.</param>
    /// <param name="refusal">Names the certificate.</param>
    public static bool TryBuild(
        IReadOnlyList<ReadOnlyMemory<byte>> chain, CertificateTrust trust, bool usageRequired, DateTimeOffset now,
        [NotNullWhen(true)] out CertificatePath? path, [NotNullWhen(false)] out string? refusal)
    {
        path = null;
        var sent = new X509Certificate2Collection();
        var used = new X509Certificate2Collection();
        var leftOut = "";
        var made = new CertificatePath();
        try
        {
            foreach (var der in chain)
            {
                // The loader takes PEM too, which has no place here.
                if (!SignedStructure.TryRead(der, out _))
                {
                    refusal = $"certificate {sent.Count + 1} of {chain.Count} is not DER";
                    return false;
                }

                var certificate = X509CertificateLoader.LoadCertificate(der.Span);
                sent.Add(certificate);
                if (WhyNotComputed(certificate) is not { } costly)
                    used.Add(certificate);
                else
                    leftOut = $"certificate {CertificateText.Describe(certificate)}: {costly}";
                if (used.Count == 0)
                {
                    refusal = leftOut;
                    return false;
                }
            }

            refusal = made.WhyNot(used, leftOut, trust, usageRequired, now);
            path = refusal is null ? made : null;
            return refusal is null;
        }
        catch (Exception malformed) when (malformed is CryptographicException or AsnContentException)
        {
            refusal = $"a certificate cannot be read: {CertificateText.Printable(malformed.Message)}";
            return false;
        }
        finally
        {
            foreach (var certificate in sent)
                certificate.Dispose();
            if (path is null)
                made.Dispose();
        }
    }

    public void Dispose()
    {
        foreach (var certificate in certificates)
            certificate.Dispose();
    }

    // Links are verified before it is known whether anybody trusted is at their end: a stranger must not choose how long that takes. Keys that WhyNotSigned would refuse at
    // the end (RSASSA-PSS ones, DSA, other curves) are not computed with at all; a certificate that has one and is not needed for the path does no harm.
    private static string? WhyNotComputed(X509Certificate2 certificate)
    {
        var kind = certificate.PublicKey.Oid.Value;
        if (kind == Ed25519Key || (kind == EcKey && IsOnKnownCurve(certificate)))
            return null;
        if (kind != RsaKey)
            return "its key is neither rsaEncryption nor Ed25519 nor on P-256, P-384 or P-521";
        var key = new AsnReader(certificate.PublicKey.EncodedKeyValue.RawData, AsnEncodingRules.DER).ReadSequence();
        var modulus = key.ReadIntegerBytes();
        var exponent = key.ReadIntegerBytes();
        return modulus.Length > LargestModulusOctets + 1 || exponent.Length > LargestExponentOctets + 1
            ? $"its RSA key has more than {LargestModulusOctets * 8} bits, or an exponent of more than {LargestExponentOctets * 8}"
            : null;
    }

    // By name: libcrypto takes no parameters that are written out in a chain.
    private static bool IsOnKnownCurve(X509Certificate2 certificate)
    {
        if (certificate.PublicKey.EncodedParameters?.RawData is not { Length: > 0 } parameters)
            return false;
        var reader = new AsnReader(parameters, AsnEncodingRules.DER);
        return reader.PeekTag().HasSameClassAndValue(Asn1Tag.ObjectIdentifier) && Curves.Contains(reader.ReadObjectIdentifier());
    }

    private string? WhyNot(X509Certificate2Collection sent, string leftOut, CertificateTrust trust, bool usageRequired, DateTimeOffset now)
    {
        var who = $"certificate {CertificateText.Describe(sent[0])}";
        using var builder = new X509Chain();
        var policy = builder.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(trust.Authorities.ToArray());
        policy.ExtraStore.AddRange(sent);
        policy.DisableCertificateDownloads = true;
        policy.RevocationMode = X509RevocationMode.NoCheck;
        policy.VerificationTime = now.UtcDateTime;
        builder.Build(sent[0]);
        var top = sent[0].Issuer;
        var ended = false;
        foreach (var element in builder.ChainElements)
        {
            // The first authority ends the path: it may be an intermediate, whose root the builder misses, or finds among what was sent and does not trust.
            if (ended)
            {
                element.Certificate.Dispose();
                continue;
            }

            certificates.Add(element.Certificate);
            top = element.Certificate.Issuer;
            ended = certificates.Count > 1 && trust.IsAuthority(element.Certificate);
        }

        if (!ended)
            return $"{who}: foreign CA, no configured authority is above {CertificateText.Printable(top)}{(leftOut.Length > 0 ? $"; left out: {leftOut}" : "")}";
        for (var i = 0; i < certificates.Count; i++)
        {
            var element = builder.ChainElements[i];

            // Not by the builder alone: of a path that ends without a self-signed certificate libcrypto leaves out the dates of the topmost, which is then the configured authority.
            if (WhyNotNow(element.Certificate, now) is { } untimely)
                return $"{who}: {untimely}{Place(element.Certificate)}";
            foreach (var status in element.ChainElementStatus)
            {
                if (status.Status is not (X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.NoError))
                    return $"{who}: {Explain(status)}{Place(element.Certificate)}";
            }
        }

        return WhyNotSigned() is { } unsigned ? $"{who}: {unsigned}" : WhyNotForClients(usageRequired) is { } usage ? $"{who}: {usage}" : null;
    }

    // The builder knows no floors: links are verified once more, with ours.
    private string? WhyNotSigned()
    {
        for (var i = 0; i + 1 < certificates.Count; i++)
        {
            if (!SignedStructure.TryRead(certificates[i].RawDataMemory, out var signed))
                return "it is not DER";
            if (signed.WhyNotBy(certificates[i + 1]) is { } reason)
                return $"the signature of {CertificateText.Printable(certificates[i + 1].Subject)} is not accepted: {reason}{Place(certificates[i])}";
        }

        return null;
    }

    private string? WhyNotForClients(bool usageRequired)
    {
        foreach (var extension in Leaf.Extensions)
        {
            if (extension is X509BasicConstraintsExtension { CertificateAuthority: true })
                return "it is an authority's certificate, none of a client";

            // RFC 4945 5.1.3.2: digitalSignature or nonRepudiation where the extension is there.
            if (extension is X509KeyUsageExtension usage && (usage.KeyUsages & (X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation)) == 0)
                return "wrong usage, its key usage does not allow signatures";
        }

        // An intermediate's extended key usage bounds what is below it.
        for (var i = 0; i + 1 < certificates.Count; i++)
        {
            if (ExtendedUsages(certificates[i]) is not { } usages)
            {
                if (i == 0 && usageRequired)
                    return "wrong usage, it has no extended key usage";
            }
            else if (!AreForClients(usages))
            {
                return $"wrong usage, its extended key usage says neither clientAuth nor ipsecIKE nor, without serverAuth, iKEIntermediate{Place(certificates[i])}";
            }
        }

        return null;
    }

    // Servers' certificates bear iKEIntermediate for old clients (ours do): whoever has a server's key is no client by that.
    private static bool AreForClients(List<string> usages) =>
        usages.Exists(ClientUsages.Contains) || (usages.Contains(IkeIntermediate) && !usages.Contains(ServerAuthentication));

    private static List<string>? ExtendedUsages(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions)
        {
            if (extension is X509EnhancedKeyUsageExtension usage)
                return [.. usage.EnhancedKeyUsages.Cast<Oid>().Select(o => o.Value ?? "")];
        }

        return null;
    }

    private string Place(X509Certificate2 at) =>
        at.RawDataMemory.Span.SequenceEqual(certificates[0].RawDataMemory.Span) ? "" : $" (at {CertificateText.Printable(at.Subject)})";

    // RFC 5280 4.1.2.5: from notBefore through notAfter, inclusive.
    private static string? WhyNotNow(X509Certificate2 at, DateTimeOffset now)
    {
        var (from, until) = (new DateTimeOffset(at.NotBefore), new DateTimeOffset(at.NotAfter));
        return from > now ? $"not valid before {CertificateText.Date(from)}" : until < now ? $"expired on {CertificateText.Date(until)}" : null;
    }

    private static string Explain(X509ChainStatus status) => status.Status switch
    {
        X509ChainStatusFlags.NotSignatureValid => "foreign CA, it is not signed by the authority whose name it gives",
        X509ChainStatusFlags.UntrustedRoot => "foreign CA, its root is none of the configured authorities",
        _ => CertificateText.Printable($"{status.Status}: {status.StatusInformation.Trim()}"),
    };
}
