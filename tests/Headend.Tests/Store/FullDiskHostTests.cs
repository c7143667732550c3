using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Store;
using Headend.TestKit.Initiator;
using Headend.Tests.Pki;
using Headend.Tests.Runtime;

namespace Headend.Tests.Store;

/// <summary>A crash on a disk that is full by then: the headend starts, and whoever had a session has it still.</summary>
[Collection("one meter")]
public sealed class FullDiskHostTests : IAsyncLifetime
{
    private static readonly ConfigurationAttributeType SessionId = new(28717);
    private static readonly ConfigurationAttributeType Token = new(28718);

    private readonly TemporaryDirectory directory = new();
    private readonly LineLog log = new();
    private readonly int port = FreePort();
    private TinyDisk? disk;
    private HeadendHost? host;

    public Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        directory.Write("gw.pem", certificate.ExportCertificatePem());
        directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem());
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        if (host is not null)
            await host.DisposeAsync();
        disk?.Dispose();
        directory.Dispose();
    }

    [FactOnTinyDisk]
    public async Task Clients_come_back_and_others_log_in()
    {
        disk = new TinyDisk(4 << 20);
        await StartAsync();
        using var client = Client("alice@reconnect");
        var address = Established(client).IPv4;
        await CrashAsync();
        disk.Fill();
        await StartAsync();
        var asleep = Assert.Single(await host!.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal(SessionStatus.Inactive, asleep.Status);
        using var back = Back(client.Initiator);
        Assert.Equal(address, Established(back).IPv4);
        using var other = Client("bob@reconnect");
        Established(other);
    }

    [FactOnTinyDisk]
    public async Task Nor_does_a_missing_key_keep_it_from_starting()
    {
        disk = new TinyDisk(4 << 20);
        await StartAsync();
        using var client = Client("alice@reconnect");
        Established(client);
        await CrashAsync();
        File.Delete(disk.File(StoreComposition.KeyFileName));
        disk.Fill();
        await StartAsync();
        Assert.Empty(await host!.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Contains("would not outlive this process", log.Text, StringComparison.Ordinal);
        using var other = Client("bob@reconnect");
        Established(other);
    }

    private static InitiatorOutcome.Established Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private LoopbackClient Client(string user) => new(new IPEndPoint(IPAddress.Loopback, port), new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.Rfc822Address, Encoding.ASCII.GetBytes(user)),
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

    /// <summary>What the disk holds once the sessions of now are on it is all that is left.</summary>
    private async Task CrashAsync()
    {
        await Task.Delay(SealedStore.Gathering + TimeSpan.FromMilliseconds(400));
        var aside = Directory.CreateDirectory(directory.File("aside")).FullName;
        foreach (var file in Directory.GetFiles(disk!.Path))
            File.Copy(file, Path.Combine(aside, Path.GetFileName(file)));
        await host!.DisposeAsync();
        host = null;
        foreach (var file in Directory.GetFiles(disk.Path))
            File.Delete(file);
        foreach (var file in Directory.GetFiles(aside))
            File.Copy(file, disk.File(Path.GetFileName(file)));
    }

    private async Task StartAsync()
    {
        directory.Write("headend.yaml", Configuration());
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        host = await HeadendHost.StartAsync(outcome.Configuration!, log, TimeProvider.System, CancellationToken.None);
    }

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{disk!.Path}}
        admin: { socket: {{directory.Path}}/a.sock }
        radius:
          servers: [ { name: nobody, address: 127.0.0.1, acct-port: {{FreePort()}}, secret: a-secret-of-24-octets-xy, timeout: 1s, retransmit: 0 } ]
          groups: [ { name: corp, servers: [nobody] } ]
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users:
            - { name: alice@reconnect, password: wonderland }
            - { name: bob@reconnect, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
            - name: reconnect
              match: { remote-identity: [email-domain reconnect] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              accounting-list: acct-list
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              reconnect: { timeout: 30m }
              virtual-template: 1
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
