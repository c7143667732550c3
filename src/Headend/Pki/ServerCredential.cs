using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki;

/// <summary>What the headend authenticates itself with: a certificate, the intermediates to send with it, its private key.</summary>
public sealed class ServerCredential : IDisposable
{
    private const int MinRsaBits = 2048;

    internal ServerCredential(X509Certificate2 leaf, IReadOnlyList<X509Certificate2> chain, AsymmetricAlgorithm key)
    {
        Leaf = leaf;
        Chain = chain;
        Key = key;
        var names = SubjectAlternativeNames.Of(leaf);
        Identity = names switch
        {
            { Addresses: [var address, ..], DnsNames: [var first, ..] } when string.Equals(first, address.ToString(), StringComparison.Ordinal) => first,
            { DnsNames: [var name, ..] } => name,
            { Addresses: [var address, ..] } => address.ToString(),
            _ => leaf.Subject,
        };
    }

    /// <summary>The server's certificate, without private key.</summary>
    public X509Certificate2 Leaf { get; }

    /// <summary>Intermediates from the leaf's issuer upwards, without the root: what CERT payloads carry behind the leaf.</summary>
    public IReadOnlyList<X509Certificate2> Chain { get; }

    /// <summary><see cref="RSA"/> or <see cref="ECDsa"/>.</summary>
    public AsymmetricAlgorithm Key { get; }

    /// <summary>First dNSName of the subjectAltName, else its first iPAddress, else the subject DN: what IDr says unless configured.</summary>
    public string Identity { get; }

    /// <summary>
    /// Loads a PEM chain (the leaf first or anywhere, roots are left out) and a PEM private key (RSA from 2048 bits, or EC P-256, P-384,
    /// P-521; PKCS#8, PKCS#1 or SEC1, not encrypted; may be the same file). Every error names the file.
    /// </summary>
    public static bool TryLoad(string certificatePath, string keyPath, DateTimeOffset now, out ServerCredential? credential, out string error)
    {
        credential = null;
        if (!TryReadText(keyPath, out var keyPem, out error) || !TryReadKey(keyPath, keyPem, out var key, out error))
            return false;
        if (!TryReadCertificates(certificatePath, out var certificates, out error)
            || !TryFindLeaf(certificatePath, keyPath, certificates, key!, now, out var leaf, out error))
        {
            key!.Dispose();
            return false;
        }

        credential = new ServerCredential(leaf!, BuildChain(leaf!, certificates), key!);
        return true;
    }

    public void Dispose()
    {
        Key.Dispose();
        Leaf.Dispose();
        foreach (var certificate in Chain)
            certificate.Dispose();
    }

    internal static bool TryReadText(string path, out string text, out string error)
    {
        text = error = "";
        try
        {
            text = File.ReadAllText(path);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error = $"{path}: {exception.Message}";
            return false;
        }
    }

    internal static bool TryReadKey(string path, string pem, out AsymmetricAlgorithm? key, out string error)
    {
        error = "";
        key = null;
        if (pem.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal) || pem.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
        {
            error = $"{path}: the private key is encrypted; store it without passphrase, readable by the headend alone";
            return false;
        }

        if (!pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
        {
            error = $"{path}: no PEM private key";
            return false;
        }

        key = TryImport(RSA.Create(), pem) ?? TryImport(ECDsa.Create(), pem);
        error = key switch
        {
            null => $"{path}: the private key is neither RSA nor EC, or is damaged",
            RSA { KeySize: < MinRsaBits } => $"{path}: RSA key of {key.KeySize} bits, at least {MinRsaBits} are asked",
            ECDsa { KeySize: not (256 or 384 or 521) } => $"{path}: EC key of {key.KeySize} bits, P-256, P-384 and P-521 are supported",
            _ => "",
        };
        if (error.Length == 0)
            return true;
        key?.Dispose();
        key = null;
        return false;
    }

    private static AsymmetricAlgorithm? TryImport(AsymmetricAlgorithm algorithm, string pem)
    {
        try
        {
            algorithm.ImportFromPem(pem);
            return algorithm;
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            algorithm.Dispose();
            return null;
        }
    }

    internal static bool TryReadCertificates(string path, out X509Certificate2Collection certificates, out string error)
    {
        certificates = [];
        if (!TryReadText(path, out var pem, out error))
            return false;
        try
        {
            certificates.ImportFromPem(pem);
        }
        catch (CryptographicException exception)
        {
            error = $"{path}: damaged certificate: {exception.Message}";
            return false;
        }

        if (certificates.Count == 0)
            error = $"{path}: no PEM certificate";
        return certificates.Count > 0;
    }

    private static bool TryFindLeaf(
        string path, string keyPath, X509Certificate2Collection certificates, AsymmetricAlgorithm key, DateTimeOffset now, out X509Certificate2? leaf, out string error)
    {
        var publicKey = key.ExportSubjectPublicKeyInfo();
        leaf = certificates.FirstOrDefault(certificate => certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey));
        error = leaf switch
        {
            null => $"{path}: no certificate for the private key in {keyPath}",
            _ when now.UtcDateTime > leaf.NotAfter.ToUniversalTime() => $"{path}: the certificate {leaf.Subject} expired on {leaf.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm} UTC",
            _ when now.UtcDateTime < leaf.NotBefore.ToUniversalTime() => $"{path}: the certificate {leaf.Subject} is not valid before {leaf.NotBefore.ToUniversalTime():yyyy-MM-dd HH:mm} UTC",
            _ => "",
        };
        return error.Length == 0;
    }

    private static List<X509Certificate2> BuildChain(X509Certificate2 leaf, X509Certificate2Collection certificates)
    {
        var chain = new List<X509Certificate2>();
        var current = leaf;
        while (FindIssuer(current, certificates) is { } issuer && !IsSelfIssued(issuer) && !chain.Contains(issuer))
        {
            chain.Add(issuer);
            current = issuer;
        }

        return chain;
    }

    private static X509Certificate2? FindIssuer(X509Certificate2 certificate, X509Certificate2Collection candidates) => IsSelfIssued(certificate)
        ? null
        : candidates.FirstOrDefault(candidate => candidate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData));

    private static bool IsSelfIssued(X509Certificate2 certificate) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);
}
