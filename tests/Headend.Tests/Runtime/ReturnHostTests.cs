using Headend.Aaa.Accounting;
using Headend.Admin;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>Sessions that sleep and clients that come back, through the whole headend: reconnect by token, resume by login, and every way in which a sleeping session ends.</summary>
[Collection("one meter")]
public sealed class ReturnHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();
    private readonly DynamicAuthorizationClient author = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Fact]
    public async Task AfterSleepAReconnectGoesOnWithEverythingThatTheSessionHad()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        Assert.Equal(Kept(before), Kept(asleep));
        Assert.Null(asleep.IkeSa);
        Assert.Equal(new ReconnectStatisticsRecord(0, 0, 0, 0, 1), await headend.Backend.GetReconnectsAsync(CancellationToken.None));
        Assert.Equal(1, await headend.LeasesAsync());

        using var back = headend.Client(ByToken(client));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var after = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(Kept(before), Kept(after));
        Assert.True(after.Reconnected);
        Assert.NotEqual(SessionStatus.Inactive, after.Status);
        Assert.True(after.UptimeSeconds >= asleep.UptimeSeconds);
        Assert.Contains("X", before.IkeSa!.Capabilities);
        Assert.DoesNotContain("R", before.IkeSa.Capabilities);
        Assert.Contains("R", after.IkeSa!.Capabilities);
        Assert.DoesNotContain("X", after.IkeSa.Capabilities);
        var sa = Assert.Single(await headend.Backend.GetIkeSasAsync(CancellationToken.None));
        Assert.Equal(("PSK", "ECDSA"), (sa.AuthVerify, sa.AuthSign));
        Assert.Equal((before.EapIdentity, before.User), (sa.EapIdentity, sa.User));
        Assert.Equal(new ReconnectStatisticsRecord(1, 1, 0, 1, 0), await headend.Backend.GetReconnectsAsync(CancellationToken.None));
        var counted = await headend.Backend.GetIkeStatisticsAsync(CancellationToken.None);
        Assert.Equal((1, 0, 1), (counted.ActiveSessions, counted.InactiveSessions, counted.Reconnects.Succeeded));
        Assert.Equal([new("success", null, 2)], counted.Logins);
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync());
        Assert.Equal((1, 1), (Count(" for=1800s: the client is silent, its session sleeps"), Count("the client has resumed")));
    }

    [Fact]
    public async Task AClientThatChangedItsNetworkTakesItsLiveSessionOver()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        for (var i = 0; i < 5; i++)
        {
            // The first token for ever, as clients of FlexVPN do, through whichever shard.
            using var back = headend.Client(ByToken(client));
            back.MustLogIn();
            Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        }

        Assert.Equal(new ReconnectStatisticsRecord(5, 5, 0, 1, 0), await headend.Backend.GetReconnectsAsync(CancellationToken.None));
        // Nobody was silent.
        Assert.Equal((0, 5), (Count("its session sleeps"), Count("the client has resumed")));
    }

    private int Count(string words) => headend.Log.Text.Split(words).Length - 1;

    [Theory]
    [InlineData("disconnect")]
    [InlineData("clear")]
    [InlineData("timeout")]
    public async Task ASleepingSessionEndsAndItsTokenWithIt(string how)
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        if (how == "disconnect")
            Assert.Equal((41, null), author.Disconnect(Text(AcctSessionId, asleep.AcctSessionId!)));
        else if (how == "clear")
            Assert.Equal(1, (await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice@reconnect" }, CancellationToken.None)).Cleared);
        else
            Assert.Equal((44, null), author.Change(Text(AcctSessionId, asleep.AcctSessionId!), Number(SessionTimeout, 1)));
        await headend.NoneAsync();
        Assert.Equal(0, await headend.LeasesAsync());

        using var back = headend.Client(ByToken(client));
        back.MustBeRefused();
        using var anew = headend.Client(Reconnecting("alice@reconnect"));
        anew.MustLogIn();
        Assert.NotEqual(asleep.AcctSessionId, Assert.Single(await headend.SessionsAsync()).AcctSessionId);
        Assert.Equal(new ReconnectStatisticsRecord(1, 0, 1, 1, 0), await headend.Backend.GetReconnectsAsync(CancellationToken.None));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync());
    }

    [Fact]
    public async Task ChangesOfAuthorizationReachASleepingSessionAndHoldWhenItIsBack()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        Assert.Equal((44, null), author.Change(Text(AcctSessionId, asleep.AcctSessionId!), Number(SessionTimeout, 4)));
        using var back = headend.Client(ByToken(client));
        back.MustLogIn();
        Assert.Equal(SessionStatus.UpIdle, Assert.Single(await headend.SessionsAsync()).Status);
        back.WaitUntilClosed();
        Assert.Empty(await headend.SessionsAsync());
    }

    [Fact]
    public async Task WrongTokensAreRefusedAndAfterSomeOfThemTheRightOneToo()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var right = client.Initiator.Given[Token];
        for (var i = 0; i < Headend.Sessions.ReconnectTable.MostOfSession; i += 5)
        {
            await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() =>
            {
                using var wrong = headend.Client(ByToken(client, new string('0', 64)));
                wrong.MustFail();
            })));
        }

        client.Initiator.Given[Token] = right;
        using var back = headend.Client(ByToken(client));
        back.MustFail();
        Assert.Single(await headend.SessionsAsync());
    }

    [Fact]
    public async Task TheSameIdentityLogsInAgainAndResumesItsSession()
    {
        using var client = headend.Client(Reconnecting("carol@resume"));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        Assert.Equal(Kept(before), Kept(await headend.AsleepAsync()));
        using (var other = headend.Client(Reconnecting("dave@resume")))
            Assert.NotEqual(address, other.MustLogIn().IPv4);
        using var wrong = headend.Client(Reconnecting("carol@resume", "looking-glass"));
        wrong.MustFail();
        using var back = headend.Client(Reconnecting("carol@resume"));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var after = (await headend.SessionsAsync()).Single(s => s.User == "carol@resume");
        Assert.Equal(Kept(before), Kept(after));
        Assert.False(after.Reconnected);
    }

    [Fact]
    public async Task InitialContactResumesASessionWhoseSilenceNobodyHasNoticed()
    {
        using var client = headend.Client(Reconnecting("carol@resume"));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        using var back = headend.Client(Reconnecting("carol@resume") with { InitialContact = true });
        back.MustLogIn();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
    }

    [Fact]
    public async Task BeyondTheIntervalTheSessionIsLostForGood()
    {
        using var client = headend.Client(Reconnecting("erin@short"));
        client.MustLogIn();
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        await headend.NoneAsync();
        using var back = headend.Client(Reconnecting("erin@short"));
        back.MustLogIn();
        Assert.NotEqual(asleep.AcctSessionId, Assert.Single(await headend.SessionsAsync()).AcctSessionId);
        var stop = (await headend.RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        // RFC 2866 5.10: Acct-Terminate-Cause 2, Lost Carrier.
        Assert.Equal(2u, NumberOf(stop, TerminateCause));
    }

    /// <summary>A client that comes back by a login and asks anew has a new session-id and token: what it had before is not good any more, and the session has one id.</summary>
    [Fact]
    public async Task AnIdThatWasGivenAnewIsTheOnlyOne()
    {
        using var client = headend.Client(Reconnecting("frank@both"));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        await headend.AsleepAsync();
        using var again = headend.Client(Reconnecting("frank@both"));
        again.MustLogIn();
        Assert.NotEqual(client.Initiator.Given[SessionId], again.Initiator.Given[SessionId]);
        Assert.Equal(new ReconnectStatisticsRecord(0, 0, 0, 1, 0), await headend.Backend.GetReconnectsAsync(CancellationToken.None));

        using var old = headend.Client(ByToken(client));
        old.MustBeRefused();
        using var back = headend.Client(ByToken(again));
        back.MustLogIn();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
    }

    [Theory]
    [InlineData("fred@one-reconnect")]
    [InlineData("gina@one-resume")]
    public async Task AtTheLimitADeadClientsSessionEndsAlsoWhereItCouldSleep(string user)
    {
        // Crashed, and dead peer detection will not know for a long time; the new login has another IKE identity and so nothing to resume.
        using (var crashed = headend.Client(Reconnecting(user)))
            crashed.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        Assert.NotEqual(SessionStatus.Inactive, before.Status);
        using var again = headend.Client(Reconnecting(user) with { Identity = Identity($"email new-{user}") });
        again.MustLogIn();
        Assert.NotEqual(before.AcctSessionId, Assert.Single(await headend.SessionsAsync()).AcctSessionId);
        var stop = (await headend.RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        Assert.Equal(2u, NumberOf(stop, TerminateCause));
    }

    private static string Profile(string name, string dpd, params string[] more) =>
        HostYaml.UserProfile(name, $"email-domain {name}", ["accounting-list: acct-list", dpd, .. more]);

    private string Configuration() => $$"""
        {{HostYaml.Nobody(author.Yaml)}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users:
            - { name: alice@reconnect, password: wonderland }
            - { name: carol@resume, password: wonderland }
            - { name: dave@resume, password: wonderland }
            - { name: erin@short, password: wonderland }
            - { name: frank@both, password: wonderland }
            - { name: fred@one-reconnect, password: wonderland }
            - { name: gina@one-resume, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{Profile("reconnect", HostYaml.SoonAsked, "reconnect: { timeout: 30m }")}}
        {{Profile("resume", HostYaml.SoonAsked, "client-resume: { interval: 2m }")}}
        {{Profile("short", HostYaml.SoonAsked, "client-resume: { interval: 10s }")}}
        {{Profile("both", HostYaml.SoonAsked, "reconnect: { timeout: 30m }", "client-resume: { interval: 10m }")}}
        {{Profile("one-reconnect", "dpd: { interval: 10m }", "reconnect: { timeout: 30m }", "unique: deny")}}
        {{Profile("one-resume", "dpd: { interval: 10m }", "client-resume: { interval: 2m }", "unique: deny")}}
        """;
}
