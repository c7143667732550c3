using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>Servers that ask a person on another way before they answer: one request, one push, however long it takes.</summary>
public sealed class MfaWaitTests : IAsyncLifetime
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly ClientFixture fixture = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await fixture.DisposeAsync();

    [Fact]
    public async Task An_answer_after_75_seconds_is_taken_and_the_server_saw_one_request_while_a_thousand_others_logged_in()
    {
        var push = Push("push");
        var other = fixture.Serve("other", request => [FakeRadiusServer.Accept(request)]);
        var group = fixture.Group(push, other);
        var waiting = fixture.Client.SendAsync(group, ClientFixture.Eap(), default);
        var (packet, from) = await push.NextAsync();
        Assert.Equal((1, 1), (fixture.Client.InFlight, fixture.Client.AwaitingPeople));

        push.Answer = request => [FakeRadiusServer.Accept(request)];
        for (var second = 0; second < 75; second++)
        {
            fixture.Time.Advance(Second);
            var logins = new Task<RadiusOutcome>[14];
            for (var i = 0; i < logins.Length; i++) logins[i] = fixture.SendAsync(group);
            Assert.All(await Task.WhenAll(logins), outcome => Assert.Equal("push", Assert.IsType<RadiusOutcome.Accept>(outcome).Server.Name));
            foreach (var _ in logins) Assert.NotEqual(packet.Authenticator.ToArray(), (await push.NextAsync()).Packet.Authenticator.ToArray());
        }
        Assert.False(waiting.IsCompleted);
        push.Send(FakeRadiusServer.Accept(packet), from);
        Assert.IsType<RadiusOutcome.Accept>(await waiting);
        Assert.False(push.HasMore);
        Assert.False(other.HasMore);
        Assert.Equal(0, fixture.Statistics("push").Retransmissions);
        Assert.Equal(0, fixture.Client.AwaitingPeople);
    }

    [Fact]
    public async Task When_the_wait_is_over_nobody_else_is_asked()
    {
        var push = Push("push");
        var other = fixture.Serve("other", request => [FakeRadiusServer.Accept(request)]);
        var sending = fixture.SendAsync(fixture.Group(push, other));
        await push.NextAsync();
        fixture.Time.Advance(TimeSpan.FromSeconds(89));
        Assert.False(sending.IsCompleted);
        fixture.Time.Advance(2 * Second);
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await sending);
        Assert.Equal(UnavailableReason.MfaWaitOver, unavailable.Reason);
        Assert.Contains("push was asked 1 time", unavailable.Explain(), StringComparison.Ordinal);
        Assert.False(push.HasMore);
        Assert.False(other.HasMore);
    }

    [Fact]
    public async Task A_closed_port_asked_nobody_so_the_next_server_may()
    {
        var push = Push("push");
        push.Dispose();
        var other = fixture.Serve("other", request => [FakeRadiusServer.Accept(request)]);
        Assert.Equal("other", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(push, other))).Server.Name);
    }

    [Fact]
    public async Task A_port_that_closes_later_leaves_the_waiting_where_they_are()
    {
        await using var narrow = new ClientFixture(new RadiusClientOptions { InitialPortsPerServer = 1, MaximumPortsPerServer = 1 });
        var push = narrow.Serve("push");
        push.Options = push.Options with { MfaWait = TimeSpan.FromSeconds(90) };
        var other = narrow.Serve("other", request => [FakeRadiusServer.Accept(request)]);
        var group = narrow.Group(push, other);
        var waiting = narrow.SendAsync(group);
        await push.NextAsync();
        narrow.Time.Advance(10 * Second);
        push.Dispose();
        // Over the same source port: its refusal says nothing about the request that had arrived.
        Assert.Equal("other", Assert.IsType<RadiusOutcome.Accept>(await narrow.SendAsync(group)).Server.Name);
        await other.NextAsync();
        Assert.False(waiting.IsCompleted);
        narrow.Time.Advance(81 * Second);
        Assert.Equal(UnavailableReason.MfaWaitOver, Assert.IsType<RadiusOutcome.Unavailable>(await waiting).Reason);
        Assert.False(other.HasMore);
    }

    [Fact]
    public async Task Without_another_server_a_refused_request_goes_again_because_it_asked_nobody()
    {
        var push = Push("push");
        push.Dispose();
        var sending = fixture.SendAsync(fixture.Group(push));
        for (var refused = 1; refused <= push.Options.Retransmit + 1; refused++)
        {
            var wanted = refused;
            await ClientFixture.UntilAsync(() => fixture.Statistics("push").Refused >= wanted);
            fixture.Time.Advance(TimeSpan.FromSeconds(5.01));
        }
        Assert.Equal(UnavailableReason.NoAnswer, Assert.IsType<RadiusOutcome.Unavailable>(await sending).Reason);
        Assert.Equal(2, fixture.Statistics("push").Retransmissions);
    }

    [Fact]
    public async Task Authorization_and_accounting_keep_their_own_timers()
    {
        var push = Push("push");
        push.Options = push.Options with
        {
            Authorization = new RadiusTimers(TimeSpan.FromSeconds(2), 1, TimeSpan.FromSeconds(2)),
            Accounting = new RadiusTimers(TimeSpan.FromSeconds(1), 3, TimeSpan.FromSeconds(4)),
        };
        var group = fixture.Group(push);
        var authorization = fixture.Client.SendAsync(group, new RadiusRequest(RadiusCode.AccessRequest) { Phase = RadiusPhase.Authorization }, default);
        await push.NextAsync();
        fixture.Time.Advance(TimeSpan.FromSeconds(2.01));
        await push.NextAsync();
        fixture.Time.Advance(TimeSpan.FromSeconds(2.01));
        Assert.Equal(UnavailableReason.NoAnswer, Assert.IsType<RadiusOutcome.Unavailable>(await authorization).Reason);

        // RFC 5080 2.2.1: doubled up to MRT: 1, 2, 4, 4.
        var accounting = fixture.Client.SendAsync(group, new RadiusRequest(RadiusCode.AccountingRequest), default);
        await push.NextAsync();
        foreach (var wait in (double[])[1, 2, 4])
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(wait - 0.02));
            Assert.False(push.HasMore);
            fixture.Time.Advance(TimeSpan.FromSeconds(0.04));
            await push.NextAsync();
        }
        fixture.Time.Advance(TimeSpan.FromSeconds(4.01));
        Assert.IsType<RadiusOutcome.Unavailable>(await accounting);
    }

    private FakeRadiusServer Push(string name)
    {
        var server = fixture.Serve(name);
        server.Options = server.Options with { MfaWait = TimeSpan.FromSeconds(90) };
        return server;
    }
}
