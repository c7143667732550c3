using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Accounting;
using Headend.Composition;
using Headend.Configuration;
using Headend.Runtime;
using Headend.Store;
using Headend.TestKit.Initiator;
using Headend.Tests.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>Accounting of the whole headend while no RADIUS server answers: what is on disk when, and what the next start makes of it.</summary>
[Collection("one meter")]
public sealed class AccountingHostTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();
    private readonly int port = FreePort();

    public AccountingHostTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        directory.Write("gw.pem", certificate.ExportCertificatePem());
        directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem());
        directory.Write("headend.yaml", Configuration());
    }

    private string Store => directory.File("state", StoreComposition.FileName);

    public void Dispose() => directory.Dispose();

    [Fact]
    public async Task A_session_that_a_crash_cut_off_gets_its_stop_at_the_next_start()
    {
        string acctSessionId;
        await using (var host = await StartAsync())
        {
            using var client = new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), "alice", "wonderland");
            Assert.IsType<InitiatorOutcome.Established>(client.Login());
            acctSessionId = Assert.Single(await host.Backend.GetSessionsAsync(CancellationToken.None)).AcctSessionId!;
            // The client has heard that it is connected: what a kill left at this moment already tells of it.
            Directory.CreateDirectory(directory.File("crashed"));
            foreach (var suffix in (string[])["", "-wal"])
                File.Copy(Store + suffix, directory.File("crashed", "headend.db" + suffix));
            var shown = await host.Backend.GetAccountingAsync(CancellationToken.None);
            Assert.Equal((2, 1, "ok", Store), (shown.Waiting, shown.OpenSessions, shown.State, shown.File));
            // The store is locked: a second headend on this state directory is told so, and takes nothing.
            var error = await Assert.ThrowsAsync<HeadendStartException>(
                () => HeadendHost.StartAsync(Load(FreePort(), FreePort()), NullLoggerFactory.Instance, TimeProvider.System, TimeSpan.Zero, CancellationToken.None));
            Assert.Contains("another headend", error.Message, StringComparison.Ordinal);
        }

        using (var crashed = EmbeddedStore.Open(directory.File("crashed", "headend.db"), DateTimeOffset.UtcNow))
        {
            var left = new EmbeddedAccountingSpool(crashed).Load();
            Assert.Equal(acctSessionId, Assert.Single(left.OpenSessions).SessionId);
            Assert.Equal([AcctStatusType.AccountingOn, AcctStatusType.Start], left.Records.Select(r => r.Status));
        }

        await using (var host = await StartAsync())
        {
            var shown = await host.Backend.GetAccountingAsync(CancellationToken.None);
            Assert.Equal((1, 0), (shown.RecoveredSessions, shown.OpenSessions));
            using var client = new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), "alice", "wonderland");
            Assert.IsType<InitiatorOutcome.Established>(client.Login());
            Assert.NotEqual(acctSessionId, Assert.Single(await host.Backend.GetSessionsAsync(CancellationToken.None)).AcctSessionId);
            await host.StopAsync();
        }

        using var store = EmbeddedStore.Open(Store, DateTimeOffset.UtcNow);
        var content = new EmbeddedAccountingSpool(store).Load();
        Assert.Empty(content.OpenSessions);
        Assert.Equal(
            [AcctStatusType.AccountingOn, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.AccountingOn, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.AccountingOff],
            content.Records.Select(r => r.Status));
        Assert.Equal([acctSessionId, acctSessionId], content.Records.Skip(1).Take(2).Select(r => r.SessionId));
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private Task<HeadendHost> StartAsync() => HeadendHost.StartAsync(Load(), NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);

    private HeadendConfiguration Load(int? ike = null, int? traversal = null)
    {
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        var configuration = outcome.Configuration!;
        return ike is null
            ? configuration
            : configuration with { Listen = configuration.Listen with { IkePort = ike.Value, NatTraversalPort = traversal!.Value }, AdminSocket = directory.File("b.sock") };
    }

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.Path}}/state
        store: { kind: embedded }
        admin: { socket: {{directory.Path}}/a.sock }
        radius:
          servers: [ { name: nobody, address: 127.0.0.1, acct-port: {{FreePort()}}, secret: a-secret-of-24-octets-xy, timeout: 1s, retransmit: 0 } ]
          groups: [ { name: corp, servers: [nobody] } ]
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users: [ { name: alice, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
            - name: staff
              match: { remote-identity: [any] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              accounting-list: acct-list
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              virtual-template: 1
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
