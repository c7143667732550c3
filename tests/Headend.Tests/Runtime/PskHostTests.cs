using System.Diagnostics;
using static Headend.Tests.Runtime.ClientOptions;

namespace Headend.Tests.Runtime;

/// <summary>Logins by pre-shared key through the whole headend, and which of several profiles meets whom.</summary>
[Collection("one meter")]
public sealed class PskHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

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
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
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
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("certified", "remote-identity any, local-identity fqdn cert.example"), (session.Profile, session.ProfileMatch));
        Assert.Equal(("PSK", "ECDSA", "cert.example"), (session.Authentication, session.LocalAuthentication, session.LocalIdentity));
        Assert.Equal("three.branch.example", session.User);
    }

    [Fact]
    public async Task EapGoesOnBesideKeys()
    {
        using var client = headend.Client(ByPassword("alice", "wonderland") with { Identity = Identity("fqdn laptop.example"), ServerIdentity = Identity("fqdn cert.example") });
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
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
        client.MustBeRefused();
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(1), "refused before the delay was over");
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal(0, await headend.LeasesAsync());
    }

    [Fact]
    public void AHeadendWithAnotherKeyIsNotBelieved()
    {
        using var client = Client("fqdn two.branch.example", "what branch number two says", "what somebody else would say");
        client.MustFail();
    }

    private LoopbackClient Client(string identity, string theirs, string? ours, string? asked = null) =>
        headend.Client(ByKey(Identity(identity), theirs, ours) with { ServerIdentity = asked is null ? null : Identity(asked) });

    private static string Profile(string name, string match, string keyring) => HostYaml.KeyProfile(name, match, $"keyring: {{ local: {keyring} }}", HostYaml.Staff);

    private static string Configuration() => $$"""
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
        {{Profile("branches", "fqdn-domain branch.example", "branches")}}
        {{Profile("mail", "email-domain example.com", "people")}}
        {{Profile("groups", "key-id *$Group$*", "people")}}
        {{Profile("addresses", "address 198.51.100.0/24", "people")}}
        {{Profile("names", "'dn CN=*,O=Example'", "people")}}
        """;
}
