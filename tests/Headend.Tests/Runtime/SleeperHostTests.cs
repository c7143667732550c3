using Headend.Aaa.Accounting;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>Sleeping sessions that nobody comes back to make room: whose device logs in anew, and where the pool is exhausted.</summary>
[Collection("one meter")]
public sealed class SleeperHostTests : IAsyncLifetime
{
    /// <summary>RFC 2866 5.10: Port Preempted.</summary>
    private const uint Preempted = 13;

    private readonly LiveHeadend headend = new(new SkippingTime());

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Theory]
    [InlineData("fqdn laptop", true, true)]
    [InlineData("fqdn laptop", false, false)]
    [InlineData("fqdn tablet", true, false)]
    public async Task ADeviceThatHasForgottenItsSessionLeavesNoneAsleep(string identity, bool initialContact, bool ends)
    {
        using (var client = Client("alice", "fqdn laptop"))
            client.MustLogIn();
        var before = await headend.AsleepAsync();
        using (var other = Client("bob", "fqdn laptop", initialContact: true))
            other.MustLogIn();
        Assert.Equal(2, (await headend.SessionsAsync()).Count);

        using var anew = Client("alice", identity, initialContact);
        anew.MustLogIn();
        var sessions = (await headend.SessionsAsync()).Where(s => s.User == "alice").ToList();
        Assert.Equal(ends ? 1 : 2, sessions.Count);
        Assert.Equal(!ends, sessions.Any(s => Kept(s) == Kept(before)));
        if (!ends)
            return;
        var stop = (await headend.RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        Assert.Equal((before.AcctSessionId, Preempted), (TextOf(stop, AcctSessionId), NumberOf(stop, TerminateCause)));
    }

    private LoopbackClient Client(string user, string identity, bool initialContact = false) =>
        headend.Client(Reconnecting(user) with { Identity = Identity(identity), InitialContact = initialContact });

    private static string Configuration() => $$"""
        {{HostYaml.Nobody()}}
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
          local-users: [ { name: alice, password: wonderland }, { name: bob, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          profiles:
        {{HostYaml.UserProfile("laptops", "any", "accounting-list: acct-list", HostYaml.SoonAsked, "reconnect: { timeout: 24h }")}}
        """;
}
