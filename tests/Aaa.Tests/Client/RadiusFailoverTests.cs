using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>Which server of a group is asked: failover, dead time, conversations, load balancing.</summary>
public sealed class RadiusFailoverTests : IAsyncLifetime
{
    private readonly ClientFixture fixture = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await fixture.DisposeAsync();

    [Fact]
    public async Task A_silent_server_fails_over_and_is_passed_over_for_its_dead_time()
    {
        var first = fixture.Serve("r1");
        var second = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var group = fixture.Group(first, second);
        var sending = fixture.SendAsync(group);
        var late = await fixture.RunDryAsync(first);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await sending).Server.Name);

        // The first server's answer after all: it belongs to nobody any more.
        first.Send(FakeRadiusServer.Accept(late.Packet), late.From);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
        Assert.False(first.HasMore);
        Assert.NotNull(fixture.Client.GetStatistics()[0].DeadUntil);

        fixture.Time.Advance(TimeSpan.FromMinutes(2));
        first.Answer = request => [FakeRadiusServer.Accept(request)];
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
        Assert.Equal(["r1 Authentication dead", "r1 Authentication alive"], fixture.Events);
        Assert.Equal(1, fixture.Client.GetStatistics()[0].Accepts);
    }

    [Fact]
    public async Task A_server_that_answers_others_is_not_dead_for_dropping_one_request()
    {
        var first = fixture.Serve("r1");
        var second = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var group = fixture.Group(first, second);
        var dropped = fixture.SendAsync(group);
        await first.NextAsync();
        first.Answer = request => [FakeRadiusServer.Accept(request)];
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
        await first.NextAsync();
        first.Answer = _ => [];
        for (var i = 0; i < first.Options.Retransmit; i++)
        {
            fixture.Time.Advance(ClientFixture.Timeout);
            await first.NextAsync();
        }
        fixture.Time.Advance(ClientFixture.Timeout);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await dropped).Server.Name);
        Assert.Null(fixture.Client.GetStatistics()[0].DeadUntil);
        Assert.DoesNotContain("r1 Authentication dead", fixture.Events);
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_at_all_fails_over()
    {
        var first = fixture.Serve("r1");
        // Nobody's address here (RFC 5737): binding to it fails, like connecting without a route.
        first.Options = first.Options with { SourceAddress = IPAddress.Parse("192.0.2.77") };
        var second = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(first, second))).Server.Name);
        second.Options = second.Options with { Name = "r3", SourceAddress = IPAddress.Parse("192.0.2.77") };
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await fixture.SendAsync(fixture.Group(first, second)));
        Assert.Equal(UnavailableReason.SocketError, unavailable.Reason);
        Assert.Contains("r1 cannot be asked", unavailable.Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retransmission_that_finds_no_source_port_ends_the_request_and_nothing_else()
    {
        await using var tight = new RadiusClient(new RadiusClientOptions { Jitter = 0, InitialPortsPerServer = 1, MaximumPortsPerServer = 1 }, fixture.Time, fixture);
        var server = fixture.Serve("r1");
        var group = tight.CreateGroup(new RadiusGroupOptions("g", [server.Options]));
        var sending = new List<Task<RadiusOutcome>>();
        for (var i = 0; i < 256; i++) sending.Add(tight.SendAsync(group, new RadiusRequest(RadiusCode.AccountingRequest).AddDelayTime(fixture.Time.GetUtcNow()), default));
        // Every identifier is in use and each retransmission wants a new one (RFC 2866 5.2).
        fixture.Time.Advance(ClientFixture.Timeout);
        while (sending.Exists(static s => !s.IsCompleted)) fixture.Time.Advance(ClientFixture.Timeout);
        Assert.All(await Task.WhenAll(sending), static outcome => Assert.IsType<RadiusOutcome.Unavailable>(outcome));
        Assert.Equal(0, tight.GetStatistics()[0].Outstanding);
    }

    [Fact]
    public async Task When_all_servers_are_dead_they_are_still_asked()
    {
        var first = fixture.Serve("r1");
        var second = fixture.Serve("r2");
        var group = fixture.Group(first, second);
        var sending = fixture.SendAsync(group);
        await fixture.RunDryAsync(first);
        await fixture.RunDryAsync(second);
        Assert.Equal(2, Assert.IsType<RadiusOutcome.Unavailable>(await sending).Attempts.Count);
        first.Answer = request => [FakeRadiusServer.Accept(request)];
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
    }

    [Fact]
    public async Task A_closed_port_fails_over_at_once_when_another_server_lives()
    {
        var closed = fixture.Serve("r1");
        closed.Dispose();
        var second = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(closed, second))).Server.Name);
        Assert.True(fixture.Client.GetStatistics()[0].Refused > 0);
    }

    [Fact]
    public async Task A_conversation_stays_with_the_server_that_began_it()
    {
        var first = fixture.Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        var second = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var request = ClientFixture.Login();
        request.ServerName = "r2";
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await fixture.Client.SendAsync(fixture.Group(first, second), request, default)).Server.Name);
        request.ServerName = "r3";
        Assert.Equal(UnavailableReason.UnknownServer, Assert.IsType<RadiusOutcome.Unavailable>(await fixture.Client.SendAsync(fixture.Group(first, second), request, default)).Reason);
    }

    [Fact]
    public async Task Load_balance_prefers_the_least_outstanding()
    {
        var first = fixture.Serve("r1");
        var second = fixture.Serve("r2");
        var group = fixture.Client.CreateGroup(new RadiusGroupOptions("g", [first.Options, second.Options]) { LoadBalance = true });
        var sent = Enumerable.Range(0, 10).Select(_ => fixture.Client.SendAsync(group, ClientFixture.Login(), default)).ToArray();
        Assert.All(fixture.Client.GetStatistics(), statistics => Assert.Equal(5, statistics.Outstanding));
        await fixture.Client.DisposeAsync();
        Assert.All(await Task.WhenAll(sent), outcome => Assert.Equal(UnavailableReason.Stopping, Assert.IsType<RadiusOutcome.Unavailable>(outcome).Reason));
    }
}
