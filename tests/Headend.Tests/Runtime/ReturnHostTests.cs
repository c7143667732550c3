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

namespace Headend.Tests.Runtime;

/// <summary>Sessions that sleep and clients that come back, through the whole headend: reconnect by token, resume by login, and every way in which a sleeping session ends.</summary>
[Collection("one meter")]
public sealed class ReturnHostTests : IAsyncLifetime
{
    private const string Secret = "a-secret-of-24-octets-xy";
    private static readonly ConfigurationAttributeType SessionId = new(28717);
    private static readonly ConfigurationAttributeType Token = new(28718);

    private readonly TemporaryDirectory directory = new();
    private readonly LineLog log = new();
    private readonly int port = FreePort();
    private readonly int authorPort = FreePort();
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
        directory.Write("headend.yaml", Configuration());
        host = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        if (!stopped)
            await host.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task AfterSleepAReconnectGoesOnWithEverythingThatTheSessionHad()
    {
        using var client = Client("alice@reconnect");
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        client.Dispose();
        var asleep = await WaitForAsync(SessionStatus.Inactive);
        Assert.Equal(Kept(before), Kept(asleep));
        Assert.Null(asleep.IkeSa);
        Assert.Equal(new ReconnectStatisticsRecord(0, 0, 0, 0, 1), await host.Backend.GetReconnectsAsync(CancellationToken.None));
        Assert.Equal(1, (await host.Backend.GetPoolsAsync(CancellationToken.None))[0].InUse);

        using var back = Back(client.Initiator);
        Assert.Equal(address, Established(back).IPv4);
        var after = Assert.Single(await SessionsAsync());
        Assert.Equal(Kept(before), Kept(after));
        Assert.True(after.Reconnected);
        Assert.NotEqual(SessionStatus.Inactive, after.Status);
        Assert.True(after.UptimeSeconds >= asleep.UptimeSeconds);
        Assert.Contains("X", before.IkeSa!.Capabilities);
        Assert.DoesNotContain("R", before.IkeSa.Capabilities);
        Assert.Contains("R", after.IkeSa!.Capabilities);
        Assert.DoesNotContain("X", after.IkeSa.Capabilities);
        var sa = Assert.Single(await host.Backend.GetIkeSasAsync(CancellationToken.None));
        Assert.Equal(("PSK", "ECDSA"), (sa.AuthVerify, sa.AuthSign));
        Assert.Equal((before.EapIdentity, before.User), (sa.EapIdentity, sa.User));
        Assert.Equal(new ReconnectStatisticsRecord(1, 1, 0, 1, 0), await host.Backend.GetReconnectsAsync(CancellationToken.None));
        var counted = await host.Backend.GetIkeStatisticsAsync(CancellationToken.None);
        Assert.Equal((1, 0, 1), (counted.ActiveSessions, counted.InactiveSessions, counted.Reconnects.Succeeded));
        Assert.Equal([new("success", null, 2)], counted.Logins);
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync());
        Assert.Equal((1, 1), (Count(" for=1800s: the client is silent, its session sleeps"), Count("the client has resumed")));
    }

    [Fact]
    public async Task AClientThatChangedItsNetworkTakesItsLiveSessionOver()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        for (var i = 0; i < 5; i++)
        {
            // The first token for ever, as clients of FlexVPN do, through whichever shard.
            using var back = Back(client.Initiator);
            Established(back);
            Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        }

        Assert.Equal(new ReconnectStatisticsRecord(5, 5, 0, 1, 0), await host.Backend.GetReconnectsAsync(CancellationToken.None));
        // Nobody was silent.
        Assert.Equal((0, 5), (Count("its session sleeps"), Count("the client has resumed")));
    }

    private int Count(string words) => log.Text.Split(words).Length - 1;

    [Theory]
    [InlineData("disconnect")]
    [InlineData("clear")]
    [InlineData("timeout")]
    public async Task ASleepingSessionEndsAndItsTokenWithIt(string how)
    {
        using var client = Client("alice@reconnect");
        Established(client);
        client.Dispose();
        var asleep = await WaitForAsync(SessionStatus.Inactive);
        if (how == "disconnect")
            Assert.Equal<(int, uint?)>((41, null), Ask(40, Text(44, asleep.AcctSessionId!)));
        else if (how == "clear")
            Assert.Equal(1, (await host.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice@reconnect" }, CancellationToken.None)).Cleared);
        else
            Assert.Equal<(int, uint?)>((44, null), Ask(43, Text(44, asleep.AcctSessionId!), [27, 6, 0, 0, 0, 1]));
        await WaitUntilNoneAsync();
        Assert.Equal(0, (await host.Backend.GetPoolsAsync(CancellationToken.None))[0].InUse);

        using var back = Back(client.Initiator);
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(back.Login()).Notify);
        using var anew = Client("alice@reconnect");
        Established(anew);
        Assert.NotEqual(asleep.AcctSessionId, Assert.Single(await SessionsAsync()).AcctSessionId);
        Assert.Equal(new ReconnectStatisticsRecord(1, 0, 1, 1, 0), await host.Backend.GetReconnectsAsync(CancellationToken.None));
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.Start, AcctStatusType.Stop], await StatusesAsync());
    }

    [Fact]
    public async Task ChangesOfAuthorizationReachASleepingSessionAndHoldWhenItIsBack()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        client.Dispose();
        var asleep = await WaitForAsync(SessionStatus.Inactive);
        Assert.Equal<(int, uint?)>((44, null), Ask(43, Text(44, asleep.AcctSessionId!), [27, 6, 0, 0, 0, 4]));
        using var back = Back(client.Initiator);
        Established(back);
        Assert.Equal(SessionStatus.UpIdle, Assert.Single(await SessionsAsync()).Status);
        back.WaitUntilClosed();
        Assert.Empty(await SessionsAsync());
    }

    [Fact]
    public async Task WrongTokensAreRefusedAndAfterSomeOfThemTheRightOneToo()
    {
        using var client = Client("alice@reconnect");
        Established(client);
        var right = client.Initiator.Given[Token];
        for (var i = 0; i < Headend.Sessions.ReconnectTable.MostOfSession; i += 5)
        {
            await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => Task.Run(() =>
            {
                using var wrong = Back(client.Initiator, new string('0', 64));
                Assert.IsType<InitiatorOutcome.Failed>(wrong.Login());
            })));
        }

        client.Initiator.Given[Token] = right;
        using var back = Back(client.Initiator);
        Assert.IsType<InitiatorOutcome.Failed>(back.Login());
        Assert.Single(await SessionsAsync());
    }

    [Fact]
    public async Task TheSameIdentityLogsInAgainAndResumesItsSession()
    {
        using var client = Client("carol@resume");
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        client.Dispose();
        Assert.Equal(Kept(before), Kept(await WaitForAsync(SessionStatus.Inactive)));
        using (var other = Client("dave@resume"))
            Assert.NotEqual(address, Established(other).IPv4);
        using var wrong = Client("carol@resume", "looking-glass");
        Assert.IsType<InitiatorOutcome.Failed>(wrong.Login());
        using var back = Client("carol@resume");
        Assert.Equal(address, Established(back).IPv4);
        var after = (await SessionsAsync()).Single(s => s.User == "carol@resume");
        Assert.Equal(Kept(before), Kept(after));
        Assert.False(after.Reconnected);
    }

    [Fact]
    public async Task InitialContactResumesASessionWhoseSilenceNobodyHasNoticed()
    {
        using var client = Client("carol@resume");
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        using var back = Client("carol@resume", change: o => o with { InitialContact = true });
        Established(back);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
    }

    [Fact]
    public async Task BeyondTheIntervalTheSessionIsLostForGood()
    {
        using var client = Client("erin@short");
        Established(client);
        client.Dispose();
        var asleep = await WaitForAsync(SessionStatus.Inactive);
        await WaitUntilNoneAsync();
        using var back = Client("erin@short");
        Established(back);
        Assert.NotEqual(asleep.AcctSessionId, Assert.Single(await SessionsAsync()).AcctSessionId);
        var stop = (await RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        // RFC 2866 5.10: Acct-Terminate-Cause 2, Lost Carrier.
        Assert.True(stop.Attributes.Span.IndexOf((byte[])[49, 6, 0, 0, 0, 2]) >= 0);
    }

    /// <summary>A client that comes back by a login and asks anew has a new session-id and token: what it had before is not good any more, and the session has one id.</summary>
    [Fact]
    public async Task AnIdThatWasGivenAnewIsTheOnlyOne()
    {
        using var client = Client("frank@both");
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        client.Dispose();
        await WaitForAsync(SessionStatus.Inactive);
        using var again = Client("frank@both");
        Established(again);
        Assert.NotEqual(client.Initiator.Given[SessionId], again.Initiator.Given[SessionId]);
        Assert.Equal(new ReconnectStatisticsRecord(0, 0, 0, 1, 0), await host.Backend.GetReconnectsAsync(CancellationToken.None));

        using var old = Back(client.Initiator);
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(old.Login()).Notify);
        using var back = Back(again.Initiator);
        Established(back);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
    }

    [Theory]
    [InlineData("fred@one-reconnect")]
    [InlineData("gina@one-resume")]
    public async Task AtTheLimitADeadClientsSessionEndsAlsoWhereItCouldSleep(string user)
    {
        // Crashed, and dead peer detection will not know for a long time; the new login has another IKE identity and so nothing to resume.
        using (var crashed = Client(user))
            Established(crashed);
        var before = Assert.Single(await SessionsAsync());
        Assert.NotEqual(SessionStatus.Inactive, before.Status);
        using var again = Client(user, change: o => o with { Identity = new IkeIdentity(IdType.Rfc822Address, Encoding.ASCII.GetBytes($"new-{user}")) });
        Established(again);
        Assert.NotEqual(before.AcctSessionId, Assert.Single(await SessionsAsync()).AcctSessionId);
        var stop = (await RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        Assert.True(stop.Attributes.Span.IndexOf((byte[])[49, 6, 0, 0, 0, 2]) >= 0);
    }

    private static (string, string?, string?, string?, string?, string?) Kept(SessionRecord s) =>
        (s.Id, s.Interface, s.AuditSessionId, s.AcctSessionId, s.User, string.Join(' ', s.AssignedAddresses));

    private static InitiatorOutcome.Established Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static byte[] Text(byte type, string value) => [type, (byte)(2 + value.Length), .. Encoding.ASCII.GetBytes(value)];

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private LoopbackClient Client(string user, string password = "wonderland", Func<TestInitiatorOptions, TestInitiatorOptions>? change = null)
    {
        var options = new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Rfc822Address, Encoding.ASCII.GetBytes(user)),
            User = user,
            Password = password,
            ReconnectAttributes = (SessionId, Token),
        };
        return new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), change is null ? options : change(options));
    }

    private LoopbackClient Back(TestInitiator client, string? token = null) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.KeyId, client.Given[SessionId]),
        User = "nobody",
        Password = "nothing",
        PreSharedKey = token is null ? client.Given[Token] : Encoding.ASCII.GetBytes(token),
        ReconnectAttributes = (SessionId, Token),
    });

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    private async Task<SessionRecord> WaitForAsync(string status)
    {
        for (var i = 0; i < 600; i++)
        {
            if ((await SessionsAsync()).FirstOrDefault(s => s.Status == status) is { } found)
                return found;
            await Task.Delay(50);
        }

        throw new TimeoutException($"no session became {status}");
    }

    private async Task WaitUntilNoneAsync()
    {
        for (var i = 0; i < 600 && (await SessionsAsync()).Count > 0; i++)
            await Task.Delay(50);
        Assert.Empty(await SessionsAsync());
    }

    /// <summary>Ends the headend and reads what it left to send.</summary>
    private async Task<IReadOnlyList<SpooledRecord>> RecordsAsync()
    {
        await host.StopAsync();
        await host.DisposeAsync();
        stopped = true;
        using var store = EmbeddedStore.Open(directory.File("state", StoreComposition.FileName), DateTimeOffset.UtcNow);
        var content = new EmbeddedAccountingSpool(store).Load();
        Assert.Empty(content.OpenSessions);
        return content.Records;
    }

    private async Task<IEnumerable<AcctStatusType>> StatusesAsync() =>
        (await RecordsAsync()).Select(r => r.Status).Where(s => s != AcctStatusType.AccountingOn && s != AcctStatusType.AccountingOff);

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

    private Task<HeadendHost> StartAsync()
    {
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        return HeadendHost.StartAsync(outcome.Configuration!, log, TimeProvider.System, CancellationToken.None);
    }

    private static string Profile(string name, string more, string dpd = "interval: 4s, mode: periodic, retransmissions: 1") => $$"""
            - name: {{name}}
              match: { remote-identity: [email-domain {{name}}] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              accounting-list: acct-list
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              dpd: { {{dpd}} }
              {{more}}
              virtual-template: 1
        """;

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.Path}}/state
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
            - { name: erin@short, password: wonderland }
            - { name: frank@both, password: wonderland }
            - { name: fred@one-reconnect, password: wonderland }
            - { name: gina@one-resume, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{Profile("reconnect", "reconnect: { timeout: 30m }")}}
        {{Profile("resume", "client-resume: { interval: 2m }")}}
        {{Profile("short", "client-resume: { interval: 10s }")}}
        {{Profile("both", "reconnect: { timeout: 30m }\n      client-resume: { interval: 10m }")}}
        {{Profile("one-reconnect", "reconnect: { timeout: 30m }\n      unique: deny", "interval: 10m")}}
        {{Profile("one-resume", "client-resume: { interval: 2m }\n      unique: deny", "interval: 10m")}}
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
