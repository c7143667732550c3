using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Eap;
using Headend.Eap.Tls;
using Headend.Tests.Pki;

namespace Headend.Tests.Peers;

/// <summary>Skips, with the reason, where wpa_supplicant's eapol_test (Debian: eapoltest) is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TheoryWithEapolTestAttribute : TheoryAttribute
{
    public const string Program = "/usr/bin/eapol_test";

    public TheoryWithEapolTestAttribute()
    {
        if (!File.Exists(Program))
            Skip = $"{Program} is not installed (Debian package eapoltest)";
    }
}

/// <summary>Our EAP server met by wpa_supplicant's peer. eapol_test itself compares its keys with those of the Access-Accept.</summary>
public sealed class EapolTestTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [TheoryWithEapolTest]
    [InlineData("MSCHAPV2", "pass-word", true)]
    [InlineData("MSCHAPV2", "pass-wort", false)]
    [InlineData("GTC", "pass-word", true)]
    [InlineData("GTC", "pass-wort", false)]
    [InlineData("MD5", "pass-word", true)]
    [InlineData("MD5", "pass-wort", false)]
    public async Task PasswordMethods(string method, string password, bool accepted)
    {
        using var bridge = new EapServerBridge(() => new EapServer(new EapServerOptions
        {
            Credentials = new OneUser(),
            Methods = [EapType.MsChapV2, EapType.Md5, EapType.Gtc],
            AllowMethodsWithoutKey = true,
        }));
        var output = await RunAsync(bridge, $"eap={method} identity=\"alice\" password=\"{password}\"", withoutKey: method != "MSCHAPV2");
        Assert.True(accepted == output.TrimEnd().EndsWith("SUCCESS", StringComparison.Ordinal), output);
        if (accepted)
            Assert.Equal("alice", Assert.IsType<EapStep.Success>(bridge.Outcome).Identity);
        else
            Assert.Equal("wrong password for alice", Assert.IsType<EapStep.Failure>(bridge.Outcome).Reason);
    }

    [TheoryWithEapolTest]
    [InlineData("1.2", true)]
    [InlineData("1.3", true)]
    [InlineData("1.2", false)]
    [InlineData("1.3", false)]
    public async Task Tls(string version, bool accepted)
    {
        var now = DateTimeOffset.UtcNow;
        using var root = SelfSigned("CN=Test Root", now);
        using var server = Issue("CN=gw.example", root, "1.3.6.1.5.5.7.3.1", null, now.AddDays(-1), now.AddDays(1));
        using var alice = Issue("CN=alice", root, "1.3.6.1.5.5.7.3.2", "alice@example.org", now.AddDays(-2), accepted ? now.AddDays(1) : now.AddDays(-1));
        using var serverKey = server.GetECDsaPrivateKey()!;
        Assert.True(TlsServerContext.TryCreate(
            new TlsServerOptions { Certificate = server.RawData, PrivateKey = serverKey.ExportPkcs8PrivateKey(), ClientAuthorities = [root.RawData], FragmentLength = 300 },
            out var context, out var error), error);
        using (context)
        using (var bridge = new EapServerBridge(() => new EapServer(new EapServerOptions { Credentials = new OneUser(), Methods = [EapType.Tls], Tls = context, Now = now })))
        {
            using var aliceKey = alice.GetECDsaPrivateKey()!;
            var disable = version == "1.3" ? "tls_disable_tlsv1_3=0 tls_disable_tlsv1_2=1 tls_disable_tlsv1_1=1 tls_disable_tlsv1_0=1" : "tls_disable_tlsv1_3=1";
            var output = await RunAsync(
                bridge,
                $"eap=TLS identity=\"alice@example.org\" fragment_size=200 phase1=\"{disable}\" ca_cert=\"{Write("ca.pem", root.ExportCertificatePem())}\" "
                + $"client_cert=\"{Write("alice.pem", alice.ExportCertificatePem())}\" private_key=\"{Write("alice.key", aliceKey.ExportPkcs8PrivateKeyPem())}\"",
                withoutKey: false);
            Assert.True(accepted == output.TrimEnd().EndsWith("SUCCESS", StringComparison.Ordinal), output);
            if (accepted)
            {
                Assert.Contains($"Using TLS version TLSv{version}", output, StringComparison.Ordinal);
                Assert.Equal("alice@example.org", Assert.IsType<EapStep.Success>(bridge.Outcome).Identity);
            }
            else
            {
                Assert.Contains("expired on ", Assert.IsType<EapStep.Failure>(bridge.Outcome).Reason, StringComparison.Ordinal);
                Assert.Contains("certificate expired", output, StringComparison.Ordinal);
            }
        }
    }

    private static X509Certificate2 SelfSigned(string name, DateTimeOffset now)
    {
        var request = new CertificateRequest(name, ECDsa.Create(ECCurve.NamedCurves.nistP256), HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, critical: true));
        return request.CreateSelfSigned(now.AddDays(-10), now.AddDays(10));
    }

    private static X509Certificate2 Issue(
        string name, X509Certificate2 root, string usage, string? email, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        if (email is not null)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddEmailAddress(email);
            request.CertificateExtensions.Add(names.Build());
        }

        using var certificate = request.Create(root, from, to, [0x40, .. RandomNumberGenerator.GetBytes(8)]);
        return certificate.CopyWithPrivateKey(key);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(directory.Path, name);
        File.WriteAllText(path, text + "\n");
        return path;
    }

    private async Task<string> RunAsync(EapServerBridge bridge, string network, bool withoutKey)
    {
        var lines = network.Replace("\" ", "\"\n", StringComparison.Ordinal).Replace(" identity", "\nidentity", StringComparison.Ordinal).Replace(" phase1", "\nphase1", StringComparison.Ordinal);
        var configuration = Write("peer.conf", $"network={{\nkey_mgmt=IEEE8021X\n{lines}\n}}");
        var start = new ProcessStartInfo(TheoryWithEapolTestAttribute.Program)
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
            ArgumentList = { "-c", configuration, "-a", "127.0.0.1", "-p", bridge.Port.ToString(), "-s", "testing123", "-t", "60" },
        };
        if (withoutKey)
            start.ArgumentList.Add("-n");
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output;
    }
}
