using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Admin;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.Tests.Peers;
using Headend.Tests.Pki;

namespace Headend.Tests.Runtime;

/// <summary>
/// Sessions of clients with certificates that their clients come back to, by the headend that gave them and by the next one. Token and ticket stand for the session: neither the
/// certificate nor RADIUS is asked again, and who shall not come back is cleared. A login is a login.
/// </summary>
[Collection("one meter")]
public sealed class CertificateReturnHostTests : IAsyncLifetime
{
    private const string Laptop = "laptop.cert.example";
    private const string Device = "device.both.example";
    private static readonly ConfigurationAttributeType SessionId = new(28717);
    private static readonly ConfigurationAttributeType Token = new(28718);
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA,O=Example");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private readonly TestAuthority people = TestAuthority.Create("CN=People CA,O=Example");
    private readonly TemporaryDirectory directory = new();
    private readonly int port = FreePort();
    private readonly PolicyServer radius = new();
    private readonly LineLog log = new();
    private string state = "state";
    private HeadendHost host = null!;

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = Root.Issue(new TestSubject("CN=gw.example") { DnsNames = ["gw.example"], Usages = ["1.3.6.1.5.5.7.3.1"] }, key);
        directory.Write("gw.pem", certificate.ExportCertificatePem());
        directory.Write("gw.key", key.ExportPkcs8PrivateKeyPem());
        directory.Write("people.pem", people.Pem);
        await File.WriteAllBytesAsync(directory.File("people.crl"), people.List());
        radius.Policies[Laptop] = ["Class=engineers"];
        radius.Policies["alice"] = ["Class=staff"];
        host = await StartAsync();
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        radius.Dispose();
        log.Dispose();
        directory.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task TokenAndTicketStandForTheSessionWhateverBecameOfTheCertificate(bool restart, bool byTicket)
    {
        var leaf = Issue("CN=laptop,O=Example", Laptop);
        using var client = Client(Laptop, leaf, Asking);
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        Assert.Equal((Laptop, "certificate"), (before.User, before.Authentication));
        Assert.Equal([$"{Laptop} cisco"], radius.Requests);
        client.Dispose();
        await RevokeAsync(leaf);
        if (restart)
            await CrashAsync();
        Assert.Equal(Kept(before), Kept(await AsleepAsync()));

        // Revoked: a login is refused, and RADIUS is not troubled with it.
        using var login = Client(Laptop, leaf, Asking);
        Refused(login, "revoked (by people.crl)");
        using var back = byTicket ? ByTicket(client.Initiator) : Back(client.Initiator);
        Assert.Equal(address, Established(back).IPv4);
        var after = Assert.Single(await SessionsAsync());
        Assert.Equal((Kept(before), true), (Kept(after), after.Reconnected));
        Assert.Equal([$"{Laptop} cisco"], radius.Requests);
        var sa = Assert.Single(await host.Backend.GetIkeSasAsync(CancellationToken.None));
        Assert.Equal((byTicket ? "certificate" : "PSK", Laptop), (sa.AuthVerify, sa.RemoteIdentity));

        // What the documentation says to do about somebody who shall not come back.
        Assert.Equal(1, (await host.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = Laptop }, CancellationToken.None)).Cleared);
        using var again = byTicket ? ByTicket(back.Initiator) : Back(back.Initiator);
        Assert.IsType<InitiatorOutcome.Failed>(again.Login());
        Assert.Empty(await SessionsAsync());
    }

    /// <summary>A user with EAP behind the certificate of a device: another device of the same user has a session of its own, before and after a restart.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALoginResumesTheSessionOfTheSameDeviceAlone(bool restart)
    {
        using var client = Client(Device, Issue("CN=laptop,O=Example", Device), ThenEap);
        var address = Established(client).IPv4;
        var before = Assert.Single(await SessionsAsync());
        Assert.Equal(("alice", "certificate+EAP-MSCHAPv2"), (before.User, before.Authentication));
        client.Dispose();
        if (restart)
            await CrashAsync();
        await AsleepAsync();

        using var other = Client(Device, Issue("CN=tablet,O=Example", Device), ThenEap);
        Assert.NotEqual(address, Established(other).IPv4);
        // The same name under a new serial number: the device's certificate was renewed.
        using var back = Client(Device, Issue("CN=laptop,O=Example", Device), ThenEap);
        Assert.Equal(address, Established(back).IPv4);
        var sessions = await SessionsAsync();
        Assert.Equal(2, sessions.Count);
        Assert.Contains(Kept(before), sessions.Select(Kept));
    }

    private static TestInitiatorOptions Asking(TestInitiatorOptions options) => options with { ReconnectAttributes = (SessionId, Token), RequestTicket = true };

    private static TestInitiatorOptions ThenEap(TestInitiatorOptions options) => options with { SecondIdentity = Identity("key-id alice") };

    private static (string, string?, string?, string?, string) Kept(SessionRecord s) => (s.Id, s.AuditSessionId, s.AcctSessionId, s.User, string.Join(' ', s.AssignedAddresses));

    private static InitiatorOutcome.Established Established(LoopbackClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Login());

    private static IkeIdentity Identity(string text)
    {
        Assert.True(IkeIdentity.TryParse(text, out var identity));
        return identity;
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private X509Certificate2 Issue(string subject, string name) => people.Issue(new TestSubject(subject) { DnsNames = [name] }, Key);

    private async Task RevokeAsync(X509Certificate2 leaf)
    {
        people.Revoke(leaf);
        await File.WriteAllBytesAsync(directory.File("people.crl"), people.List());
        host.Reload();
    }

    private void Refused(LoopbackClient client, string reason)
    {
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Login()).Notify);
        Assert.True(SpinWait.SpinUntil(() => log.Text.Contains(reason, StringComparison.Ordinal), TimeSpan.FromSeconds(10)), $"{reason} is not in the log:\n{log.Text}");
    }

    private LoopbackClient Client(string name, X509Certificate2 leaf, Func<TestInitiatorOptions, TestInitiatorOptions> change) => new(
        new IPEndPoint(IPAddress.Loopback, port),
        change(new TestInitiatorOptions
        {
            Identity = Identity($"fqdn {name}"),
            User = "alice",
            Password = "wonderland",
            Certificate = InitiatorCertificate.With([leaf.RawDataMemory], Key),
            Trust = ServerTrust.In([Root.Certificate]),
        }));

    private LoopbackClient Back(TestInitiator client) => new(new IPEndPoint(IPAddress.Loopback, port), Asking(new TestInitiatorOptions
    {
        Identity = new IkeIdentity(IdType.KeyId, client.Given[SessionId]),
        User = "nobody",
        Password = "nothing",
        PreSharedKey = client.Given[Token],
        Trust = ServerTrust.In([Root.Certificate]),
    }));

    private LoopbackClient ByTicket(TestInitiator client) => new(new IPEndPoint(IPAddress.Loopback, port), Asking(new TestInitiatorOptions
    {
        Identity = Identity($"fqdn {Laptop}"),
        User = "nobody",
        Password = "nothing",
        Ticket = client.Ticket,
    }));

    private async Task<IReadOnlyList<SessionRecord>> SessionsAsync() => await host.Backend.GetSessionsAsync(CancellationToken.None);

    private async Task<SessionRecord> AsleepAsync()
    {
        for (var i = 0; i < 600; i++)
        {
            if (await SessionsAsync() is [{ Status: SessionStatus.Inactive } asleep])
                return asleep;
            await Task.Delay(50);
        }

        throw new TimeoutException("the session does not sleep");
    }

    /// <summary>What the disk holds once the sessions of now are on it goes on, and nothing that the process did later.</summary>
    private async Task CrashAsync()
    {
        var next = $"{state}-next";
        Directory.CreateDirectory(directory.File(next));
        // Behind the commit of the sessions that are up: an answered request was written.
        await Task.Delay(300);
        foreach (var file in Directory.GetFiles(directory.File(state)))
            File.Copy(file, directory.File(next, Path.GetFileName(file)));
        await host.DisposeAsync();
        state = next;
        host = await StartAsync();
    }

    private Task<HeadendHost> StartAsync()
    {
        directory.Write("headend.yaml", Configuration());
        var outcome = ConfigurationParser.Load(directory.File("headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Errors);
        return HeadendHost.StartAsync(outcome.Configuration!, log, TimeProvider.System, CancellationToken.None);
    }

    private static string Profile(string name, string remote, string more) => $$"""
            - name: {{name}}
              match: { remote-identity: [fqdn-domain {{name}}.example] }
              local-identity: fqdn gw.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { {{remote}} }
              authorization: { group: { list: local-list, name: staff }, {{more}}
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              dpd: { interval: 4s, mode: periodic, retransmissions: 1 }
              virtual-template: 1
        """;

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory.File(state)}}
        admin: { socket: {{directory.File("a.sock")}} }
        radius:
          servers: [ { name: radius1, address: 127.0.0.1, auth-port: {{radius.Port}}, secret: a-shared-secret-of-26-chars, timeout: 5s, retransmit: 3 } ]
          groups: [ { name: corp, servers: [radius1] } ]
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] }, { name: radius-list, methods: [group corp] } ]
          local-users: [ { name: alice, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{Profile("cert", "certificate: { ca: people.pem, crl: [people.crl], revocation: strict }", """
        cert: { user: { list: radius-list } } }
              reconnect: { timeout: 30m }
              session-resumption: { lifetime: 1h, timeout: 30m }
        """)}}
        {{Profile("both", "certificate: { ca: people.pem, revocation: off, then-eap: required }, eap: {}", """
        user: { cached: true } }
              authentication-list: local-list
              client-resume: { interval: 2m }
        """)}}
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
