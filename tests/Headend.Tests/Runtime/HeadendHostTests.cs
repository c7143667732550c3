using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Eap;
using Headend.Ikev2.Wire;
using Headend.Runtime;
using Headend.Sessions;
using Headend.TestKit.Initiator;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>The whole headend without a data plane on the loopback, met by our own client: sockets, shards, EAP, leases, admin API.</summary>
[Collection("one meter")]
public sealed class HeadendHostTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("headend-host-").FullName;
    private readonly int port = FreePort();
    private HeadendHost host = null!;

    private IPEndPoint Gateway => new(IPAddress.Loopback, port);

    public async Task InitializeAsync()
    {
        WriteCertificate();
        await File.WriteAllTextAsync(Path.Combine(directory, "headend.yaml"), Configuration());
        host = await HeadendHost.StartAsync(Load(), NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task ALoginIsShownAndAClearEndsIt()
    {
        using var client = new LoopbackClient(Gateway, "alice", "wonderland");
        var established = Assert.IsType<InitiatorOutcome.Established>(client.Login());
        Assert.Equal("10.99.0.1", established.IPv4?.ToString());

        var session = Assert.Single(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal("alice", session.User);
        Assert.Equal("EAP-MSCHAPv2", session.Authentication);
        Assert.Equal(["10.99.0.1"], session.AssignedAddresses);
        Assert.Single(session.ChildSas);
        Assert.Equal(1, Assert.Single(await host.Backend.GetPoolsAsync(CancellationToken.None)).InUse);

        var cleared = await host.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice" }, CancellationToken.None);
        Assert.Equal(1, cleared.Cleared);
        client.WaitUntilClosed();
        Assert.Empty(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal(0, Assert.Single(await host.Backend.GetPoolsAsync(CancellationToken.None)).InUse);
    }

    // Before authentication a peer learns only AUTHENTICATION_FAILED.
    [Theory]
    [InlineData("alice", "wrong")]
    [InlineData("nobody", "wonderland")]
    public async Task AWrongPasswordLeavesNothing(string user, string password)
    {
        using var client = new LoopbackClient(Gateway, user, password);
        var failed = Assert.IsType<InitiatorOutcome.Failed>(client.Login());
        Assert.Equal(NotifyType.AuthenticationFailed, failed.Notify);
        Assert.Empty(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal(0, Assert.Single(await host.Backend.GetPoolsAsync(CancellationToken.None)).InUse);
    }

    // Whatever the client sends then, it learns of a wrong password and nothing more.
    [Fact]
    public void TooManyWrongPasswordsLockTheUserOutUntilAnOperatorSaysOtherwise()
    {
        for (var i = 0; i < 3; i++)
        {
            using var guess = new LoopbackClient(Gateway, "alice", "guess");
            Assert.IsType<InitiatorOutcome.Failed>(guess.Login());
        }

        using (var right = new LoopbackClient(Gateway, "alice", "wonderland"))
            Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(right.Login()).Notify);
        Assert.NotNull(host.LocalAaa.Lockout.StateOf("alice").LockedUntil);
        Assert.True(host.LocalAaa.Lockout.Clear("alice"));
        using var again = new LoopbackClient(Gateway, "alice", "wonderland");
        Assert.IsType<InitiatorOutcome.Established>(again.Login());
    }

    [Fact]
    public async Task AReloadTakesTheUserFileAndKeepsSessions()
    {
        using var alice = new LoopbackClient(Gateway, "alice", "wonderland");
        Assert.IsType<InitiatorOutcome.Established>(alice.Login());
        var file = LocalUserFile.PathIn(Path.Combine(directory, "state"));
        Assert.Null(LocalUserFile.Update(file, rows =>
        {
            rows.Add(new LocalUserRecord { Name = "bob", NtHash = Convert.ToHexString(LocalCredential.ComputeNtHash("builder")), Policy = "staff" });
            return null;
        }));
        using (var early = new LoopbackClient(Gateway, "bob", "builder"))
            Assert.IsType<InitiatorOutcome.Failed>(early.Login());
        host.Reload();
        using var bob = new LoopbackClient(Gateway, "bob", "builder");
        Assert.IsType<InitiatorOutcome.Established>(bob.Login());

        // What cannot be used changes nothing.
        await File.WriteAllTextAsync(file, "{ damaged");
        host.Reload();
        using var stillBob = new LoopbackClient(Gateway, "bob", "builder");
        Assert.IsType<InitiatorOutcome.Established>(stillBob.Login());
        Assert.Equal(3, (await host.Backend.GetSessionsAsync(CancellationToken.None)).Count);
    }

    [Fact]
    public async Task StoppingTellsEveryClient()
    {
        using var first = new LoopbackClient(Gateway, "alice", "wonderland");
        using var second = new LoopbackClient(Gateway, "alice", "wonderland");
        Assert.IsType<InitiatorOutcome.Established>(first.Login());
        Assert.IsType<InitiatorOutcome.Established>(second.Login());
        Assert.NotEqual(first.Initiator.Path.Local, second.Initiator.Path.Local);

        var stop = host.StopAsync();
        first.WaitUntilClosed();
        second.WaitUntilClosed();
        await stop;
    }

    [Fact]
    public async Task APortInUseIsSaidInALine()
    {
        var error = await Assert.ThrowsAsync<HeadendStartException>(
            () => HeadendHost.StartAsync(Load(), NullLoggerFactory.Instance, TimeProvider.System, TimeSpan.Zero, CancellationToken.None));
        Assert.Contains("in use", error.Message, StringComparison.Ordinal);
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private HeadendConfiguration Load()
    {
        var outcome = ConfigurationParser.Load(Path.Combine(directory, "headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        return outcome.Configuration!;
    }

    private void WriteCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Path.Combine(directory, "gw.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "gw.key"), key.ExportPkcs8PrivateKeyPem());
    }

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory}}/state
        admin: { socket: {{directory}}/a.sock }
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: alice, password: wonderland } ]
          lockout: { failures: 3 }
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
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              virtual-template: 1
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
