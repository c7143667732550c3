using System.Security.Cryptography.X509Certificates;
using Headend.Cli;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Pki.Verification;

namespace Headend.Tests.Cli;

public sealed class PkiCommandTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("headend-pki-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Theory]
    [InlineData("laptop.example.com", "fqdn laptop.example.com")]
    [InlineData("alice@example.com", "email alice@example.com")]
    [InlineData("alice", "dn CN=alice")]
    [InlineData("a..b", "dn CN=a..b")]
    public async Task AnIssuedCertificateLogsInUnderTheIdentityThatIsPrinted(string name, string identity)
    {
        var (code, output, _) = await RunAsync(["pki", "issue", "user", name, "--state", directory]);
        Assert.Equal(ExitCodes.Done, code);
        Assert.Contains($"IKE identity {identity}", output, StringComparison.Ordinal);
        var files = Path.Combine(directory, "clients", name);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(files, $"{name}.key")));
        using var pair = X509Certificate2.CreateFromPemFile(Path.Combine(files, $"{name}.pem"), Path.Combine(files, $"{name}.key"));
        using var authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(files, "ca.pem"));
        Assert.True(
            CertificatePath.TryBuild([pair.RawDataMemory], new CertificateTrust([authority], []), usageRequired: true, DateTimeOffset.UtcNow, out var path, out var refusal), refusal);
        using (path)
        {
            Assert.True(CertificateIdentity.TryRead(path.Leaf, path.HasNameConstraints, out var names, out _));
            Assert.True(IkeIdentity.TryParse(identity, out var ike));
            Assert.NotNull(names!.NameOf(ike));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("a b")]
    [InlineData("../a")]
    [InlineData("..")]
    [InlineData("müller")]
    public async Task WhatIsNoNameIsRefused(string name)
    {
        var (code, _, error) = await RunAsync(["pki", "issue", "user", name, "--state", directory]);
        Assert.Equal(ExitCodes.Failed, code);
        Assert.Contains("no name", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(directory, "clients")));
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await CommandLine.InvokeAsync(
            arguments,
            new CommandLineOptions { Run = (_, _) => Task.FromResult(ExitCodes.Done), Rules = ConfigurationRules.OfLeaves, Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }
}
