using System.Net;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>Pre-shared keys of either side (RFC 7296 2.15), and which profile meets whom, over a network with faults.</summary>
public class PskLoginTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly byte[] s_ours = [.. "what the gateway knows"u8];
    private static readonly byte[] s_theirs = [.. "what the branch knows"u8];

    private static readonly OutsideOptions s_outside = new()
    {
        PreSharedKeys = new Dictionary<string, (byte[], byte[])>(StringComparer.Ordinal)
        {
            ["branch.example"] = (s_ours, s_theirs),
            ["same.example"] = (s_theirs, s_theirs),
            ["one-sided.example"] = ([], s_theirs),
            ["empty.example"] = ([], []),
        },
    };

    [Theory]
    [InlineData("branch.example", false)]
    [InlineData("same.example", false)]
    [InlineData("branch.example", true)]
    [InlineData("one-sided.example", true)]
    public void EveryLoginOverABadNetworkEndsEstablishedOrCleanlyFailed(string identity, bool certificate)
    {
        var established = 0;
        const int seeds = 300;
        for (ulong seed = 1; seed <= seeds; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.2, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(200) } };
            var headend = Headend(network, s_outside with { MostDelay = TimeSpan.FromMilliseconds(30) }, Psk(certificate));
            var right = network.Random.Next(4) != 0;
            var client = Client(network, identity, right ? s_theirs : s_ours[..4], certificate ? null : identity == "same.example" ? s_theirs : s_ours);
            established += Run(seed, network, headend, client) ? 1 : 0;
            Assert.False(!right && client.Initiator.Outcome is InitiatorOutcome.Established, $"seed {seed}: a wrong key logged in");
        }

        Assert.InRange(established, seeds / 2, seeds * 0.85);
    }

    [Fact]
    public void EveryFailureOutsideIsCleanedUp()
    {
        var established = 0;
        for (ulong seed = 1; seed <= 300; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.1, MostLatency = TimeSpan.FromMilliseconds(100) } };
            var headend = Headend(network, s_outside with { MostDelay = TimeSpan.FromMilliseconds(30), Failures = 0.15 }, Psk(false));
            established += Run(seed, network, headend, Client(network, "branch.example", s_theirs, s_ours)) ? 1 : 0;
        }

        Assert.InRange(established, 30, 270);
    }

    [Theory]
    [InlineData("branch.example", IkeFailure.BadPreSharedKey)] // known, wrong key
    [InlineData("nobody.example", IkeFailure.BadPreSharedKey)]
    [InlineData("empty.example", IkeFailure.BadPreSharedKey)]
    [InlineData("one-sided.example", IkeFailure.BadPreSharedKey)] // nothing to prove ourselves with
    public void AStrangerCannotTellAnUnknownIdentityFromAWrongKey(string identity, IkeFailure failure)
    {
        var network = new SimulatedNetwork(11);
        var headend = Headend(network, s_outside, Psk(false) with { PskRefusalDelay = TimeSpan.FromSeconds(3) });
        var key = identity == "one-sided.example" ? s_theirs : [1, 2, 3];
        var client = Client(network, identity, key, s_ours);
        var began = network.Now;
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(60)));
        var failed = Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome);
        Assert.Equal(NotifyType.AuthenticationFailed, failed.Notify);
        Assert.Equal(TimeSpan.FromSeconds(3) + TimeSpan.FromMilliseconds(20), network.Now - began);
        Assert.Equal(failure, Assert.Single(headend.Observer.Failures).Failure);
        Assert.Equal(0, headend.Outside.Open);
        Assert.Empty(headend.Endpoint.Table.All);
    }

    [Theory]
    [InlineData("elsewhere.example", IkeFailure.NoProfile)]
    [InlineData("laptop.example", IkeFailure.MethodNotAllowed)]
    [InlineData("branch.example", IkeFailure.BadPreSharedKey)]
    public void NorWhichIdentitiesAProfileNames(string identity, IkeFailure failure)
    {
        var network = new SimulatedNetwork(13);
        var branches = Profile("branches", "fqdn branch.example") with { RemoteEap = false, RemotePreSharedKey = true, Credential = null, PskRefusalDelay = TimeSpan.FromSeconds(3) };
        var headend = Headend(network, s_outside, branches, Profile("laptops", "fqdn laptop.example"));
        var client = Client(network, identity, [1, 2, 3], s_ours);
        var began = network.Now;
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(60)));
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);
        Assert.Equal(TimeSpan.FromSeconds(3) + TimeSpan.FromMilliseconds(20), network.Now - began);
        Assert.Equal(failure, Assert.Single(headend.Observer.Failures).Failure);
        Assert.Equal(0, headend.Outside.Open);
        Assert.Empty(headend.Endpoint.Table.All);
    }

    [Fact]
    public void AClientThatGoesAwayDuringTheDelayLeavesNothing()
    {
        var network = new SimulatedNetwork(12);
        var headend = Headend(network, s_outside, Psk(false) with { PskRefusalDelay = TimeSpan.FromSeconds(3) });
        var client = Client(network, "nobody.example", s_theirs, s_ours);
        client.Start();
        network.RunFor(TimeSpan.FromSeconds(1));
        Assert.Single(headend.Endpoint.Table.All);
        headend.Do((endpoint, now) => endpoint.Handle(new ShutdownCommand(SessionEndReason.Shutdown), now));
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.Equal(SessionEndReason.Shutdown, Assert.Single(headend.Outside.Ended).Reason);
    }

    [Fact]
    public void EapIsRefusedWhereTheProfileWantsAKeyAndTheOtherWayRound()
    {
        Assert.Equal(IkeFailure.MethodNotAllowed, Failure(Psk(true), Eap));
        Assert.Equal(IkeFailure.MethodNotAllowed, Failure(Profile("eap"), n => Client(n, "branch.example", s_theirs, null)));

        static IkeFailure Failure(IkeProfile profile, Func<SimulatedNetwork, SimulatedClient> make)
        {
            var network = new SimulatedNetwork(5);
            var headend = Headend(network, s_outside, profile);
            var client = make(network);
            Assert.False(Run(5, network, headend, client));
            Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);
            return Assert.Single(headend.Observer.Failures).Failure;
        }
    }

    [Fact]
    public void OneProfileMayTakeBoth()
    {
        var both = Psk(true) with { RemoteEap = true };
        foreach (var make in (Func<SimulatedNetwork, SimulatedClient>[])[Eap, n => Client(n, "branch.example", s_theirs, null)])
        {
            var network = new SimulatedNetwork(6);
            Assert.True(Run(6, network, Headend(network, s_outside, both), make(network)));
        }
    }

    /// <summary>RFC 7296 1.2: a CHILD_SA that fails does not unmake the authentication: AUTH comes with the error.</summary>
    [Fact]
    public void AFailedChildSaComesWithOurAuth()
    {
        var network = new SimulatedNetwork(8);
        var headend = Headend(network, s_outside, Psk(false));
        var client = new SimulatedClient(
            network, Options(network, "branch.example", s_theirs, s_ours) with { RequestConfiguration = false }, s_client, s_headend);
        client.Start();
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(NotifyType.FailedCpRequired, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);
        Assert.Empty(headend.Endpoint.Table.All);
    }

    [Theory]
    [InlineData("fqdn a.branch.example", null, "branches")]
    [InlineData("fqdn hq.branch.example", null, "headquarters")]
    [InlineData("email bob@example.com", null, "staff")]
    [InlineData("email bob@other.com", null, "rest")]
    [InlineData("key-id meter-7", null, "meters")]
    [InlineData("address 203.0.113.77", null, "sites")]
    [InlineData("address 2001:db8:7::1", null, "sites")]
    [InlineData("dn CN=printer, OU=Things, O=Example", null, "things")]
    [InlineData("dn CN=printer, OU=People, O=Example", null, "rest")]
    [InlineData("fqdn a.branch.example", "fqdn vpn2.example.com", "second-name")]
    [InlineData("fqdn a.branch.example", "fqdn vpn3.example.com", "branches")]
    public void TheFirstProfileThatMatchesIsTaken(string remote, string? local, string expected)
    {
        IkeProfile[] profiles =
        [
            Profile("second-name", "any") with { LocalIdentities = [Match("fqdn vpn2.example.com")] },
            Profile("headquarters", "fqdn HQ.branch.example"),
            Profile("branches", "fqdn-domain branch.example"),
            Profile("staff", "email-domain example.com"),
            Profile("meters", "key-id meter-7"),
            Profile("sites", "address 203.0.113.0/24", "address 2001:db8:7::/48"),
            Profile("things", "dn CN=*, OU=things, O=Example"),
            Profile("rest", "any"),
            Profile("never", "any"),
        ];
        var network = new SimulatedNetwork(9);
        var headend = Headend(network, new OutsideOptions(), profiles);
        Assert.True(IkeIdentity.TryParse(remote, out var identity));
        IkeIdentity? asked = null;
        Assert.True(local is null || IkeIdentity.TryParse(local, out asked));
        var options = Options(network, "", null, null) with { Identity = identity, ServerIdentity = asked };
        var client = new SimulatedClient(network, options, s_client, s_headend);
        Assert.True(Run(9, network, headend, client), client.Initiator.Outcome.ToString());
        var sa = Assert.Single(headend.Endpoint.Describe());
        Assert.Equal(expected, sa.Profile);
        Assert.StartsWith("remote-identity ", sa.ProfileMatch, StringComparison.Ordinal);
        Assert.Equal(expected == "second-name", sa.ProfileMatch.Contains("local-identity fqdn vpn2.example.com", StringComparison.Ordinal));
    }

    [Fact]
    public void NoMatchTellsTheOperatorWhatWasClaimedAndWhatIsConfigured()
    {
        var network = new SimulatedNetwork(10);
        var headend = Headend(network, s_outside, Profile("branches", "fqdn-domain branch.example"), Profile("staff", "email-domain example.com"));
        Assert.False(Run(10, network, headend, Client(network, "elsewhere.example", s_theirs, s_ours)));
        var (failure, detail) = Assert.Single(headend.Observer.Failures);
        Assert.Equal(IkeFailure.NoProfile, failure);
        Assert.Contains("elsewhere.example", detail, StringComparison.Ordinal);
        Assert.Contains("branches: remote-identity fqdn-domain branch.example", detail, StringComparison.Ordinal);
        Assert.Contains("staff: remote-identity email-domain example.com", detail, StringComparison.Ordinal);
    }

    private static bool Run(ulong seed, SimulatedNetwork network, SimulatedHeadend headend, SimulatedClient client)
    {
        client.Start();
        network.RunFor(TimeSpan.FromMinutes(2));
        network.Link = network.Link with { Loss = 0, Duplication = 0 };
        network.RunFor(TimeSpan.FromMinutes(4));
        var established = client.Initiator.Outcome is InitiatorOutcome.Established && client.Initiator.Stage == InitiatorStage.Established;
        var story = $"seed {seed}: {client.Initiator.Stage}, {client.Initiator.Outcome}";
        Assert.True(client.Initiator.Outcome is not InitiatorOutcome.Pending, story);
        Assert.Equal(headend.Outside.Outstanding, headend.Endpoint.PendingOperations);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
        Assert.True(headend.Endpoint.Describe().Count == (established ? 1 : 0), story);
        Assert.True(headend.Outside.Open == (established ? 1 : 0), story);
        if (established)
            Assert.Equal(headend.Outside.Installed.Order(), client.Initiator.Children.Select(c => c.OutboundSpi).Order());
        return established;
    }

    private static IdentityMatch Match(string text) => IdentityMatch.TryParse(text, out var match) ? match : throw new InvalidOperationException(text);

    private static IkeProfile Profile(string name, params string[] matches) => EndpointPair.Profile(name) with
    {
        LocalTraffic = [],
        RemoteIdentities = matches.Length == 0 ? [Match("any")] : [.. matches.Select(Match)],
    };

    private static IkeProfile Psk(bool certificate)
    {
        var profile = Profile("psk") with { RemoteEap = false, RemotePreSharedKey = true };
        return certificate ? profile : profile with { Credential = null };
    }

    private static SimulatedHeadend Headend(SimulatedNetwork network, OutsideOptions outside, params IkeProfile[] profiles) => new(
        network,
        new IkeEndpointOptions { Profiles = profiles },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(outside),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));

    private static SimulatedClient Eap(SimulatedNetwork network) =>
        new(network, Options(network, "branch.example", null, null), s_client, s_headend);

    private static SimulatedClient Client(SimulatedNetwork network, string identity, byte[] key, byte[]? server) =>
        new(network, Options(network, identity, key, server), s_client, s_headend);

    private static TestInitiatorOptions Options(SimulatedNetwork network, string identity, byte[]? key, byte[]? server) => new()
    {
        Identity = new IkeIdentity(IdType.Fqdn, System.Text.Encoding.ASCII.GetBytes(identity)),
        User = "alice",
        Password = "secret",
        PreSharedKey = key,
        ServerPreSharedKey = server,
        Crypto = new ToyCryptoProvider(network.Random.Next()),
    };
}
