using System.Diagnostics;
using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>One request and its answer: what is sent, what is sent again, which reply is taken, and how many are in flight.</summary>
public sealed class RadiusClientTests : IAsyncLifetime
{
    private readonly ClientFixture fixture = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await fixture.DisposeAsync();

    [Fact]
    public async Task An_accept_comes_back_verified_with_its_server()
    {
        var server = fixture.Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        var accept = Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(server)));
        Assert.Equal("r1", accept.Server.Name);
        var statistics = Assert.Single(fixture.Client.GetStatistics());
        Assert.Equal((1, 1, 0, 0), (statistics.Requests, statistics.Accepts, statistics.Retransmissions, statistics.Outstanding));
        Assert.NotNull(statistics.SmoothedRoundTrip);
    }

    [Theory]
    [InlineData(3, typeof(RadiusOutcome.Reject))]
    [InlineData(11, typeof(RadiusOutcome.Challenge))]
    public async Task Rejects_and_challenges_are_answers(byte code, Type expected)
    {
        var server = fixture.Serve("r1", request => [Wire.Reply(request, new RadiusCode(code), FakeRadiusServer.Secret, true)]);
        Assert.IsType(expected, await fixture.SendAsync(fixture.Group(server)));
    }

    [Fact]
    public async Task Lost_requests_are_sent_again_unchanged()
    {
        var server = fixture.Serve("r1");
        var sending = fixture.SendAsync(fixture.Group(server));
        var first = await server.NextAsync();
        fixture.Time.Advance(ClientFixture.Timeout);
        var second = await server.NextAsync();
        // RFC 2865 2.5: a retransmission has the same source port, Identifier and Request Authenticator.
        Assert.Equal(first.Packet.Octets.ToArray(), second.Packet.Octets.ToArray());
        Assert.Equal(first.From, second.From);
        server.Send(FakeRadiusServer.Accept(second.Packet), second.From);
        Assert.IsType<RadiusOutcome.Accept>(await sending);
        Assert.Equal(1, fixture.Client.GetStatistics()[0].Retransmissions);
    }

    [Fact]
    public async Task Silence_ends_as_unavailable_after_the_configured_transmissions()
    {
        var server = fixture.Serve("r1");
        var sending = fixture.SendAsync(fixture.Group(server));
        for (var i = 0; i < 3; i++)
        {
            await server.NextAsync();
            Assert.False(sending.IsCompleted);
            fixture.Time.Advance(ClientFixture.Timeout);
        }
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await sending);
        Assert.Equal(UnavailableReason.NoAnswer, unavailable.Reason);
        Assert.Equal("no RADIUS server answered; r1 was asked 3 times", unavailable.Explain());
        Assert.False(server.HasMore);
        Assert.Equal(["r1 Authentication dead"], fixture.Events);
    }

    [Fact]
    public async Task Duplicate_and_unasked_replies_are_counted_and_ignored()
    {
        var server = fixture.Serve("r1", request => [FakeRadiusServer.Accept(request), FakeRadiusServer.Accept(request)]);
        var group = fixture.Group(server);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        Assert.Equal(2, fixture.Client.GetStatistics()[0].Accepts);
        Assert.Equal(0, fixture.Client.InFlight);
    }

    [Fact]
    public async Task A_wrong_secret_is_explained_and_the_wait_goes_on()
    {
        using var wrong = RadiusSecret.FromText("other");
        var server = fixture.Serve("r1", request => [Wire.Reply(request, RadiusCode.AccessAccept, wrong, true)]);
        var sending = fixture.SendAsync(fixture.Group(server));
        for (var i = 0; i < 3; i++)
        {
            await server.NextAsync();
            Assert.Equal(RadiusError.BadAuthenticator, await fixture.NextIgnoredAsync());
            Assert.False(sending.IsCompleted);
            fixture.Time.Advance(ClientFixture.Timeout);
        }
        var unavailable = Assert.IsType<RadiusOutcome.Unavailable>(await sending);
        Assert.Contains("3 replies failed their Response Authenticator: is the secret right?", unavailable.Explain(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_forged_reply_before_the_true_one_does_no_harm()
    {
        using var wrong = RadiusSecret.FromText("other");
        var server = fixture.Serve("r1", request =>
        [
            Wire.Reply(request, RadiusCode.AccessReject, wrong, true),
            [2, request.Identifier, 0, 22, .. new byte[16], 1, 0],
            Wire.Reply(request, RadiusCode.AccountingResponse, FakeRadiusServer.Secret, false),
            FakeRadiusServer.Accept(request),
        ]);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(server)));
        var statistics = fixture.Client.GetStatistics()[0];
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
        var server = fixture.Serve("r1", request => [Wire.Reply(request, RadiusCode.AccessAccept, FakeRadiusServer.Secret, false)]);
        server.Options = server.Options with { RequireMessageAuthenticator = rule, Retransmit = 0 };
        var request = ClientFixture.Login();
        if (eap) request.AddEapMessage([2, 1, 0, 5, 1]);
        var sending = fixture.Client.SendAsync(fixture.Group(server), request, default);
        if (!taken)
        {
            Assert.Equal(RadiusError.MissingMessageAuthenticator, await fixture.NextIgnoredAsync());
            fixture.Time.Advance(ClientFixture.Timeout);
            Assert.Contains("1 replies lacked Message-Authenticator", Assert.IsType<RadiusOutcome.Unavailable>(await sending).Explain(), StringComparison.Ordinal);
            return;
        }
        Assert.IsType<RadiusOutcome.Accept>(await sending);
    }

    [Fact]
    public async Task Five_thousand_requests_are_in_flight_over_several_sockets()
    {
        const int count = 5000;
        var pending = new List<(RadiusPacket Packet, IPEndPoint From)>();
        var server = fixture.Serve("r1");
        server.Options = server.Options with { Retransmit = 20 };
        var group = fixture.Group(server);
        var sent = Enumerable.Range(0, count).Select(_ => fixture.Client.SendAsync(group, ClientFixture.Login(), default)).ToArray();
        Assert.Equal(count, fixture.Client.InFlight);
        var statistics = fixture.Client.GetStatistics()[0];
        Assert.Equal(count, statistics.Outstanding);
        Assert.InRange(statistics.SourcePorts, (count + 255) / 256, 30);

        var seen = new HashSet<(IPEndPoint, byte)>();
        while (seen.Count < count)
        {
            // What the kernel dropped for want of buffer comes with the next retransmission; what it still holds needs only a moment.
            if (!server.HasMore) await Task.Delay(20);
            if (!server.HasMore) fixture.Time.Advance(ClientFixture.Timeout);
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
            var before = fixture.Client.InFlight;
            await Task.Delay(20);
            while (server.HasMore) await server.NextAsync();
            if (fixture.Client.InFlight == before) fixture.Time.Advance(ClientFixture.Timeout);
        }
        Assert.All(await all, outcome => Assert.IsType<RadiusOutcome.Accept>(outcome));
        Assert.Equal(0, fixture.Client.GetStatistics()[0].Outstanding);
    }

    [Fact]
    public async Task The_bound_on_requests_in_flight_answers_at_once()
    {
        await using var small = new RadiusClient(new RadiusClientOptions { MaximumInFlight = 1 }, fixture.Time);
        var group = small.CreateGroup(new RadiusGroupOptions("g", [fixture.Serve("r1").Options]));
        var first = small.SendAsync(group, ClientFixture.Login(), default);
        var second = await small.SendAsync(group, ClientFixture.Login(), default);
        Assert.Equal(UnavailableReason.TooManyInFlight, Assert.IsType<RadiusOutcome.Unavailable>(second).Reason);
        Assert.False(first.IsCompleted);
    }

    [Fact]
    public async Task A_request_that_cannot_be_encoded_is_no_silence_of_the_servers_and_names_the_attribute()
    {
        var request = new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, new string('x', 254));
        var unsendable = Assert.IsType<RadiusOutcome.Unsendable>(await fixture.Client.SendAsync(fixture.Group(fixture.Serve("r1")), request, default));
        Assert.Equal("the RADIUS request cannot be sent: User-Name has 254 octets, more than 253", unsendable.Explain());
    }

    [Fact]
    public async Task Cancellation_frees_the_identifier()
    {
        var server = fixture.Serve("r1");
        using var cancel = new CancellationTokenSource();
        var sending = fixture.Client.SendAsync(fixture.Group(server), ClientFixture.Login(), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal((0, 0), (fixture.Client.GetStatistics()[0].Outstanding, fixture.Client.InFlight));
        Assert.Null(fixture.Client.GetStatistics()[0].DeadUntil);
    }

    [Fact]
    public async Task A_grown_delay_time_means_a_new_identifier_and_authenticator()
    {
        // RFC 2866 5.2: "the Acct-Delay-Time value will be updated when the packet is retransmitted, changing the content of the Attributes field
        // and requiring a new Identifier and Request Authenticator."
        var server = fixture.Serve("r1");
        var request = new RadiusRequest(RadiusCode.AccountingRequest).Add(RadiusAttributeType.EventTimestamp, 77).AddDelayTime(fixture.Time.GetUtcNow());
        var sending = fixture.Client.SendAsync(fixture.Group(server), request, default);
        var first = await server.NextAsync();
        fixture.Time.Advance(ClientFixture.Timeout);
        var second = await server.NextAsync();
        Assert.NotEqual((first.From, first.Packet.Identifier), (second.From, second.Packet.Identifier));
        Assert.Equal((0u, 5u), (Delay(first.Packet), Delay(second.Packet)));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(second.Packet, FakeRadiusServer.Secret, false));
        // The answer to the first transmission is an answer too.
        server.Send(Wire.Reply(first.Packet, RadiusCode.AccountingResponse, FakeRadiusServer.Secret, false), first.From);
        Assert.IsType<RadiusOutcome.AccountingResponse>(await sending);
        Assert.Equal(0, fixture.Client.GetStatistics()[0].Outstanding);
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
        await fixture.SendAsync(fixture.Group(fixture.Serve("span", request => [FakeRadiusServer.Accept(request)])));
        Assert.Equal(parent.Id, seen!.ParentId);
        Assert.Equal("span", seen.GetTagItem("radius.server"));
    }

    [Fact]
    public void A_server_defined_twice_with_other_options_is_refused()
    {
        var server = fixture.Serve("r1");
        fixture.Group(server);
        Assert.Throws<ArgumentException>(() => fixture.Client.CreateGroup(new RadiusGroupOptions("other", [server.Options with { Retransmit = 9 }])));
        Assert.Throws<ArgumentException>(() => fixture.Client.CreateGroup(new RadiusGroupOptions("empty", [])));
    }

    [Fact]
    public async Task Requests_come_from_the_configured_source_address()
    {
        var server = fixture.Serve("r1", request => [FakeRadiusServer.Accept(request)]);
        server.Options = server.Options with { SourceAddress = IPAddress.Parse("127.0.0.2") };
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(fixture.Group(server)));
        Assert.Equal("127.0.0.2", (await server.NextAsync()).From.Address.ToString());
    }

    private static uint Delay(RadiusPacket packet)
        => packet.TryGet(RadiusAttributeType.AcctDelayTime, out var attribute) && attribute.TryGetUInt32(out var value) ? value : uint.MaxValue;
}
