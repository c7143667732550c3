using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>Zombie, dead and back by Status-Server (RFC 5997, RFC 3539 3.4.1).</summary>
public sealed class StatusServerTests : IAsyncLifetime
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5.01);
    private readonly ClientFixture fixture = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await fixture.DisposeAsync();

    [Fact]
    public async Task A_missing_answer_makes_a_zombie_that_an_answered_probe_brings_back()
    {
        var server = Probed("r1");
        var other = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var group = fixture.Group(server, other);
        var lost = fixture.SendAsync(group);
        await server.NextAsync();
        server.Answer = StatusOnly;
        fixture.Time.Advance(Timeout);
        await ClientFixture.UntilAsync(() => fixture.Statistics("r1").ProbesAnswered == 1);
        await ClientFixture.UntilAsync(() => fixture.Events.Count == 2);
        Assert.Equal(["r1 Authentication silent", "r1 Authentication alive"], fixture.Events);
        Assert.Equal(RadiusServerState.Alive, fixture.Statistics("r1").Authentication);
        Assert.False(lost.IsCompleted);
    }

    [Fact]
    public async Task Probes_without_answer_make_the_dead_and_three_answers_in_a_row_the_living()
    {
        var server = Probed("r1");
        var other = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var group = fixture.Group(server, other);
        var lost = fixture.SendAsync(group);
        var login = await server.NextAsync();
        fixture.Time.Advance(Timeout);
        Assert.Equal(RadiusServerState.Zombie, fixture.Statistics("r1").Authentication);
        // A zombie is passed over.
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
        var identifiers = new HashSet<(IPEndPoint, byte, string)>();
        for (var probe = 0; probe < 3; probe++)
        {
            var status = await NextStatusAsync(server);
            // RFC 5997 3: each has a new identifier or authenticator, and a Message-Authenticator.
            Assert.True(identifiers.Add((status.From, status.Packet.Identifier, Convert.ToHexString(status.Packet.Authenticator))));
            Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(status.Packet, FakeRadiusServer.Secret, requireMessageAuthenticator: true));
            Assert.Equal(RadiusServerState.Zombie, fixture.Statistics("r1").Authentication);
            fixture.Time.Advance(Timeout);
            var sent = probe + 1;
            await fixture.UntilTimersAsync(() => fixture.Statistics("r1").Probes > sent || fixture.Events.Contains("r1 Authentication dead"));
        }
        Assert.Equal(["r1 Authentication silent", "r1 Authentication dead"], fixture.Events);
        // The login before it went through its retransmissions meanwhile.
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await lost).Server.Name);
        // Longer than any dead-time: only an answer ends this death.
        server.Answer = StatusOnly;
        for (var answered = 1; answered <= 3; answered++)
        {
            Assert.Equal(RadiusServerState.Dead, fixture.Statistics("r1").Authentication);
            var wanted = answered;
            for (var i = 0; i < 60 && fixture.Statistics("r1").ProbesAnswered < wanted; i++)
            {
                fixture.Time.Advance(TimeSpan.FromSeconds(1));
                await Task.Delay(5);
            }
            await ClientFixture.UntilAsync(() => fixture.Statistics("r1").ProbesAnswered == wanted);
        }
        await ClientFixture.UntilAsync(() => fixture.Events.Count == 3);
        Assert.Equal("r1 Authentication alive", fixture.Events.Last());
        Assert.NotNull(login.Packet);
    }

    [Fact]
    public async Task A_server_that_knows_no_status_server_is_never_judged_by_it()
    {
        var server = fixture.Serve("r1");
        server.Options = server.Options with { StatusServer = StatusServerRule.Auto };
        var group = fixture.Group(server);
        for (var probe = 1; probe <= 3; probe++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(31));
            var sent = 2 * probe;
            await ClientFixture.UntilAsync(() => fixture.Statistics("r1").Probes >= sent || fixture.Statistics("r1").Probes == 6);
            fixture.Time.Advance(Timeout);
            await Task.Delay(20);
        }
        fixture.Time.Advance(TimeSpan.FromHours(1));
        // Authentication and accounting, three each.
        Assert.Equal(6, fixture.Statistics("r1").Probes);
        Assert.Empty(fixture.Events);
        var sending = fixture.SendAsync(group);
        for (var i = 0; i <= server.Options.Retransmit; i++)
        {
            while ((await server.NextAsync()).Packet.Code == RadiusCode.StatusServer)
            {
            }
            fixture.Time.Advance(Timeout);
        }
        await sending;
        Assert.Equal(["r1 Authentication dead"], fixture.Events);
    }

    [Fact]
    public async Task Authentication_and_accounting_die_apart()
    {
        var server = fixture.Serve("r1", request => request.Code == RadiusCode.AccessRequest ? [FakeRadiusServer.Accept(request)] : []);
        var group = fixture.Group(server);
        var record = fixture.Client.SendAsync(group, new RadiusRequest(RadiusCode.AccountingRequest), default);
        for (var i = 0; i <= server.Options.Retransmit; i++)
        {
            await server.NextAsync();
            Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
            await server.NextAsync();
            fixture.Time.Advance(Timeout);
        }
        Assert.IsType<RadiusOutcome.Unavailable>(await record);
        var statistics = fixture.Statistics("r1");
        Assert.Equal((RadiusServerState.Alive, RadiusServerState.Dead), (statistics.Authentication, statistics.Accounting));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_probe_on_request_measures_the_answer(bool accounting)
    {
        var code = accounting ? RadiusCode.AccountingResponse : RadiusCode.AccessAccept;
        var server = fixture.Serve("r1", request => [Wire.Reply(request, code, FakeRadiusServer.Secret, messageAuthenticator: false)]);
        Assert.NotNull(await fixture.Client.ProbeAsync(fixture.Group(server), "r1", accounting));
        var statistics = fixture.Statistics("r1");
        Assert.Equal((1, 1, 0, 0), (statistics.Probes, statistics.ProbesAnswered, statistics.Requests, statistics.Accepts));
    }

    [Fact]
    public async Task Requests_leave_by_the_configured_interface()
    {
        var server = fixture.Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        server.Options = server.Options with { SourceInterface = "lo" };
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(server)));
        var absent = fixture.Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        absent.Options = absent.Options with { SourceInterface = "no-such-device" };
        Assert.Equal(UnavailableReason.SocketError, Assert.IsType<RadiusOutcome.Unavailable>(await fixture.SendAsync(fixture.Group(absent))).Reason);
    }

    [Fact]
    public async Task Load_goes_to_the_server_with_the_fewest_requests_outstanding()
    {
        var (first, second) = (fixture.Serve("r1"), fixture.Serve("r2"));
        var group = fixture.Client.CreateGroup(new RadiusGroupOptions("g", [first.Options, second.Options]) { LoadBalance = true });
        var waiting = new List<Task<RadiusOutcome>>();
        for (var i = 0; i < 10; i++) waiting.Add(fixture.SendAsync(group));
        for (var i = 0; i < 5; i++)
        {
            await first.NextAsync();
            await second.NextAsync();
        }
        Assert.Equal((5, 5), (fixture.Statistics("r1").Outstanding, fixture.Statistics("r2").Outstanding));
    }

    [Fact]
    public void Timeouts_are_spread_by_a_tenth_to_either_side()
    {
        // RFC 5080 2.2.1: RAND is uniformly distributed between -0.1 and +0.1.
        var span = TimeSpan.FromSeconds(10);
        var spread = Enumerable.Range(0, 2000).Select(_ => RadiusServer.Jittered(span, 0.1)).ToList();
        Assert.All(spread, s => Assert.InRange(s.TotalSeconds, 9, 11));
        Assert.True(spread.Min() < TimeSpan.FromSeconds(9.2) && spread.Max() > TimeSpan.FromSeconds(10.8), $"{spread.Min()} to {spread.Max()}");
    }

    private static IEnumerable<byte[]> StatusOnly(RadiusPacket request)
        => request.Code == RadiusCode.StatusServer ? [Wire.Reply(request, RadiusCode.AccessAccept, FakeRadiusServer.Secret, true)] : [];

    private static async Task<(RadiusPacket Packet, IPEndPoint From)> NextStatusAsync(FakeRadiusServer server)
    {
        while (true)
        {
            var next = await server.NextAsync();
            if (next.Packet.Code == RadiusCode.StatusServer) return next;
        }
    }

    private FakeRadiusServer Probed(string name)
    {
        var server = fixture.Serve(name);
        server.Options = server.Options with { StatusServer = StatusServerRule.On };
        return server;
    }
}
