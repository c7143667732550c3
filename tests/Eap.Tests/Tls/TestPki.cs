using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Eap.Tls;

namespace Headend.Eap.Tests.Tls;

/// <summary>A root, an intermediate, a server, and users of every kind. Made once; the time of the tests is <see cref="Now"/>.</summary>
public sealed class TestPki
{
    public const string ClientAuth = "1.3.6.1.5.5.7.3.2";
    public const string ServerAuth = "1.3.6.1.5.5.7.3.1";

    public static readonly DateTimeOffset Now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

    private long _serial = 0x1000;

    public TestPki(string name = "Test Root")
    {
        Root = Authority(name, null);
        Intermediate = Authority(name + " Intermediate", Root);
        // permittedSubtrees { rfc822Name example.org }
        Bound = Authority(name + " Bound", Root, [0x30, 0x11, 0xa0, 0x0f, 0x30, 0x0d, 0x81, 0x0b, .. "example.org"u8]);
        Server = Issue("CN=gw.example", Root, usages: [ServerAuth]);
        Alice = Issue("CN=Alice, O=Test", Root, email: "alice@example.org", upn: "alice@corp.example");
    }

    public static TestPki Shared { get; } = new();

    public X509Certificate2 Root { get; }

    public X509Certificate2 Intermediate { get; }

    /// <summary>May certify e-mail addresses of example.org alone.</summary>
    public X509Certificate2 Bound { get; }

    public X509Certificate2 Server { get; }

    /// <summary>Good in every respect: CN, e-mail, UPN.</summary>
    public X509Certificate2 Alice { get; }

    public X509Certificate2 Issue(
        string subject, X509Certificate2 issuer, string? email = null, string? upn = null, string? dns = null, string[]? usages = null,
        DateTimeOffset? from = null, DateTimeOffset? to = null, AsymmetricAlgorithm? key = null, byte[]? rawAlternativeName = null)
    {
        key ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(subject, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        if (usages is not { Length: 0 })
        {
            var oids = new OidCollection();
            foreach (var usage in usages ?? [ClientAuth])
                oids.Add(new Oid(usage));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(oids, critical: false));
        }

        if (rawAlternativeName is not null)
        {
            request.CertificateExtensions.Add(new X509Extension("2.5.29.17", rawAlternativeName, critical: false));
        }
        else if ((email ?? upn ?? dns) is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            if (email is not null)
                names.AddEmailAddress(email);
            if (upn is not null)
                names.AddUserPrincipalName(upn);
            if (dns is not null)
                names.AddDnsName(dns);
            request.CertificateExtensions.Add(names.Build());
        }

        using var certificate = Sign(request, issuer, from ?? Now.AddDays(-1), to ?? Now.AddDays(30));
        return key switch
        {
            RSA rsa => certificate.CopyWithPrivateKey(rsa),
            _ => certificate.CopyWithPrivateKey((ECDsa)key),
        };
    }

    public static byte[] RevocationList(X509Certificate2 issuer, DateTimeOffset nextUpdate, params X509Certificate2[] revoked)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var certificate in revoked)
            builder.AddEntry(certificate, Now.AddHours(-1));
        return builder.Build(issuer, 1, nextUpdate, HashAlgorithmName.SHA256, thisUpdate: nextUpdate.AddDays(-10));
    }

    public TlsServerOptions ServerOptions() => new()
    {
        Certificate = Server.RawData,
        PrivateKey = Pkcs8(Server),
        ClientAuthorities = [Root.RawData],
    };

    public static byte[] Pkcs8(X509Certificate2 certificate)
    {
        using var key = (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey();
        return key!.ExportPkcs8PrivateKey();
    }

    private static CertificateRequest Request(string subject, AsymmetricAlgorithm key) => key is RSA rsa
        ? new CertificateRequest(subject, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
        : new CertificateRequest(subject, (ECDsa)key, HashAlgorithmName.SHA256);

    private X509Certificate2 Authority(string name, X509Certificate2? issuer, byte[]? nameConstraints = null)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request($"CN={name}", key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        if (nameConstraints is not null)
            request.CertificateExtensions.Add(new X509Extension("2.5.29.30", nameConstraints, critical: true));
        if (issuer is null)
            return request.CreateSelfSigned(Now.AddDays(-100), Now.AddDays(1000));
        using var certificate = Sign(request, issuer, Now.AddDays(-100), Now.AddDays(900));
        return certificate.CopyWithPrivateKey(key);
    }

    private X509Certificate2 Sign(CertificateRequest request, X509Certificate2 issuer, DateTimeOffset from, DateTimeOffset to)
    {
        var serial = BitConverter.GetBytes(++_serial);
        Array.Reverse(serial);
        using var key = issuer.GetECDsaPrivateKey()!;
        return request.Create(issuer.SubjectName, X509SignatureGenerator.CreateForECDsa(key), from, to, serial);
    }
}
