using System.Net;
using Headend.Aaa.Accounting;
using Headend.Admin;
using static Headend.Tests.Runtime.ClientOptions;
using static Headend.Tests.Runtime.LiveHeadend;
using static Headend.Tests.Runtime.RadiusWire;

namespace Headend.Tests.Runtime;

/// <summary>client-resume of clients that authenticate by pre-shared key, each by its own or all by one: the proven IKE identity says whose session goes on.</summary>
[Collection("one meter")]
public sealed class PskReturnHostTests : IAsyncLifetime
{
    private const string OneKey = "the key of branch number one";
    private const string TwoKey = "the key of branch number two";
    private const string SharedKey = "the key that many branches share";
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(2);

    private readonly LiveHeadend headend = new(new SkippingTime());

    public Task InitializeAsync() => headend.StartAsync(Configuration());

    public async Task DisposeAsync() => await headend.DisposeAsync();

    [Theory]
    [InlineData("one.example", OneKey, "two.example", TwoKey)]
    [InlineData("north.example", SharedKey, "south.example", SharedKey)]
    public async Task TheSameIdentityResumesItsSessionAndAnotherDoesNot(string identity, string key, string another, string anothersKey)
    {
        using var client = Client(identity, key);
        var address = client.MustLogIn().IPv4;
        var before = Assert.Single(await headend.SessionsAsync());
        Assert.Equal("PSK", before.Authentication);
        Assert.NotNull(before.Interface);
        Assert.NotNull(before.AcctSessionId);
        client.Dispose();
        Assert.Equal(Kept(before), Kept(await headend.AsleepAsync()));

        using var other = Client(another, anothersKey);
        Assert.NotEqual(address, other.MustLogIn().IPv4);
        var others = (await headend.SessionsAsync()).Single(s => s.User == another);
        Assert.NotEqual((before.Interface, before.AcctSessionId), (others.Interface, others.AcctSessionId));
        Assert.Equal((SessionStatus.Inactive, Kept(before)), StatusAndKept(await SessionOfAsync(identity)));
        // Nor one that only says so.
        using (var liar = Client(identity, "what somebody made up to be a key"))
            liar.MustBeRefused();
        Assert.Equal((SessionStatus.Inactive, Kept(before)), StatusAndKept(await SessionOfAsync(identity)));

        using var back = Client(identity, key);
        Assert.Equal(address, back.MustLogIn().IPv4);
        var after = await SessionOfAsync(identity);
        Assert.Equal(Kept(before), Kept(after));
        Assert.NotEqual(SessionStatus.Inactive, after.Status);
        // Two sessions, a Start and, at the end of the headend, a Stop each.
        Assert.Equal([AcctStatusType.Start, AcctStatusType.Start, AcctStatusType.Stop, AcctStatusType.Stop], await headend.StatusesAsync());
    }

    [Theory]
    [InlineData(-20, true)]
    [InlineData(+5, false)]
    public async Task WithinTheIntervalAndNotBeyondIt(int seconds, bool resumes)
    {
        using var client = Client("one.example", OneKey);
        client.MustLogIn();
        client.Dispose();
        var asleep = await headend.AsleepAsync();
        headend.Skip(Interval + TimeSpan.FromSeconds(seconds));
        if (!resumes)
            await headend.NoneAsync();
        using var back = Client("one.example", OneKey);
        back.MustLogIn();
        Assert.Equal(resumes, asleep.AcctSessionId == Assert.Single(await headend.SessionsAsync()).AcctSessionId);
        var stops = (await headend.RecordsAsync()).Where(r => r.Status == AcctStatusType.Stop).ToList();
        Assert.Equal(resumes ? 1 : 2, stops.Count);
        // RFC 2866 5.10: Acct-Terminate-Cause 2, Lost Carrier.
        Assert.Equal(!resumes, NumberOf(stops[0], TerminateCause) == 2);
    }

    [Theory]
    [InlineData("north.example", true)]
    [InlineData("south.example", false)]
    public async Task InitialContactResumesTheSessionOfTheSameIdentityWhoseSilenceNobodyHasNoticed(string identity, bool resumes)
    {
        using var client = Client("north.example", SharedKey);
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        using var back = Client(identity, SharedKey, initialContact: true);
        back.MustLogIn();
        var sessions = await headend.SessionsAsync();
        Assert.Equal(resumes ? 1 : 2, sessions.Count);
        Assert.Equal(resumes, Kept(before) == Kept(await SessionOfAsync(identity)));
    }

    /// <summary>Two machines behind two routers may have one private address, which Windows calls itself by.</summary>
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("127.0.0.2", false)]
    public async Task InitialContactOfAPrivateAddressResumesALiveSessionFromTheSameOuterAddressAlone(string from, bool resumes)
    {
        var itself = Identity("address 192.168.1.5");
        using var client = headend.Client(ByKey(itself, SharedKey, SharedKey));
        client.MustLogIn();
        var before = Assert.Single(await headend.SessionsAsync());
        using var back = headend.Client(ByKey(itself, SharedKey, SharedKey) with { InitialContact = true }, IPAddress.Parse(from));
        back.MustLogIn();
        Assert.Equal(resumes ? 1 : 2, (await headend.SessionsAsync()).Count);
        Assert.Contains(Kept(before), (await headend.SessionsAsync()).Select(Kept));
    }

    private static (string Status, (string, string?, string?, string?, string?, string)) StatusAndKept(SessionRecord s) => (s.Status, Kept(s));

    private LoopbackClient Client(string identity, string key, bool initialContact = false) =>
        headend.Client(ByKey(Identity($"fqdn {identity}"), key, key) with { InitialContact = initialContact });

    private async Task<SessionRecord> SessionOfAsync(string user) => (await headend.SessionsAsync()).Single(s => s.User == user);

    private static string Configuration() => $$"""
        {{HostYaml.Nobody()}}
        aaa:
          authorization: [ { name: local-list, methods: [local] } ]
          accounting: [ { name: acct-list, methods: [group corp] } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          authorization-policies: [ { name: staff, pool: p4 } ]
          keyrings:
            - name: branches
              peers:
                - { name: shared, identity: any, secret: {{SharedKey}} }
                - { identity: fqdn one.example, secret: {{OneKey}} }
                - { identity: fqdn two.example, secret: {{TwoKey}} }
          profiles:
        {{HostYaml.KeyProfile(
            "branches", "any", "keyring: { local: branches }", HostYaml.Staff, "accounting-list: acct-list", HostYaml.SoonAsked, "client-resume: { interval: 2m }")}}
        """;
}
