using System.Net;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.TestKit.Pki;

/// <summary>What a certificate of a <see cref="TestAuthority"/> says.</summary>
public sealed record TestSubject(string Name)
{
    public IReadOnlyList<string> DnsNames { get; init; } = [];

    public IReadOnlyList<string> Emails { get; init; } = [];

    public IReadOnlyList<string> UserPrincipalNames { get; init; } = [];

    public IReadOnlyList<IPAddress> Addresses { get; init; } = [];

    /// <summary>Object identifiers; null = no extended key usage.</summary>
    public IReadOnlyList<string>? Usages { get; init; } = ["1.3.6.1.5.5.7.3.2"];

    public X509KeyUsageFlags? KeyUsage { get; init; } = X509KeyUsageFlags.DigitalSignature;

    public bool IsAuthority { get; init; }

    /// <summary>pathLenConstraint; null = none.</summary>
    public int? PathLength { get; init; }

    public DateTimeOffset NotBefore { get; init; } = DateTimeOffset.UtcNow.AddDays(-1);

    public DateTimeOffset NotAfter { get; init; } = DateTimeOffset.UtcNow.AddDays(30);

    /// <summary>cRLDistributionPoints.</summary>
    public IReadOnlyList<string> ListUris { get; init; } = [];

    /// <summary>authorityInfoAccess.</summary>
    public IReadOnlyList<string> ResponderUris { get; init; } = [];

    public IReadOnlyList<X509Extension> Further { get; init; } = [];
}

/// <summary>A CA of tests: issues certificates of every kind, bad ones too, and revocation lists.</summary>
public sealed class TestAuthority
{
    private readonly X509SignatureGenerator _signer;
    private readonly List<BigInteger> _revoked = [];
    private BigInteger _lists = BigInteger.One;

    private TestAuthority(X509Certificate2 certificate, X509SignatureGenerator signer)
    {
        Certificate = certificate;
        _signer = signer;
    }

    public X509Certificate2 Certificate { get; }

    public X509SignatureGenerator Signer => _signer;

    public ReadOnlyMemory<byte> Der => Certificate.RawDataMemory;

    public string Pem => Certificate.ExportCertificatePem() + "\n";

    public static X509SignatureGenerator GeneratorOf(AsymmetricAlgorithm key, bool pss = false) => key switch
    {
        RSA rsa => X509SignatureGenerator.CreateForRSA(rsa, pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1),
        ECDsa ecdsa => X509SignatureGenerator.CreateForECDsa(ecdsa),
        _ => throw new ArgumentException(key.GetType().Name, nameof(key)),
    };

    /// <summary>A self-signed root.</summary>
    public static TestAuthority Create(string name, X509SignatureGenerator signer)
    {
        var request = Request(new TestSubject(name) { IsAuthority = true, Usages = null, KeyUsage = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign }, signer.PublicKey);
        var certificate = request.Create(new X500DistinguishedName(name), signer, DateTimeOffset.UtcNow.AddDays(-100), DateTimeOffset.UtcNow.AddDays(365), Serial());
        return new TestAuthority(X509CertificateLoader.LoadCertificate(certificate.RawData), signer);
    }

    public static TestAuthority Create(string name) => Create(name, GeneratorOf(ECDsa.Create(ECCurve.NamedCurves.nistP256)));

    /// <summary>An intermediate under this one.</summary>
    public TestAuthority CreateBelow(string name, X509SignatureGenerator signer, TestSubject? subject = null)
    {
        var usual = new TestSubject(name) { IsAuthority = true, Usages = null, KeyUsage = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign };
        return new TestAuthority(Issue(subject ?? usual, signer.PublicKey), signer);
    }

    public X509Certificate2 Issue(TestSubject subject, AsymmetricAlgorithm key) => Issue(subject, GeneratorOf(key).PublicKey);

    public X509Certificate2 Issue(TestSubject subject, PublicKey key)
    {
        var issued = Request(subject, key).Create(Certificate.SubjectName, _signer, subject.NotBefore, subject.NotAfter, Serial());
        return X509CertificateLoader.LoadCertificate(issued.RawData);
    }

    public void Revoke(X509Certificate2 certificate) => _revoked.Add(new BigInteger(certificate.SerialNumberBytes.Span, isUnsigned: true, isBigEndian: true));

    /// <summary>A list of all revoked so far.</summary>
    public byte[] List(DateTimeOffset? thisUpdate = null, DateTimeOffset? nextUpdate = null)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var serial in _revoked)
            builder.AddEntry(serial.ToByteArray(isUnsigned: true, isBigEndian: true), DateTimeOffset.UtcNow.AddHours(-1), X509RevocationReason.KeyCompromise);
        return builder.Build(
            Certificate.SubjectName, _signer, _lists++, nextUpdate ?? DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256,
            X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false), thisUpdate ?? DateTimeOffset.UtcNow.AddHours(-1));
    }

    private static CertificateRequest Request(TestSubject subject, PublicKey key)
    {
        var request = new CertificateRequest(new X500DistinguishedName(subject.Name), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(subject.IsAuthority, subject.PathLength is not null, subject.PathLength ?? 0, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        if (subject.KeyUsage is { } usage)
            request.CertificateExtensions.Add(new X509KeyUsageExtension(usage, critical: true));
        if (subject.Usages is { } usages)
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. usages.Select(u => new Oid(u))], critical: false));
        if (subject.DnsNames.Count + subject.Emails.Count + subject.UserPrincipalNames.Count + subject.Addresses.Count > 0)
            request.CertificateExtensions.Add(AlternativeNames(subject));
        if (subject.ListUris.Count > 0)
            request.CertificateExtensions.Add(CertificateRevocationListBuilder.BuildCrlDistributionPointExtension(subject.ListUris));
        if (subject.ResponderUris.Count > 0)
            request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension(subject.ResponderUris, null));
        foreach (var extension in subject.Further)
            request.CertificateExtensions.Add(extension);
        return request;
    }

    private static X509Extension AlternativeNames(TestSubject subject)
    {
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in subject.DnsNames)
            names.AddDnsName(name);
        foreach (var email in subject.Emails)
            names.AddEmailAddress(email);
        foreach (var name in subject.UserPrincipalNames)
            names.AddUserPrincipalName(name);
        foreach (var address in subject.Addresses)
            names.AddIpAddress(address);
        return names.Build();
    }

    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x3f) | 0x40);
        return serial;
    }
}
