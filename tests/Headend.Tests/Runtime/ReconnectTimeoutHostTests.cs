using Headend.Aaa.Accounting;
using Headend.Admin;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>The reconnect timeout, 10 minutes at least, in a process that lives on; the clock skips most of it.</summary>
[Collection("one meter")]
public sealed class ReconnectTimeoutHostTests : IAsyncLifetime
{
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private readonly LiveHeadend headend = new(new SkippingTime());

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    /// <summary>The chapter: once the session was inactive for the reconnect timeout it is cleared, with its accounting; RFC 2866 5.10: 2, Lost Carrier, and 4, Idle Timeout, where AAA's limit ran out first.</summary>
    [Theory]
    [InlineData("alice", 600, 2)]
    [InlineData("ida", 240, 4)]
    public async Task ATokenThatComesTooLateIsRefusedAndALoginWorks(string user, int limit, int cause)
    {
        using var client = Client(user);
        client.MustLogIn();
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        headend.Skip(TimeSpan.FromSeconds(limit) - Margin);
        await headend.PokeAsync();
        Assert.Equal((SessionStatus.Inactive, asleep.AcctSessionId), Told(Assert.Single(await headend.SessionsAsync())));
        headend.Skip(Margin);
        await headend.NoneAsync();
        Assert.Equal(0, await headend.LeasesAsync());

        using (var back = headend.Client(ByToken(client)))
            back.MustBeRefused();
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal(new ReconnectStatisticsRecord(1, 0, 1, 0, 0), await headend.Backend.GetReconnectsAsync(CancellationToken.None));
        Assert.Contains("no session has this reconnect session-id", headend.Log.Text, StringComparison.Ordinal);

        using var anew = Client(user);
        anew.MustLogIn();
        Assert.NotEqual(asleep.AcctSessionId, Assert.Single(await headend.SessionsAsync()).AcctSessionId);
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync());
        var stop = (await headend.RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        Assert.Equal(asleep.AcctSessionId, TextOf(stop, AcctSessionId));
        Assert.Equal(cause, (int)NumberOf(stop, TerminateCause));
        Assert.InRange((int)NumberOf(stop, AcctSessionTime), limit, limit + 120);
    }

    /// <summary>And one that comes in time is good: what the timeout was to do is not done to the session that is up again, whose next silence has the whole timeout anew.</summary>
    [Fact]
    public async Task ATokenThatComesInTimeIsGoodAndTheTimeoutBeginsAnewWithTheNextSilence()
    {
        using var client = Client("alice");
        client.MustLogIn();
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        headend.Skip(TimeSpan.FromSeconds(600) - Margin);
        using (var back = headend.Client(ByToken(client)))
        {
            back.MustLogIn();
            using var over = new CancellationTokenSource();
            var serving = back.ServeAsync(over.Token);
            headend.Skip(Margin + Margin);
            await headend.PokeAsync();
            var session = Assert.Single(await headend.SessionsAsync());
            Assert.NotEqual(SessionStatus.Inactive, session.Status);
            Assert.Equal(asleep.AcctSessionId, session.AcctSessionId);
            await over.CancelAsync();
            await serving;
        }

        await headend.AsleepAsync();
        headend.Skip(TimeSpan.FromSeconds(600) - Margin);
        await headend.PokeAsync();
        Assert.Equal((SessionStatus.Inactive, asleep.AcctSessionId), Told(Assert.Single(await headend.SessionsAsync())));
        headend.Skip(Margin);
        await headend.NoneAsync();
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await headend.StatusesAsync());
    }

    private static (string, string?) Told(SessionRecord session) => (session.Status, session.AcctSessionId);

    private LoopbackClient Client(string user) => headend.Client(Reconnecting(user) with { Identity = Identity($"fqdn {user}") });

    private static string Configuration() => $$"""
        {{HostYaml.Nobody()}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users: [ { name: alice, password: wonderland }, { name: ida, password: wonderland, attribute-list: idle } ]
          attribute-lists: [ { name: idle, attributes: [Idle-Timeout=240] } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.Profile(
            "laptops", "any", HostYaml.Eap, "authentication-list: local-list", "accounting-list: acct-list",
            "authorization: { user: { cached: true }, group: { list: local-list, name: staff } }", HostYaml.SoonAsked, "reconnect: { timeout: 600s }")}}
        """;
}
