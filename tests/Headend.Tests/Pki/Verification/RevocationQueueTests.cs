using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Pki.Verification;
using Headend.Runtime;
using Headend.TestKit.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Pki.Verification;

/// <summary>A crowd at one host: who waits for one fetch waits for one, and nobody who asks another host is refused.</summary>
public sealed class RevocationQueueTests : IDisposable
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private readonly TestAuthority authority = TestAuthority.Create("CN=Crowd");
    private readonly TestClock clock = new();
    private readonly TaskCompletionSource hold = new();
    private readonly TestWeb slow;
    private readonly TestWeb other;
    private readonly RevocationClient client;

    public RevocationQueueTests()
    {
        slow = new TestWeb(_ => authority.List()) { Hold = hold.Task };
        other = new TestWeb(_ => authority.List());
        client = new RevocationClient(new RevocationClientLimits { Timeout = TimeSpan.FromMinutes(5), Waiting = TimeSpan.FromMinutes(5) }, clock);
    }

    public void Dispose()
    {
        hold.TrySetResult();
        client.Dispose();
        slow.Dispose();
        other.Dispose();
    }

    [Fact]
    public async Task AStormOnOneSlowFetchIsLetInAndTouchesNobodyElse()
    {
        using var workers = new CryptoWorkers(2, SystemCryptoProvider.Instance, NullLogger.Instance);
        var verifier = new CertificateVerifier(workers, client, clock);
        var leaf = Listed(slow, "a");
        var storm = Enumerable.Range(0, 600).Select(_ => VerifyAsync(verifier, leaf)).ToList();
        await Until(() => verifier.Waiting + storm.Count(t => t.IsCompleted) == storm.Count);
        Assert.Equal(CertificateVerdict.Accepted, (await VerifyAsync(verifier, Listed(other, "a"))).Verdict);
        hold.SetResult();
        Assert.All(await Task.WhenAll(storm), o => Assert.Equal((CertificateVerdict.Accepted, ""), (o.Verdict, o.Detail)));
        Assert.Equal((1, 0), (slow.Requests, verifier.Waiting));
    }

    [Theory]
    [InlineData("fetches")]
    [InlineData("waiters")]
    public async Task AHostWithItsBoundFullRefusesItsOwnOnly(string bound)
    {
        var check = new RevocationCheck(client, clock, bound == "fetches" ? new RevocationQueueLimits { Fetches = 3 } : new RevocationQueueLimits { Waiters = 3 });
        var waiting = Enumerable.Range(0, 3).Select(i => CheckAsync(check, Listed(slow, bound == "fetches" ? $"{i}" : "a"))).ToList();
        Assert.Equal(3, check.Waiting);
        var late = Listed(slow, bound == "fetches" ? "3" : "a");
        var refused = await CheckAsync(check, late);
        Assert.Equal(RevocationStatus.Crowded, refused.Status);
        Assert.Contains(slow.Host, refused.Detail, StringComparison.Ordinal);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(check, Listed(other, "a"))).Status);

        // A file decides without anybody's waiting.
        Assert.True(RevocationList.TryRead(authority.List(), out var list, out var problem), problem);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(check, late, ("a.crl", list))).Status);

        Assert.All(waiting, t => Assert.False(t.IsCompleted));
        hold.SetResult();
        Assert.All(await Task.WhenAll(waiting), a => Assert.Equal(RevocationStatus.Good, a.Status));

        // That it was crowded is nothing to keep.
        Assert.Equal((RevocationStatus.Good, 0), ((await CheckAsync(check, late)).Status, check.Waiting));
    }

    [Fact]
    public async Task AllWhoWaitAreBoundedToo()
    {
        var check = new RevocationCheck(client, clock, new RevocationQueueLimits { Waiters = 2, AllWaiters = 3 });
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(check, Listed(other, "a"))).Status);
        other.Hold = hold.Task;
        var waiting = new[] { slow, slow, other }.Select(w => CheckAsync(check, Listed(w, "b"))).ToList();
        Assert.Equal(RevocationStatus.Crowded, (await CheckAsync(check, Listed(other, "b"))).Status);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(check, Listed(other, "a"))).Status);
        hold.SetResult();
        Assert.All(await Task.WhenAll(waiting), a => Assert.Equal(RevocationStatus.Good, a.Status));
        Assert.Equal(0, check.Waiting);
    }

    [Fact]
    public async Task ACrowdBuysNoLeniencyAndHidesNoRevocation()
    {
        using var workers = new CryptoWorkers(2, SystemCryptoProvider.Instance, NullLogger.Instance);
        var verifier = new CertificateVerifier(workers, client, clock, new RevocationQueueLimits { Waiters = 1 });
        var (leaf, revoked) = (Listed(slow, "a"), Listed(slow, "a"));
        authority.Revoke(revoked);
        slow.Hold = Task.CompletedTask;
        Assert.Equal(CertificateVerdict.Refused, (await VerifyAsync(verifier, revoked)).Verdict);

        slow.Hold = hold.Task;
        clock.Advance(TimeSpan.FromMinutes(61));
        var waiting = VerifyAsync(verifier, leaf);
        await Until(() => verifier.Waiting == 1);
        Assert.Equal(CertificateVerdict.StatusUnknown, (await VerifyAsync(verifier, leaf)).Verdict);
        Assert.Equal(CertificateVerdict.Refused, (await VerifyAsync(verifier, revoked)).Verdict);
        hold.SetResult();
        Assert.Equal(CertificateVerdict.Accepted, (await waiting).Verdict);
    }

    [Fact]
    public void OnlyHostsAtWhichSomebodyIsAreCounted()
    {
        var queue = new RevocationQueue(new RevocationQueueLimits { Fetches = 1, Waiters = 2, AllWaiters = 3 });
        var (a, b) = (new Uri("http://a.example/1"), new Uri("http://b.example/1"));
        Assert.True(queue.TryBeginFetch(a) && queue.TryBeginFetch(b) && queue.TryBeginFetch(new Uri("http://a.example:81/")));
        Assert.False(queue.TryBeginFetch(new Uri("http://A.example/2")));
        Assert.True(queue.TryEnter(a) && queue.TryEnter(a) && !queue.TryEnter(a) && queue.TryEnter(b) && !queue.TryEnter(b));
        Assert.Equal(3, queue.Waiters);
        queue.Leave(a);
        queue.EndFetch(a);
        Assert.True(queue.TryBeginFetch(a) && queue.TryEnter(b) && !queue.TryEnter(a));
    }

    private static async Task Until(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        while (!holds())
            await Task.Delay(20, patience.Token);
    }

    private X509Certificate2 Listed(TestWeb web, string list) => authority.Issue(new TestSubject("CN=leaf") { ListUris = [$"http://{web.Host}/{list}.crl"] }, Key);

    private Task<CertificateOutcome> VerifyAsync(CertificateVerifier verifier, X509Certificate2 leaf)
    {
        byte[] octets = [1, 2, 3];
        var proof = new CertificateProof.Plain(HashAlgorithmName.SHA256, Key.SignData(octets, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence), octets);
        var binding = new ClientCertificateBinding(new CertificateTrust([authority.Certificate], []))
        {
            Revocation = RevocationMode.IfAvailable,
            FetchHosts = Hosts,
            UsageRequired = false,
            MatchIdentity = false,
            Mangler = null,
        };
        return verifier.VerifyAsync(new CertificateClaim([leaf.RawDataMemory], proof, null), binding, CancellationToken.None).AsTask();
    }

    private async Task<RevocationAnswer> CheckAsync(RevocationCheck check, X509Certificate2 leaf, params (string File, RevocationList List)[] files)
    {
        var trust = new CertificateTrust([authority.Certificate], files);
        Assert.True(CertificatePath.TryBuild([leaf.RawDataMemory], trust, usageRequired: false, clock.GetUtcNow(), out var path, out var refusal), refusal);
        using (path)
            return await check.CheckAsync(path, trust, Hosts, CancellationToken.None);
    }

    private IReadOnlyList<RevocationHost> Hosts => [new RevocationHost("127.0.0.1", slow.Port), new RevocationHost("127.0.0.1", other.Port)];
}
