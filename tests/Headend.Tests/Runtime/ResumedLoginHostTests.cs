using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.Tests.Peers;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>client-resume of clients with certificates and an authorization of RADIUS: which login goes on with which session.</summary>
[Collection("one meter")]
public sealed class ResumedLoginHostTests : IAsyncLifetime
{
    private const string Laptop = "laptop.cert.example";
    private const byte NasPort = 5;
    private const string Fleet = "any.fleet.example";
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA,O=Example");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private readonly TestAuthority people = TestAuthority.Create("CN=People CA,O=Example");
    private readonly LiveHeadend headend = new(new SkippingTime());
    private readonly PolicyServer radius = new();
    private readonly DynamicAuthorizationClient author = new();

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        headend.WriteCertificate(key, Root);
        headend.Directory.Write("people.pem", people.Pem);
        await headend.StartAsync(Configuration());
    }

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        radius.Dispose();
    }

    /// <summary>RADIUS answers what is left of a quota: a limit is no other session. An interface of another kind is one.</summary>
    [Theory]
    [InlineData("Session-Timeout=7200", true, true)]
    [InlineData("Session-Timeout=7200", true, false)]
    [InlineData("Idle-Timeout=7200", true, true)]
    [InlineData("Port-Limit=3", true, true)]
    [InlineData("ip:interface-config=ip mtu 1300", false, true)]
    [InlineData("ip:interface-config=ip mtu 1300", false, false)]
    public async Task AnotherLimitIsNoOtherSession(string attribute, bool resumes, bool asleep)
    {
        radius.Policies[Laptop] = ["Session-Timeout=9000"];
        var leaf = Issue("CN=laptop,O=Example", Laptop);
        using var client = headend.Client(Options(Laptop, leaf));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        if (asleep)
            await headend.AsleepAsync();

        radius.Policies[Laptop] = [attribute];
        using var back = headend.Client(Options(Laptop, leaf) with { InitialContact = true });
        back.MustLogIn();
        var after = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(resumes, Kept(before) == Kept(after));
    }

    /// <summary>A NAC speaks of the session by the names of the authentication that it has just answered.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheSessionIsFoundByTheNamesOfTheLoginThatTookItOver(bool restart)
    {
        radius.Policies[Laptop] = ["Class=engineers"];
        var leaf = Issue("CN=laptop,O=Example", Laptop);
        using var client = headend.Client(Options(Laptop, leaf));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        client.Dispose();
        await headend.AsleepAsync();
        using var back = headend.Client(Options(Laptop, leaf));
        back.MustLogIn();
        Assert.Equal(Kept(before), Kept(Assert.Single(await headend.SessionsAsync())));
        var names = radius.Sessions.Last();
        Assert.NotEqual(before.AuditSessionId, names.Audit);
        if (restart)
            await headend.CrashAsync();

        byte[] audit = Pair($"audit-session-id={names.Audit}"), acct = Text(AcctSessionId, names.Acct), timeout = Number(SessionTimeout, 7200);
        Assert.Equal((44, null), author.Change(audit, timeout));
        Assert.Equal((44, null), author.Change(acct, timeout));
        Assert.Equal((44, null), author.Change(audit, acct, Number(NasPort, names.Port), timeout));
        Assert.Equal((44, null), author.Change(Text(AcctSessionId, before.AcctSessionId!), timeout));
        // 503: the number alone is another login's soon.
        Assert.Equal((45, 503u), author.Change(Number(NasPort, names.Port), timeout));
        Assert.Equal((41, null), author.Disconnect(audit));
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal((42, 503u), author.Disconnect(audit));
    }

    /// <summary>`match-identity: false`, one IDi for a fleet, and one name for several people: the certificate says who is back.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ACertificateOfAnotherSubjectResumesNothing(bool restart)
    {
        using var alice = headend.Client(Options(Fleet, Issue("CN=alice,OU=sales,O=Example", "alice.example")));
        var address = alice.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        Assert.Equal("sales", before.User);
        alice.Dispose();
        if (restart)
            await headend.CrashAsync();
        await headend.AsleepAsync();

        using var bob = headend.Client(Options(Fleet, Issue("CN=bob,OU=sales,O=Example", "bob.example")));
        Assert.NotEqual(address, bob.MustLogIn().IPv4);
        // The same subject under a new serial number: the certificate was renewed.
        using var back = headend.Client(Options(Fleet, Issue("CN=alice,OU=sales,O=Example", "alice.example")));
        Assert.Equal(address, back.MustLogIn().IPv4);
        var sessions = await headend.SessionsAsync();
        Assert.Equal(2, sessions.Count);
        Assert.Contains(Kept(before), sessions.Select(Kept));
    }

    private static TestInitiatorOptions Options(string name, X509Certificate2 leaf) => Nobody(Identity($"fqdn {name}")) with
    {
        Certificate = InitiatorCertificate.With([leaf.RawDataMemory], Key),
        Trust = ServerTrust.In([Root.Certificate]),
    };

    private X509Certificate2 Issue(string subject, string name) => people.Issue(new TestSubject(subject) { DnsNames = [name] }, Key);

    private static string Profile(string name, params string[] keys) =>
        HostYaml.Profile(name, $"fqdn-domain {name}.example", [HostYaml.SoonAsked, "client-resume: { interval: 5m }", .. keys]);

    private string Configuration() => $$"""
        {{HostYaml.Radius(radius.Port, author.Yaml)}}
        aaa:
          authorization: [ { name: local-list, methods: [local] }, { name: radius-list, methods: [group corp] } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          name-manglers: [ { name: unit, dn: organization-unit } ]
          profiles:
        {{Profile(
            "cert", "remote-authentication: { certificate: { ca: people.pem, revocation: off } }",
            "authorization: { group: { list: local-list, name: staff }, cert: { user: { list: radius-list } } }")}}
        {{Profile(
            "fleet", "remote-authentication: { certificate: { ca: people.pem, revocation: off, match-identity: false, name-mangler: unit } }", HostYaml.Staff)}}
        """;
}
