using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Store;
using Headend.TestKit.Initiator;
using Headend.Tests.Pki;

namespace Headend.Tests.Runtime;

/// <summary>The reconnect timeout, 10 minutes at least, in a process that lives on; the clock skips most of it.</summary>
[Collection("one meter")]
public sealed class ReconnectTimeoutHostTests : IAsyncLifetime
{
    private static readonly ConfigurationAttributeType SessionId = new(28717);
    private static readonly ConfigurationAttributeType Token = new(28718);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory directory = new();
    private readonly SkippingTime time = new();
    private readonly LineLog log = new();
    private readonly int port = FreePort();
    private HeadendHost host = null!;
    private bool stopped;

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        directory.Write("gw.pem", certificate.ExportCertificatePem());
        directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem());
        directory.Write("headend.yaml", Configuration());
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        host = await HeadendHost.StartAsync(outcome.Configuration!, log, time, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        if (!stopped)
            await host.DisposeAsync();
        directory.Dispose();
    }

    /// <summary>The chapter: once the session was inactive for the reconnect timeout it is cleared, with its accounting; RFC 2866 5.10: 2, Lost Carrier, and 4, Idle Timeout, where AAA's limit ran out first.</summary>
    [Theory]
    [InlineData("alice", 600, 2)]
    [InlineData("ida", 240, 4)]
    public async Task ATokenThatComesTooLateIsRefusedAndALoginWorks(string user, int limit, int cause)
    {
        using var client = Client(user);
        Established(client);
        client.Dispose();
        var asleep = await AsleepAsync();
        time.Skip(TimeSpan.FromSeconds(limit) - Margin);
        await PokeAsync();
        Assert.Equal((SessionStatus.Inactive, asleep.AcctSessionId), Told(Assert.Single(await SessionsAsync())));
        time.Skip(Margin);
        await NoneAsync();
        Assert.Equal(0, (await host.Backend.GetPoolsAsync(CancellationToken.None))[0].InUse);

        using (var back = Back(client.Initiator))
            Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(back.Login()).Notify);
        Assert.Empty(await SessionsAsync());
        Assert.Equal(new ReconnectStatisticsRecord(1, 0, 1, 0, 0), await host.Backend.GetReconnectsAsync(CancellationToken.None));
        Assert.Contains("no session has this reconnect session-id", log.Text, StringComparison.Ordinal);

        using var anew = Client(user);
        Established(anew);
        Assert.NotEqual(asleep.AcctSessionId, Assert.Single(await SessionsAsync()).AcctSessionId);
        var records = await RecordsAsync();
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.Start, AcctStatusType.Stop], records.Select(r => r.Status));
        var stop = records[1];
        Assert.Equal(asleep.AcctSessionId, Encoding.ASCII.GetString(Attribute(stop, 44)));
        Assert.Equal(cause, (int)Number(stop, 49));
        Assert.InRange((int)Number(stop, 46), limit, limit + 120);
    }

    /// <summary>And one that comes in time is good: what the timeout was to do is not done to the session that is up again, whose next silence has the whole timeout anew.</summary>
    [Fact]
    public async Task ATokenThatComesInTimeIsGoodAndTheTimeoutBeginsAnewWithTheNextSilence()
    {
        using var client = Client("alice");
        Established(client);
        client.Dispose();
        var asleep = await AsleepAsync();
        time.Skip(TimeSpan.FromSeconds(600) - Margin);
        using (var back = Back(client.Initiator))
        {
            Established(back);
            using var over = new CancellationTokenSource();
            var serving = back.ServeAsync(over.Token);
            time.Skip(Margin + Margin);
            await PokeAsync();
            var session = Assert.Single(await SessionsAsync());
            Assert.NotEqual(SessionStatus.Inactive, session.Status);
            Assert.Equal(asleep.AcctSessionId, session.AcctSessionId);
            await over.CancelAsync();
            await serving;
        }

        await AsleepAsync();
        time.Skip(TimeSpan.FromSeconds(600) - Margin);
        await PokeAsync();
        Assert.Equal((SessionStatus.Inactive, asleep.AcctSessionId), Told(Assert.Single(await SessionsAsync())));
        time.Skip(Margin);
        await NoneAsync();
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Stop], (await RecordsAsync()).Select(r => r.Status));
    }

    private static (string, string?) Told(SessionRecord session) => (session.Status, session.AcctSessionId);

    private static void Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static uint Number(SpooledRecord record, byte type) => BinaryPrimitives.ReadUInt32BigEndian(Attribute(record, type));

    private static byte[] Attribute(SpooledRecord record, byte type)
    {
        for (var rest = record.Attributes.Span; rest.Length > 2; rest = rest[rest[1]..])
        {
            if (rest[0] == type)
                return rest[2..rest[1]].ToArray();
        }

        throw new InvalidOperationException($"the record has no attribute {type}");
    }

    private LoopbackClient Client(string user) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.Fqdn, Encoding.ASCII.GetBytes(user)),
        User = user,
        Password = "wonderland",
        ReconnectAttributes = (SessionId, Token),
    });

    private LoopbackClient Back(TestInitiator client) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.KeyId, client.Given[SessionId]),
        User = "nobody",
        Password = "nothing",
        PreSharedKey = client.Given[Token],
        ReconnectAttributes = (SessionId, Token),
    });

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    /// <summary>Wakes every shard, so that it sees what came due in the time that was skipped.</summary>
    private async Task PokeAsync() => await host.Backend.GetIkeSasAsync(CancellationToken.None);

    /// <summary>Until the headend has asked the client and got no answer.</summary>
    private async Task<SessionRecord> AsleepAsync()
    {
        for (var i = 0; i < 100; i++)
        {
            if ((await SessionsAsync()).FirstOrDefault(s => s.Status == SessionStatus.Inactive) is { } found)
                return found;
            time.Skip(TimeSpan.FromSeconds(1));
            await PokeAsync();
            await Task.Delay(50);
        }

        throw new TimeoutException("the session does not sleep");
    }

    private async Task NoneAsync()
    {
        for (var i = 0; i < 200 && (await SessionsAsync()).Count > 0; i++)
            await Task.Delay(50);
        Assert.Empty(await SessionsAsync());
    }

    /// <summary>Ends the headend and reads what it left to send of sessions.</summary>
    private async Task<IReadOnlyList<SpooledRecord>> RecordsAsync()
    {
        await host.StopAsync();
        await host.DisposeAsync();
        stopped = true;
        using var store = EmbeddedStore.Open(directory.File("state", StoreComposition.FileName), time.GetUtcNow());
        var content = new EmbeddedAccountingSpool(store).Load();
        Assert.Empty(content.OpenSessions);
        return [.. content.Records.Where(r => r.Status != AcctStatusType.AccountingOn && r.Status != AcctStatusType.AccountingOff && r.Status != AcctStatusType.InterimUpdate)];
    }

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.Path}}/state
        admin: { socket: {{directory.Path}}/a.sock }
        radius:
          servers: [ { name: nobody, address: 127.0.0.1, acct-port: {{FreePort()}}, secret: a-secret-of-24-octets-xy, timeout: 1s, retransmit: 0 } ]
          groups: [ { name: corp, servers: [nobody] } ]
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
            - name: laptops
              match: { remote-identity: [any] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              accounting-list: acct-list
              authorization: { user: { cached: true }, group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              dpd: { interval: 4s, mode: periodic, retransmissions: 1 }
              reconnect: { timeout: 600s }
              virtual-template: 1
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
