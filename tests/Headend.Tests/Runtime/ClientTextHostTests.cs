using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Store;
using Headend.TestKit.Initiator;
using Headend.Tests.Peers;
using Headend.Tests.Pki;

namespace Headend.Tests.Runtime;

/// <summary>
/// What does not fit into RADIUS through the whole headend: a client cannot choose by what it says that somebody else is asked in RADIUS's place, or that nobody hears of its
/// session.
/// </summary>
[Collection("one meter")]
public sealed class ClientTextHostTests : IDisposable
{
    /// <summary>APPLICATION_VERSION as long as it is read; no text, so that it is told in twice as many digits.</summary>
    private static readonly byte[] Version = [1, .. Enumerable.Repeat((byte)'x', 127)];

    private readonly TemporaryDirectory directory = new();
    private readonly PolicyServer radius = new();
    private readonly LineLog log = new();
    private readonly int port = FreePort();

    public ClientTextHostTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        directory.Write("gw.pem", certificate.ExportCertificatePem());
        directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem());
    }

    public void Dispose()
    {
        radius.Dispose();
        log.Dispose();
        directory.Dispose();
    }

    /// <summary>The user has a local entry, but RADIUS, which is healthy, refuses it.</summary>
    [Fact]
    public async Task A_user_that_RADIUS_refuses_does_not_get_in_as_a_local_one_by_what_its_client_calls_itself()
    {
        await using var host = await StartAsync("gw");
        using var client = Client("alice@corp.example");
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Login()).Notify);
        Assert.Equal(["alice@corp.example *"], radius.Requests);
        Assert.Empty(await host.Backend.GetSessionsAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_session_is_accounted_for_whatever_its_client_calls_itself()
    {
        await using (var host = await StartAsync("gw"))
        {
            using var client = Client("bob");
            Assert.IsType<InitiatorOutcome.Established>(client.Login());
            Assert.Equal(1, (await host.Backend.GetAccountingAsync(CancellationToken.None)).OpenSessions);
            await host.StopAsync();
        }

        using var store = EmbeddedStore.Open(directory.File("state", StoreComposition.FileName), DateTimeOffset.UtcNow);
        Assert.Equal(
            [AcctStatusType.AccountingOn, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.AccountingOff],
            new EmbeddedAccountingSpool(store).Load().Records.Select(r => r.Status));
    }

    /// <summary>The operator's name of the headend stands for whatever else may not fit one day.</summary>
    [Theory]
    [InlineData("alice@corp.example", "the RADIUS request cannot be sent: NAS-Identifier has 300 octets, more than 253")]
    [InlineData("bob", "accounting: NAS-Identifier has 300 octets, more than 253")]
    public async Task A_request_or_a_start_that_does_not_fit_refuses_the_login(string user, string why)
    {
        await using var host = await StartAsync(new string('n', 300));
        using var client = Client(user);
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Login()).Notify);
        for (var attempt = 0; attempt < 400 && !log.Text.Contains("aaa-unsendable", StringComparison.Ordinal); attempt++)
            await Task.Delay(50);
        var line = Assert.Single(log.Text.Split('\n'), l => l.Contains("aaa-unsendable", StringComparison.Ordinal));
        Assert.Contains(why, line, StringComparison.Ordinal);
        Assert.Empty(radius.Requests);
        Assert.Empty(await host.Backend.GetSessionsAsync(CancellationToken.None));
        for (var attempt = 0; attempt < 400 && Assert.Single(await host.Backend.GetPoolsAsync(CancellationToken.None)).InUse > 0; attempt++)
            await Task.Delay(50);
        Assert.Equal(0, Assert.Single(await host.Backend.GetPoolsAsync(CancellationToken.None)).InUse);
        Assert.Equal(0, (await host.Backend.GetAccountingAsync(CancellationToken.None)).OpenSessions);
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private LoopbackClient Client(string user) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = user.Contains('@', StringComparison.Ordinal) ? new IkeIdentity(IdType.Rfc822Address, Encoding.UTF8.GetBytes(user)) : new IkeIdentity(IdType.Fqdn, "client"u8),
        User = user,
        Password = "wonderland",
        ApplicationVersion = Version,
    });

    private Task<HeadendHost> StartAsync(string nasIdentifier)
    {
        directory.Write("headend.yaml", Configuration(nasIdentifier));
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        return HeadendHost.StartAsync(outcome.Configuration!, log, TimeProvider.System, CancellationToken.None);
    }

    private string Configuration(string nasIdentifier) => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.Path}}/state
        store: { kind: embedded }
        admin: { socket: {{directory.Path}}/a.sock }
        radius:
          attributes: { nas-identifier: {{nasIdentifier}} }
          servers:
            - { name: radius1, address: 127.0.0.1, auth-port: {{radius.Port}}, acct-port: {{FreePort()}}, secret: a-shared-secret-of-26-chars, timeout: 5s, retransmit: 3 }
          groups: [ { name: corp, servers: [radius1] } ]
        aaa:
          authentication: [ { name: both, methods: [group corp, local] }, { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users: [ { name: alice@corp.example, password: wonderland }, { name: bob, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
            - name: people
              match: { remote-identity: [email-domain corp.example] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: both
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              virtual-template: 1
            - name: rest
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
