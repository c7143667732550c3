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
using Headend.TestKit.Initiator;
using Headend.Tests.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>Session resumption by ticket (RFC 5723) through the whole headend: what the session keeps, and every way in which a ticket is no good any more.</summary>
[Collection("one meter")]
public sealed class TicketHostTests : IAsyncLifetime
{
    private static readonly ConfigurationAttributeType SessionId = new(28717);
    private static readonly ConfigurationAttributeType Token = new(28718);

    private readonly TemporaryDirectory directory = new();
    private readonly int port = FreePort();
    private HeadendHost host = null!;

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
        host = await HeadendHost.StartAsync(outcome.Configuration!, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        directory.Dispose();
    }

    [Fact]
    public async Task AfterSleepAResumptionGoesOnWithEverythingThatTheSessionHad()
    {
        using var client = Client();
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        client.Dispose();
        Assert.Equal(Kept(before), Kept(await WaitForSleepAsync()));

        using var back = Back(client);
        Assert.Equal(address, Established(back).IPv4);
        var after = Assert.Single(await SessionsAsync());
        Assert.Equal(Kept(before), Kept(after));
        Assert.True(after.Reconnected);
        Assert.Equal(before.Authentication, after.Authentication);
        Assert.Contains("ticket", after.IkeSa!.Capabilities);
        Assert.Equal(1, (await host.Backend.GetPoolsAsync(CancellationToken.None))[0].InUse);

        using var again = Back(client);
        Nacked(again);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
    }

    [Fact]
    public async Task AClientThatChangedItsNetworkTakesItsLiveSessionOver()
    {
        var current = Client();
        Established(current);
        var before = Assert.Single(await SessionsAsync());
        for (var i = 0; i < 6; i++)
        {
            // Through whichever shard.
            var back = Back(current);
            Established(back);
            current.Dispose();
            current = back;
            Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        }

        current.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ASessionThatWasClearedRefusesItsTicketAndALoginWorks(bool asleep)
    {
        using var client = Client();
        Established(client);
        client.Dispose();
        if (asleep)
            await WaitForSleepAsync();
        Assert.Equal(1, (await host.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "alice@tickets" }, CancellationToken.None)).Cleared);
        for (var i = 0; i < 600 && (await SessionsAsync()).Count > 0; i++)
            await Task.Delay(50);
        using var back = Back(client);
        Nacked(back);
        using var anew = Client();
        Established(anew);
    }

    [Fact]
    public async Task OfSeveralAtOnceWithOneTicketOneResumes()
    {
        using var client = Client();
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        client.Dispose();
        await WaitForSleepAsync();
        var clients = Enumerable.Range(0, 6).Select(_ => Back(client)).ToList();
        var outcomes = await Task.WhenAll(clients.Select(c => Task.Run(c.Login)));
        Assert.Single(outcomes.OfType<InitiatorOutcome.Established>());
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
        clients.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task AForgerWhoSawTheTicketChangesNothing()
    {
        using var client = Client();
        Established(client);
        client.Dispose();
        await WaitForSleepAsync();
        var ticket = client.Initiator.Ticket!;
        using var forger = Back(client, ticket with { SkD = new byte[ticket.SkD.Length] }, o => o with { LoginTimeout = TimeSpan.FromSeconds(3) });
        Assert.IsType<InitiatorOutcome.Failed>(forger.Login());
        var altered = ticket.Octets.ToArray();
        altered[^1] ^= 1;
        using var other = Back(client, ticket with { Octets = altered });
        Nacked(other);
        using var back = Back(client);
        Established(back);
    }

    /// <summary>What the client has of one kind stays good when it comes back by the other and asks for nothing, also against a session that is up.</summary>
    [Fact]
    public async Task TokenAndTicketOfOneSessionOutliveAReturnByTheOther()
    {
        using var client = Client("alice@both", o => o with { ReconnectAttributes = (SessionId, Token) });
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        using var byTicket = Back(client, null, o => o with { RequestTicket = false, Identity = Identity("alice@both") });
        Established(byTicket);
        using var byToken = ByToken(client, o => o with { RequestTicket = true });
        Established(byToken);
        using var again = ByToken(client);
        Established(again);
        again.Dispose();
        Assert.Equal(Kept(before), Kept(await WaitForSleepAsync()));

        // Of the return before the last, which spent none; the ticket says how its user was authenticated.
        using var last = Back(byToken, null, o => o with { Identity = Identity("alice@both"), ReconnectAttributes = (SessionId, Token) });
        Established(last);
        var after = Assert.Single(await SessionsAsync());
        Assert.Equal(Kept(before), Kept(after));
        Assert.Equal(before.Authentication, after.Authentication);
        Assert.Contains(Token, last.Initiator.Given.Keys);
    }

    [Fact]
    public async Task ATokenOutlivesAReturnByLogin()
    {
        using var client = Client("alice@both", o => o with { ReconnectAttributes = (SessionId, Token) });
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        using var anew = Client("alice@both", o => o with { InitialContact = true, RequestTicket = false });
        Established(anew);
        var resumed = Assert.Single(await SessionsAsync());
        Assert.Equal(Kept(before), Kept(resumed));
        using var back = ByToken(client);
        Established(back);
        Assert.Equal(Kept(before), Kept(Assert.Single(await SessionsAsync())));
    }

    private static void Nacked(LoopbackClient client) => Assert.Equal(NotifyType.TicketNack, Assert.IsType<InitiatorOutcome.Failed>(client.Login()).Notify);

    private static InitiatorOutcome.Established Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static (string, string?, string?, string?, string?, string?) Kept(SessionRecord s) =>
        (s.Id, s.Interface, s.AuditSessionId, s.AcctSessionId, s.User, string.Join(' ', s.AssignedAddresses));

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static IkeIdentity Identity(string user) => new(IdType.Rfc822Address, Encoding.ASCII.GetBytes(user));

    private LoopbackClient Client() => new(new IPEndPoint(IPAddress.Loopback, port), Options("wonderland"));

    private LoopbackClient Client(string user, Func<TestInitiatorOptions, TestInitiatorOptions> change) =>
        new(new IPEndPoint(IPAddress.Loopback, port), change(Options("wonderland") with { Identity = Identity(user), User = user }));

    private LoopbackClient ByToken(LoopbackClient client, Func<TestInitiatorOptions, TestInitiatorOptions>? change = null)
    {
        var given = client.Initiator.Given;
        var options = Options("nothing") with { Identity = new IkeIdentity(IdType.KeyId, given[SessionId]), PreSharedKey = given[Token], RequestTicket = false };
        return new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), change is null ? options : change(options));
    }

    private LoopbackClient Back(LoopbackClient client, InitiatorTicket? ticket = null, Func<TestInitiatorOptions, TestInitiatorOptions>? change = null)
    {
        var options = Options("nothing") with { Ticket = ticket ?? client.Initiator.Ticket };
        return new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), change is null ? options : change(options));
    }

    private static TestInitiatorOptions Options(string password) => new()
    {
        Identity = Identity("alice@tickets"),
        User = "alice@tickets",
        Password = password,
        RequestTicket = true,
    };

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    private async Task<SessionRecord> WaitForSleepAsync()
    {
        for (var i = 0; i < 600; i++)
        {
            if ((await SessionsAsync()).FirstOrDefault(s => s.Status == SessionStatus.Inactive) is { } found)
                return found;
            await Task.Delay(50);
        }

        throw new TimeoutException("no session went to sleep");
    }

    private static string Profile(string name, string more) => $$"""
            - name: {{name}}
              match: { remote-identity: [email-domain {{name}}] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: { query-identity: true } }
              authentication-list: local-list
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              dpd: { interval: 4s, mode: periodic, retransmissions: 1 }
              session-resumption: { lifetime: 8h, timeout: 30m }
              {{more}}
              virtual-template: 1
        """;

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.Path}}/state
        admin: { socket: {{directory.Path}}/a.sock }
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: alice@tickets, password: wonderland }, { name: alice@both, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{Profile("tickets", "")}}
        {{Profile("both", "reconnect: { timeout: 30m }\n      client-resume: { interval: 2m }")}}
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
