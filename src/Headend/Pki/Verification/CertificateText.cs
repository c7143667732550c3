using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki.Verification;

/// <summary>Certificates of strangers in the log: bounded, and without what could end a line there.</summary>
internal static class CertificateText
{
    private const int MostCharacters = 128;

    public static string Describe(X509Certificate2 certificate) => $"{Printable(certificate.Subject)}, serial {certificate.SerialNumber}";

    public static string Printable(string text) => string.Create(Math.Min(text.Length, MostCharacters), text, static (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
            span[i] = char.IsControl(source[i]) ? '?' : source[i];
    });

    public static string Date(DateTimeOffset time) => $"{time.UtcDateTime:yyyy-MM-dd HH:mm} UTC";
}
