using Headend.Admin;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;

namespace Headend.Tests.Runtime;

/// <summary>Session resumption by ticket (RFC 5723) through the whole headend: what the session keeps, and every way in which a ticket is no good any more.</summary>
[Collection("one meter")]
public sealed class TicketHostTests : IAsyncLifetime
{
    private const string Alice = "alice@tickets";
    private const string Both = "alice@both";

    private readonly LiveHeadend headend = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Fact]
    public async Task AfterSleepAResumptionGoesOnWithEverythingThatTheSessionHad()
    {
        using var client = headend.Client(User(Alice));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        Assert.Equal(Kept(before), Kept(await headend.AsleepAsync()));

        using var back = headend.Client(Ticket(client));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var after = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(Kept(before), Kept(after));
        Assert.True(after.Reconnected);
        Assert.Equal(before.Authentication, after.Authentication);
        Assert.Contains("ticket", after.IkeSa!.Capabilities);
        Assert.Equal(1, await headend.LeasesAsync());

        using var again = headend.Client(Ticket(client));
        Nacked(again);
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
    }

    [Fact]
    public async Task AClientThatChangedItsNetworkTakesItsLiveSessionOver()
    {
        var current = headend.Client(User(Alice));
        current.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        for (var i = 0; i < 6; i++)
        {
            // Through whichever shard.
            var back = headend.Client(Ticket(current));
            back.MustLogIn();
            current.Dispose();
            current = back;
            Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        }

        current.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASessionThatWasClearedRefusesItsTicketAndALoginWorks(bool asleep)
    {
        using var client = headend.Client(User(Alice));
        client.MustLogIn();
        client.Dispose();
        if (asleep)
            await headend.AsleepAsync();
        Assert.Equal(1, (await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = Alice }, CancellationToken.None)).Cleared);
        await headend.NoneAsync();
        using var back = headend.Client(Ticket(client));
        Nacked(back);
        using var anew = headend.Client(User(Alice));
        anew.MustLogIn();
    }

    [Fact]
    public async Task OfSeveralAtOnceWithOneTicketOneResumes()
    {
        using var client = headend.Client(User(Alice));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        await headend.AsleepAsync();
        var clients = Enumerable.Range(0, 6).Select(_ => headend.Client(Ticket(client))).ToList();
        var outcomes = await Task.WhenAll(clients.Select(c => Task.Run(c.Login)));
        Assert.Single(outcomes.OfType<InitiatorOutcome.Established>());
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        clients.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task AForgerWhoSawTheTicketChangesNothing()
    {
        using var client = headend.Client(User(Alice));
        client.MustLogIn();
        client.Dispose();
        await headend.AsleepAsync();
        var ticket = client.Initiator.Ticket!;
        using var forger = headend.Client(Ticket(client) with { Ticket = ticket with { SkD = new byte[ticket.SkD.Length] }, LoginTimeout = TimeSpan.FromSeconds(3) });
        forger.MustFail();
        var altered = ticket.Octets.ToArray();
        altered[^1] ^= 1;
        using var other = headend.Client(Ticket(client) with { Ticket = ticket with { Octets = altered } });
        Nacked(other);
        using var back = headend.Client(Ticket(client));
        back.MustLogIn();
    }

    /// <summary>What the client has of one kind stays good when it comes back by the other and asks for nothing, also against a session that is up.</summary>
    [Fact]
    public async Task TokenAndTicketOfOneSessionOutliveAReturnByTheOther()
    {
        using var client = headend.Client(User(Both) with { ReconnectAttributes = Reconnects });
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        using var byTicket = headend.Client(Ticket(client, Both) with { RequestTicket = false });
        byTicket.MustLogIn();
        using var byToken = headend.Client(SilentByToken(client) with { RequestTicket = true });
        byToken.MustLogIn();
        using var again = headend.Client(SilentByToken(client));
        again.MustLogIn();
        again.Dispose();
        Assert.Equal(Kept(before), Kept(await headend.AsleepAsync()));

        // Of the return before the last, which spent none; the ticket says how its user was authenticated.
        using var last = headend.Client(Ticket(byToken, Both) with { ReconnectAttributes = Reconnects });
        last.MustLogIn();
        var after = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(Kept(before), Kept(after));
        Assert.Equal(before.Authentication, after.Authentication);
        Assert.Contains(Token, last.Initiator.Given.Keys);
    }

    [Fact]
    public async Task ATokenOutlivesAReturnByLogin()
    {
        using var client = headend.Client(User(Both) with { ReconnectAttributes = Reconnects });
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        using var anew = headend.Client(User(Both) with { InitialContact = true, RequestTicket = false });
        anew.MustLogIn();
        var resumed = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(Kept(before), Kept(resumed));
        using var back = headend.Client(SilentByToken(client));
        back.MustLogIn();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
    }

    private static void Nacked(LoopbackClient client) => Assert.Equal(NotifyType.TicketNack, client.MustFail().Notify);

    private static TestInitiatorOptions User(string name) => ByPassword(name, "wonderland") with { RequestTicket = true };

    private static TestInitiatorOptions Ticket(LoopbackClient client, string name = Alice) => ByTicket(client, Identity($"email {name}"));

    private static TestInitiatorOptions SilentByToken(LoopbackClient client) => ByToken(client) with { ReconnectAttributes = null };

    private static string Profile(string name, params string[] more) =>
        HostYaml.UserProfile(name, $"email-domain {name}", [HostYaml.SoonAsked, "session-resumption: { lifetime: 8h, timeout: 30m }", .. more]);

    private static string Configuration() => $$"""
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: {{Alice}}, password: wonderland }, { name: {{Both}}, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{Profile("tickets")}}
        {{Profile("both", "reconnect: { timeout: 30m }", "client-resume: { interval: 2m }")}}
        """;
}
