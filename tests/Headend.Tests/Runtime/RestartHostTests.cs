using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Aaa.Radius;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Store;
using Headend.TestKit.Initiator;
using Headend.Tests.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>
/// Sessions over a crash of the headend: a second headend starts on what the disk held at one moment of the first one. And over a stop, where the configuration keeps them.
/// </summary>
[Collection("one meter")]
public sealed class RestartHostTests : IAsyncLifetime
{
    private const string Secret = "a-secret-of-24-octets-xy";
    private const string Ended = "sessions-at-stop: end";
    private static readonly ConfigurationAttributeType SessionId = new(28717);
    private static readonly ConfigurationAttributeType Token = new(28718);

    private readonly TemporaryDirectory directory = new();
    private readonly int port = FreePort();
    private readonly int authorPort = FreePort();
    private string state = "state";
    private string atStop = Ended;
    private string resumeProfile = "resume";
    private HeadendHost host = null!;
    private bool stopped;
    private byte identifier;

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        directory.Write("gw.pem", certificate.ExportCertificatePem());
        directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem());
        host = await StartAsync(TimeSpan.Zero);
    }

    public async Task DisposeAsync()
    {
        if (!stopped)
            await host.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task AClientComesBackToItsSessionAfterACrash()
    {
        using var client = Client("alice@reconnect");
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        await CrashAsync();
        var asleep = Assert.Single(await SessionsAsync());
        Assert.Equal((SessionStatus.Inactive, Kept(before)), (asleep.Status, Kept(asleep)));
        Assert.Equal(1, (await host.Backend.GetPoolsAsync(CancellationToken.None))[0].InUse);
        Assert.Equal(new ReconnectStatisticsRecord(0, 0, 0, 0, 1), await host.Backend.GetReconnectsAsync(CancellationToken.None));
        // Nobody else gets its address or its number.
        using var other = Client("dave@resume");
        Assert.NotEqual(address, Established(other).IPv4);

        using var back = Back(client.Initiator);
        Assert.Equal(address, Established(back).IPv4);
        var after = (await SessionsAsync()).Single(s => s.User == "alice@reconnect");
        Assert.Equal((SessionStatus.UpIdle, Kept(before), true), (after.Status, Kept(after), after.Reconnected));
        Assert.True(after.UptimeSeconds >= before.UptimeSeconds);
        Assert.Equal<(int, uint?)>((41, null), Ask(40, Text(44, before.AcctSessionId!)));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync(before.AcctSessionId!));
    }

    [Fact]
    public async Task TheNewestTokenOutlivesCrashesAndItsEldersDoNot()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var first = Encoding.ASCII.GetString(client.Initiator.Given[Token]);
        using var second = Back(client.Initiator);
        Established(second);
        using var third = Back(second.Initiator);
        Established(third);
        await CrashAsync();
        await CrashAsync();
        using var old = Back(client.Initiator, first);
        Assert.IsType<InitiatorOutcome.Failed>(old.Login());
        using var fourth = Back(third.Initiator);
        Established(fourth);
        await CrashAsync();
        using var fifth = Back(fourth.Initiator);
        Established(fifth);
        Assert.Single(await SessionsAsync());
    }

    [Theory]
    [InlineData("disconnect")]
    [InlineData("clear")]
    public async Task WhatWasRevokedDoesNotComeBack(string how)
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var session = Assert.Single(await SessionsAsync());
        if (how == "disconnect")
            Assert.Equal<(int, uint?)>((41, null), Ask(40, Text(44, session.AcctSessionId!)));
        else
            await host.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice@reconnect" }, CancellationToken.None);
        await CrashAsync();
        Assert.Empty(await SessionsAsync());
        using var back = Back(client.Initiator);
        Assert.IsType<InitiatorOutcome.Failed>(back.Login());
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync(session.AcctSessionId!));
    }

    [Fact]
    public async Task ASleepingSessionMayBeDisconnectedByTheNextHeadend()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var session = Assert.Single(await SessionsAsync());
        await CrashAsync();
        Assert.Equal<(int, uint?)>((44, null), Ask(43, Text(44, session.AcctSessionId!), Text(25, "another class")));
        Assert.Equal<(int, uint?)>((41, null), Ask(40, Text(44, session.AcctSessionId!)));
        await CrashAsync();
        Assert.Empty(await SessionsAsync());
        using var back = Back(client.Initiator);
        Assert.IsType<InitiatorOutcome.Failed>(back.Login());
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync(session.AcctSessionId!));
        Assert.Contains("another class", Encoding.UTF8.GetString((await RecordsAsync()).Last(r => r.Status == AcctStatusType.Stop).Attributes.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ALoginByTheSameIdentityResumesAfterACrash()
    {
        using var client = Client("carol@resume");
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        await CrashAsync();
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        using var wrong = Client("carol@resume", "looking-glass");
        Assert.IsType<InitiatorOutcome.Failed>(wrong.Login());
        using var back = Client("carol@resume");
        Assert.Equal(address, Established(back).IPv4);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync(before.AcctSessionId!));
    }

    [Fact]
    public async Task ATicketIsGoodAfterACrashAndOnce()
    {
        using var client = Client("erin@tickets");
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        await CrashAsync();
        using var back = ByTicket(client);
        Assert.Equal(address, Established(back).IPv4);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        await CrashAsync();
        using var again = ByTicket(client);
        Assert.IsType<InitiatorOutcome.Failed>(again.Login());
        using var next = ByTicket(back);
        Established(next);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
    }

    [Fact]
    public async Task WhoseTimeRanOutWhileNobodyWasThereHasAStopOfThatMoment()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var session = Assert.Single(await SessionsAsync());
        await CrashAsync(later: TimeSpan.FromHours(5));
        Assert.Empty(await SessionsAsync());
        using var back = Back(client.Initiator);
        Assert.IsType<InitiatorOutcome.Failed>(back.Login());
        var stop = (await RecordsAsync()).Single(r => r.Status == AcctStatusType.Stop && r.SessionId == session.AcctSessionId);
        // RFC 2866 5.10: Acct-Terminate-Cause 2, Lost Carrier; half an hour after the crash and not five.
        Assert.True(stop.Attributes.Span.IndexOf((byte[])[49, 6, 0, 0, 0, 2]) >= 0);
        Assert.InRange(stop.EventAt - DateTimeOffset.UtcNow, TimeSpan.FromMinutes(28), TimeSpan.FromMinutes(30));
    }

    [Fact]
    public async Task ChangesOfAuthorizationOutliveACrash()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var session = Assert.Single(await SessionsAsync());
        Assert.Equal<(int, uint?)>((44, null), Ask(43, Text(44, session.AcctSessionId!), [27, 6, 0, 0, 0, 60]));
        await CrashAsync(later: TimeSpan.FromMinutes(2));
        Assert.Empty(await SessionsAsync());
        var stop = (await RecordsAsync()).Single(r => r.Status == AcctStatusType.Stop && r.SessionId == session.AcctSessionId);
        // Session Timeout.
        Assert.True(stop.Attributes.Span.IndexOf((byte[])[49, 6, 0, 0, 0, 5]) >= 0);
    }

    [Fact]
    public async Task ASessionWithoutItsProfileEnds()
    {
        using var client = Client("carol@resume");
        Established(client);
        var session = Assert.Single(await SessionsAsync());
        resumeProfile = "renamed";
        await CrashAsync();
        Assert.Empty(await SessionsAsync());
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync(session.AcctSessionId!));
    }

    [Fact]
    public async Task WithoutTheKeyNobodyComesBackAndAccountingLosesNothing()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var session = Assert.Single(await SessionsAsync());
        await CrashAsync(between: () => File.Delete(directory.File(state, StoreComposition.KeyFileName)));
        Assert.Empty(await SessionsAsync());
        using var back = Back(client.Initiator);
        Assert.IsType<InitiatorOutcome.Failed>(back.Login());
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync(session.AcctSessionId!));
    }

    [Fact]
    public async Task AStopMayKeepSessions()
    {
        atStop = "sessions-at-stop: keep";
        await CrashAsync();
        using var client = Client("alice@reconnect");
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        await host.StopAsync();
        await host.DisposeAsync();
        host = await StartAsync(TimeSpan.Zero);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        using var back = Back(client.Initiator);
        Established(back);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.InterimUpdate, AcctStatusType.InterimUpdate], await StatusesAsync(before.AcctSessionId!));
        Assert.DoesNotContain(await RecordsAsync(), r => r.Status == AcctStatusType.AccountingOff);
    }

    private static (string, string?, string?, string?, string) Kept(SessionRecord s) =>
        (s.Id, s.AuditSessionId, s.AcctSessionId, s.User, string.Join(' ', s.AssignedAddresses));

    private static InitiatorOutcome.Established Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static byte[] Text(byte type, string value) => [type, (byte)(2 + value.Length), .. Encoding.ASCII.GetBytes(value)];

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private LoopbackClient Client(string user, string password = "wonderland") => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.Rfc822Address, Encoding.ASCII.GetBytes(user)),
        User = user,
        Password = password,
        ReconnectAttributes = (SessionId, Token),
        RequestTicket = user.EndsWith("@tickets", StringComparison.Ordinal),
    });

    private LoopbackClient ByTicket(LoopbackClient client) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.Rfc822Address, "erin@tickets"u8),
        User = "nobody",
        Password = "nothing",
        RequestTicket = true,
        Ticket = client.Initiator.Ticket,
    });

    private LoopbackClient Back(TestInitiator client, string? token = null) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.KeyId, client.Given[SessionId]),
        User = "nobody",
        Password = "nothing",
        PreSharedKey = token is null ? client.Given[Token] : Encoding.ASCII.GetBytes(token),
        ReconnectAttributes = (SessionId, Token),
    });

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    /// <summary>What the disk holds once the sessions of now are on it goes on, and nothing that the process did later.</summary>
    private async Task CrashAsync(TimeSpan later = default, Action? between = null)
    {
        var next = $"{state}-next";
        Directory.CreateDirectory(directory.File(next));
        // Behind the commit of the sessions that are up: an answered request was written.
        await Task.Delay(SealedStore.Gathering + TimeSpan.FromMilliseconds(400));
        foreach (var file in Directory.GetFiles(directory.File(state)))
            File.Copy(file, directory.File(next, Path.GetFileName(file)));
        await host.DisposeAsync();
        state = next;
        between?.Invoke();
        host = await StartAsync(later);
    }

    /// <summary>Ends the headend and reads what it left to send.</summary>
    private async Task<IReadOnlyList<SpooledRecord>> RecordsAsync()
    {
        if (!stopped)
        {
            await host.StopAsync();
            await host.DisposeAsync();
            stopped = true;
        }

        using var store = EmbeddedStore.Open(directory.File(state, StoreComposition.FileName), DateTimeOffset.UtcNow);
        var content = new EmbeddedAccountingSpool(store).Load();
        Assert.True(atStop != Ended || content.OpenSessions.Count == 0);
        return content.Records;
    }

    private async Task<IEnumerable<AcctStatusType>> StatusesAsync(string session) =>
        (await RecordsAsync()).Where(r => r.SessionId == session).Select(r => r.Status);

    private (int Code, uint? Cause) Ask(byte code, params byte[][] attributes)
    {
        using var secret = RadiusSecret.FromText(Secret);
        byte[] packet = [code, ++identifier, 0, 0, .. new byte[16], 80, 18, .. new byte[16], .. attributes.SelectMany(a => a)];
        RadiusAuthenticatorCodec.Seal(packet, 22, new byte[16], secret);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 30_000 };
        socket.Connect(IPAddress.Loopback, authorPort);
        socket.Send(packet);
        var buffer = new byte[4096];
        var length = socket.Receive(buffer);
        Assert.True(RadiusPacket.TryParse(buffer.AsSpan(0, length), out var reply, out var error), error.ToString());
        uint? cause = reply.TryGet(RadiusAttributeType.ErrorCause, out var attribute) && attribute.TryGetUInt32(out var number) ? number : null;
        return (reply.Code.Value, cause);
    }

    private Task<HeadendHost> StartAsync(TimeSpan later)
    {
        directory.Write("headend.yaml", Configuration());
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        return HeadendHost.StartAsync(outcome.Configuration!, NullLoggerFactory.Instance, new LaterTime(later), CancellationToken.None);
    }

    private static string Profile(string name, string domain, string more) => $$"""
            - name: {{name}}
              match: { remote-identity: [email-domain {{domain}}] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              accounting-list: acct-list
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              {{more}}
              virtual-template: 1
        """;

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.File(state)}}
        store: { {{atStop}} }
        admin: { socket: {{directory.Path}}/a.sock }
        radius:
          servers: [ { name: nobody, address: 127.0.0.1, acct-port: {{FreePort()}}, secret: {{Secret}}, timeout: 1s, retransmit: 0 } ]
          groups: [ { name: corp, servers: [nobody] } ]
          dynamic-author: { port: {{authorPort}}, addresses: [127.0.0.1], clients: [ { address: 127.0.0.0/8, secret: {{Secret}} } ] }
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
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;

    /// <summary>The system's clock, but the wall clock is ahead: so long was nobody there.</summary>
    private sealed class LaterTime(TimeSpan later) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + later;
    }
}
