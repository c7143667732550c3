using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki.Verification;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>What an old list, a foreign one or one with odd dates says, from a file and fetched, and for how long it is kept.</summary>
public sealed class RevocationListTests
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly TestAuthority authority = TestAuthority.Create("CN=Lists");
    private readonly TimeLater clock = new();

    public static TheoryData<string> Lists => ["expired", "early", "other point", "forged", "other issuer"];

    // Who is on a list does not come off it because the next one is late.
    [Theory]
    [MemberData(nameof(Lists))]
    public async Task WhoIsOnAListOfItsIssuerIsRevokedWhateverElseTheListSays(string how)
    {
        var leaf = authority.Issue(new TestSubject("CN=leaf"), Key);
        var (on, off) = (ListOf(how, leaf), ListOf(how, null));
        using var client = new RevocationClient(new RevocationClientLimits { Timeout = TimeSpan.FromSeconds(30) }, TimeProvider.System);
        var check = new RevocationCheck(client, TimeProvider.System);
        var expected = how is "forged" or "other issuer" ? RevocationStatus.Unknown : RevocationStatus.Revoked;
        Assert.Equal(expected, (await CheckAsync(check, leaf, null, on)).Status);
        Assert.Equal(RevocationStatus.Unknown, (await CheckAsync(check, leaf, null, off)).Status);

        using var web = new TestWeb(_ => on);
        var fetching = authority.Issue(new TestSubject("CN=leaf") { ListUris = [$"http://{web.Host}/a.crl"] }, Key);
        on = ListOf(how, fetching);
        Assert.Equal(expected, (await CheckAsync(check, fetching, web)).Status);
        Assert.Equal(1, web.Requests);
    }

    [Theory]
    [MemberData(nameof(Lists))]
    public async Task OnlyACurrentListOfTheIssuerIsKeptLong(string how)
    {
        var answer = ListOf(how, null);
        using var web = new TestWeb(_ => answer);
        using var client = new RevocationClient(new RevocationClientLimits { Timeout = TimeSpan.FromSeconds(30) }, clock);
        var check = new RevocationCheck(client, clock);
        var leaf = authority.Issue(new TestSubject("CN=leaf") { ListUris = [$"http://{web.Host}/a.crl"] }, Key);
        Assert.Equal(RevocationStatus.Unknown, (await CheckAsync(check, leaf, web)).Status);
        await CheckAsync(check, leaf, web);
        Assert.Equal(1, web.Requests);

        // Whom a list is about is no fault of the list.
        answer = authority.List();
        clock.Later = TimeSpan.FromSeconds(31);
        var status = (await CheckAsync(check, leaf, web)).Status;
        Assert.Equal(how == "other point" ? (RevocationStatus.Unknown, 1) : (RevocationStatus.Good, 2), (status, web.Requests));
        clock.Later = TimeSpan.FromMinutes(59);
        await CheckAsync(check, leaf, web);
        Assert.Equal(how == "other point" ? 1 : 2, web.Requests);
        clock.Later = TimeSpan.FromMinutes(62);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(check, leaf, web)).Status);
    }

    [Fact]
    public void TheFirstAndTheLastDateAreDatesToo()
    {
        var last = new DateTimeOffset(9999, 12, 31, 23, 59, 59, TimeSpan.Zero);
        var leaf = authority.Issue(new TestSubject("CN=leaf"), Key);
        Assert.Null(WhyNot(DateTimeOffset.MinValue, last));
        Assert.Contains("expired", WhyNot(DateTimeOffset.MinValue, DateTimeOffset.MinValue), StringComparison.Ordinal);
        Assert.Contains("not valid before", WhyNot(last, last), StringComparison.Ordinal);

        Assert.Equal(RevocationStatus.Good, Answer(Now, last).Status);
        Assert.Equal(RevocationStatus.Good, Answer(DateTimeOffset.MinValue, last).Status);
        Assert.Contains("no longer valid", Answer(DateTimeOffset.MinValue, null).Detail, StringComparison.Ordinal);
        Assert.Contains("not valid before", Answer(last, null).Detail, StringComparison.Ordinal);

        string? WhyNot(DateTimeOffset from, DateTimeOffset to) =>
            Read(new TestList(authority) { ThisUpdate = from, NextUpdate = to }.Encode()).WhyNotFor(leaf, authority.Certificate, Now);

        RevocationAnswer Answer(DateTimeOffset from, DateTimeOffset? to) => OcspCodec.Decode(
            new TestOcsp(authority.Certificate, authority.Signer, authority.Certificate) { ThisUpdate = from, NextUpdate = to }.Answer(leaf), leaf, authority.Certificate, new byte[32], Now);
    }

    // The clock's tolerance, from both sides.
    [Fact]
    public void ClocksMayDifferByFiveMinutes()
    {
        var leaf = authority.Issue(new TestSubject("CN=leaf"), Key);
        Assert.Equal(RevocationStatus.Good, Answer(4, 10));
        Assert.Equal(RevocationStatus.Unknown, Answer(6, 10));
        Assert.Equal(RevocationStatus.Good, Answer(-10, -4));
        Assert.Equal(RevocationStatus.Unknown, Answer(-10, -6));
        Assert.Null(Read(authority.List(Now.AddMinutes(4))).WhyNotFor(leaf, authority.Certificate, Now));
        Assert.NotNull(Read(authority.List(Now.AddMinutes(6))).WhyNotFor(leaf, authority.Certificate, Now));

        RevocationStatus Answer(int from, int to)
        {
            var responder = new TestOcsp(authority.Certificate, authority.Signer, authority.Certificate) { ThisUpdate = Now.AddMinutes(from), NextUpdate = Now.AddMinutes(to) };
            return OcspCodec.Decode(responder.Answer(leaf), leaf, authority.Certificate, new byte[32], Now).Status;
        }
    }

    private byte[] ListOf(string how, X509Certificate2? revoked)
    {
        var list = new TestList(authority) { Revoked = revoked };
        list = how switch
        {
            "expired" => list with { ThisUpdate = Now.AddDays(-3), NextUpdate = Now.AddDays(-2) },
            "early" => list with { ThisUpdate = Now.AddDays(2), NextUpdate = Now.AddDays(3) },
            "other point" => list with { Point = "http://other.example/b.crl" },
            "forged" => list with { Authority = TestAuthority.Create("CN=Lists") },
            _ => list with { Authority = TestAuthority.Create("CN=Others") },
        };
        return list.Encode();
    }

    private async Task<RevocationAnswer> CheckAsync(RevocationCheck check, X509Certificate2 leaf, TestWeb? web, byte[]? file = null)
    {
        var trust = new CertificateTrust([authority.Certificate], file is null ? [] : [("a.crl", Read(file))]);
        Assert.True(CertificatePath.TryBuild([leaf.RawDataMemory], trust, usageRequired: false, DateTimeOffset.UtcNow, out var path, out var refusal), refusal);
        using (path)
            return await check.CheckAsync(path, trust, web is null ? [] : [new RevocationHost("127.0.0.1", web.Port)], CancellationToken.None);
    }

    private static RevocationList Read(byte[] der)
    {
        Assert.True(RevocationList.TryRead(der, out var list, out var problem), problem);
        return list;
    }

    private sealed class TimeLater : TimeProvider
    {
        public TimeSpan Later { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Later;
    }
}
