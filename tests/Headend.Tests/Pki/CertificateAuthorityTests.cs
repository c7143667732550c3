using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki;

namespace Headend.Tests.Pki;

/// <summary>Runs where the openssl program is installed, else is a counted skip.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FactWithOpenSslAttribute : FactAttribute
{
    public const string Program = "/usr/bin/openssl";

    public FactWithOpenSslAttribute() => Skip = File.Exists(Program) ? null! : "the openssl program is not installed";
}

[SupportedOSPlatform("linux")]
public sealed class CertificateAuthorityTests : IDisposable
{
    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = now;

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static readonly string[] Names = ["vpn.example.com", "gw.example.com"];
    private static readonly IPAddress[] Addresses = [IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")];

    // RSA-3072 takes a second and more to make: one CA with a server certificate, of which each test gets a copy.
    private static readonly Lazy<(string Authority, string Server)> Made = new(() =>
    {
        using var state = new TemporaryDirectory();
        using var authority = CertificateAuthority.LoadOrCreate(state.Path);
        authority.LoadOrIssueServer(Names, Addresses).Dispose();
        return (File.ReadAllText(state.File("pki", "ca.key")), File.ReadAllText(state.File("pki", "server.key")));
    });

    private readonly TemporaryDirectory _state = new();
    private readonly FixedTime _time = new(DateTimeOffset.UtcNow);

    public CertificateAuthorityTests()
    {
        AtomicFile.Write(_state.File("pki", "ca.key"), Made.Value.Authority, AtomicFile.Private);
        AtomicFile.Write(_state.File("pki", "server.key"), Made.Value.Server, AtomicFile.Private);
    }

    public void Dispose() => _state.Dispose();

    private CertificateAuthority Authority() => CertificateAuthority.LoadOrCreate(_state.Path, _time);

    private static bool Builds(X509Certificate2 leaf, X509Certificate2 root)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
        return chain.Build(leaf);
    }

    /// <summary>A CA of <c>headend pki init</c> serves the start without configuration and is renewed under its key and name.</summary>
    [Fact]
    public void AnEcAuthorityIssuesAndIsRenewed()
    {
        using var state = new TemporaryDirectory();
        using var made = CertificateAuthority.Create(state.Path, "Corp CA", isRsa: false, force: false, _time);
        using (var loaded = CertificateAuthority.LoadOrCreate(state.Path, _time))
        using (var server = loaded.LoadOrIssueServer(Names, Addresses))
        using (var again = loaded.LoadOrIssueServer(Names, Addresses))
        {
            Assert.Equal(made.Certificate, loaded.Certificate);
            Assert.IsAssignableFrom<ECDsa>(server.Key);
            Assert.Equal(server.Leaf, again.Leaf);
            Assert.True(Builds(server.Leaf, made.Certificate));
        }

        _time.Now = new DateTimeOffset(made.Certificate.NotAfter) - TimeSpan.FromDays(29);
        using var renewed = CertificateAuthority.LoadOrCreate(state.Path, _time);
        Assert.NotEqual(made.Certificate, renewed.Certificate);
        Assert.Equal(made.Certificate.PublicKey.ExportSubjectPublicKeyInfo(), renewed.Certificate.PublicKey.ExportSubjectPublicKeyInfo());
        Assert.Equal(made.Certificate.SubjectName.RawData, renewed.Certificate.SubjectName.RawData);
    }

    [Fact]
    public void ServerCertificateIsWhatClientsWant()
    {
        using var authority = Authority();
        using var server = authority.LoadOrIssueServer(Names, Addresses);
        Assert.True(Builds(server.Leaf, authority.Certificate));
        Assert.Empty(server.Chain);
        Assert.Equal("vpn.example.com", server.Identity);
        Assert.Equal("vpn.example.com", server.Leaf.GetNameInfo(X509NameType.SimpleName, forIssuer: false));

        // Windows, error 13801: the address as dNSName too.
        var names = SubjectAlternativeNames.Of(server.Leaf);
        Assert.Equal([.. Names, "192.0.2.1", "2001:db8::1"], names.DnsNames);
        Assert.Equal(Addresses, names.Addresses);

        var usage = server.Leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().Single();
        Assert.Equal(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.8.2.2"], usage.EnhancedKeyUsages.Cast<Oid>().Select(oid => oid.Value));
        Assert.Equal(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, server.Leaf.Extensions.OfType<X509KeyUsageExtension>().Single().KeyUsages);
        Assert.False(server.Leaf.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.True(server.Leaf.NotAfter - server.Leaf.NotBefore <= TimeSpan.FromDays(397));
        Assert.Equal(2048, ((RSA)server.Key).KeySize);
        Assert.Equal(16, server.Leaf.SerialNumberBytes.Length);
    }

    [Fact]
    public void AuthorityIsAnRsaRoot()
    {
        using var authority = Authority();
        var constraints = authority.Certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single();
        Assert.True(constraints is { CertificateAuthority: true, Critical: true, HasPathLengthConstraint: true, PathLengthConstraint: 0 });
        using var key = authority.Certificate.GetRSAPublicKey();
        Assert.Equal(3072, key!.KeySize);
        Assert.False(authority.Certificate.HasPrivateKey);
    }

    [Fact]
    public void AddressAloneIsTheIdentity()
    {
        using var authority = Authority();
        using var server = authority.IssueServer([], Addresses);
        Assert.Equal("192.0.2.1", server.Identity);
    }

    [Fact]
    public void SecondStartLoadsTheSame()
    {
        using var first = Authority();
        using var issued = first.LoadOrIssueServer(Names, Addresses);
        using var second = Authority();
        using var loaded = second.LoadOrIssueServer(Names, Addresses);
        Assert.Equal(first.Certificate.RawData, second.Certificate.RawData);
        Assert.Equal(issued.Leaf.RawData, loaded.Leaf.RawData);
        Assert.Equal(((RSA)issued.Key).ExportParameters(true).D, ((RSA)loaded.Key).ExportParameters(true).D);
    }

    [Fact]
    public void MissingNameOrShortRestIssuesAnew()
    {
        File.Delete(_state.File("pki", "server.key"));
        using var authority = Authority();
        using var first = authority.LoadOrIssueServer(Names, []);
        using var withAddress = authority.LoadOrIssueServer(Names, Addresses);
        Assert.NotEqual(first.Leaf.SerialNumber, withAddress.Leaf.SerialNumber);

        _time.Now = new DateTimeOffset(withAddress.Leaf.NotAfter.ToUniversalTime(), TimeSpan.Zero) - TimeSpan.FromDays(31);
        using var kept = authority.LoadOrIssueServer(Names, Addresses);
        Assert.Equal(withAddress.Leaf.SerialNumber, kept.Leaf.SerialNumber);
        _time.Now += TimeSpan.FromDays(2);
        using var renewed = authority.LoadOrIssueServer(Names, Addresses);
        Assert.NotEqual(withAddress.Leaf.SerialNumber, renewed.Leaf.SerialNumber);
    }

    [Fact]
    public void AuthorityIsRenewedUnderTheSameKey()
    {
        using var first = Authority();
        using var server = first.LoadOrIssueServer(Names, Addresses);
        _time.Now += TimeSpan.FromDays(3652 - 20);
        using var renewed = Authority();
        Assert.NotEqual(first.Certificate.RawData, renewed.Certificate.RawData);
        Assert.Equal(CertificateRequestHash.Of(first.Certificate), CertificateRequestHash.Of(renewed.Certificate));
        Assert.Equal(first.Certificate.Subject, renewed.Certificate.Subject);
    }

    [Fact]
    public void FilesArePrivate()
    {
        Directory.Delete(_state.File("pki"), recursive: true);
        using var authority = Authority();
        using var server = authority.LoadOrIssueServer(Names, Addresses);
        const UnixFileMode ReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(ReadWrite, File.GetUnixFileMode(_state.File("pki", "ca.key")));
        Assert.Equal(ReadWrite, File.GetUnixFileMode(_state.File("pki", "server.key")));
        Assert.Equal(ReadWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(_state.File("pki")));
        Assert.DoesNotContain("PRIVATE", File.ReadAllText(_state.File("pki", "ca.pem")), StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", File.ReadAllText(_state.File("pki", "server.pem")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_state.File("pki"), "*.tmp"));
    }

    [Fact]
    public void DamagedAuthorityIsNamedAndNotReplaced()
    {
        Authority().Dispose();
        var path = _state.File("pki", "ca.key");
        File.WriteAllText(path, File.ReadAllText(path)[..200]);
        Assert.Contains(path, Assert.Throws<InvalidDataException>(() => Authority().Dispose()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoNameOrAWrongOneIsRefused()
    {
        using var authority = Authority();
        Assert.Throws<ArgumentException>(() => authority.IssueServer([], []));
        Assert.Throws<ArgumentException>(() => authority.IssueServer(["not a name"], []));
    }

    // RFC 7296 3.7: SHA-1 of the SubjectPublicKeyInfo element.
    [Fact]
    public void CertificateRequestHashIsOverThePublicKey()
    {
        using var authority = Authority();
        using var key = authority.Certificate.GetRSAPublicKey()!;
        Assert.Equal(SHA1.HashData(key.ExportSubjectPublicKeyInfo()), CertificateRequestHash.Of(authority.Certificate));
    }

    [FactWithOpenSsl]
    public void OpenSslVerifies()
    {
        using var authority = Authority();
        using var server = authority.LoadOrIssueServer(Names, Addresses);
        string[] arguments =
        [
            "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", Names[0], "-CAfile", authority.CertificatePath, _state.File("pki", "server.pem"),
        ];
        var start = new ProcessStartInfo(FactWithOpenSslAttribute.Program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, output);
    }
}
