using System.Formats.Asn1;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Eap.Tls;

/// <summary>The verdict on the client's certificate chain; exactly one of both is set.</summary>
/// <param name="Identity">The authenticated identity.</param>
/// <param name="Refusal">Why the certificate is refused, for the log.</param>
internal sealed record CertificateVerdict(string? Identity, string? Refusal);

/// <summary>
/// Judges a client's chain inside the handshake, before the client has proven its key, so that every refusal leaves as a TLS alert: OpenSSL checks path, validity,
/// revocation, usage and strength; what it leaves open is checked here.
/// </summary>
internal static class ClientCertificateCheck
{
    // Errors of X509_STORE_CTX, which libssl turns into alerts (ssl_x509err2alert).
    private const int Malformed = 28; // X509_V_ERR_CERT_REJECTED: bad_certificate
    private const int WrongUsage = 26; // X509_V_ERR_INVALID_PURPOSE: unsupported_certificate
    private const int WeakKey = 66; // X509_V_ERR_EE_KEY_TOO_SMALL: bad_certificate
    private const int WrongIdentity = 50; // X509_V_ERR_APPLICATION_VERIFICATION: handshake_failure

    private const int MinRsaBits = 2048;
    private const int MinRsaExponent = 65537;
    private const int MaxCertificateLength = 64 * 1024;
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private static readonly string[] RsaKeys = ["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"];

    public static CertificateVerdict Judge(nint storeContext, TlsServerOptions options, string eapIdentity, DateTimeOffset now)
    {
        LibSsl.X509_VERIFY_PARAM_set_time(LibSsl.X509_STORE_CTX_get0_param(storeContext), now.ToUnixTimeSeconds());
        var good = LibSsl.X509_verify_cert(storeContext) == 1;
        var error = LibSsl.X509_STORE_CTX_get_error(storeContext);
        if (Read(LibSsl.X509_STORE_CTX_get0_cert(storeContext)) is not { } leaf)
            return Refuse(storeContext, Malformed, "the client's certificate cannot be read");
        using (leaf)
        {
            if (!CertificateNames.TryRead(leaf, IsBelowConstraints(storeContext), out var names, out var reason))
                return Refuse(storeContext, Malformed, $"the client's certificate is refused: {reason}");
            var who = $"the client's certificate ({Describe(leaf)})";
            if (!good || error != 0)
                return Refuse(storeContext, error == 0 ? Malformed : error, $"{who} is refused: {Explain(error, storeContext, leaf)}");
            if (FindWeakKey(storeContext) is { } weak)
                return Refuse(storeContext, WeakKey, $"{who} is refused: {weak}");
            if (!IsForClients(leaf))
                return Refuse(storeContext, WrongUsage, $"{who} is refused: wrong usage, its extended key usage does not say clientAuth");
            if (names.First(options.IdentityNames) is not { } identity)
                return Refuse(storeContext, WrongIdentity, $"{who} is refused: none of its names can be an identity ({string.Join(", ", options.IdentityNames)} are looked for)");
            if (options.MatchEapIdentity && !names.Holds(eapIdentity))
                return Refuse(storeContext, WrongIdentity, $"{who} is refused: the EAP identity {Printable(eapIdentity)} is no name of it");
            return new CertificateVerdict(identity, null);
        }
    }

    private static CertificateVerdict Refuse(nint storeContext, int error, string refusal)
    {
        LibSsl.X509_STORE_CTX_set_error(storeContext, error);
        return new CertificateVerdict(null, refusal);
    }

    // The names of X509_V_ERR_* in words that say what to do.
    private static string Explain(int error, nint storeContext, X509Certificate2 leaf)
    {
        using var current = Read(LibSsl.X509_STORE_CTX_get_current_cert(storeContext));
        var at = current ?? leaf;
        var place = current is null || current.RawDataMemory.Span.SequenceEqual(leaf.RawDataMemory.Span) ? "" : $" (at {Printable(current.Subject)})";
        return error switch
        {
            9 => $"not valid before {at.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC{place}",
            10 => $"expired on {at.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} UTC{place}",
            2 or 18 or 19 or 20 or 21 => $"foreign CA, no configured authority is above {Printable(at.Issuer)}",
            23 => $"revoked, serial {at.SerialNumber}{place}",
            3 => $"no revocation list of {Printable(at.Issuer)}",
            11 => $"the revocation list of {Printable(at.Issuer)} is not yet valid",
            12 => $"the revocation list of {Printable(at.Issuer)} has expired",
            26 => $"wrong usage{place}, {Text(LibSsl.X509_verify_cert_error_string(error))}",
            66 or 67 => $"weak key{place}, {Text(LibSsl.X509_verify_cert_error_string(error))}",
            _ => Text(LibSsl.X509_verify_cert_error_string(error)) + place,
        };
    }

    // RFC 5216 5.3: the extended key usage "MUST include" clientAuth; a certificate that says nothing is not one for logins here.
    private static bool IsForClients(X509Certificate2 leaf)
    {
        foreach (var extension in leaf.Extensions)
        {
            if (extension is not X509EnhancedKeyUsageExtension usage)
                continue;
            foreach (var oid in usage.EnhancedKeyUsages)
            {
                if (oid.Value == ClientAuthentication)
                    return true;
            }
        }

        return false;
    }

    private static bool IsBelowConstraints(nint storeContext)
    {
        var chain = LibSsl.X509_STORE_CTX_get0_chain(storeContext);
        for (var i = 1; i < LibSsl.OPENSSL_sk_num(chain); i++)
        {
            using var authority = Read(LibSsl.OPENSSL_sk_value(chain, i));
            if (authority is not null && CertificateNames.IsConstrained(authority))
                return true;
        }

        return false;
    }

    // OpenSSL's security level bounds the modulus; small exponents are what forged PKCS#1 signatures live on.
    private static string? FindWeakKey(nint storeContext)
    {
        var chain = LibSsl.X509_STORE_CTX_get0_chain(storeContext);
        for (var i = 0; i < LibSsl.OPENSSL_sk_num(chain); i++)
        {
            using var certificate = Read(LibSsl.OPENSSL_sk_value(chain, i));
            if (certificate is null)
                return "weak key, a certificate of its chain cannot be read";
            if (!RsaKeys.Contains(certificate.PublicKey.Oid.Value))
                continue;
            if (!TryReadRsa(certificate.PublicKey.EncodedKeyValue.RawData, out var bits, out var exponent))
                return "weak key, an RSA key of its chain cannot be read";
            if (bits < MinRsaBits || exponent < MinRsaExponent)
                return $"weak key, RSA of {bits} bits with exponent {BigInteger.Min(exponent, MinRsaExponent)} in {Printable(certificate.Subject)}";
        }

        return null;
    }

    private static bool TryReadRsa(byte[] publicKey, out long bits, out BigInteger exponent)
    {
        bits = 0;
        exponent = 0;
        try
        {
            var key = new AsnReader(publicKey, AsnEncodingRules.DER).ReadSequence();
            bits = key.ReadInteger().GetBitLength();
            exponent = key.ReadInteger();
            return true;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static X509Certificate2? Read(nint certificate)
    {
        if (certificate == 0 || LibSsl.i2d_X509(certificate, 0) is not (> 0 and <= MaxCertificateLength and var length))
            return null;
        var der = new byte[length];
        unsafe
        {
            fixed (byte* start = der)
            {
                var output = (nint)start;
                if (LibSsl.i2d_X509(certificate, ref output) != length)
                    return null;
            }
        }

        try
        {
            return X509CertificateLoader.LoadCertificate(der);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static string Describe(X509Certificate2 certificate) => $"{Printable(certificate.Subject)}, serial {certificate.SerialNumber}";

    private static string Text(nint text) => Marshal.PtrToStringUTF8(text) ?? "unknown error";

    // Names of strangers go to the log: bounded, and without what could end a line there.
    private static string Printable(string text) => string.Create(Math.Min(text.Length, 128), text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsControl(source[i]) ? '?' : source[i];
    });
}
