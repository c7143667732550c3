using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki.Verification;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>Every certificate below the authority counts: a client's own may be good under an intermediate that is revoked.</summary>
public sealed class RevocationIntermediateTests : IDisposable
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly TestAuthority root = TestAuthority.Create("CN=Root");
    private readonly TestWeb web = new(_ => []);
    private readonly RevocationClient client = new(new RevocationClientLimits { Timeout = TimeSpan.FromMinutes(5) }, TimeProvider.System);

    public void Dispose()
    {
        client.Dispose();
        web.Dispose();
    }

    [Theory]
    [InlineData("file", 1)]
    [InlineData("list", 1)]
    [InlineData("ocsp", 1)]
    [InlineData("file", 2)]
    [InlineData("list", 2)]
    [InlineData("ocsp", 2)]
    public async Task ARevokedIntermediateRevokes(string how, int at)
    {
        // The authority of the path's last but `at` certificate says it; all others are good by files.
        var upper = root.CreateBelow("CN=Upper", Signer(), Subject("CN=Upper", at == 2 ? how : "file"));
        var lower = upper.CreateBelow("CN=Lower", Signer(), Subject("CN=Lower", at == 1 ? how : "file"));
        var leaf = lower.Issue(new TestSubject("CN=leaf"), Key);
        var (issuer, revoked) = at == 2 ? (root, upper.Certificate) : (upper, lower.Certificate);
        var files = new List<TestAuthority> { lower, at == 2 ? upper : root };
        if (how == "file")
            files.Add(issuer);
        web.Answer = _ => how == "list" ? issuer.List() : Ocsp(issuer, TestOcsp.Status.Good).Answer(revoked);
        var chain = new[] { leaf, lower.Certificate, upper.Certificate };
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(chain, files)).Status);

        issuer.Revoke(revoked);
        if (how == "ocsp")
            web.Answer = _ => Ocsp(issuer, TestOcsp.Status.Revoked).Answer(revoked);
        var answer = await CheckAsync(chain, files);
        Assert.Equal(RevocationStatus.Revoked, answer.Status);
        Assert.Contains($"serial {revoked.SerialNumber} of {issuer.Certificate.Subject}", answer.Detail, StringComparison.Ordinal);

        // An unknown status does as little for the one above it.
        web.StatusLine = "503 Busy";
        files.Remove(issuer);
        answer = await CheckAsync(chain, files);
        Assert.Equal(RevocationStatus.Unknown, answer.Status);
        Assert.Contains($"serial {revoked.SerialNumber} of {issuer.Certificate.Subject}", answer.Detail, StringComparison.Ordinal);
    }

    private static X509SignatureGenerator Signer() => TestAuthority.GeneratorOf(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    private TestSubject Subject(string name, string how) => new(name)
    {
        IsAuthority = true,
        Usages = null,
        KeyUsage = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign,
        ListUris = how == "list" ? [$"http://{web.Host}/a.crl"] : [],
        ResponderUris = how == "ocsp" ? [$"http://{web.Host}/"] : [],
    };

    private static TestOcsp Ocsp(TestAuthority issuer, TestOcsp.Status says) => new(issuer.Certificate, issuer.Signer, issuer.Certificate) { Says = says };

    // A new check each time, which remembers nothing.
    private async Task<RevocationAnswer> CheckAsync(IEnumerable<X509Certificate2> chain, IEnumerable<TestAuthority> files)
    {
        var trust = new CertificateTrust([root.Certificate], [.. files.Select(f => (f.Certificate.Subject, Read(f.List())))]);
        Assert.True(CertificatePath.TryBuild([.. chain.Select(c => c.RawDataMemory)], trust, usageRequired: false, Now, out var path, out var refusal), refusal);
        using (path)
            return await new RevocationCheck(client, TimeProvider.System).CheckAsync(path, trust, [new RevocationHost("127.0.0.1", web.Port)], CancellationToken.None);
    }

    private static RevocationList Read(byte[] der)
    {
        Assert.True(RevocationList.TryRead(der, out var list, out var problem), problem);
        return list;
    }
}
