using System.Diagnostics;
using System.Net;
using System.Threading.Channels;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

public sealed class RadiusClientTests : IAsyncLifetime, IRadiusObserver
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5.01);
    private readonly ManualTimeProvider time = new();
    private readonly Channel<RadiusError> ignored = Channel.CreateUnbounded<RadiusError>();
    private readonly List<IDisposable> servers = [];
    private readonly List<string> events = [];
    private RadiusClient client = null!;

    public Task InitializeAsync()
    {
        client = new RadiusClient(new RadiusClientOptions { Jitter = 0 }, time, this);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        foreach (var server in servers) server.Dispose();
    }

    void IRadiusObserver.ReplyIgnored(string server, RadiusError reason) => ignored.Writer.TryWrite(reason);

    void IRadiusObserver.ServerDead(string server, RadiusService service, DateTimeOffset? until) => events.Add($"{server} dead");

    void IRadiusObserver.ServerAlive(string server, RadiusService service) => events.Add($"{server} alive");

    [Fact]
    public async Task An_accept_comes_back_verified_with_its_server()
    {
        var server = Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        var accept = Assert.IsType<RadiusOutcome.Accept>(await SendAsync(Group(server)));
        Assert.Equal("r1", accept.Server.Name);
        var statistics = Assert.Single(client.GetStatistics());
        Assert.Equal((1, 1, 0, 0), (statistics.Requests, statistics.Accepts, statistics.Retransmissions, statistics.Outstanding));
        Assert.NotNull(statistics.SmoothedRoundTrip);
    }

    [Theory]
    [InlineData(3, typeof(RadiusOutcome.Reject))]
    [InlineData(11, typeof(RadiusOutcome.Challenge))]
    public async Task Rejects_and_challenges_are_answers(byte code, Type expected)
    {
        var server = Serve("r1", request => [Wire.Reply(request, new RadiusCode(code), FakeRadiusServer.Secret, true)]);
        Assert.IsType(expected, await SendAsync(Group(server)));
    }

    [Fact]
    public async Task Lost_requests_are_sent_again_unchanged()
    {
        var server = Serve("r1");
        var sending = SendAsync(Group(server));
        var first = await server.NextAsync();
        time.Advance(Timeout);
        var second = await server.NextAsync();
        // RFC 2865 2.5: a retransmission has the same source port, Identifier and Request Authenticator.
        Assert.Equal(first.Packet.Octets.ToArray(), second.Packet.Octets.ToArray());
        Assert.Equal(first.From, second.From);
        server.Send(FakeRadiusServer.Accept(second.Packet), second.From);
        Assert.IsType<RadiusOutcome.Accept>(await sending);
        Assert.Equal(1, client.GetStatistics()[0].Retransmissions);
    }

    [Fact]
    public async Task Silence_ends_as_unavailable_after_the_configured_transmissions()
    {
        var server = Serve("r1");
        var sending = SendAsync(Group(server));
        for (var i = 0; i < 3; i++)
        {
            await server.NextAsync();
            Assert.False(sending.IsCompleted);
            time.Advance(Timeout);
        }
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await sending);
        Assert.Equal(UnavailableReason.NoAnswer, unavailable.Reason);
        Assert.Equal("no RADIUS server answered; r1 was asked 3 times", unavailable.Explain());
        Assert.False(server.HasMore);
        Assert.Equal(["r1 dead"], events);
    }

    [Fact]
    public async Task Duplicate_and_unasked_replies_are_counted_and_ignored()
    {
        var server = Serve("r1", request => [FakeRadiusServer.Accept(request), FakeRadiusServer.Accept(request)]);
        var group = Group(server);
        Assert.IsType<RadiusOutcome.Accept>(await SendAsync(group));
        Assert.IsType<RadiusOutcome.Accept>(await SendAsync(group));
        Assert.Equal(2, client.GetStatistics()[0].Accepts);
        Assert.Equal(0, client.InFlight);
    }

    [Fact]
    public async Task A_wrong_secret_is_explained_and_the_wait_goes_on()
    {
        using var wrong = RadiusSecret.FromText("other");
        var server = Serve("r1", request => [Wire.Reply(request, RadiusCode.AccessAccept, wrong, true)]);
        var sending = SendAsync(Group(server));
        for (var i = 0; i < 3; i++)
        {
            await server.NextAsync();
            Assert.Equal(RadiusError.BadAuthenticator, await NextIgnoredAsync());
            Assert.False(sending.IsCompleted);
            time.Advance(Timeout);
        }
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await sending);
        Assert.Contains("3 replies failed their Response Authenticator: is the secret right?", unavailable.Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_forged_reply_before_the_true_one_does_no_harm()
    {
        using var wrong = RadiusSecret.FromText("other");
        var server = Serve("r1", request =>
        [
            Wire.Reply(request, RadiusCode.AccessReject, wrong, true),
            [2, request.Identifier, 0, 22, .. new byte[16], 1, 0],
            Wire.Reply(request, RadiusCode.AccountingResponse, FakeRadiusServer.Secret, false),
            FakeRadiusServer.Accept(request),
        ]);
        Assert.IsType<RadiusOutcome.Accept>(await SendAsync(Group(server)));
        var statistics = client.GetStatistics()[0];
        Assert.Equal((1, 1, 1), (statistics.BadAuthenticators, statistics.MalformedReplies, statistics.UnexpectedReplies));
    }

    [Theory]
    [InlineData(MessageAuthenticatorRule.Always, false, false)]
    [InlineData(MessageAuthenticatorRule.Always, true, false)]
    [InlineData(MessageAuthenticatorRule.Eap, false, true)]
    [InlineData(MessageAuthenticatorRule.Eap, true, false)]
    [InlineData(MessageAuthenticatorRule.Off, true, true)]
    public async Task Replies_without_message_authenticator_are_taken_only_where_allowed(MessageAuthenticatorRule rule, bool eap, bool taken)
    {
        // CVE-2024-3596; RFC 3579 3.2: "Access-Challenge, Access-Accept, and Access-Reject packets including EAP-Message attribute(s) without a
        // Message-Authenticator attribute SHOULD be silently discarded".
        var server = Serve("r1", request => [Wire.Reply(request, RadiusCode.AccessAccept, FakeRadiusServer.Secret, false)]);
        server.Options = server.Options with { RequireMessageAuthenticator = rule, Retransmit = 0 };
        var request = Login();
        if (eap) request.AddEapMessage([2, 1, 0, 5, 1]);
        var sending = client.SendAsync(Group(server), request, default);
        if (!taken)
        {
            Assert.Equal(RadiusError.MissingMessageAuthenticator, await NextIgnoredAsync());
            time.Advance(Timeout);
            Assert.Contains("1 replies lacked Message-Authenticator", Assert.IsType<RadiusOutcome.Unavailable>(await sending).Explain(), StringComparison.Ordinal);
            return;
        }
        Assert.IsType<RadiusOutcome.Accept>(await sending);
    }

    [Fact]
    public async Task A_silent_server_fails_over_and_is_passed_over_for_its_dead_time()
    {
        var first = Serve("r1");
        var second = Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var group = Group(first, second);
        var sending = SendAsync(group);
        var late = await RunDryAsync(first);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await sending).Server.Name);

        // The first server's answer after all: it belongs to nobody any more.
        first.Send(FakeRadiusServer.Accept(late.Packet), late.From);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await SendAsync(group)).Server.Name);
        Assert.False(first.HasMore);
        Assert.NotNull(client.GetStatistics()[0].DeadUntil);

        time.Advance(TimeSpan.FromMinutes(2));
        first.Answer = request => [FakeRadiusServer.Accept(request)];
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await SendAsync(group)).Server.Name);
        Assert.Equal(["r1 dead", "r1 alive"], events);
        Assert.Equal(1, client.GetStatistics()[0].Accepts);
    }

    [Fact]
    public async Task A_server_that_answers_others_is_not_dead_for_dropping_one_request()
    {
        var first = Serve("r1");
        var second = Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var group = Group(first, second);
        var dropped = SendAsync(group);
        await first.NextAsync();
        first.Answer = request => [FakeRadiusServer.Accept(request)];
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await SendAsync(group)).Server.Name);
        await first.NextAsync();
        first.Answer = _ => [];
        for (var i = 0; i < first.Options.Retransmit; i++)
        {
            time.Advance(Timeout);
            await first.NextAsync();
        }
        time.Advance(Timeout);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await dropped).Server.Name);
        Assert.Null(client.GetStatistics()[0].DeadUntil);
        Assert.Empty(events);
    }

    [Fact]
    public async Task A_server_that_cannot_be_reached_at_all_fails_over()
    {
        var first = Serve("r1");
        // Nobody's address here (RFC 5737): binding to it fails, like connecting without a route.
        first.Options = first.Options with { SourceAddress = IPAddress.Parse("192.0.2.77") };
        var second = Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await SendAsync(Group(first, second))).Server.Name);
        second.Options = second.Options with { Name = "r3", SourceAddress = IPAddress.Parse("192.0.2.77") };
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await SendAsync(Group(first, second)));
        Assert.Equal(UnavailableReason.SocketError, unavailable.Reason);
        Assert.Contains("r1 cannot be asked", unavailable.Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_retransmission_that_finds_no_source_port_ends_the_request_and_nothing_else()
    {
        await using var tight = new RadiusClient(new RadiusClientOptions { Jitter = 0, InitialPortsPerServer = 1, MaximumPortsPerServer = 1 }, time, this);
        var server = Serve("r1");
        var group = tight.CreateGroup(new RadiusGroupOptions("g", [server.Options]));
        var sending = new List<Task<RadiusOutcome>>();
        for (var i = 0; i < 256; i++) sending.Add(tight.SendAsync(group, new RadiusRequest(RadiusCode.AccountingRequest).AddDelayTime(time.GetUtcNow()), default));
        // Every identifier is in use and each retransmission wants a new one (RFC 2866 5.2).
        time.Advance(Timeout);
        while (sending.Exists(static s => !s.IsCompleted)) time.Advance(Timeout);
        Assert.All(await Task.WhenAll(sending), static outcome => Assert.IsType<RadiusOutcome.Unavailable>(outcome));
        Assert.Equal(0, tight.GetStatistics()[0].Outstanding);
    }

    [Fact]
    public async Task When_all_servers_are_dead_they_are_still_asked()
    {
        var first = Serve("r1");
        var second = Serve("r2");
        var group = Group(first, second);
        var sending = SendAsync(group);
        await RunDryAsync(first);
        await RunDryAsync(second);
        Assert.Equal(2, Assert.IsType<RadiusOutcome.Unavailable>(await sending).Attempts.Count);
        first.Answer = request => [FakeRadiusServer.Accept(request)];
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await SendAsync(group)).Server.Name);
    }

    [Fact]
    public async Task A_closed_port_fails_over_at_once_when_another_server_lives()
    {
        var closed = Serve("r1");
        closed.Dispose();
        var second = Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await SendAsync(Group(closed, second))).Server.Name);
        Assert.True(client.GetStatistics()[0].Refused > 0);
    }

    [Fact]
    public async Task A_conversation_stays_with_the_server_that_began_it()
    {
        var first = Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        var second = Serve("r2", request => [FakeRadiusServer.Accept(request)]);
        var request = Login();
        request.ServerName = "r2";
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await client.SendAsync(Group(first, second), request, default)).Server.Name);
        request.ServerName = "r3";
        Assert.Equal(UnavailableReason.UnknownServer, Assert.IsType<RadiusOutcome.Unavailable>(await client.SendAsync(Group(first, second), request, default)).Reason);
    }

    [Fact]
    public async Task Load_balance_prefers_the_least_outstanding()
    {
        var first = Serve("r1");
        var second = Serve("r2");
        var group = client.CreateGroup(new RadiusGroupOptions("g", [first.Options, second.Options]) { LoadBalance = true });
        var sent = Enumerable.Range(0, 10).Select(_ => client.SendAsync(group, Login(), default)).ToArray();
        Assert.All(client.GetStatistics(), statistics => Assert.Equal(5, statistics.Outstanding));
        await client.DisposeAsync();
        Assert.All(await Task.WhenAll(sent), outcome => Assert.Equal(UnavailableReason.Stopping, Assert.IsType<RadiusOutcome.Unavailable>(outcome).Reason));
    }

    [Fact]
    public async Task Five_thousand_requests_are_in_flight_over_several_sockets()
    {
        const int count = 5000;
        var pending = new List<(RadiusPacket Packet, IPEndPoint From)>();
        var server = Serve("r1");
        server.Options = server.Options with { Retransmit = 20 };
        var group = Group(server);
        var sent = Enumerable.Range(0, count).Select(_ => client.SendAsync(group, Login(), default)).ToArray();
        Assert.Equal(count, client.InFlight);
        var statistics = client.GetStatistics()[0];
        Assert.Equal(count, statistics.Outstanding);
        Assert.InRange(statistics.SourcePorts, (count + 255) / 256, 30);

        var seen = new HashSet<(IPEndPoint, byte)>();
        while (seen.Count < count)
        {
            // What the kernel dropped for want of buffer comes with the next retransmission; what it still holds needs only a moment.
            if (!server.HasMore) await Task.Delay(20);
            if (!server.HasMore) time.Advance(Timeout);
            pending.Add(await server.NextAsync());
            seen.Add((pending[^1].From, pending[^1].Packet.Identifier));
        }
        var ports = pending.Select(p => p.From.Port).Distinct().Count();
        Assert.True(ports >= 20, $"{ports} ports");
        server.Answer = request => [FakeRadiusServer.Accept(request)];
        foreach (var (packet, from) in pending) server.Send(FakeRadiusServer.Accept(packet), from);
        var all = Task.WhenAll(sent);
        while (!all.IsCompleted)
        {
            var before = client.InFlight;
            await Task.Delay(20);
            while (server.HasMore) await server.NextAsync();
            if (client.InFlight == before) time.Advance(Timeout);
        }
        Assert.All(await all, outcome => Assert.IsType<RadiusOutcome.Accept>(outcome));
        Assert.Equal(0, client.GetStatistics()[0].Outstanding);
    }

    [Fact]
    public async Task The_bound_on_requests_in_flight_answers_at_once()
    {
        await using var small = new RadiusClient(new RadiusClientOptions { MaximumInFlight = 1 }, time);
        var group = small.CreateGroup(new RadiusGroupOptions("g", [Serve("r1").Options]));
        var first = small.SendAsync(group, Login(), default);
        var second = await small.SendAsync(group, Login(), default);
        Assert.Equal(UnavailableReason.TooManyInFlight, Assert.IsType<RadiusOutcome.Unavailable>(second).Reason);
        Assert.False(first.IsCompleted);
    }

    [Fact]
    public async Task A_request_that_cannot_be_encoded_is_no_silence_of_the_servers_and_names_the_attribute()
    {
        var request = new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, new string('x', 254));
        var unsendable = Assert.IsType<RadiusOutcome.Unsendable>(await client.SendAsync(Group(Serve("r1")), request, default));
        Assert.Equal("the RADIUS request cannot be sent: User-Name has 254 octets, more than 253", unsendable.Explain());
    }

    [Fact]
    public async Task Cancellation_frees_the_identifier()
    {
        var server = Serve("r1");
        using var cancel = new CancellationTokenSource();
        var sending = client.SendAsync(Group(server), Login(), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal((0, 0), (client.GetStatistics()[0].Outstanding, client.InFlight));
        Assert.Null(client.GetStatistics()[0].DeadUntil);
    }

    [Fact]
    public async Task A_grown_delay_time_means_a_new_identifier_and_authenticator()
    {
        // RFC 2866 5.2: "the Acct-Delay-Time value will be updated when the packet is retransmitted, changing the content of the Attributes field
        // and requiring a new Identifier and Request Authenticator."
        var server = Serve("r1");
        var request = new RadiusRequest(RadiusCode.AccountingRequest).Add(RadiusAttributeType.EventTimestamp, 77).AddDelayTime(time.GetUtcNow());
        var sending = client.SendAsync(Group(server), request, default);
        var first = await server.NextAsync();
        time.Advance(Timeout);
        var second = await server.NextAsync();
        Assert.NotEqual((first.From, first.Packet.Identifier), (second.From, second.Packet.Identifier));
        Assert.Equal((0u, 5u), (Delay(first.Packet), Delay(second.Packet)));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(second.Packet, FakeRadiusServer.Secret, false));
        // The answer to the first transmission is an answer too.
        server.Send(Wire.Reply(first.Packet, RadiusCode.AccountingResponse, FakeRadiusServer.Secret, false), first.From);
        Assert.IsType<RadiusOutcome.AccountingResponse>(await sending);
        Assert.Equal(0, client.GetStatistics()[0].Outstanding);
    }

    [Fact]
    public async Task A_request_is_a_client_span_below_the_ambient_one()
    {
        Activity? seen = null;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == RadiusClient.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => seen = activity.ParentId is null ? seen : activity,
        };
        ActivitySource.AddActivityListener(listener);
        using var parent = new Activity("login").Start();
        await SendAsync(Group(Serve("span", request => [FakeRadiusServer.Accept(request)])));
        Assert.Equal(parent.Id, seen!.ParentId);
        Assert.Equal("span", seen.GetTagItem("radius.server"));
    }

    [Fact]
    public void A_server_defined_twice_with_other_options_is_refused()
    {
        var server = Serve("r1");
        Group(server);
        Assert.Throws<ArgumentException>(() => client.CreateGroup(new RadiusGroupOptions("other", [server.Options with { Retransmit = 9 }])));
        Assert.Throws<ArgumentException>(() => client.CreateGroup(new RadiusGroupOptions("empty", [])));
    }

    [Fact]
    public async Task Requests_come_from_the_configured_source_address()
    {
        var server = Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        server.Options = server.Options with { SourceAddress = IPAddress.Parse("127.0.0.2") };
        Assert.IsType<RadiusOutcome.Accept>(await SendAsync(Group(server)));
        Assert.Equal("127.0.0.2", (await server.NextAsync()).From.Address.ToString());
    }

    private static uint Delay(RadiusPacket packet)
        => packet.TryGet(RadiusAttributeType.AcctDelayTime, out var attribute) && attribute.TryGetUInt32(out var value) ? value : uint.MaxValue;

    private static RadiusRequest Login() => new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, "alice");

    private FakeRadiusServer Serve(string name, Func<RadiusPacket, IEnumerable<byte[]>>? answer = null)
    {
        var server = new FakeRadiusServer(name, answer);
        servers.Add(server);
        return server;
    }

    private RadiusServerGroup Group(params FakeRadiusServer[] members) => client.CreateGroup(new RadiusGroupOptions("g", [.. members.Select(m => m.Options)]));

    private Task<RadiusOutcome> SendAsync(RadiusServerGroup group) => client.SendAsync(group, Login(), default);

    private async Task<(RadiusPacket Packet, IPEndPoint From)> RunDryAsync(FakeRadiusServer server)
    {
        (RadiusPacket, IPEndPoint) last = default;
        for (var i = 0; i <= server.Options.Retransmit; i++)
        {
            last = await server.NextAsync();
            time.Advance(Timeout);
        }
        return last;
    }

    private async Task<RadiusError> NextIgnoredAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await ignored.Reader.ReadAsync(limit.Token);
    }
}
