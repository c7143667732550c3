using System.Text;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Sessions;
using Headend.Tests.Peers;
using Headend.VirtualAccess.Configuration;
using RadiusGroupOptions = Headend.Aaa.Client.RadiusGroupOptions;

namespace Headend.Tests.Sessions;

public sealed class SessionAuthorizerTests : IProfileObserver, IAsyncLifetime
{
    private static readonly NameMangler Hostname = new("host") { Fqdn = new NameRule(NamePart.Hostname) };
    private static readonly NameMangler Domain = new("realm") { Fqdn = new NameRule(NamePart.Domain), Email = new NameRule(NamePart.Domain) };

    private readonly PolicyServer server = new();
    private readonly PolicyServer silent = new() { Silent = true };
    private readonly RadiusClient radius = new(new RadiusClientOptions(), TimeProvider.System);
    private readonly AaaMethod up;
    private readonly AaaMethod down;
    private readonly AuthorizationClient client;
    private readonly SessionAuthorizer authorizer;

    public SessionAuthorizerTests()
    {
        up = new AaaMethod(radius.CreateGroup(new RadiusGroupOptions("up", [server.Options("r1")])));
        down = new AaaMethod(radius.CreateGroup(new RadiusGroupOptions("down", [silent.Options("r2")])));
        var lists = new Dictionary<string, IReadOnlyList<string>>
        {
            ["attr1"] = ["interface-config=ip mtu 1000", "default-domain=local.example", "ikev2-password-local=ours", "ipsec:ikev2-password-remote=theirs"],
        };
        Assert.True(LocalProfiles.TryCompile([new("domain1") { AttributeList = "attr1" }, new("plain")], lists, this, out var policies, out _));
        client = new AuthorizationClient(radius, new LocalUserStore([new LocalUserOptions("router2", null, "domain1")], policies), this);
        var accessLists = new Dictionary<string, VirtualAccess.Policy.AccessList>();
        var grants = new SessionGrantCompiler(null, accessLists, new SessionFilterCompiler(accessLists, null), new InterfaceNetworks(TimeProvider.System, () => []), () => []);
        authorizer = new SessionAuthorizer(client, grants);
    }

    void IProfileObserver.UnknownPair(string name) => Assert.Fail(name);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await radius.DisposeAsync();
        server.Dispose();
        silent.Dispose();
    }

    [Fact]
    public void Interface_commands_keep_their_sources_apart_and_in_order()
    {
        var session = TestSession.Create("alice");
        session.AuthorizationSources = ProfileMerge.Order(
            [Source(AuthorizationKind.ImplicitUser, "alice", "ip mtu 1300"), Source(AuthorizationKind.Group, "staff", "ip mtu 1400", "description staff"), Source(AuthorizationKind.ExplicitUser, "none")],
            groupOverrides: false);
        Assert.Equal(
            ["aaa group staff: ip mtu 1400, description staff", "aaa implicit user alice: ip mtu 1300"],
            session.AuthorizedCommands().Select(c => $"{c.Origin}: {string.Join(", ", c.Commands)}"));
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, []), session.AuthorizedCommands(), InterfaceNames.NoRules);
        Assert.Empty(derived.Failures);
        var config = derived.Config;
        Assert.Equal((1300, ConfigSource.AaaImplicitUser), (config.IpMtu!.Value, config.IpMtu.Origin.Source));
    }

    /// <summary>The chapter's cloning example: group authorization by the mangled domain from the local policies, user authorization by the mangled host name from RADIUS.</summary>
    [Theory]
    [InlineData(false, "ip mtu 1000 ip mtu 1300 ip mtu 1200", "user.example")]
    [InlineData(true, "ip mtu 1300 ip mtu 1200 ip mtu 1000", "local.example")]
    public async Task Group_implicit_and_user_are_merged_in_their_order(bool overrides, string commands, string domain)
    {
        server.Policies["router1"] = ["ip:interface-config=ip mtu 1200", "ipsec:default-domain=user.example", "Class=explicit"];
        var session = Session(new AuthorizationBinding(
            UserCached: true, new AuthorizationRequest("aaa_list1", [up], null, Hostname), new AuthorizationRequest("default", [new AaaMethod(null)], null, Domain), overrides));
        session.Authenticated = Source(AuthorizationKind.ImplicitUser, "router1", "ip mtu 1300");
        var outcome = await authorizer.AuthorizeAsync(session, CancellationToken.None);
        Assert.Null(outcome.Refusal);
        Assert.Equal(["router1 cisco"], server.Requests);
        Assert.Equal(commands, string.Join(' ', session.Profile.InterfaceCommands));
        Assert.Equal((domain, "explicit"), (session.Profile.DefaultDomain, Encoding.UTF8.GetString(Assert.Single(session.Profile.Classes).Span)));
        var origins = session.AuthorizationSources.ToDictionary(s => s.Origin.Kind, s => s.Origin);
        Assert.Equal(("domain1", "default", null), (origins[AuthorizationKind.Group].Name, origins[AuthorizationKind.Group].List, origins[AuthorizationKind.Group].Server));
        Assert.Equal(("router1", "aaa_list1", "r1"), (origins[AuthorizationKind.ExplicitUser].Name, origins[AuthorizationKind.ExplicitUser].List, origins[AuthorizationKind.ExplicitUser].Server));
    }

    [Fact]
    public async Task Without_cached_the_attributes_of_the_authentication_are_ignored_but_for_its_identity()
    {
        var session = Session(new AuthorizationBinding(UserCached: false));
        var profile = SessionProfile.Empty with { UserName = "router1", DefaultDomain = "x", InterfaceCommands = ["ip mtu 1300"], Classes = [new byte[] { 7 }] };
        session.Authenticated = new AuthorizationSource(new AuthorizationOrigin(AuthorizationKind.ImplicitUser, "router1"), profile);
        Assert.Null((await authorizer.AuthorizeAsync(session, CancellationToken.None)).Refusal);
        Assert.Equal(("router1", null, 7), (session.Profile.UserName, session.Profile.DefaultDomain, Assert.Single(session.Profile.Classes).Span[0]));
        Assert.Empty(session.AuthorizedCommands());
    }

    [Fact]
    public async Task A_request_has_the_configured_name_and_password_and_goes_by_how_the_client_proves_itself()
    {
        server.Policies["fixed"] = [];
        var request = new AuthorizationRequest("l", [up], "fixed", null, SecretOptions.FromText("sesame"));
        var binding = TestSession.Binding with
        {
            Authorization = new Dictionary<RemoteMethod, AuthorizationBinding> { [RemoteMethod.PreSharedKey] = new(true, request), [RemoteMethod.Eap] = new(true, null, request with { Name = "none" }) },
        };
        Assert.Null((await authorizer.AuthorizeAsync(TestSession.Create("alice", binding: binding), CancellationToken.None)).Refusal);
        Assert.Equal(["fixed sesame"], server.Requests);
    }

    public static TheoryData<bool, string, string, bool> Failures => new()
    {
        { true, "up", "group authorization: RADIUS server r1 refused domain1", false },
        { false, "up", "user authorization: RADIUS server r1 refused domain1", false },
        { true, "local", "group authorization: there is no authorization policy nowhere", false },
        { false, "local", "user authorization: there is no local user and no authorization policy nowhere", false },
        { true, "down", "group authorization: no RADIUS server answered", true },
        { false, "down", "user authorization: no RADIUS server answered", true },
        // A refusal is an answer: the local policy of that name is not asked for.
        { true, "up local", "group authorization: RADIUS server r1 refused domain1", false },
        // Whoever did not answer may have known it.
        { true, "local down", "group authorization: no RADIUS server answered", true },
        { true, "bad", "group authorization: the Access-Accept of r1 for bad cannot be used: ipsec:prefix-len has a bad value 'x'", false },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_failed_group_or_user_authorization_fails_the_login(bool isGroup, string methods, string expected, bool unavailable)
    {
        server.Policies["bad"] = ["ipsec:prefix-len=x"];
        var name = methods == "bad" ? "bad" : methods.StartsWith("local", StringComparison.Ordinal) ? "nowhere" : "domain1";
        var request = new AuthorizationRequest("l", [.. methods.Split(' ').Select(m => m switch { "local" => new AaaMethod(null), "down" => down, _ => up })], name);
        var session = Session(isGroup ? new AuthorizationBinding(true, null, request) : new AuthorizationBinding(true, request));
        var outcome = await authorizer.AuthorizeAsync(session, CancellationToken.None);
        Assert.Null(outcome.Grant);
        Assert.StartsWith(expected, outcome.Refusal, StringComparison.Ordinal);
        Assert.Equal(unavailable, outcome.Unavailable);
        Assert.Equal(SessionProfile.Empty, session.Profile);
    }

    [Fact]
    public async Task The_next_method_is_asked_where_a_server_does_not_answer()
    {
        var session = Session(new AuthorizationBinding(true, null, new AuthorizationRequest("l", [down, new AaaMethod(null)], "domain1")));
        Assert.Null((await authorizer.AuthorizeAsync(session, CancellationToken.None)).Refusal);
        Assert.Equal("local.example", session.Profile.DefaultDomain);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Where_a_request_does_not_fit_the_next_method_is_not_asked_in_its_place(bool isGroup)
    {
        var request = new AuthorizationRequest("l", [up, new AaaMethod(null)], "domain1");
        var session = Session(isGroup ? new AuthorizationBinding(true, null, request) : new AuthorizationBinding(true, request), unsendable: true);
        var outcome = await authorizer.AuthorizeAsync(session, CancellationToken.None);
        Assert.Equal(
            $"{(isGroup ? "group" : "user")} authorization: the RADIUS request cannot be sent: NAS-Identifier has 300 octets, more than 253", outcome.Refusal);
        Assert.Equal((null, true, false), (outcome.Grant, outcome.Unsendable, outcome.Unavailable));
        Assert.Empty(server.Requests);
        var answer = await new AaaKeyring(client, request).FindAsync(session, CancellationToken.None);
        Assert.StartsWith("list l: the RADIUS request cannot be sent", Assert.IsType<KeyringAnswer.Unsendable>(answer).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_identity_that_the_mangler_is_not_for_fails_and_says_so()
    {
        var session = Session(new AuthorizationBinding(true, null, new AuthorizationRequest("l", [up], null, Domain)), "key-id x");
        Assert.Equal("group authorization: name mangler realm has no rule for the identity x", (await authorizer.AuthorizeAsync(session, CancellationToken.None)).Refusal);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("Tunnel-Password=pre_shared_key", "pre_shared_key", "pre_shared_key")]
    [InlineData("ipsec:tunnel-password=pre_shared_key", "pre_shared_key", "pre_shared_key")]
    [InlineData("ipsec:ikev2-password-local=ours;ipsec:ikev2-password-remote=theirs", "ours", "theirs")]
    public async Task AAA_holds_the_keys_of_a_peer_and_its_implicit_authorization(string attributes, string local, string remote)
    {
        server.Policies["router1"] = [.. attributes.Split(';'), "ipsec:route-set=prefix 192.168.1.1/24", "User-Name=branch one"];
        var session = Session(AuthorizationBinding.Implicit);
        var answer = await new AaaKeyring(client, new AuthorizationRequest("aaa_list1", [up], null, Hostname)).FindAsync(session, CancellationToken.None);
        var found = Assert.IsType<KeyringAnswer.Found>(answer);
        using var keys = found.Keys;
        Assert.Equal((local, remote), (Encoding.UTF8.GetString(keys.Local), Encoding.UTF8.GetString(keys.Remote)));
        Assert.Equal(("aaa list aaa_list1, r1 router1", "branch one", false), (found.Entry, found.User, found.IsLocal));
        Assert.Equal(["router1 cisco"], server.Requests);
        Assert.Null((await authorizer.AuthorizeAsync(session, CancellationToken.None)).Refusal);
        Assert.Equal("192.168.1.0/24", Assert.Single(session.Profile.Routes).ToString());
        Assert.DoesNotContain(AttributeTable.Describe(session.Profile), a => a.Value.Contains(remote, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_keys_of_local_users_and_policies_stand_in_their_attribute_lists()
    {
        var keyring = new AaaKeyring(client, new AuthorizationRequest("l", [new AaaMethod(null)], null, Hostname));
        foreach (var identity in new[] { "fqdn router2.x", "fqdn domain1.x" })
        {
            var session = Session(AuthorizationBinding.Implicit, identity);
            var found = Assert.IsType<KeyringAnswer.Found>(await keyring.FindAsync(session, CancellationToken.None));
            Assert.Equal(("ours", "theirs", true), (Encoding.UTF8.GetString(found.Keys.Local), Encoding.UTF8.GetString(found.Keys.Remote), found.IsLocal));
            found.Keys.Dispose();
            Assert.Equal("local.example", session.Authenticated!.Profile.DefaultDomain);
        }
    }

    [Theory]
    [InlineData("fqdn router1.x", "up", "list l: r1 has no pre-shared key for router1")]
    [InlineData("fqdn plain.x", "local", "list l: the configuration has no pre-shared key for plain")]
    [InlineData("fqdn router9.x", "up", "list l: RADIUS server r1 refused router9")]
    [InlineData("fqdn twice.x", "up", "the Access-Accept of r1 for twice cannot be used: there are two different keys, the second in ipsec:tunnel-password")]
    [InlineData("email a@router1.x", "up", "list l: name mangler host has no rule for the email identity a@router1.x")]
    public async Task Where_AAA_has_no_key_there_is_none(string identity, string method, string expected)
    {
        server.Policies["router1"] = ["ipsec:route-set=interface"];
        server.Policies["twice"] = ["Tunnel-Password=one", "ipsec:tunnel-password=two"];
        var session = Session(AuthorizationBinding.Implicit, identity);
        var answer = await new AaaKeyring(client, new AuthorizationRequest("l", [method == "up" ? up : new AaaMethod(null)], null, Hostname)).FindAsync(session, CancellationToken.None);
        Assert.Equal(expected, Assert.IsType<KeyringAnswer.Unknown>(answer).Reason);
        Assert.Null(session.Authenticated);
    }

    [Fact]
    public async Task A_silent_server_is_no_unknown_peer()
    {
        var answer = await new AaaKeyring(client, new AuthorizationRequest("l", [down], null, Hostname)).FindAsync(Session(AuthorizationBinding.Implicit), CancellationToken.None);
        Assert.StartsWith("list l: no RADIUS server answered", Assert.IsType<KeyringAnswer.Unavailable>(answer).Reason, StringComparison.Ordinal);
    }

    private static AuthorizationSource Source(AuthorizationKind kind, string name, params string[] commands) =>
        new(new AuthorizationOrigin(kind, name), SessionProfile.Empty with { InterfaceCommands = [.. commands] });

    private static ClientSession Session(AuthorizationBinding authorization, string identity = "fqdn router1.domain1", bool unsendable = false)
    {
        Assert.True(IkeIdentity.TryParse(identity, out var parsed));
        var binding = TestSession.Binding with { Authorization = new Dictionary<RemoteMethod, AuthorizationBinding> { [RemoteMethod.PreSharedKey] = authorization } };
        if (unsendable)
            binding = binding with { NasIdentifier = new string('x', 300) };
        return TestSession.Create(parsed.Text, binding: binding, identity: parsed);
    }
}
