using System.Net.Security;
using System.Security.Authentication;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>RADIUS over TLS (RFC 6614).</summary>
public sealed class RadSecTests : IAsyncLifetime
{
    private readonly ClientFixture fixture = new();
    private readonly TestPki pki = new();
    private readonly List<FakeRadSecServer> servers = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await fixture.DisposeAsync();
        foreach (var server in servers) server.Dispose();
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Authentication_and_accounting_share_one_connection(SslProtocols protocol)
    {
        var server = Serve("r1");
        server.Protocols = protocol;
        var group = Group(server);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        Assert.IsType<RadiusOutcome.AccountingResponse>(await fixture.Client.SendAsync(group, new RadiusRequest(RadiusCode.AccountingRequest), default));
        Assert.Equal(1, server.Accepted);
        // RFC 6614 2.3: the shared secret is "radsec"; every Access-Request carries its Message-Authenticator first all the same.
        var login = server.Received.First(p => p.Code == RadiusCode.AccessRequest);
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(login, FakeRadSecServer.Secret, requireMessageAuthenticator: true));
        Assert.Equal(RadiusAttributeType.MessageAuthenticator, Wire.List(login)[0].Type);
        Assert.Contains("r1 up", fixture.Events);
    }

    [Fact]
    public async Task A_thousand_requests_at_once_open_a_few_connections_and_all_are_answered()
    {
        var server = Serve("r1");
        var gate = new TaskCompletionSource();
        server.Answer = request =>
        {
            if (request.Code == RadiusCode.AccessRequest) gate.Task.Wait();
            return FakeRadSecServer.Reply(request);
        };
        var group = Group(server);
        var logins = new List<Task<RadiusOutcome>>();
        for (var i = 0; i < 1000; i++) logins.Add(fixture.SendAsync(group));
        await ClientFixture.UntilAsync(() => fixture.Statistics("r1").SourcePorts >= 4);
        gate.SetResult();
        Assert.All(await Task.WhenAll(logins), outcome => Assert.IsType<RadiusOutcome.Accept>(outcome));
        Assert.InRange(fixture.Statistics("r1").SourcePorts, 4, 6);
        Assert.Equal((0, 0), (fixture.Statistics("r1").Outstanding, fixture.Client.InFlight));
    }

    [Fact]
    public async Task A_connection_that_breaks_is_made_again_and_what_waited_goes_over_it()
    {
        var server = Serve("r1");
        var group = Group(server);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        server.Answer = _ => [];
        var waiting = fixture.SendAsync(group);
        await ClientFixture.UntilAsync(() => server.Received.Count(p => p.Code == RadiusCode.AccessRequest) == 2);
        server.Answer = FakeRadSecServer.Reply;
        server.Cut();
        Assert.IsType<RadiusOutcome.Accept>(await waiting);
        Assert.Equal(2, server.Accepted);
        Assert.Equal(1, fixture.Statistics("r1").Retransmissions);
    }

    [Fact]
    public async Task A_login_that_may_have_asked_a_person_is_not_repeated_over_another_connection_or_server()
    {
        var server = Serve("r1");
        server.Options = server.Options with { MfaWait = TimeSpan.FromSeconds(90) };
        var other = Serve("r2");
        var group = Group(server, other);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        server.Answer = _ => [];
        var waiting = fixture.SendAsync(group);
        await ClientFixture.UntilAsync(() => server.Received.Count(p => p.Code == RadiusCode.AccessRequest) == 2);
        server.Answer = FakeRadSecServer.Reply;
        server.Cut();
        Assert.Equal(UnavailableReason.MfaWaitOver, Assert.IsType<RadiusOutcome.Unavailable>(await waiting).Reason);
        Assert.Equal(2, server.Received.Count(p => p.Code == RadiusCode.AccessRequest));
        Assert.DoesNotContain(other.Received, p => p.Code == RadiusCode.AccessRequest);
    }

    [Fact]
    public async Task A_dead_server_fails_over_at_once_and_is_tried_again_with_growing_pauses()
    {
        var server = Serve("r1");
        var other = Serve("r2");
        server.Dispose();
        var group = Group(server, other);
        Assert.Equal("r2", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
        await ClientFixture.UntilAsync(() => fixture.Events.Any(e => e.StartsWith("r1 down, 1 s", StringComparison.Ordinal)));
        foreach (var pause in (int[])[2, 4, 8])
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(pause / 2 + 0.1));
            await ClientFixture.UntilAsync(() => fixture.Events.Any(e => e.StartsWith($"r1 down, {pause} s", StringComparison.Ordinal)));
        }
        Assert.NotNull(fixture.Statistics("r1").ConnectionFailure);
        using var back = new FakeRadSecServer("r1", pki, FakeRadSecServer.Reply, server.Port);
        fixture.Time.Advance(TimeSpan.FromSeconds(8.1));
        await ClientFixture.UntilAsync(() => fixture.Statistics("r1").Authentication == RadiusServerState.Alive);
        Assert.Null(fixture.Statistics("r1").ConnectionFailure);
        Assert.Equal("r1", Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group)).Server.Name);
    }

    [Theory]
    [InlineData("name")]
    [InlineData("authority")]
    [InlineData("client")]
    [InlineData("expired-client")]
    public async Task Certificates_that_do_not_prove_the_other_side_end_the_connection(string wrong)
    {
        var server = Serve("r1");
        var foreign = new TestPki();
        var tls = server.Options.RadSec!;
        tls = wrong switch
        {
            "name" => tls with { ServerName = "other.example.com" },
            "authority" => new RadSecOptions(tls.ServerName, foreign.Authorities, tls.Credential) { Port = tls.Port },
            "client" => tls with { Credential = SslStreamCertificateContext.Create(foreign.Issue("headend", isServer: false), null, offline: true) },
            _ => tls with { Credential = SslStreamCertificateContext.Create(pki.Issue("headend", isServer: false, expired: true), null, offline: true) },
        };
        server.Options = server.Options with { RadSec = tls };
        Assert.IsType<RadiusOutcome.Unavailable>(await fixture.SendAsync(Group(server)));
        await ClientFixture.UntilAsync(() => fixture.Events.Any(e => e.StartsWith("r1 down, 1 s", StringComparison.Ordinal)));
        Assert.Empty(server.Received);
    }

    [Fact]
    public async Task A_silent_connection_is_asked_by_status_server_and_given_up_without_an_answer()
    {
        var server = Serve("r1");
        var group = Group(server);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        await ClientFixture.UntilAsync(() => fixture.Statistics("r1").ProbesAnswered == 1);
        server.Answer = _ => [];
        for (var step = 0; step < 60 && server.Accepted == 1; step++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(10);
        }
        await ClientFixture.UntilAsync(() => server.Accepted >= 2);
        Assert.Contains(fixture.Events, e => e.Contains("Status-Server was not answered", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_knows_no_status_server_serves_all_the_same()
    {
        var server = Serve("r1");
        server.Answer = request => request.Code == RadiusCode.StatusServer ? [] : FakeRadSecServer.Reply(request);
        var group = Group(server);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        fixture.Time.Advance(TimeSpan.FromSeconds(6));
        await Task.Delay(50);
        fixture.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        Assert.Equal(1, server.Accepted);
    }

    [Theory]
    [InlineData("secret")]
    [InlineData("length")]
    [InlineData("attribute")]
    public async Task What_fails_its_checks_ends_the_connection(string fault)
    {
        // RFC 6613 2.6.4
        var server = Serve("r1");
        var answered = false;
        server.Answer = request =>
        {
            if (request.Code != RadiusCode.AccessRequest || answered) return FakeRadSecServer.Reply(request);
            answered = true;
            using var other = RadiusSecret.FromText("other");
            return fault switch
            {
                "secret" => [Wire.Reply(request, RadiusCode.AccessAccept, other, false)],
                "length" => [[2, request.Identifier, 0, 19, .. new byte[16]]],
                _ => [[2, request.Identifier, 0, 22, .. new byte[16], 1, 0]],
            };
        };
        // Proven by its answer to Status-Server, so the login goes again over the next connection.
        var group = Group(server);
        await ClientFixture.UntilAsync(() => fixture.Statistics("r1").ProbesAnswered == 1);
        Assert.IsType<RadiusOutcome.Accept>(await fixture.SendAsync(group));
        Assert.Equal(2, server.Accepted);
    }

    [Fact]
    public async Task Replies_in_pieces_and_together_are_put_in_order()
    {
        var server = Serve("r1");
        var held = new List<byte[]>();
        server.Answer = request =>
        {
            if (request.Code != RadiusCode.AccessRequest) return FakeRadSecServer.Reply(request);
            held.AddRange(FakeRadSecServer.Reply(request));
            if (held.Count < 3) return [];
            byte[] all = [.. held[2], .. held[0], .. held[1]];
            return [all[..7], all[7..30], all[30..]];
        };
        var group = Group(server);
        var logins = await Task.WhenAll(fixture.SendAsync(group), fixture.SendAsync(group), fixture.SendAsync(group));
        Assert.All(logins, outcome => Assert.IsType<RadiusOutcome.Accept>(outcome));
    }

    private FakeRadSecServer Serve(string name)
    {
        var server = new FakeRadSecServer(name, pki, FakeRadSecServer.Reply);
        servers.Add(server);
        return server;
    }

    private RadiusServerGroup Group(params FakeRadSecServer[] members) => fixture.Client.CreateGroup(new RadiusGroupOptions("g", [.. members.Select(m => m.Options)]));
}
