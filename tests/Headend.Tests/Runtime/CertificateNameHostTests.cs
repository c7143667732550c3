using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Admin;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>Clients that spell their own name in several ways: the user is the certificate's, and limits and ends apply to it.</summary>
[Collection("one meter")]
public sealed class CertificateNameHostTests : IAsyncLifetime
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA,O=Example");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly X509Certificate2 Leaf = Root.Issue(new TestSubject("CN=al ice,O=once") { DnsNames = ["Laptop.plain.example"] }, Key);

    private readonly LiveHeadend headend = new();
    private readonly DynamicAuthorizationClient author = new();

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        headend.WriteCertificate(key, Root);
        headend.Directory.Write("ca.pem", Root.Pem);
        await headend.StartAsync(Configuration());
    }

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Fact]
    public async Task UniqueCountsTheCertificatesName()
    {
        LoopbackClient? before = null;
        foreach (var spelling in (string[])["CN=al ice", "CN=AL ICE", "CN=\" al ice\"", "CN=\"al  ice \""])
        {
            var client = Client($"dn {spelling},O=once");
            client.MustLogIn();
            before?.WaitUntilClosed();
            before?.Dispose();
            before = client;
            var session = Assert.Single(await headend.SessionsAsync());
            Assert.Equal(("once", "al ice"), (session.Profile, session.User));
        }

        before!.Dispose();
    }

    [Theory]
    [InlineData("dn CN=\" AL ice\",O=once", "al ice")]
    [InlineData("fqdn LAPTOP.plain.example", "Laptop.plain.example")]
    public async Task WhoeverEndsTheSessionsOfAUserEndsThemAll(string identity, string user)
    {
        foreach (var name in (string[])[user, user.ToUpperInvariant()])
        {
            using (var client = Client(identity))
            {
                client.MustLogIn();
                Assert.Equal(user, Assert.Single(await headend.SessionsAsync()).User);
                Assert.Equal(1, (await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = name }, CancellationToken.None)).Cleared);
                client.WaitUntilClosed();
            }

            using (var client = Client(identity))
            {
                client.MustLogIn();
                Assert.Equal((41, null), author.Disconnect(Text(UserName, name)));
                client.WaitUntilClosed();
            }

            Assert.Empty(await headend.SessionsAsync());
        }
    }

    /// <summary>Names of `aaa.local-users` are compared octet for octet: who is cleared is nobody else.</summary>
    [Fact]
    public async Task LocalUsersThatDifferInCaseAreTwo()
    {
        using var client = headend.Client(ByPassword("bob", "wonderland") with { Trust = ServerTrust.In([Root.Certificate]) });
        client.MustLogIn();
        Assert.Equal(0, (await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "BOB" }, CancellationToken.None)).Cleared);
        Assert.Equal((42, 503u), author.Disconnect(Text(UserName, "BOB")));
        Assert.Equal("bob", Assert.Single(await headend.SessionsAsync()).User);
        Assert.Equal(1, (await headend.Backend.ClearSessionsAsync(new ClearSessionsRecord { User = "bob" }, CancellationToken.None)).Cleared);
    }

    private LoopbackClient Client(string identity) => headend.Client(ByPassword("nobody", "nothing") with
    {
        Identity = Identity(identity),
        Certificate = InitiatorCertificate.With([Leaf.RawDataMemory], Key),
        Trust = ServerTrust.In([Root.Certificate]),
    });

    private string Configuration() => $$"""
        radius:
          {{author.Yaml}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: bob, password: wonderland }, { name: BOB, password: looking-glass } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          name-manglers: [ { name: person, dn: common-name } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.Profile(
            "once", "\"dn CN=*, O=once\"", "remote-authentication: { certificate: { ca: ca.pem, revocation: off, name-mangler: person } }", HostYaml.Staff, "unique: replace")}}
        {{HostYaml.Profile("plain", "fqdn-domain plain.example", "remote-authentication: { certificate: { ca: ca.pem, revocation: off } }", HostYaml.Staff)}}
        {{HostYaml.UserProfile("users", "any")}}
        """;
}
