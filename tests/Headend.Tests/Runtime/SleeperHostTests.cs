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

    /// <summary>One client that vanishes and logs in again and again has the whole pool, asleep.</summary>
    [Fact]
    public async Task OfAnExhaustedPoolTheSessionThatHasSleptLongestMakesRoom()
    {
        const int Size = 9;
        System.Net.IPAddress? address;
        using (var first = Client("alice", "fqdn laptop"))
            address = first.MustLogIn().IPv4;
        var oldest = await headend.AsleepAsync();
        for (var i = 1; i < Size; i++)
        {
            using var next = Client("alice", "fqdn laptop");
            Assert.NotEqual(address, next.MustLogIn().IPv4);
        }

        Assert.Equal(Size, await headend.LeasesAsync());
        using var bob = Client("bob", "fqdn laptop");
        Assert.Equal(address, bob.MustLogIn().IPv4);
        var sessions = await headend.SessionsAsync();
        Assert.Equal(Size, sessions.Count);
        Assert.DoesNotContain(sessions, s => Kept(s) == Kept(oldest));
        headend.Log.MustSay("pool p4 is exhausted, and of those that sleep this has slept for longest; bob logs in");
        // Nobody sleeps any more who could make room: those that are up stay.
        using var late = Client("bob", "fqdn tablet");
        late.MustFail();
        Assert.Equal(Size, (await headend.SessionsAsync()).Count);
        var stop = (await headend.RecordsAsync()).First(r => r.Status == AcctStatusType.Stop);
        Assert.Equal((oldest.AcctSessionId, Preempted), (TextOf(stop, AcctSessionId), NumberOf(stop, TerminateCause)));
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
