using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Headend.Cli;
using Headend.Configuration;
using Headend.Pki;

namespace Headend.Tests.Cli;

/// <summary><c>headend pki init</c>, <c>issue server</c> and <c>show</c>.</summary>
public sealed class PkiAuthorityCommandTests : IDisposable
{
    private const UnixFileMode ReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string directory = Directory.CreateTempSubdirectory("headend-pki-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public async Task InitMakesAnEcdsaAuthorityOfPathLengthZero()
    {
        var output = await DoneAsync("init", "--name", "Example Corp, VPN");
        using var authority = Certificate("pki", "ca.pem");
        Assert.Equal("Example Corp, VPN", authority.GetNameInfo(X509NameType.SimpleName, forIssuer: false));
        using var key = authority.GetECDsaPublicKey();
        Assert.Equal(256, key!.KeySize);
        var constraints = Assert.Single(authority.Extensions.OfType<X509BasicConstraintsExtension>());
        Assert.Equal((true, true, 0, true), (constraints.CertificateAuthority, constraints.HasPathLengthConstraint, constraints.PathLengthConstraint, constraints.Critical));
        Assert.Equal(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, Assert.Single(authority.Extensions.OfType<X509KeyUsageExtension>()).KeyUsages);
        Assert.Contains(CertificateReport.FingerprintOf(authority), output, StringComparison.Ordinal);
        Assert.Equal(ReadWrite, File.GetUnixFileMode(In("pki", "ca.key")));
        Assert.DoesNotContain("PRIVATE", File.ReadAllText(In("pki", "ca.pem")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(In("pki"), "*.tmp"));
    }

    [Fact]
    public async Task AnAuthorityIsReplacedByForceAlone()
    {
        await DoneAsync("init");
        var (key, certificate) = (File.ReadAllText(In("pki", "ca.key")), File.ReadAllText(In("pki", "ca.pem")));
        Assert.Contains("--force", await RefusedAsync("init"), StringComparison.Ordinal);
        Assert.Equal((key, certificate), (File.ReadAllText(In("pki", "ca.key")), File.ReadAllText(In("pki", "ca.pem"))));
        await DoneAsync("init", "--force");
        Assert.NotEqual(key, File.ReadAllText(In("pki", "ca.key")));
        Assert.NotEqual(certificate, File.ReadAllText(In("pki", "ca.pem")));
        Assert.Equal(ReadWrite, File.GetUnixFileMode(In("pki", "ca.key")));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("Zentrale München")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123x")]
    public async Task ANameThatIsNoneMakesNoAuthority(string name)
    {
        Assert.Contains("no name", await RefusedAsync("init", "--name", name), StringComparison.Ordinal);
        Assert.False(Directory.Exists(In("pki")));
    }

    [Theory]
    [InlineData("ecdsa", true)]
    [InlineData("rsa", false)]
    public async Task AServerCertificateIsWhatTheHeadendTakesAndItsClientsTrust(string type, bool isEc)
    {
        await DoneAsync("init", "--key-type", type);
        var output = await DoneAsync("issue", "server", "vpn.example.com", "192.0.2.1", "2001:db8::1");
        Assert.Contains("local-identity fqdn vpn.example.com", output, StringComparison.Ordinal);
        var files = In("servers", "vpn.example.com");
        var keyPath = Path.Combine(files, "vpn.example.com.key");
        Assert.Equal(ReadWrite, File.GetUnixFileMode(keyPath));
        Assert.True(ServerCredential.TryLoad(Path.Combine(files, "vpn.example.com.pem"), keyPath, DateTimeOffset.UtcNow, out var credential, out var error), error);
        using (credential)
        {
            Assert.Equal(isEc, credential!.Key is ECDsa);
            Assert.Equal("vpn.example.com", credential.Identity);
            Assert.Equal([IPAddress.Parse("192.0.2.1"), IPAddress.Parse("2001:db8::1")], SubjectAlternativeNames.Of(credential.Leaf).Addresses);
            using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(files, "ca.pem"));
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(authority);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.1"));
            Assert.True(chain.Build(credential.Leaf), string.Join(' ', chain.ChainStatus.Select(s => s.StatusInformation)));
        }
    }

    [Theory]
    [InlineData("not a name")]
    [InlineData("../vpn")]
    [InlineData("10.1")]
    [InlineData("fe80::1%1")]
    [InlineData("ca")]
    public async Task AServerNameThatIsNoneIsRefused(string name)
    {
        await DoneAsync("init");
        await RefusedAsync("issue", "server", name);
        Assert.False(Directory.Exists(In("servers")));
    }

    [Theory]
    [InlineData("server", "vpn.example.com", "servers")]
    [InlineData("user", "alice", "clients")]
    public async Task IssuedFilesAreReplacedByForceAlone(string kind, string name, string folder)
    {
        await DoneAsync("init");
        await DoneAsync("issue", kind, name);
        var path = In(folder, name, $"{name}.key");
        var before = File.ReadAllText(path);
        Assert.Contains(path, await RefusedAsync("issue", kind, name), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(path));
        await DoneAsync("issue", kind, name, "--force");
        Assert.NotEqual(before, File.ReadAllText(path));
    }

    /// <summary>A directory of certificates of another CA is not mixed with ours.</summary>
    [Fact]
    public async Task AnotherAuthoritysCertificateIsNotReplaced()
    {
        await DoneAsync("init");
        var output = Directory.CreateDirectory(In("out")).FullName;
        File.WriteAllText(Path.Combine(output, "ca.pem"), "theirs");
        Assert.Contains("another", await RefusedAsync("issue", "user", "alice", "-o", output), StringComparison.Ordinal);
        Assert.Equal(["ca.pem"], Directory.GetFiles(output).Select(Path.GetFileName));
        Assert.Equal("theirs", File.ReadAllText(Path.Combine(output, "ca.pem")));
    }

    [Fact]
    public async Task ShowTellsEverythingButKeys()
    {
        await DoneAsync("init", "--name", "Corp CA");
        await DoneAsync("issue", "server", "vpn.example.com", "192.0.2.1");
        await DoneAsync("issue", "user", "alice@example.com");
        using var authority = Certificate("pki", "ca.pem");
        using var server = Certificate("servers", "vpn.example.com", "vpn.example.com.pem");
        var table = await DoneAsync("show");
        foreach (var part in (string[])
                 ["CN=Corp CA", "CN=vpn.example.com", "CN=alice@example.com", server.SerialNumber, CertificateReport.FingerprintOf(server), "serverAuth, ikeIntermediate", "clientAuth",
                     "email alice@example.com", "address 192.0.2.1", "yes, path length 0", "EC 256 bits", $"{server.NotAfter.ToUniversalTime():yyyy-MM-dd HH:mm:ss} UTC"])
            Assert.Contains(part, table, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", table, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(await DoneAsync("show", "--json"));
        Assert.Equal(3, json.RootElement.GetArrayLength());
        var first = json.RootElement[0];
        Assert.Equal((true, 0), (first.GetProperty("isAuthority").GetBoolean(), first.GetProperty("pathLength").GetInt32()));
        Assert.Equal(authority.SerialNumber, first.GetProperty("serialNumber").GetString());
        var second = json.RootElement[1];
        Assert.Equal("CN=Corp CA", second.GetProperty("issuer").GetString());
        Assert.Contains("dns vpn.example.com", second.GetProperty("subjectAlternativeNames").EnumerateArray().Select(n => n.GetString()));
        Assert.Equal(["serverAuth", "ikeIntermediate"], second.GetProperty("extendedKeyUsage").EnumerateArray().Select(n => n.GetString()!));
        // One file alone, also one that holds the key.
        Assert.Contains("CN=Corp CA", await DoneAsync("show", In("pki", "ca.key")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShowMakesNoAuthorityAndNamesWhatItCannotRead()
    {
        Assert.Contains("pki init", await RefusedAsync("show"), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(directory));
        var damaged = In("damaged.pem");
        File.WriteAllText(damaged, "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
        Assert.Contains(damaged, await RefusedAsync("show", damaged), StringComparison.Ordinal);
        Assert.Contains("missing.pem", await RefusedAsync("show", In("missing.pem")), StringComparison.Ordinal);
    }

    private string In(params string[] parts) => Path.Combine([directory, .. parts]);

    private X509Certificate2 Certificate(params string[] parts) => X509CertificateLoader.LoadCertificateFromFile(In(parts));

    private async Task<string> DoneAsync(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);
        Assert.True(code == ExitCodes.Done, error);
        return output;
    }

    private async Task<string> RefusedAsync(params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);
        Assert.Equal((ExitCodes.Failed, ""), (code, output));
        return error;
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(
            ["pki", .. arguments, "--state", directory],
            new CommandLineOptions { Run = (_, _) => Task.FromResult(ExitCodes.Done), Rules = ConfigurationRules.OfLeaves, Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }
}
