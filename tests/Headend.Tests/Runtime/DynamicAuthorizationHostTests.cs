using System.Net;
using Headend.TestKit.Initiator;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>Disconnect, CoA and simultaneous sessions from the wire to the wire: a dynamic authorization client on one side, our IKE client on the other.</summary>
[Collection("one meter")]
public sealed class DynamicAuthorizationHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();
    private readonly DynamicAuthorizationClient author = new();

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Theory]
    [InlineData("audit-session-id")]
    [InlineData("Acct-Session-Id")]
    [InlineData("User-Name")]
    [InlineData("Framed-IP-Address")]
    [InlineData("NAS-Port")]
    [InlineData("NAS-Port-Id")]
    public async Task EachKeyEndsItsSessionAndNoOther(string key)
    {
        using var alice = Client("alice");
        using var bob = Client("bob");
        alice.MustLogIn();
        bob.MustLogIn();
        var session = (await headend.SessionsAsync()).Single(s => s.User == "alice");
        byte[] attribute = key switch
        {
            "audit-session-id" => Pair($"audit-session-id={session.AuditSessionId}"),
            "Acct-Session-Id" => Text(AcctSessionId, session.AcctSessionId!),
            "User-Name" => Text(UserName, "alice"),
            "Framed-IP-Address" => [8, 6, .. IPAddress.Parse(session.AssignedAddresses[0]).GetAddressBytes()],
            "NAS-Port" => Number(5, uint.Parse(session.Id)),
            _ => Text(87, $"Virtual-Access{session.Id}"),
        };
        Assert.Equal((41, null), author.Disconnect(attribute));
        // The ACK came when all of it was given back.
        Assert.Equal("bob", Assert.Single(await headend.SessionsAsync()).User);
        Assert.Equal(1, await headend.LeasesAsync());
        alice.WaitUntilClosed();
        Assert.Equal(1, bob.Initiator.IkeSas);
    }

    [Fact]
    public async Task WhatCannotBePerformedIsRefusedAndChangesNothing()
    {
        using var first = Client("alice");
        using var second = Client("alice");
        first.MustLogIn();
        second.MustLogIn();
        var session = (await headend.SessionsAsync())[0];
        byte[] one = Text(AcctSessionId, session.AcctSessionId!);

        Assert.Equal((42, 508u), author.Disconnect(Text(UserName, "alice")));
        Assert.Equal((45, 508u), author.Change(Text(UserName, "alice"), Number(SessionTimeout, 1)));
        Assert.Equal((42, 503u), author.Disconnect(Text(UserName, "nobody")));
        Assert.Equal((42, 503u), author.Disconnect(one, Text(UserName, "bob")));
        Assert.Equal((42, 403u), author.Disconnect(one, Text(32, "gw2")));
        Assert.Equal((42, 403u), author.Disconnect(one, [4, 6, 192, 0, 2, 77]));
        Assert.Equal((42, 402u), author.Disconnect(Text(32, "gw1")));
        Assert.Equal((42, 401u), author.Disconnect(one, Number(SessionTimeout, 60)));
        Assert.Equal((45, 401u), author.Change(one, Number(SessionTimeout, 1), Text(22, "10.0.0.0/8")));
        Assert.Equal((45, 407u), author.Change(one, Number(SessionTimeout, 1), Pair("ip:interface-config=ip mtu 1")));
        Assert.Equal((45, 407u), author.Change(one, Number(SessionTimeout, 1), Pair("ip:interface-config=ip mtu 1300"), Pair("ip:interface-config=no such command")));
        Assert.Equal((45, 407u), author.Change(one, Number(SessionTimeout, 1), Pair("ip:sub-qos-policy-in=gold")));
        Assert.Equal((45, 407u), author.Change(one, Number(SessionTimeout, 1), Pair("ip:inacl#1=permit ip any anyone")));
        Assert.Equal((45, 407u), author.Change(one, Number(SessionTimeout, 1), Pair("ip:sub-qos-policy-in=gold")));
        Assert.Equal((45, 405u), author.Change(one, Number(6, 17), [24, 3, 1]));

        // The Session-Timeout of a second that stood beside each of them was not taken.
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Assert.Equal(2, (await headend.SessionsAsync()).Count);
    }

    [Fact]
    public async Task OurOwnNasKeysAreAccepted()
    {
        using var client = Client("alice");
        client.MustLogIn();
        Assert.Equal((44, null), author.Change(Text(UserName, "alice"), Text(32, "gw1"), [4, 6, 127, 0, 0, 1], Number(28, 600), Pair("ip:interface-config=ip mtu 1300"), Text(Class, "class")));
        Assert.Single(await headend.SessionsAsync());
    }

    [Fact]
    public void ASessionTimeoutThatComesLaterEndsTheSession()
    {
        using var client = Client("alice");
        client.MustLogIn();
        Assert.Equal((44, null), author.Change(Text(UserName, "alice"), Number(SessionTimeout, 1)));
        client.WaitUntilClosed();
    }

    [Fact]
    public async Task BounceEndsTheSession()
    {
        using var client = Client("alice");
        client.MustLogIn();
        Assert.Equal((44, null), author.Change(Text(UserName, "alice"), Pair("subscriber:command=bounce-host-port")));
        client.WaitUntilClosed();
        Assert.Empty(await headend.SessionsAsync());
    }

    [Fact]
    public async Task UniqueReplaceEndsTheOlderSessionWithADelete()
    {
        using var first = Client("rita@replace");
        first.MustLogIn();
        using var second = Client("rita@replace");
        second.MustLogIn();
        first.WaitUntilClosed();
        Assert.Single(await headend.SessionsAsync());
        // A wrong password replaces nobody.
        using var third = headend.Client("rita@replace", "wrong");
        third.MustFail();
        Assert.Single(await headend.SessionsAsync());
    }

    [Fact]
    public async Task UniqueDenyRefusesWhileTheOlderClientAnswers()
    {
        using var first = Client("dora@deny");
        first.MustLogIn();
        using var stop = new CancellationTokenSource();
        var serving = first.ServeAsync(stop.Token);
        // Another spelling is the same user.
        using var second = Client("DORA@deny");
        second.MustBeRefused();
        Assert.Single(await headend.SessionsAsync());
        await stop.CancelAsync();
        await serving;
        Assert.Equal(1, first.Initiator.IkeSas);
    }

    [Fact]
    public async Task UniqueDenyLetsAClientBackInThatCrashed()
    {
        // Nobody answers for it any more.
        using (var crashed = Client("dora@deny"))
            crashed.MustLogIn();
        using var again = Client("dora@deny");
        again.MustLogIn();
        Assert.Single(await headend.SessionsAsync());
    }

    [Fact]
    public async Task PortLimitOfAaaHoldsWhereTheProfileSetsNone()
    {
        using var stop = new CancellationTokenSource();
        using var first = Client("paul@limit");
        first.MustLogIn();
        using var second = Client("paul@limit");
        second.MustLogIn();
        Task[] serving = [first.ServeAsync(stop.Token), second.ServeAsync(stop.Token)];
        using var third = Client("paul@limit");
        third.MustFail();
        Assert.Equal(2, (await headend.SessionsAsync()).Count);
        await stop.CancelAsync();
        await Task.WhenAll(serving);
    }

    [Fact]
    public async Task OfTwoLoginsAtOnceExactlyOneGetsTheLastPlace()
    {
        using var stop = new CancellationTokenSource();
        using var one = Client("dora@deny");
        using var two = Client("dora@deny");
        var logins = await Task.WhenAll(
            new[] { one, two }.Select(c => Task.Run(() =>
            {
                var outcome = c.Login();
                // Whoever is in answers for itself from here on.
                var serving = outcome is InitiatorOutcome.Established ? c.ServeAsync(stop.Token) : Task.CompletedTask;
                return (outcome, serving);
            })));
        Assert.Single(logins, l => l.outcome is InitiatorOutcome.Established);
        Assert.Single(await headend.SessionsAsync());
        await stop.CancelAsync();
        await Task.WhenAll(logins.Select(l => l.serving));
    }

    private LoopbackClient Client(string user) => headend.Client(user, "wonderland");

    private static string Profile(string name, string match, string unique) => HostYaml.UserProfile(name, match, $"unique: {unique}");

    private string Configuration() => $$"""
        radius:
          attributes: { nas-identifier: gw1 }
          {{author.Yaml}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          attribute-lists: [ { name: two, attributes: ["Port-Limit=2"] } ]
          local-users:
            - { name: paul@limit, password: wonderland }
            - { name: alice, password: wonderland }
            - { name: bob, password: wonderland }
            - { name: rita@replace, password: wonderland }
            - { name: dora@deny, password: wonderland }
            - { name: DORA@deny, password: wonderland }
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 }, { name: twice, pool: p4, attribute-list: two } ]
          profiles:
        {{Profile("replace", "email-domain replace", "replace")}}
        {{Profile("deny", "email-domain deny", "deny")}}
        {{HostYaml.Profile(
            "limit", "email-domain limit", HostYaml.Eap, "authentication-list: local-list", "authorization: { group: { list: local-list, name: twice } }", "unique: never")}}
        {{Profile("staff", "any", "never")}}
        """;
}
