using System.Text;
using Headend.Aaa.Accounting;
using Headend.Admin;
using Headend.Composition;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>
/// Sessions over a crash of the headend: a second headend starts on what the disk held at one moment of the first one. And over a stop, where the configuration keeps them.
/// </summary>
[Collection("one meter")]
public sealed class RestartHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new(new SkippingTime());
    private readonly DynamicAuthorizationClient author = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Fact]
    public async Task AClientComesBackToItsSessionAfterACrash()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync();
        var asleep = Assert.Single(await headend.SessionsAsync());
        Assert.Equal((SessionStatus.Inactive, Kept(before)), (asleep.Status, Kept(asleep)));
        Assert.Equal(1, await headend.LeasesAsync());
        Assert.Equal(new ReconnectStatisticsRecord(0, 0, 0, 0, 1), await headend.Backend.GetReconnectsAsync(CancellationToken.None));
        // Nobody else gets its address or its number.
        using var other = headend.Client(Reconnecting("dave@resume"));
        Assert.NotEqual(address, other.MustLogIn().IPv4);

        using var back = headend.Client(ByToken(client));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var after = (await headend.SessionsAsync()).Single(s => s.User == "alice@reconnect");
        Assert.Equal((SessionStatus.UpIdle, Kept(before), true), (after.Status, Kept(after), after.Reconnected));
        Assert.True(after.UptimeSeconds >= before.UptimeSeconds);
        Assert.Equal((41, null), author.Disconnect(Text(AcctSessionId, before.AcctSessionId!)));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync(before.AcctSessionId!));
    }

    [Fact]
    public async Task TheNewestTokenOutlivesCrashesAndItsEldersDoNot()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var first = Encoding.ASCII.GetString(client.Initiator.Given[Token]);
        using var second = headend.Client(ByToken(client));
        second.MustLogIn();
        using var third = headend.Client(ByToken(second));
        third.MustLogIn();
        await headend.CrashAsync();
        await headend.CrashAsync();
        using var old = headend.Client(ByToken(client, first));
        old.MustFail();
        using var fourth = headend.Client(ByToken(third));
        fourth.MustLogIn();
        await headend.CrashAsync();
        using var fifth = headend.Client(ByToken(fourth));
        fifth.MustLogIn();
        Assert.Single(await headend.SessionsAsync());
    }

    [Theory]
    [InlineData("disconnect")]
    [InlineData("clear")]
    public async Task WhatWasRevokedDoesNotComeBack(string how)
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        if (how == "disconnect")
            Assert.Equal((41, null), author.Disconnect(Text(AcctSessionId, session.AcctSessionId!)));
        else
            await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice@reconnect" }, CancellationToken.None);
        await headend.CrashAsync();
        Assert.Empty(await headend.SessionsAsync());
        using var back = headend.Client(ByToken(client));
        back.MustFail();
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync(session.AcctSessionId!));
    }

    [Fact]
    public async Task ASleepingSessionMayBeDisconnectedByTheNextHeadend()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync();
        Assert.Equal((44, null), author.Change(Text(AcctSessionId, session.AcctSessionId!), Text(Class, "another class")));
        Assert.Equal((41, null), author.Disconnect(Text(AcctSessionId, session.AcctSessionId!)));
        await headend.CrashAsync();
        Assert.Empty(await headend.SessionsAsync());
        using var back = headend.Client(ByToken(client));
        back.MustFail();
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync(session.AcctSessionId!));
        Assert.Contains("another class", Encoding.UTF8.GetString((await headend.RecordsAsync()).Last(r => r.Status == AcctStatusType.Stop).Attributes.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALoginByTheSameIdentityResumesAfterACrash()
    {
        using var client = headend.Client(Reconnecting("carol@resume"));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        using var wrong = headend.Client(Reconnecting("carol@resume", "looking-glass"));
        wrong.MustFail();
        using var back = headend.Client(Reconnecting("carol@resume"));
        Assert.Equal(address, back.MustLogIn().IPv4);
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync(before.AcctSessionId!));
    }

    [Fact]
    public async Task ATicketIsGoodAfterACrashAndOnce()
    {
        using var client = headend.Client(Reconnecting("erin@tickets") with { RequestTicket = true });
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync();
        using var back = headend.Client(ByTicket(client, Identity("email erin@tickets")));
        Assert.Equal(address, back.MustLogIn().IPv4);
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        await headend.CrashAsync();
        using var again = headend.Client(ByTicket(client, Identity("email erin@tickets")));
        again.MustFail();
        using var next = headend.Client(ByTicket(back, Identity("email erin@tickets")));
        next.MustLogIn();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
    }

    [Fact]
    public async Task WhoseTimeRanOutWhileNobodyWasThereHasAStopOfThatMoment()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync(between: () => headend.Skip(TimeSpan.FromHours(5)));
        Assert.Empty(await headend.SessionsAsync());
        using var back = headend.Client(ByToken(client));
        back.MustFail();
        var stop = (await headend.RecordsAsync()).Single(r => r.Status == AcctStatusType.Stop && r.SessionId == session.AcctSessionId);
        // RFC 2866 5.10: Acct-Terminate-Cause 2, Lost Carrier; half an hour after the crash and not five.
        Assert.Equal(2u, NumberOf(stop, TerminateCause));
        Assert.InRange(stop.EventAt - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(28), TimeSpan.FromMinutes(30));
    }

    [Fact]
    public async Task ChangesOfAuthorizationOutliveACrash()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal((44, null), author.Change(Text(AcctSessionId, session.AcctSessionId!), Number(SessionTimeout, 60)));
        await headend.CrashAsync(between: () => headend.Skip(TimeSpan.FromMinutes(2)));
        Assert.Empty(await headend.SessionsAsync());
        var stop = (await headend.RecordsAsync()).Single(r => r.Status == AcctStatusType.Stop && r.SessionId == session.AcctSessionId);
        // Session Timeout.
        Assert.Equal(5u, NumberOf(stop, TerminateCause));
    }

    [Fact]
    public async Task ASessionWithoutItsProfileEnds()
    {
        using var client = headend.Client(Reconnecting("carol@resume"));
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync(Configuration(resumeProfile: "renamed"));
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync(session.AcctSessionId!));
    }

    [Fact]
    public async Task WithoutTheKeyNobodyComesBackAndAccountingLosesNothing()
    {
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        await headend.CrashAsync(between: () => File.Delete(Path.Combine(headend.State, StoreComposition.KeyFileName)));
        Assert.Empty(await headend.SessionsAsync());
        using var back = headend.Client(ByToken(client));
        back.MustFail();
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync(session.AcctSessionId!));
    }

    [Fact]
    public async Task AStopMayKeepSessions()
    {
        await headend.CrashAsync(Configuration(atStop: "keep"));
        using var client = headend.Client(Reconnecting("alice@reconnect"));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        await headend.StopAsync();
        await headend.StartAsync();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        using var back = headend.Client(ByToken(client));
        back.MustLogIn();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.InterimUpdate, AcctStatusType.InterimUpdate], await headend.StatusesAsync(before.AcctSessionId!));
        Assert.DoesNotContain(await headend.RecordsAsync(), r => r.Status == AcctStatusType.AccountingOff);
    }

    private static string Profile(string name, string domain, string more) => HostYaml.UserProfile(name, $"email-domain {domain}", "accounting-list: acct-list", more);

    private string Configuration(string atStop = "end", string resumeProfile = "resume") => $$"""
        store: { sessions-at-stop: {{atStop}} }
        {{HostYaml.Nobody(author.Yaml)}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users:
            - { name: alice@reconnect, password: wonderland }
            - { name: carol@resume, password: wonderland }
            - { name: dave@resume, password: wonderland }
            - { name: erin@tickets, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4, dns: [10.0.0.53], route-set: ["prefix 10.10.0.0/24", "local ipv4 10.77.0.0 255.255.255.0 tag:5 distance:7"] } ]
          profiles:
        {{Profile("reconnect", "reconnect", "reconnect: { timeout: 30m }")}}
        {{Profile(resumeProfile, "resume", "client-resume: { interval: 2m }")}}
        {{Profile("tickets", "tickets", "session-resumption: { lifetime: 1h, timeout: 30m }")}}
        """;
}
