using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Runtime;

/// <summary>Logins by pre-shared key through the whole headend, and which of several profiles meets whom.</summary>
[Collection("one meter")]
public sealed class PskHostTests : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("headend-psk-").FullName;
    private readonly int port = FreePort();
    private HeadendHost host = null!;

    public async Task InitializeAsync()
    {
        using (var key = ECDsa.Create(ECCurve.NamedCurves.nistP256))
        {
            var request = new CertificateRequest("CN=gw.example", key, HashAlgorithmName.SHA256);
            using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            await File.WriteAllTextAsync(Path.Combine(directory, "gw.pem"), certificate.ExportCertificatePem());
            await File.WriteAllTextAsync(Path.Combine(directory, "gw.key"), key.ExportPkcs8PrivateKeyPem());
            File.SetUnixFileMode(Path.Combine(directory, "gw.key"), UnixFileMode.UserRead);
        }

        await File.WriteAllTextAsync(Path.Combine(directory, "headend.yaml"), Configuration());
        var outcome = ConfigurationParser.Load(Path.Combine(directory, "headend.yaml"), ConfigurationRules.OfLeaves);
        Assert.Empty(outcome.Diagnostics);
        host = await HeadendHost.StartAsync(outcome.Configuration!, NullLoggerFactory.Instance, TimeProvider.System, CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    // RFC 7296 4: "Shared key authentication where the ID passed is any of ID_KEY_ID, ID_FQDN, or ID_RFC822_ADDR." must be configurable.
    [Theory]
    [InlineData("fqdn one.branch.example", "the key of branch number one", "the key of branch number one", "branches", "remote-identity fqdn-domain branch.example", "keyring branches, peer one")]
    [InlineData("fqdn two.branch.example", "what branch number two says", "what we say to number two", "branches", "remote-identity fqdn-domain branch.example", "keyring branches, peer fqdn two.branch.example")]
    [InlineData("fqdn new.branch.example", "the key of branches to come", "the key of branches to come", "branches", "remote-identity fqdn-domain branch.example", "keyring branches, peer any")]
    [InlineData("email al@example.com", "the key of somebody by mail", "the key of somebody by mail", "mail", "remote-identity email-domain example.com", "keyring people, peer email al@example.com")]
    [InlineData("key-id *$Group$*", "the key of a group of people", "the key of a group of people", "groups", "remote-identity key-id *$Group$*", "keyring people, peer key-id *$Group$*")]
    [InlineData("address 198.51.100.77", "the key of an address 16 long", "the key of an address 16 long", "addresses", "remote-identity address 198.51.100.0/24", "keyring people, peer address 198.51.100.64/26")]
    [InlineData("dn CN=al,O=Example", "the key of a man of distinction", "the key of a man of distinction", "names", "remote-identity dn CN=*,O=Example", "keyring people, peer dn CN=al,O=Example")]
    public async Task AKeyLogsInAndShowTellsWhichProfileAndPeer(string identity, string theirs, string ours, string profile, string match, string entry)
    {
        using var client = Client(identity, theirs, ours);
        Assert.IsType<InitiatorOutcome.Established>(client.Login());
        var session = Assert.Single(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal((profile, match, entry), (session.Profile, session.ProfileMatch, session.KeyringEntry));
        Assert.Equal(("PSK", "PSK", "gw.example"), (session.Authentication, session.LocalAuthentication, session.LocalIdentity));
        Assert.Equal(identity[(identity.IndexOf(' ', StringComparison.Ordinal) + 1)..], session.User?.Replace(", ", ",", StringComparison.Ordinal));
        Assert.Equal(["10.99.0.1"], session.AssignedAddresses);
        Assert.Equal(["staff"], session.Groups);
    }

    [Fact]
    public async Task OurCertificateAndTheirKeyOnTheProfileThatTheClientAsksFor()
    {
        using var client = Client("fqdn three.branch.example", "what branch three says to us", null, asked: "fqdn cert.example");
        Assert.IsType<InitiatorOutcome.Established>(client.Login());
        var session = Assert.Single(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal(("certified", "remote-identity any, local-identity fqdn cert.example"), (session.Profile, session.ProfileMatch));
        Assert.Equal(("PSK", "ECDSA", "cert.example"), (session.Authentication, session.LocalAuthentication, session.LocalIdentity));
        Assert.Equal("three.branch.example", session.User);
    }

    [Fact]
    public async Task EapGoesOnBesideKeys()
    {
        var options = Options("fqdn laptop.example") with { ServerIdentity = Identity("fqdn cert.example"), User = "alice", Password = "wonderland" };
        using var client = new LoopbackClient(new IPEndPoint(IPAddress.Loopback, port), options);
        Assert.IsType<InitiatorOutcome.Established>(client.Login());
        var session = Assert.Single(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal(("alice", "EAP-MSCHAPv2", "ECDSA"), (session.User, session.Authentication, session.LocalAuthentication));
        Assert.Null(session.KeyringEntry);
    }

    // What nobody has proven is told nothing: not whether the identity is known, nor whether a profile is for it, by words or by time.
    [Theory]
    [InlineData("fqdn one.branch.example", "not the key of branch number one")]
    [InlineData("email nobody@example.com", "the key of somebody by mail")]
    [InlineData("fqdn somewhere.else", "the key of somebody by mail")]
    public async Task AWrongKeyAndAnUnknownIdentityAreRefusedAlike(string identity, string key)
    {
        using var client = Client(identity, key, key);
        var began = Stopwatch.GetTimestamp();
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Login()).Notify);
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(1), "refused before the delay was over");
        Assert.Empty(await host.Backend.GetSessionsAsync(CancellationToken.None));
        Assert.Equal(0, Assert.Single(await host.Backend.GetPoolsAsync(CancellationToken.None)).InUse);
    }

    [Fact]
    public void AHeadendWithAnotherKeyIsNotBelieved()
    {
        using var client = Client("fqdn two.branch.example", "what branch number two says", "what somebody else would say");
        Assert.IsType<InitiatorOutcome.Failed>(client.Login());
    }

    private static int FreePort()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port;
    }

    private static IkeIdentity Identity(string text)
    {
        Assert.True(IkeIdentity.TryParse(text, out var identity));
        return identity;
    }

    private static TestInitiatorOptions Options(string identity) => new() { Identity = Identity(identity), User = "nobody", Password = "nothing" };

    private LoopbackClient Client(string identity, string theirs, string? ours, string? asked = null) => new(
        new IPEndPoint(IPAddress.Loopback, port),
        Options(identity) with
        {
            PreSharedKey = Encoding.UTF8.GetBytes(theirs),
            ServerPreSharedKey = ours is null ? null : Encoding.UTF8.GetBytes(ours),
            ServerIdentity = asked is null ? null : Identity(asked),
        });

    private static string Profile(string name, string match, string keyring) =>
        $$"""
            - name: {{name}}
              match: { remote-identity: [{{match}}] }
              local-identity: fqdn gw.example
              local-authentication: { pre-share: true }
              remote-authentication: { pre-share: true }
              keyring: { local: {{keyring}} }
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              virtual-template: 1

        """;

    private static string Profiles() =>
        Profile("branches", "fqdn-domain branch.example", "branches") + Profile("mail", "email-domain example.com", "people") + Profile("groups", "key-id *$Group$*", "people")
        + Profile("addresses", "address 198.51.100.0/24", "people") + Profile("names", "'dn CN=*,O=Example'", "people");

    private string Configuration() => $$"""
        listen: { addresses: [127.0.0.1], ike-port: {{FreePort()}}, nat-t-port: {{port}} }
        data-plane: { kind: none }
        state-directory: {{directory}}/state
        admin: { socket: {{directory}}/a.sock }
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: alice, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          keyrings:
            - name: branches
              peers:
                - { name: any, identity: any, secret: the key of branches to come }
                - { name: one, identity: fqdn one.branch.example, secret: the key of branch number one }
                - { identity: fqdn two.branch.example, remote-secret: what branch number two says, local-secret: what we say to number two }
            - name: people
              peers:
                - { identity: email al@example.com, secret: the key of somebody by mail }
                - { identity: key-id *$Group$*, secret: the key of a group of people }
                - { identity: address 198.51.100.64/26, secret: the key of an address 16 long }
                - { identity: address 198.51.0.0/16, secret: the key of nobody in this test }
                - { identity: "dn CN=al,O=Example", secret: the key of a man of distinction }
            - name: certified
              peers: [ { identity: fqdn three.branch.example, remote-secret: what branch three says to us } ]
          profiles:
            - name: certified
              match: { remote-identity: [any], local-identity: [fqdn cert.example] }
              local-identity: fqdn cert.example
              local-authentication: { certificate: gw.pem, key: gw.key }
              remote-authentication: { eap: {}, pre-share: true }
              authentication-list: local-list
              keyring: { local: certified }
              authorization: { group: { list: local-list, name: staff } }
              proposals: [test]
              ipsec: { transforms: [aes128gcm16] }
              virtual-template: 1
        {{Profiles()}}
        virtual-templates: [ { number: 1, commands: ["ip mtu 1400"] } ]
        pools: [ { name: p4, range: 10.99.0.1-10.99.0.9 } ]
        """;
}
