using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Pki.Verification;
using Headend.TestKit.Pki;

namespace Headend.Tests.Pki.Verification;

/// <summary>Who was revoked once stays revoked until the issuer says otherwise later, whatever the network does in between.</summary>
public sealed class RevocationMemoryTests : IDisposable
{
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly TimeSpan LongerThanKept = TimeSpan.FromMinutes(61);

    private readonly TestAuthority authority = TestAuthority.Create("CN=Memory");
    private readonly TestClock clock = new();
    private readonly DateTimeOffset began;
    private readonly TestWeb web = new(_ => []);
    private readonly TestWeb responder = new(_ => []);
    private readonly RevocationClient client;
    private readonly RevocationCheck check;

    public RevocationMemoryTests()
    {
        began = clock.GetUtcNow();
        client = new RevocationClient(new RevocationClientLimits { Timeout = TimeSpan.FromMinutes(5), Waiting = TimeSpan.FromMinutes(5) }, clock);
        check = new RevocationCheck(client, clock);
    }

    private string Point => $"http://{web.Host}/a.crl";

    public void Dispose()
    {
        client.Dispose();
        web.Dispose();
        responder.Dispose();
    }

    [Theory]
    [InlineData("breaks off")]
    [InlineData("503 Busy")]
    [InlineData("nonsense")]
    [InlineData("forged")]
    [InlineData("of another issuer")]
    [InlineData("older")]
    [InlineData("older and expired")]
    public async Task WhoWasOnAListStaysRevokedWhenItCannotBeHadAgain(string how)
    {
        var leaf = Listed();
        web.Answer = _ => (List(0) with { Revoked = leaf }).Encode();
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        web.BreaksOff = how == "breaks off";
        web.StatusLine = how == "503 Busy" ? how : "200 OK";
        web.Answer = _ => how switch
        {
            "nonsense" => [1, 2, 3],
            "forged" => (List(1) with { Authority = TestAuthority.Create("CN=Memory") }).Encode(),
            "of another issuer" => (List(1) with { Authority = TestAuthority.Create("CN=Others") }).Encode(),
            "older" => List(-1).Encode(),
            _ => (List(-2) with { NextUpdate = began.AddHours(-1) }).Encode(),
        };

        // Behind its nextUpdate too, and however often it is tried.
        for (var i = 0; i < 30; i++)
        {
            clock.Advance(LongerThanKept);
            var answer = await CheckAsync(leaf);
            Assert.Equal(RevocationStatus.Revoked, answer.Status);
            Assert.Contains(Point, answer.Detail, StringComparison.Ordinal);
        }

        Assert.True(web.Requests > 20);

        // Off hold (RFC 5280 5.3.1): a later list leaves it out.
        (web.BreaksOff, web.StatusLine, web.Answer) = (false, "200 OK", _ => List(30).Encode());
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);
    }

    [Fact]
    public async Task OfListsOfTheSameSecondTheHigherNumberIsTheNewer()
    {
        var leaf = Listed();
        web.Answer = _ => (List(0) with { Revoked = leaf, Number = 7 }).Encode();
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        web.Answer = _ => (List(0) with { Number = 6 }).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        web.Answer = _ => (List(0) with { Number = 8 }).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);
    }

    // All of them are by the issuer, and whoever is on the way can send them.
    [Fact]
    public async Task NewerListsOfOtherPointsTakeNobodyOffTheOwnOne()
    {
        var leaf = Listed();
        web.Answer = _ => (List(0) with { Revoked = leaf, Point = Point }).Encode();
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        for (var i = 1; i < 10; i++)
        {
            var (hour, point) = (i, $"http://other.example/{i % 5}.crl");
            web.Answer = _ => (List(hour) with { Point = point }).Encode();
            clock.Advance(LongerThanKept);
            Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        }

        // Nor does one of a date to come.
        web.Answer = _ => (List(20) with { Point = Point }).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        web.Answer = _ => (List(10) with { Point = Point }).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);
    }

    [Fact]
    public async Task WhatIsRememberedMakesNobodyGoodForLongerThanAnHour()
    {
        var leaf = Listed();
        web.Answer = _ => List(0).Encode();
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);

        // An older list is worth less than what is known, but the source is there. It is asked again soon.
        web.Answer = _ => List(-1).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal((RevocationStatus.Good, 2), ((await CheckAsync(leaf)).Status, web.Requests));
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal((RevocationStatus.Good, 3), ((await CheckAsync(leaf)).Status, web.Requests));

        web.Answer = _ => (List(1) with { Point = "http://other.example/b.crl" }).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Unknown, (await CheckAsync(leaf)).Status);
        web.BreaksOff = true;
        clock.Advance(LongerThanKept);
        var answer = await CheckAsync(leaf);
        Assert.Equal(RevocationStatus.Unknown, answer.Status);
        Assert.Contains(web.Host, answer.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("breaks off")]
    [InlineData("503 Busy")]
    [InlineData("nonsense")]
    [InlineData("unknown")]
    [InlineData("good before")]
    [InlineData("good then")]
    [InlineData("good once")]
    public async Task WhoWasRevokedByOcspStaysSoUntilALaterGood(string how)
    {
        var leaf = authority.Issue(new TestSubject("CN=leaf") { ResponderUris = [$"http://{responder.Host}/"] }, Key);
        responder.Answer = _ => Ocsp(TestOcsp.Status.Revoked, 0).Answer(leaf);
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        responder.BreaksOff = how == "breaks off";
        responder.StatusLine = how == "503 Busy" ? how : "200 OK";
        responder.Answer = _ => how switch
        {
            "nonsense" => [1, 2, 3],
            "unknown" => Ocsp(TestOcsp.Status.Unknown, 1).Answer(leaf),
            "good before" => Ocsp(TestOcsp.Status.Good, -1).Answer(leaf),
            "good then" => Ocsp(TestOcsp.Status.Good, 0).Answer(leaf),
            _ => (Ocsp(TestOcsp.Status.Good, 0) with { ThisUpdate = began.AddMinutes(1), NextUpdate = began.AddMinutes(2) }).Answer(leaf),
        };
        for (var i = 0; i < 30; i++)
        {
            clock.Advance(LongerThanKept);
            Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        }

        Assert.True(responder.Requests > 20);
        (responder.BreaksOff, responder.StatusLine, responder.Answer) = (false, "200 OK", _ => Ocsp(TestOcsp.Status.Good, 30).Answer(leaf));
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);

        // It has come off: there is nothing left to remember.
        responder.BreaksOff = true;
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Unknown, (await CheckAsync(leaf)).Status);
    }

    [Fact]
    public async Task WhatAListSaidHoldsAgainstAnOcspAnswerOfBefore()
    {
        var leaf = Both();
        responder.StatusLine = "503 Busy";
        web.Answer = _ => (List(0) with { Revoked = leaf }).Encode();
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        (responder.StatusLine, responder.Answer) = ("200 OK", _ => Ocsp(TestOcsp.Status.Good, -1).Answer(leaf));
        clock.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        web.BreaksOff = true;
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        responder.Answer = _ => Ocsp(TestOcsp.Status.Good, 1).Answer(leaf);
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);
    }

    [Fact]
    public async Task WhatOcspSaidHoldsAgainstAListOfBefore()
    {
        var leaf = Both();
        responder.Answer = _ => Ocsp(TestOcsp.Status.Revoked, 0).Answer(leaf);
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        responder.BreaksOff = true;
        web.Answer = _ => List(-1).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);
        web.Answer = _ => List(1).Encode();
        clock.Advance(LongerThanKept);
        Assert.Equal(RevocationStatus.Good, (await CheckAsync(leaf)).Status);
    }

    [Fact]
    public async Task SoDoesItWhenPatienceEndsBeforeTheListIsAskedFor()
    {
        var leaf = Both();
        responder.StatusLine = "503 Busy";
        web.Answer = _ => (List(0) with { Revoked = leaf }).Encode();
        Assert.Equal(RevocationStatus.Revoked, (await CheckAsync(leaf)).Status);

        var hold = new TaskCompletionSource();
        responder.Hold = hold.Task;
        clock.Advance(LongerThanKept);
        var waiting = CheckAsync(leaf);
        clock.Advance(TimeSpan.FromSeconds(13));
        Assert.Equal(RevocationStatus.Revoked, (await waiting).Status);
        Assert.Equal(1, web.Requests);
        hold.SetResult();
    }

    private X509Certificate2 Listed() => authority.Issue(new TestSubject("CN=leaf") { ListUris = [Point] }, Key);

    private X509Certificate2 Both() => authority.Issue(new TestSubject("CN=leaf") { ListUris = [Point], ResponderUris = [$"http://{responder.Host}/"] }, Key);

    private TestList List(int hour) => new(authority) { ThisUpdate = began.AddHours(hour), NextUpdate = began.AddHours(hour + 24) };

    private TestOcsp Ocsp(TestOcsp.Status says, int hour) =>
        new(authority.Certificate, authority.Signer, authority.Certificate) { Says = says, ThisUpdate = began.AddHours(hour), NextUpdate = began.AddHours(hour + 48) };

    private async Task<RevocationAnswer> CheckAsync(X509Certificate2 leaf)
    {
        var trust = new CertificateTrust([authority.Certificate], []);
        Assert.True(CertificatePath.TryBuild([leaf.RawDataMemory], trust, usageRequired: false, began, out var path, out var refusal), refusal);
        using (path)
            return await check.CheckAsync(path, trust, [new RevocationHost("127.0.0.1", web.Port), new RevocationHost("127.0.0.1", responder.Port)], CancellationToken.None);
    }
}
