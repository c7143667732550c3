using System.Net;
using System.Net.Sockets;
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
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>client-resume of clients that authenticate by pre-shared key, each by its own or all by one: the proven IKE identity says whose session goes on.</summary>
[Collection("one meter")]
public sealed class PskReturnHostTests : IAsyncLifetime
{
    private const string OneKey = "the key of branch number one";
    private const string TwoKey = "the key of branch number two";
    private const string SharedKey = "the key that many branches share";
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(2);

    private readonly TemporaryDirectory directory = new();
    private readonly SkippingTime time = new();
    private readonly int port = FreePort();
    private HeadendHost host = null!;
    private bool stopped;

    public async Task InitializeAsync()
    {
        directory.Write("headend.yaml", Configuration());
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        host = await HeadendHost.StartAsync(outcome.Configuration!, NullLoggerFactory.Instance, time, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        if (!stopped)
            await host.DisposeAsync();
        directory.Dispose();
    }

    [Theory]
    [InlineData("one.example", OneKey, "two.example", TwoKey)]
    [InlineData("north.example", SharedKey, "south.example", SharedKey)]
    public async Task TheSameIdentityResumesItsSessionAndAnotherDoesNot(string identity, string key, string another, string anothersKey)
    {
        using var client = Client(identity, key);
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        Assert.Equal("PSK", before.Authentication);
        Assert.NotNull(before.Interface);
        Assert.NotNull(before.AcctSessionId);
        client.Dispose();
        Assert.Equal(Kept(before), Kept(await AsleepAsync()));

        using var other = Client(another, anothersKey);
        Assert.NotEqual(address, Established(other).IPv4);
        var others = (await SessionsAsync()).Single(s => s.User == another);
        Assert.NotEqual((before.Interface, before.AcctSessionId), (others.Interface, others.AcctSessionId));
        Assert.Equal((SessionStatus.Inactive, Kept(before)), StatusAndKept(await SessionOfAsync(identity)));
        // Nor one that only says so.
        using (var liar = Client(identity, "what somebody made up to be a key"))
            Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(liar.Login()).Notify);
        Assert.Equal((SessionStatus.Inactive, Kept(before)), StatusAndKept(await SessionOfAsync(identity)));

        using var back = Client(identity, key);
        Assert.Equal(address, Established(back).IPv4);
        var after = await SessionOfAsync(identity);
        Assert.Equal(Kept(before), Kept(after));
        Assert.NotEqual(SessionStatus.Inactive, after.Status);
        // Two sessions, a Start and, at the end of the headend, a Stop each.
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.Stop], (await RecordsAsync()).Select(r => r.Status));
    }

    [Theory]
    [InlineData(-20, true)]
    [InlineData(+5, false)]
    public async Task WithinTheIntervalAndNotBeyondIt(int seconds, bool resumes)
    {
        using var client = Client("one.example", OneKey);
        Established(client);
        client.Dispose();
        var asleep = await AsleepAsync();
        time.Skip(Interval + TimeSpan.FromSeconds(seconds));
        if (!resumes)
            await NoneAsync();
        using var back = Client("one.example", OneKey);
        Established(back);
        Assert.Equal(resumes, asleep.AcctSessionId == Assert.Single(await SessionsAsync()).AcctSessionId);
        var stops = (await RecordsAsync()).Where(r => r.Status == AcctStatusType.Stop).ToList();
        Assert.Equal(resumes ? 1 : 2, stops.Count);
        // RFC 2866 5.10: Acct-Terminate-Cause 2, Lost Carrier.
        Assert.Equal(!resumes, stops[0].Attributes.Span.IndexOf((byte[])[49, 6, 0, 0, 0, 2]) >= 0);
    }

    [Theory]
    [InlineData("north.example", true)]
    [InlineData("south.example", false)]
    public async Task InitialContactResumesTheSessionOfTheSameIdentityWhoseSilenceNobodyHasNoticed(string identity, bool resumes)
    {
        using var client = Client("north.example", SharedKey);
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        using var back = Client(identity, SharedKey, initialContact: true);
        Established(back);
        var sessions = await SessionsAsync();
        Assert.Equal(resumes ? 1 : 2, sessions.Count);
        Assert.Equal(resumes, Kept(before) == Kept(await SessionOfAsync(identity)));
    }

    /// <summary>Two machines behind two routers may have one private address, which Windows calls itself by.</summary>
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    public async Task InitialContactOfAPrivateAddressResumesALiveSessionFromTheSameOuterAddressAlone(string from, bool resumes)
    {
        var itself = new IkeIdentity(IdType.IPv4Address, IPAddress.Parse("192.168.1.5").GetAddressBytes());
        using var client = new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), Options(itself, SharedKey));
        Established(client);
        var before = Assert.Single(await SessionsAsync());
        using var back = new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), Options(itself, SharedKey) with { InitialContact = true }, IPAddress.Parse(from));
        Established(back);
        Assert.Equal(resumes ? 1 : 2, (await SessionsAsync()).Count);
        Assert.Contains(Kept(before), (await SessionsAsync()).Select(Kept));
    }

    private static (string, string?, string?, string?, string?, string?) Kept(SessionRecord s) =>
        (s.Id, s.Interface, s.AuditSessionId, s.AcctSessionId, s.User, string.Join(' ', s.AssignedAddresses));

    private static (string, (string, string?, string?, string?, string?, string?)) StatusAndKept(SessionRecord s) => (s.Status, Kept(s));

    private static InitiatorOutcome.Established Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private LoopbackClient Client(string identity, string key, bool initialContact = false) => new(
        new IPEndPoint(IPAddress.Loopback, port), Options(new IkeIdentity(IdType.Fqdn, Encoding.ASCII.GetBytes(identity)), key) with { InitialContact = initialContact });

    private static TestInitiatorOptions Options(IkeIdentity identity, string key) => new()
    {
        Identity = identity,
        User = "nobody",
        Password = "nothing",
        PreSharedKey = Encoding.UTF8.GetBytes(key),
        ServerPreSharedKey = Encoding.UTF8.GetBytes(key),
    };

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    private async Task<SessionRecord> SessionOfAsync(string user) => (await SessionsAsync()).Single(s => s.User == user);

    /// <summary>Until the headend has asked the client and got no answer.</summary>
    private async Task<SessionRecord> AsleepAsync()
    {
        for (var i = 0; i < 100; i++)
        {
            if ((await SessionsAsync()).FirstOrDefault(s => s.Status == SessionStatus.Inactive) is { } found)
                return found;
            time.Skip(TimeSpan.FromSeconds(1));
            // Wakes the shards.
            await host.Backend.GetIkeSasAsync(CancellationToken.None);
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
        return [.. content.Records.Where(r => r.Status == AcctStatusType.Start || r.Status == AcctStatusType.Stop)];
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
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          keyrings:
            - name: branches
              peers:
                - { name: shared, identity: any, secret: {{SharedKey}} }
                - { identity: fqdn one.example, secret: {{OneKey}} }
                - { identity: fqdn two.example, secret: {{TwoKey}} }
          profiles:
            - name: branches
              match: { remote-identity: [any] }
              local-identity: fqdn gw.example
              local-authentication: { pre-share: true }
              remote-authentication: { pre-share: true }
              keyring: { local: branches }
              authorization: { group: { list: local-list, name: staff } }
              accounting-list: acct-list
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              dpd: { interval: 4s, mode: periodic, retransmissions: 1 }
              client-resume: { interval: 2m }
              virtual-template: 1
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
