using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Configuration;
using Headend.Eap.Tls;
using Headend.Pki;
using Headend.Sessions;

namespace Headend.Composition;

/// <summary>Makes a profile's local EAP server of its files, at start and again at a reload.</summary>
internal static class LocalEapCompiler
{
    // A revocation list of a large authority has some megabytes.
    private const int MaxListLength = 32 << 20;

    /// <summary>False with the file that cannot be used.</summary>
    public static bool TryCompile(LocalEapOptions options, LocalCertificateOptions? own, DateTimeOffset now, out LocalEapBinding binding, out string error)
    {
        binding = LocalEapBinding.Default;
        TlsServerContext? tls = null;
        error = "";
        if (options.Tls is not null && !TryLoad(options.Tls, own, now, out tls, out error))
            return false;
        binding = new LocalEapBinding(options.Methods, tls);
        return true;
    }

    /// <summary>Reads certificate, authorities and lists; false with the file that cannot be used.</summary>
    public static bool TryLoad(LocalEapTlsOptions options, LocalCertificateOptions? own, DateTimeOffset now, out TlsServerContext? context, out string error)
    {
        context = null;
        if ((options.CertificateFile ?? own?.CertificateFile) is not { } certificateFile || (options.KeyFile ?? own?.KeyFile) is not { } keyFile)
        {
            error = "eap.tls: without a certificate in local-authentication it needs one of its own";
            return false;
        }

        if (!ServerCredential.TryLoad(certificateFile, keyFile, now, out var credential, out error))
            return false;
        using (credential)
        {
            if (!TryReadAuthorities(options.AuthorityFile, out var authorities, out error) || !TryReadLists(options.RevocationListFiles, out var lists, out error))
                return false;
            var key = credential!.Key.ExportPkcs8PrivateKey();
            var made = TlsServerContext.TryCreate(
                new TlsServerOptions
                {
                    Certificate = credential.Leaf.RawDataMemory,
                    Chain = [.. credential.Chain.Select(c => c.RawDataMemory)],
                    PrivateKey = key,
                    ClientAuthorities = authorities,
                    RevocationLists = lists,
                    MinimumVersion = options.MinimumVersion,
                    IdentityNames = options.Identity,
                    MatchEapIdentity = options.MatchEapIdentity,
                },
                out context,
                out var problem);
            CryptographicOperations.ZeroMemory(key);
            error = made ? "" : $"eap.tls ({options.AuthorityFile}): {problem}";
            return made;
        }
    }

    /// <summary>The certificates of a PEM file; false with the file and what is wrong with it.</summary>
    public static bool TryReadAuthorities(string file, out IReadOnlyList<ReadOnlyMemory<byte>> authorities, out string error)
    {
        authorities = [];
        if (!ServerCredential.TryReadText(file, out var pem, out error))
            return false;
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException damaged)
        {
            error = $"{file}: damaged certificate: {damaged.Message}";
            return false;
        }

        authorities = [.. certificates.Select(c => c.RawDataMemory)];
        error = certificates.Count == 0 ? $"{file}: no PEM certificate" : "";
        return certificates.Count > 0;
    }

    /// <summary>The revocation lists of PEM or DER files; false with the file and what is wrong with it.</summary>
    public static bool TryReadLists(IReadOnlyList<string> files, out IReadOnlyList<ReadOnlyMemory<byte>> lists, out string error)
    {
        var found = new List<ReadOnlyMemory<byte>>();
        lists = found;
        error = "";
        foreach (var file in files)
        {
            try
            {
                if (new FileInfo(file).Length > MaxListLength)
                    error = $"{file}: longer than {MaxListLength} octets";
                else if (!TryDecode(File.ReadAllBytes(file), found))
                    error = $"{file}: neither DER nor PEM of X509 CRL";
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                error = $"{file}: {exception.Message}";
            }

            if (error.Length > 0)
                return false;
        }

        return true;
    }

    private static bool TryDecode(byte[] octets, List<ReadOnlyMemory<byte>> lists)
    {
        const byte sequence = 0x30;
        if (octets is [sequence, ..])
        {
            lists.Add(octets);
            return true;
        }

        var text = Encoding.ASCII.GetString(octets).AsMemory();
        var before = lists.Count;
        while (PemEncoding.TryFind(text.Span, out var fields))
        {
            if (text.Span[fields.Label] is "X509 CRL" or "CRL")
            {
                var der = new byte[fields.DecodedDataLength];
                Convert.TryFromBase64Chars(text.Span[fields.Base64Data], der, out _);
                lists.Add(der);
            }

            text = text[fields.Location.End..];
        }

        return lists.Count > before;
    }
}
