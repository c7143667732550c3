using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Admin;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.Tests.Peers;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;

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
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA,O=Example");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private readonly TestAuthority people = TestAuthority.Create("CN=People CA,O=Example");
    private readonly LiveHeadend headend = new();
    private readonly PolicyServer radius = new();

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        headend.WriteCertificate(key, Root);
        headend.Directory.Write("people.pem", people.Pem);
        await File.WriteAllBytesAsync(headend.Directory.File("people.crl"), people.List());
        radius.Policies[Laptop] = ["Class=engineers"];
        radius.Policies["alice"] = ["Class=staff"];
        await headend.StartAsync(Configuration());
    }

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        radius.Dispose();
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task TokenAndTicketStandForTheSessionWhateverBecameOfTheCertificate(bool restart, bool byTicket)
    {
        var leaf = Issue("CN=laptop,O=Example", Laptop);
        using var client = headend.Client(Asking(Options(Laptop, leaf)));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        Assert.Equal((Laptop, "certificate"), (before.User, before.Authentication));
        Assert.Equal([$"{Laptop} cisco"], radius.Requests);
        client.Dispose();
        await RevokeAsync(leaf);
        if (restart)
            await headend.CrashAsync();
        Assert.Equal(Kept(before), Kept(await headend.AsleepAsync()));

        // Revoked: a login is refused, and RADIUS is not troubled with it.
        using var login = headend.Client(Asking(Options(Laptop, leaf)));
        headend.MustRefuse(login, "revoked (by people.crl)");
        using var back = headend.Client(Back(client, byTicket));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var after = Assert.Single(await headend.SessionsAsync());
        Assert.Equal((Kept(before), true), (Kept(after), after.Reconnected));
        Assert.Equal([$"{Laptop} cisco"], radius.Requests);
        var sa = Assert.Single(await headend.Backend.GetIkeSasAsync(CancellationToken.None));
        Assert.Equal((byTicket ? "certificate" : "PSK", Laptop), (sa.AuthVerify, sa.RemoteIdentity));

        // What the documentation says to do about somebody who shall not come back.
        Assert.Equal(1, (await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = Laptop }, CancellationToken.None)).Cleared);
        using var again = headend.Client(Back(back, byTicket));
        again.MustFail();
        Assert.Empty(await headend.SessionsAsync());
    }

    /// <summary>A user with EAP behind the certificate of a device: another device of the same user has a session of its own, before and after a restart.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ALoginResumesTheSessionOfTheSameDeviceAlone(bool restart)
    {
        using var client = headend.Client(ThenEap(Issue("CN=laptop,O=Example", Device)));
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("alice", "certificate+EAP-MSCHAPv2"), (before.User, before.Authentication));
        client.Dispose();
        if (restart)
            await headend.CrashAsync();
        await headend.AsleepAsync();

        using var other = headend.Client(ThenEap(Issue("CN=tablet,O=Example", Device)));
        Assert.NotEqual(address, other.MustLogIn().IPv4);
        // The same name under a new serial number: the device's certificate was renewed.
        using var back = headend.Client(ThenEap(Issue("CN=laptop,O=Example", Device)));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var sessions = await headend.SessionsAsync();
        Assert.Equal(2, sessions.Count);
        Assert.Contains(Kept(before), sessions.Select(Kept));
    }

    private static TestInitiatorOptions Options(string name, X509Certificate2 leaf) => ByPassword("alice", "wonderland") with
    {
        Identity = Identity($"fqdn {name}"),
        Certificate = InitiatorCertificate.With([leaf.RawDataMemory], Key),
        Trust = ServerTrust.In([Root.Certificate]),
    };

    private static TestInitiatorOptions Asking(TestInitiatorOptions options) => options with { ReconnectAttributes = Reconnects, RequestTicket = true };

    private static TestInitiatorOptions ThenEap(X509Certificate2 leaf) => Options(Device, leaf) with { SecondIdentity = Identity("key-id alice") };

    private static TestInitiatorOptions Back(LoopbackClient client, bool byTicket) =>
        Asking(byTicket ? ByTicket(client, Identity($"fqdn {Laptop}")) : ByToken(client) with { Trust = ServerTrust.In([Root.Certificate]) });

    private X509Certificate2 Issue(string subject, string name) => people.Issue(new TestSubject(subject) { DnsNames = [name] }, Key);

    private async Task RevokeAsync(X509Certificate2 leaf)
    {
        people.Revoke(leaf);
        await File.WriteAllBytesAsync(headend.Directory.File("people.crl"), people.List());
        headend.Host.Reload();
    }

    private static string Profile(string name, string remote, params string[] keys) =>
        HostYaml.Profile(name, $"fqdn-domain {name}.example", [$"remote-authentication: {{ {remote} }}", HostYaml.SoonAsked, .. keys]);

    private string Configuration() => $$"""
        {{HostYaml.Radius(radius.Port)}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] }, { name: radius-list, methods: [group corp] } ]
          local-users: [ { name: alice, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{Profile(
            "cert", "certificate: { ca: people.pem, crl: [people.crl], revocation: strict }",
            "authorization: { group: { list: local-list, name: staff }, cert: { user: { list: radius-list } } }",
            "reconnect: { timeout: 30m }", "session-resumption: { lifetime: 1h, timeout: 30m }")}}
        {{Profile(
            "both", "certificate: { ca: people.pem, revocation: off, then-eap: required }, eap: {}",
            "authorization: { group: { list: local-list, name: staff }, user: { cached: true } }",
            "authentication-list: local-list", "client-resume: { interval: 2m }")}}
        """;
}
