using System.Text.Json;
using Headend.Admin;
using Headend.Tests.Peers;
using static Headend.Tests.Runtime.ClientOptions;

namespace Headend.Tests.Runtime;

/// <summary>Keys and authorization of a RADIUS server through the whole headend, and what `show aaa user` tells of them.</summary>
[Collection("one meter")]
public sealed class AuthorizationHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();
    private readonly PolicyServer radius = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        radius.Dispose();
    }

    /// <summary>The chapter's example: `keyring aaa aaa_list1 name-mangler name_mangler1`, `aaa authorization user psk cached`; and a group by the mangled domain.</summary>
    [Fact]
    public async Task A_router_logs_in_by_a_key_of_RADIUS_and_gets_what_stood_beside_it()
    {
        radius.Policies["router1"] = ["Tunnel-Password=pre_shared_key", "ipsec:route-accept=any", "ipsec:route-set=prefix 192.168.1.1/24", "ip:interface-config=ip mtu 1300", "Class=c1"];
        using var client = Client("fqdn router1.domain1", "pre_shared_key", "pre_shared_key");
        client.MustLogIn();
        Assert.Equal(["router1 cisco"], radius.Requests);

        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("router1.domain1", "aaa list aaa_list1, radius1 router1", "domain1"), (session.User, session.KeyringEntry, Assert.Single(session.Groups)));
        var user = Assert.Single(await UsersAsync("ROUTER1.domain1", u => u.Sessions.Count > 0));
        var shown = Assert.Single(user.Sessions);
        Assert.Equal(("1", SessionStatus.UpIdle, session.AuditSessionId, "PSK"), (shown.Id, shown.Status, shown.AuditSessionId, shown.Authentication));
        var group = new AaaOriginRecord("group", "domain1", "group-authorization", null, "default");
        var implicitly = new AaaOriginRecord("implicit-user", "router1", "pre-shared-key", "radius1", "aaa_list1");
        Assert.Equal([group, implicitly], shown.Sources);
        var origins = shown.Attributes.ToDictionary(a => $"{a.Name}={a.Value}", a => a.Origin);
        Assert.Equal(
            (implicitly, implicitly, group, group, implicitly),
            (origins["ipsec:route-set=prefix 192.168.1.0/24"], origins["ip:interface-config=ip mtu 1300"], origins["ip:interface-config=ip mtu 1000"], origins["Framed-Pool=p4"], origins["Class=0x6331"]));
        Assert.DoesNotContain("pre_shared_key", JsonSerializer.Serialize<IReadOnlyList<AaaUserRecord>>([user], AdminJsonContext.Default.IReadOnlyListAaaUserRecord), StringComparison.Ordinal);
    }

    /// <summary>Asymmetric keys; and authorization of a user whose Access-Accept gives it another name, which is its identity from then on.</summary>
    [Fact]
    public async Task Two_keys_and_a_new_name()
    {
        radius.Policies["router2"] = ["ipsec:ikev2-password-local=ours is another", "ipsec:ikev2-password-remote=theirs is one", "User-Name=Branch Two"];
        using var client = Client("fqdn router2.domain1", "theirs is one", "ours is another");
        client.MustLogIn();
        Assert.Equal("Branch Two", Assert.Single(await headend.SessionsAsync()).User);
        Assert.Equal("User-Name", Assert.Single(Assert.Single(await UsersAsync("branch two", u => u.Sessions.Count > 0)).Sessions).Attributes[0].Name);
    }

    /// <summary>The client hears of its session a moment before the table does.</summary>
    private async Task<IReadOnlyList<AaaUserRecord>> UsersAsync(string? name, Func<AaaUserRecord, bool> expected)
    {
        for (var attempt = 0; ; attempt++)
        {
            var users = await headend.Backend.GetAaaUsersAsync(name, CancellationToken.None);
            if (users.Any(expected) || attempt == 400)
                return users;
            await Task.Delay(50);
        }
    }

    [Theory]
    [InlineData("fqdn router1.domain1", "wrong key")]
    [InlineData("fqdn router9.domain1", "pre_shared_key")]
    [InlineData("fqdn router1.nowhere", "pre_shared_key")]
    [InlineData("email router1@domain1.example", "pre_shared_key")]
    public async Task A_wrong_key_an_unknown_name_a_refused_group_and_a_name_of_another_kind_let_nobody_in(string identity, string key)
    {
        radius.Policies["router1"] = ["Tunnel-Password=pre_shared_key"];
        using var client = Client(identity, key, key);
        client.MustBeRefused();
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal(0, await headend.LeasesAsync());
    }

    [Fact]
    public async Task An_EAP_user_is_authorized_by_requests_of_its_own()
    {
        radius.Policies["alice"] = ["ip:interface-config=ip mtu 1200", "ipsec:default-domain=explicit.example"];
        radius.Policies["corp.example"] = ["ipsec:addr-pool=p4", "ipsec:default-domain=group.example", "ip:interface-config=ip mtu 1100"];
        using var client = headend.Client("alice@corp.example", "wonderland");
        client.MustLogIn();
        Assert.Equal(["corp.example sesame", "alice cisco"], radius.Requests);
        var users = await UsersAsync(null, u => u.User == "alice@corp.example" && u.Sessions.Count > 0);
        var alice = Assert.Single(users, u => u.User == "alice@corp.example");
        var shown = Assert.Single(alice.Sessions);
        // With override: implicit user, user, group.
        Assert.Equal(["implicit-user", "user", "group"], shown.Sources.Select(s => s.Kind));
        Assert.Equal("authentication", shown.Sources[0].Request);
        Assert.Equal("group.example corp.example", shown.Attributes.Where(a => a.Name == "ipsec:default-domain").Select(a => $"{a.Value} {a.Origin!.Name}").Single());
        Assert.Equal(["ip mtu 1300", "ip mtu 1200", "ip mtu 1100"], shown.Attributes.Where(a => a.Name == "ip:interface-config").Select(a => a.Value));

        // And users who are known but have no session, with what a login would bring.
        var bob = Assert.Single(users, u => u.User == "bob");
        Assert.Empty(bob.Sessions);
        Assert.Equal((true, "domain1", 0), (bob.Local!.HasPassword, bob.Local.Policy, bob.Local.Failures));
        Assert.Equal(new AaaOriginRecord("policy", "domain1", null, null, null), bob.Local.Attributes.First(a => a.Name == "Framed-Pool").Origin);
        Assert.Empty(await headend.Backend.GetAaaUsersAsync("nobody", CancellationToken.None));
    }

    private LoopbackClient Client(string identity, string theirs, string ours) => headend.Client(ByKey(Identity(identity), theirs, ours));

    private string Configuration() => $$"""
        {{HostYaml.Radius(radius.Port)}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: default, methods: [local] }, { name: aaa_list1, methods: [group corp] } ]
          local-users:
            - { name: alice@corp.example, password: wonderland, attribute-list: mtu }
            - { name: bob, password: builder99, policy: domain1 }
          attribute-lists:
            - { name: attr_list1, attributes: ["interface-config=ip mtu 1000"] }
            - { name: mtu, attributes: ["interface-config=ip mtu 1300"] }
        ikev2:
          name-manglers:
            - { name: name_mangler1, fqdn: hostname, email: username }
            - { name: hostname-only, fqdn: hostname }
            - { name: name_mangler2, fqdn: domain, email: domain }
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: domain1, pool: p4, attribute-list: attr_list1 } ]
          profiles:
        {{HostYaml.Profile(
            "people", "email-domain corp.example", "remote-authentication: { eap: {} }", "authentication-list: local-list",
            "authorization: { eap: { user: { list: aaa_list1, name-mangler: name_mangler1 }, group: { list: aaa_list1, name-mangler: name_mangler2, password: sesame, override: true } } }")}}
        {{HostYaml.KeyProfile(
            "default", "any", "keyring: { list: aaa_list1, name-mangler: hostname-only }",
            "authorization: { user: { cached: true }, group: { list: default, name-mangler: name_mangler2 } }")}}
        """;
}
