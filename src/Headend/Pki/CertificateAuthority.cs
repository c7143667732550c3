using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Pki;

/// <summary>
/// The headend's own CA for the start without configuration, kept in STATE/pki: <c>ca.key</c> (0600, key and certificate in one file so that
/// they cannot disagree after a crash), <c>ca.pem</c> (for clients), <c>server.key</c> (0600, key and certificate), <c>server.pem</c>.
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    // RSA because the manual VPN screens of iOS and Windows take nothing else for certain.
    private const int AuthorityBits = 3072;
    private const int ServerBits = 2048;
    private const int SerialLength = 16;
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
    private readonly RSA _key;
    private readonly X509Certificate2 _signer;

    private CertificateAuthority(string directory, TimeProvider time, RSA key, X509Certificate2 certificate)
    {
        _directory = directory;
        _time = time;
        _key = key;
        Certificate = certificate;
        _signer = certificate.CopyWithPrivateKey(key);
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
            var name = new X500DistinguishedName($"CN=Headend CA {RandomNumberGenerator.GetHexString(8, lowercase: true)}");
            return Store(directory, time, created, SelfSign(created, name, time.GetUtcNow()));
        }

        if (!ServerCredential.TryReadText(path, out var pem, out var error) || !ServerCredential.TryReadKey(path, pem, out var loaded, out error))
            throw new InvalidDataException(error);
        if (loaded is not RSA key || !TryReadCertificate(pem, loaded, out var certificate))
        {
            loaded!.Dispose();
            throw new InvalidDataException($"{path}: no certificate for the private key in it");
        }

        if (certificate!.NotAfter.ToUniversalTime() - time.GetUtcNow().UtcDateTime >= RenewBefore)
        {
            var authority = new CertificateAuthority(directory, time, key, certificate);
            Publish(authority.CertificatePath, authority.CertificatePem);
            return authority;
        }

        using (certificate)
            return Store(directory, time, key, SelfSign(key, certificate.SubjectName, time.GetUtcNow()));
    }

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
        AtomicFile.Write(path, ((RSA)issued.Key).ExportPkcs8PrivateKeyPem() + Newline + pem, AtomicFile.Private);
        Publish(ServerCertificatePath, pem);
        return issued;
    }

    /// <summary>
    /// Issues a server certificate with a new RSA-2048 key, 397 days. At least one name or address; a name that is no DNS host name is an
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

        var key = RSA.Create(ServerBits);
        var request = new CertificateRequest(SubjectOf(names, addresses), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        // serverAuth for Windows and Apple, ikeIntermediate for macOS before 10.8 and old strongSwan peers.
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication), new Oid(IkeIntermediate)], critical: false));
        request.CertificateExtensions.Add(BuildAlternativeNames(names, addresses));
        return new ServerCredential(Sign(request), [], key);
    }

    /// <summary>
    /// Issues a client certificate with a new RSA-2048 key, 397 days: subject CN=NAME; a name with @ is an rfc822Name too, one with a dot a dNSName, so that the client
    /// may go by it in IKE. ArgumentException for a name that is none. Nothing is stored.
    /// </summary>
    public (X509Certificate2 Certificate, RSA Key) IssueUser(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is 0 or > 64 || name.Any(c => c is <= ' ' or >= '\x7f'))
            throw new ArgumentException($"'{name}' is no name for a certificate: 1 to 64 printable ASCII characters without spaces", nameof(name));
        var key = RSA.Create(ServerBits);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        var request = new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
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

    private static CertificateAuthority Store(string directory, TimeProvider time, RSA key, X509Certificate2 certificate)
    {
        var authority = new CertificateAuthority(directory, time, key, certificate);
        AtomicFile.Write(
            Path.Combine(directory, "ca.key"), key.ExportPkcs8PrivateKeyPem() + Newline + authority.CertificatePem, AtomicFile.Private);
        Publish(authority.CertificatePath, authority.CertificatePem);
        return authority;
    }

    // The public copy follows the private file: it may be missing or old after a crash between the two writes.
    private static void Publish(string path, string pem)
    {
        if (!File.Exists(path) || !string.Equals(File.ReadAllText(path), pem, StringComparison.Ordinal))
            AtomicFile.Write(path, pem, AtomicFile.Public);
    }

    private static X509Certificate2 SelfSign(RSA key, X500DistinguishedName name, DateTimeOffset now)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var start = now - Backdate;
        return request.Create(name, X509SignatureGenerator.CreateForRSA(key, RSASignaturePadding.Pkcs1), start, start + AuthorityLifetime, NewSerial());
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

    // CN has at most 64 characters (RFC 5280 A.1); clients go by the subjectAltName anyway.
    private static X500DistinguishedName SubjectOf(IReadOnlyList<string> names, IReadOnlyList<IPAddress> addresses)
    {
        var name = names.Count > 0 ? names[0] : addresses[0].ToString();
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(name.Length <= 64 ? name : "Headend");
        return builder.Build();
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
