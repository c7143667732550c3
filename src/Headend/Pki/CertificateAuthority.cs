using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki;

/// <summary>
/// The headend's own CA, made by <c>headend pki init</c> or by the start without configuration, kept in STATE/pki: <c>ca.key</c> (0600, key and certificate in one file so that
/// they cannot disagree after a crash), <c>ca.pem</c> (for clients), <c>server.key</c> (0600, key and certificate), <c>server.pem</c>.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    // Without configuration RSA, because the manual VPN screens of iOS and Windows take nothing else for certain.
    private const int AuthorityBits = 3072;
    private const int ServerBits = 2048;
    private const int SerialLength = 16;

    // RFC 5280 A.1: ub-common-name.
    private const int MaximumCommonName = 64;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const string IkeIntermediate = "1.3.6.1.5.5.8.2.2";
    private const string Newline = "\n";

    private static readonly TimeSpan AuthorityLifetime = TimeSpan.FromDays(3652);

    // Apple refuses TLS-like server certificates of 398 days and more.
    private static readonly TimeSpan ServerLifetime = TimeSpan.FromDays(397);
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    // Clients whose clock is behind must not find a certificate of the future.
    private static readonly TimeSpan Backdate = TimeSpan.FromDays(1);

    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly AsymmetricAlgorithm _key;
    private readonly X509Certificate2 _signer;

    private CertificateAuthority(string directory, TimeProvider time, AsymmetricAlgorithm key, X509Certificate2 certificate)
    {
        _directory = directory;
        _time = time;
        _key = key;
        Certificate = certificate;
        _signer = key is RSA rsa ? certificate.CopyWithPrivateKey(rsa) : certificate.CopyWithPrivateKey((ECDsa)key);
    }

    /// <summary>The self-signed root that clients must trust.</summary>
    public X509Certificate2 Certificate { get; }

    public string CertificatePem => Certificate.ExportCertificatePem() + Newline;

    /// <summary>Where the root certificate lies for clients.</summary>
    public string CertificatePath => Path.Combine(_directory, "ca.pem");

    private string ServerCertificatePath => Path.Combine(_directory, "server.pem");

    /// <summary>
    /// Loads the CA of this state directory or makes it; with less than 30 days left the certificate is made anew under the same key and name.
    /// Throws <see cref="InvalidDataException"/> naming the file when it is damaged (it is never replaced silently: clients trust it) and
    /// IOException or UnauthorizedAccessException when the directory cannot be used.
    /// </summary>
    public static CertificateAuthority LoadOrCreate(string stateDirectory, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        var directory = Path.Combine(stateDirectory, "pki");
        var path = Path.Combine(directory, "ca.key");
        if (!File.Exists(path))
        {
            var created = RSA.Create(AuthorityBits);
            return Store(directory, time, created, SelfSign(created, NameOf(NewCommonName()), time.GetUtcNow()), overwrite: false);
        }

        if (!ServerCredential.TryReadText(path, out var pem, out var error) || !ServerCredential.TryReadKey(path, pem, out var loaded, out error))
            throw new InvalidDataException(error);
        if (!TryReadCertificate(pem, loaded!, out var certificate))
        {
            loaded!.Dispose();
            throw new InvalidDataException($"{path}: no certificate for the private key in it");
        }

        if (certificate!.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime >= RenewBefore)
        {
            var authority = new CertificateAuthority(directory, time, loaded!, certificate);
            Publish(authority.CertificatePath, authority.CertificatePem);
            return authority;
        }

        using (certificate)
            return Store(directory, time, loaded!, SelfSign(loaded!, certificate.SubjectName, time.GetUtcNow()), overwrite: true);
    }

    /// <summary>
    /// Makes a CA with path length 0 and 10 years in the state directory: EC P-256, or RSA-3072 where <paramref name="isRsa"/>. One that is there is replaced only with
    /// <paramref name="force"/>: nobody then trusts what it issues who trusted the old one. IOException when one is there, ArgumentException for a name that is none.
    /// </summary>
    /// <param name="stateDirectory">Made (0700) if it is missing.</param>
    /// <param name="commonName">1 to 64 printable ASCII characters; null: "Headend CA" with a random number, so that two CAs differ in name.</param>
    /// <param name="isRsa">For clients that take no ECDSA.</param>
    /// <param name="force">Replace.</param>
    /// <param name="time">Clock.</param>
    public static CertificateAuthority Create(string stateDirectory, string? commonName, bool isRsa, bool force, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        var directory = Path.Combine(stateDirectory, "pki");
        var path = Path.Combine(directory, "ca.key");
        if (!force && File.Exists(path))
            throw new IOException($"{path}: there is a CA; --force replaces it, and whoever trusts it must then be given the new one");
        if (commonName is not null && (commonName.Length is 0 or > MaximumCommonName || string.IsNullOrWhiteSpace(commonName) || commonName.Any(c => c is < ' ' or >= '\x7f')))
            throw new ArgumentException($"'{commonName}' is no name for a CA: 1 to {MaximumCommonName} printable ASCII characters", nameof(commonName));
        AsymmetricAlgorithm key = isRsa ? RSA.Create(AuthorityBits) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Store(directory, time, key, SelfSign(key, NameOf(commonName ?? NewCommonName()), time.GetUtcNow()), force);
    }

    /// <summary>Whether the state directory has a CA.</summary>
    public static bool Exists(string stateDirectory) => File.Exists(Path.Combine(stateDirectory, "pki", "ca.key"));

    /// <summary>
    /// The stored server certificate if it is this CA's, names all of these and has at least 30 days left; otherwise a new one, stored.
    /// </summary>
    public ServerCredential LoadOrIssueServer(IReadOnlyList<string> names, IReadOnlyList<IPAddress> addresses)
    {
        var path = Path.Combine(_directory, "server.key");
        if (File.Exists(path) && ServerCredential.TryLoad(path, path, _time.GetUtcNow(), out var stored, out _))
        {
            if (IsCurrent(stored!.Leaf, names, addresses))
            {
                Publish(ServerCertificatePath, stored.Leaf.ExportCertificatePem() + Newline);
                return stored;
            }

            stored.Dispose();
        }

        var issued = IssueServer(names, addresses);
        var pem = issued.Leaf.ExportCertificatePem() + Newline;
        AtomicFile.Write(path, issued.Key.ExportPkcs8PrivateKeyPem() + Newline + pem, AtomicFile.Private);
        Publish(ServerCertificatePath, pem);
        return issued;
    }

    /// <summary>
    /// Issues a server certificate with a new key (RSA-2048 of an RSA CA, EC P-256 of an EC one), 397 days. At least one name or address; a name that is no DNS host name is an
    /// ArgumentException. Nothing is stored.
    /// </summary>
    public ServerCredential IssueServer(IReadOnlyList<string> names, IReadOnlyList<IPAddress> addresses)
    {
        ArgumentNullException.ThrowIfNull(names);
        ArgumentNullException.ThrowIfNull(addresses);
        if (names.Count + addresses.Count == 0)
            throw new ArgumentException("A server certificate needs a name or an address.", nameof(names));
        foreach (var name in names)
        {
            if (Uri.CheckHostName(name) != UriHostNameType.Dns)
                throw new ArgumentException($"'{name}' is not a DNS name.", nameof(names));
        }

        var key = NewLeafKey();
        var request = RequestFor(SubjectOf(names, addresses), key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        // An EC key enciphers none (RFC 8813 3).
        var usage = key is RSA ? X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment : X509KeyUsageFlags.DigitalSignature;
        request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        // serverAuth for Windows and Apple, ikeIntermediate for macOS before 10.8 and old strongSwan peers.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication), new Oid(IkeIntermediate)], critical: false));
        request.CertificateExtensions.Add(BuildAlternativeNames(names, addresses));
        return new ServerCredential(Sign(request), [], key);
    }

    /// <summary>
    /// Issues a client certificate with a new key (RSA-2048 of an RSA CA, EC P-256 of an EC one), 397 days: subject CN=NAME; a name with @ is an rfc822Name too, one with a dot a dNSName, so that the client
    /// may go by it in IKE. ArgumentException for a name that is none. Nothing is stored.
    /// </summary>
    public (X509Certificate2 Certificate, AsymmetricAlgorithm Key) IssueUser(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > MaximumCommonName || name.Any(c => c is <= ' ' or >= '\x7f'))
            throw new ArgumentException($"'{name}' is no name for a certificate: 1 to 64 printable ASCII characters without spaces", nameof(name));
        var key = NewLeafKey();
        var request = RequestFor(NameOf(name), key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClientAuthentication)], critical: false));
        var isEmail = name.Contains('@', StringComparison.Ordinal);
        var isHost = name.Contains('.', StringComparison.Ordinal) && Uri.CheckHostName(name) == UriHostNameType.Dns;
        var names = new SubjectAlternativeNameBuilder();
        if (isEmail)
            names.AddEmailAddress(name);
        else if (isHost)
            names.AddDnsName(name);
        if (isEmail || isHost)
            request.CertificateExtensions.Add(names.Build());
        return (Sign(request), key);
    }

    public void Dispose()
    {
        _signer.Dispose();
        Certificate.Dispose();
        _key.Dispose();
    }

    private AsymmetricAlgorithm NewLeafKey() => _key is RSA ? RSA.Create(ServerBits) : ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private static CertificateRequest RequestFor(X500DistinguishedName name, AsymmetricAlgorithm key) => key is RSA rsa
        ? new CertificateRequest(name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        : new CertificateRequest(name, (ECDsa)key, HashAlgorithmName.SHA256);

    private X509Certificate2 Sign(CertificateRequest request)
    {
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        var start = _time.GetUtcNow() - Backdate;
        var end = start + ServerLifetime;
        var last = new DateTimeOffset(Certificate.NotAfter);
        var first = new DateTimeOffset(Certificate.NotBefore);
        return request.Create(_signer, start < first ? first : start, end > last ? last : end, NewSerial());
    }

    private bool IsCurrent(X509Certificate2 leaf, IReadOnlyList<string> names, IReadOnlyList<IPAddress> addresses)
    {
        if (leaf.NotAfter.ToUniversalTime() - _time.GetUtcNow().UtcDateTime < RenewBefore)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        var present = SubjectAlternativeNames.Of(leaf);
        return names.All(name => present.DnsNames.Contains(name, StringComparer.OrdinalIgnoreCase))
            && addresses.All(present.Addresses.Contains)
            && chain.Build(leaf);
    }

    private static CertificateAuthority Store(string directory, TimeProvider time, AsymmetricAlgorithm key, X509Certificate2 certificate, bool overwrite)
    {
        var authority = new CertificateAuthority(directory, time, key, certificate);
        AtomicFile.Write(
            Path.Combine(directory, "ca.key"), key.ExportPkcs8PrivateKeyPem() + Newline + authority.CertificatePem, AtomicFile.Private, overwrite);
        Publish(authority.CertificatePath, authority.CertificatePem);
        return authority;
    }

    // The public copy follows the private file: it may be missing or old after a crash between the two writes.
    private static void Publish(string path, string pem)
    {
        if (!File.Exists(path) || !string.Equals(File.ReadAllText(path), pem, StringComparison.Ordinal))
            AtomicFile.Write(path, pem, AtomicFile.Public);
    }

    private static X509Certificate2 SelfSign(AsymmetricAlgorithm key, X500DistinguishedName name, DateTimeOffset now)
    {
        var request = RequestFor(name, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var start = now - Backdate;
        var generator = key is RSA rsa ? X509SignatureGenerator.CreateForRSA(rsa, RSASignaturePadding.Pkcs1) : X509SignatureGenerator.CreateForECDsa((ECDsa)key);
        return request.Create(name, generator, start, start + AuthorityLifetime, NewSerial());
    }

    private static bool TryReadCertificate(string pem, AsymmetricAlgorithm key, out X509Certificate2? certificate)
    {
        certificate = null;
        try
        {
            certificate = X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException)
        {
            return false;
        }

        return certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo());
    }

    private static string NewCommonName() => $"Headend CA {RandomNumberGenerator.GetHexString(8, lowercase: true)}";

    private static X500DistinguishedName NameOf(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(commonName);
        return builder.Build();
    }

    // Clients go by the subjectAltName anyway.
    private static X500DistinguishedName SubjectOf(IReadOnlyList<string> names, IReadOnlyList<IPAddress> addresses)
    {
        var name = names.Count > 0 ? names[0] : addresses[0].ToString();
        return NameOf(name.Length <= MaximumCommonName ? name : "Headend");
    }

    private static X509Extension BuildAlternativeNames(IReadOnlyList<string> names, IReadOnlyList<IPAddress> addresses)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            builder.AddDnsName(name);
        foreach (var address in addresses)
        {
            builder.AddIpAddress(address);
            // Windows compares the address typed as server with dNSName only (error 13801).
            builder.AddDnsName(address.ToString());
        }

        return builder.Build();
    }

    // RFC 5280 4.1.2.2: positive, at most 20 octets; here always 16 with the first from 0x40 to 0x7f.
    private static byte[] NewSerial()
    {
        var serial = RandomNumberGenerator.GetBytes(SerialLength);
        serial[0] = (byte)((serial[0] & 0x3f) | 0x40);
        return serial;
    }
}
