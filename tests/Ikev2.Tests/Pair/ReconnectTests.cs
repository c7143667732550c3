using System.Net;
using System.Text;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>Sessions whose client goes silent, and clients that come back by session-id and token, over a network with faults.</summary>
public class ReconnectTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_home = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly ConfigurationAttributeType s_sessionId = new(28717);
    private static readonly ConfigurationAttributeType s_token = new(28718);
    private static readonly ConfigurationAttributeType s_cleanup = new(28706);
    private static readonly ConfigurationAttributeType s_dpd = new(28709);
    private static readonly ReconnectPolicy s_policy = new(TimeSpan.FromMinutes(30), s_sessionId, s_token, s_cleanup, s_dpd);
    private static int s_away;

    [Fact]
    public void AClientGetsWhatItAsksForAndNothingElse()
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, Profile());
        var plain = Login(network, null);
        Assert.DoesNotContain(s_sessionId, plain.Initiator.Given.Keys);
        Assert.DoesNotContain(s_cleanup, plain.Initiator.Given.Keys);
        var asking = Login(network, null, o => o with { ReconnectAttributes = (s_sessionId, s_token), MoreAttributes = [s_cleanup, s_dpd] }, Elsewhere());
        var got = asking.Initiator.Given;
        Assert.Equal((64, 64), (got[s_sessionId].Length, got[s_token].Length));
        Assert.NotEqual(got[s_sessionId], got[s_token]);
        Assert.Equal([0, 0, 7, 8], got[s_cleanup]);
        Assert.Equal([0, 0, 0, 30], got[s_dpd]);
        Assert.Equal(2, headend.Outside.SessionsUp);
    }

    /// <summary>A session kept over a restart may have been granted what the configuration calls otherwise by now.</summary>
    [Fact]
    public void ANumberOfReconnectHasOneAnswer()
    {
        var network = new SimulatedNetwork(15);
        var grant = new SessionGrant { CiscoAttributes = [new(s_token.Value, "banner"u8.ToArray()), new(s_dpd.Value, new byte[1]), new(28672, "Welcome"u8.ToArray())] };
        Headend(network, Profile(), new OutsideOptions { Grant = grant });
        var client = Login(network, null, o => o with
        {
            VendorIds = [Encoding.ASCII.GetBytes("CISCO-DELETE-REASON")],
            ReconnectAttributes = (s_sessionId, s_token),
            MoreAttributes = [s_dpd],
            FurtherAttributes = [28672],
        });
        Assert.Equal([28672, 28709, 28717, 28718], client.Initiator.Configuration.Where(a => a.Type > 28000).Select(a => (int)a.Type).Order());
        Assert.Equal(64, client.Initiator.Given[s_token].Length);
    }

    /// <summary>A client that has its token may come back at once, through another shard, and AAA may speak of a session at once that its client knows of.</summary>
    [Fact]
    public void TheOutsideKnowsOfASessionBeforeItsClientDoes()
    {
        var network = new SimulatedNetwork(14);
        var headend = Headend(network, Profile());
        var effects = new List<IkeEffect>();
        headend.Watch = effects.Add;
        Assert.IsType<InitiatorOutcome.Established>(Login(network, null, Asking).Initiator.Outcome);
        Assert.IsType<TransmitEffect>(effects[^1]);
        Assert.NotNull(Assert.IsType<SessionUpEffect>(effects[^2]).Reconnect);
    }

    [Fact]
    public void WithoutReconnectInTheProfileTheAttributesAreNotAnswered()
    {
        var network = new SimulatedNetwork(2);
        var headend = Headend(network, Profile() with { Reconnect = null });
        var client = Login(network, null, Asking);
        Assert.DoesNotContain(s_sessionId, client.Initiator.Given.Keys);
        Silence(network, client, s_home);
        Assert.Equal(SessionEndReason.PeerUnreachable, Assert.Single(headend.Outside.Ended).Reason);
        Assert.Empty(headend.Outside.Inactive);
    }

    [Fact]
    public void ASilentClientComesBackByItsTokenWithTheSameAddressAndNobodyIsAsked()
    {
        var network = new SimulatedNetwork(3);
        var headend = Headend(network, Profile());
        var client = Login(network, null, Asking);
        var first = (InitiatorOutcome.Established)client.Initiator.Outcome;
        Silence(network, client, s_home);
        Assert.Empty(headend.Outside.Ended);
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.Equal(TimeSpan.FromMinutes(30), Assert.Single(headend.Outside.Inactive).Timeout);
        var asked = headend.Outside.Authorizations;

        var back = Login(network, client.Initiator.Given, Asking, Elsewhere());
        Assert.Equal(first.IPv4, Assert.IsType<InitiatorOutcome.Established>(back.Initiator.Outcome).IPv4);
        Assert.Equal(asked, headend.Outside.Authorizations);
        Assert.Equal(client.Initiator.Given[s_sessionId], back.Initiator.Given[s_sessionId]);
        Assert.NotEqual(client.Initiator.Given[s_token], back.Initiator.Given[s_token]);
        var sa = Assert.Single(headend.Endpoint.Describe());
        Assert.Contains("R", sa.Capabilities);
        Assert.Equal(("PSK", "ECDSA", "alice", "laptop.example"), (sa.Method, sa.LocalMethod, sa.User, sa.RemoteIdentity));
    }

    /// <summary>The chapter's two outputs, of the initial session and the reconnected one: "Capabilities:DNX" and "Capabilities:DNR".</summary>
    [Fact]
    public void TheCapabilitiesAreThoseOfTheChapter()
    {
        var network = new SimulatedNetwork(15);
        var headend = Headend(network, Profile());
        var client = Login(network, null, BehindNat);
        Assert.Equal(["D", "N", "X"], Assert.Single(headend.Endpoint.Describe()).Capabilities);
        Silence(network, client, s_home);
        Assert.IsType<InitiatorOutcome.Established>(Login(network, client.Initiator.Given, BehindNat, Elsewhere()).Initiator.Outcome);
        Assert.Equal(["D", "N", "R"], Assert.Single(headend.Endpoint.Describe()).Capabilities);

        static TestInitiatorOptions BehindNat(TestInitiatorOptions options) => Asking(options) with { PretendNat = true, Fragmentation = false, SignatureHashes = false };
    }

    /// <summary>The chapter: "the AnyConnect client uses the same reconnect-session-id and reconnect-token-id that was provided ... during the initial session for all the reconnect sessions."</summary>
    [Fact]
    public void AClientThatKeepsItsFirstTokenComesBackAgainAndAgain()
    {
        var network = new SimulatedNetwork(4);
        Headend(network, Profile());
        var client = Login(network, null, Asking);
        var at = s_home;
        var current = client;
        for (var i = 0; i < 4; i++)
        {
            Silence(network, current, at);
            at = Elsewhere();
            current = Login(network, client.Initiator.Given, Asking, at);
            Assert.IsType<InitiatorOutcome.Established>(current.Initiator.Outcome);
        }
    }

    [Fact]
    public void OnceANewTokenWasUsedTheOldOneIsNot()
    {
        var network = new SimulatedNetwork(5);
        var headend = Headend(network, Profile());
        var first = Login(network, null, Asking);
        Silence(network, first, s_home);
        var (at, last) = (Elsewhere(), Elsewhere());
        var second = Login(network, first.Initiator.Given, Asking, at);
        Silence(network, second, at);
        var third = Login(network, second.Initiator.Given, Asking, last);
        Assert.IsType<InitiatorOutcome.Established>(third.Initiator.Outcome);
        Silence(network, third, last);
        Refused(Login(network, first.Initiator.Given, Asking, Elsewhere()));
        Assert.Equal(1, headend.Outside.WrongTokens);
        Assert.IsType<InitiatorOutcome.Established>(Login(network, third.Initiator.Given, Asking, Elsewhere()).Initiator.Outcome);
    }

    [Fact]
    public void AWrongTokenIsRefusedAndTheSessionStillWaits()
    {
        var network = new SimulatedNetwork(6);
        var headend = Headend(network, Profile());
        var client = Login(network, null, Asking);
        Silence(network, client, s_home);
        var wrong = new Dictionary<ConfigurationAttributeType, byte[]>(client.Initiator.Given) { [s_token] = Encoding.ASCII.GetBytes(new string('a', 64)) };
        var began = network.Now;
        Refused(Login(network, wrong, Asking, Elsewhere()));
        Assert.True(network.Now - began >= TimeSpan.FromSeconds(1), "a refusal at once tells that the session-id is known");
        Assert.Equal(IkeFailure.ReconnectRefused, headend.Observer.Failures[^1].Failure);
        Assert.Single(headend.Outside.Inactive);
        Assert.IsType<InitiatorOutcome.Established>(Login(network, client.Initiator.Given, Asking, Elsewhere()).Initiator.Outcome);
    }

    /// <summary>
    /// Who has the keys of an IKE SA can send IKE_AUTH under any source address, blind to the answer: the tries must not be those of whoever has that address. IKE_SA_INIT under a forged source
    /// leads nowhere: its answer, with Nr and KEr, goes elsewhere.
    /// </summary>
    [Fact]
    public void GuessesCountByTheAddressThatReadTheAnswerToIkeSaInit()
    {
        var network = new SimulatedNetwork(13);
        var headend = Headend(network, Profile());
        var client = Login(network, null, Asking);
        Silence(network, client, s_home);
        var wrong = new Dictionary<ConfigurationAttributeType, byte[]>(client.Initiator.Given) { [s_token] = Encoding.ASCII.GetBytes(new string('a', 64)) };
        var (own, victim) = (Elsewhere(), IPAddress.Parse("192.0.2.99"));
        Start(network, wrong, Asking, own);
        // IKE_SA_INIT is on its way; whatever follows bears the victim's address.
        network.Rebind(own, victim);
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.Equal(1, headend.Outside.WrongTokens);
        Assert.Equal([own.Address, own.Address], headend.Outside.ReconnectSources);
        Assert.Equal(IkeFailure.ReconnectRefused, headend.Observer.Failures[^1].Failure);

        var forger = Elsewhere();
        network.Rebind(forger, victim);
        var blind = Start(network, wrong, Asking, forger);
        network.Detach(forger);
        network.RunFor(TimeSpan.FromSeconds(10));
        Assert.IsType<InitiatorOutcome.Pending>(blind.Initiator.Outcome);
        Assert.Equal(2, headend.Outside.ReconnectSources.Count);
    }

    /// <summary>Expired, ended by CoA or an operator: to the core all the same, the outside has no such session.</summary>
    [Fact]
    public void ASessionThatIsOverRefusesAndALoginStillWorks()
    {
        var network = new SimulatedNetwork(7);
        var headend = Headend(network, Profile());
        var client = Login(network, null, Asking);
        var address = ((InitiatorOutcome.Established)client.Initiator.Outcome).IPv4;
        Silence(network, client, s_home);
        headend.Do((endpoint, now) => endpoint.Handle(new EndSessionCommand(headend.Outside.Inactive[0].Session, SessionEndReason.AdminCleared, "cleared"), now));
        Assert.Empty(headend.Outside.Inactive);
        var began = network.Now;
        Refused(Login(network, client.Initiator.Given, Asking, Elsewhere()));
        Assert.True(network.Now - began >= TimeSpan.FromSeconds(1), "an unknown session-id and a wrong token are refused alike");
        var anew = Login(network, null, Asking, Elsewhere());
        Assert.NotEqual(address, Assert.IsType<InitiatorOutcome.Established>(anew.Initiator.Outcome).IPv4);
    }

    [Fact]
    public void AClientThatSaysGoodbyeLeavesNothingToComeBackTo()
    {
        var network = new SimulatedNetwork(8);
        var headend = Headend(network, Profile() with { ClientResume = TimeSpan.FromMinutes(2) });
        var client = Login(network, null, Asking);
        client.Do((initiator, now) => initiator.Delete(now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(SessionEndReason.PeerDeleted, Assert.Single(headend.Outside.Ended).Reason);
        Assert.Empty(headend.Outside.Inactive);
        Refused(Login(network, client.Initiator.Given, Asking, Elsewhere()));
    }

    [Theory]
    [InlineData(SessionEndReason.AdminCleared)]
    [InlineData(SessionEndReason.SessionTimeout)]
    [InlineData(SessionEndReason.IdleTimeout)]
    [InlineData(SessionEndReason.PeerUnreachable)]
    public void NorDoesASessionThatSomebodyEnded(SessionEndReason reason)
    {
        var network = new SimulatedNetwork(9);
        var headend = Headend(network, Profile() with { ClientResume = TimeSpan.FromMinutes(2) });
        var client = Login(network, null, Asking);
        var session = headend.Endpoint.Describe()[0].Session!.Value;
        headend.Do((endpoint, now) => endpoint.Handle(new EndSessionCommand(session, reason, "test"), now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(reason, Assert.Single(headend.Outside.Ended).Reason);
        Assert.Empty(headend.Outside.Inactive);
        Assert.Equal(0, client.Initiator.IkeSas);
    }

    [Fact]
    public void AnotherLoginMaySuspendASessionThatIsUp()
    {
        var network = new SimulatedNetwork(10);
        var headend = Headend(network, Profile());
        var client = Login(network, null, Asking);
        var session = headend.Endpoint.Describe()[0].Session!.Value;
        headend.Do((endpoint, now) => endpoint.Handle(new SuspendSessionCommand(session, "comes back"), now));
        Assert.Single(headend.Outside.Inactive);
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.Empty(headend.Outside.Installed);
        Assert.IsType<InitiatorOutcome.Established>(Login(network, client.Initiator.Given, Asking, Elsewhere()).Initiator.Outcome);
    }

    /// <summary>With a short lifetime the IKE SA expires before the retransmissions of our rekey do: the client is silent all the same.</summary>
    [Fact]
    public void ASilentClientsSessionIsKeptWhenItsIkeSaExpiresOverOurUnansweredRekey()
    {
        var network = new SimulatedNetwork(15);
        var headend = Headend(network, Profile() with { IkeLifetime = TimeSpan.FromMinutes(5), DpdInterval = TimeSpan.FromHours(1) });
        var client = Login(network, null, Asking);
        network.RunFor(TimeSpan.FromSeconds(260));
        Silence(network, client, s_home);
        Assert.Empty(headend.Outside.Ended);
        Assert.Single(headend.Outside.Inactive);
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.IsType<InitiatorOutcome.Established>(Login(network, client.Initiator.Given, Asking, Elsewhere()).Initiator.Outcome);
    }

    /// <summary>Whatever is lost or doubled, the return ends established or the session still waits; one session at most, no SA left.</summary>
    [Fact]
    public void OverABadNetworkAReturnEndsEstablishedOrTheSessionStillWaits()
    {
        var returned = 0;
        for (ulong seed = 1; seed <= 150; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var headend = Headend(network, Profile(), new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(30) });
            var client = Login(network, null, Asking);
            Silence(network, client, s_home);
            network.Link = new LinkOptions { Loss = 0.3, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(200) };
            var at = Elsewhere();
            var back = Start(network, client.Initiator.Given, Asking, at);
            network.RunFor(TimeSpan.FromMinutes(2));
            network.Link = new LinkOptions();
            network.RunFor(TimeSpan.FromMinutes(4));
            var established = back.Initiator.Stage == InitiatorStage.Established;
            returned += established ? 1 : 0;
            Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
            Assert.True(headend.Outside.Open + headend.Outside.Inactive.Count == 1, $"seed {seed}: {headend.Outside.Open} open, {headend.Outside.Inactive.Count} inactive");
            Assert.True(!established || headend.Outside.Open == 1, $"seed {seed}: the client is back and its session is not");
            Assert.Equal(headend.Outside.Outstanding, headend.Endpoint.PendingOperations);
            Assert.Empty(headend.Outside.Ended);
        }

        Assert.InRange(returned, 75, 150);
    }

    [Fact]
    public void EveryFailureOfAReturnLeavesTheSessionAsItWas()
    {
        for (ulong seed = 1; seed <= 100; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var outside = new OutsideOptions();
            var headend = Headend(network, Profile(), outside);
            var client = Login(network, null, Asking);
            Silence(network, client, s_home);
            outside.Failures = 0.5;
            Login(network, client.Initiator.Given, Asking, Elsewhere());
            network.RunFor(TimeSpan.FromMinutes(3));
            Assert.True(headend.Outside.SessionsUp + headend.Outside.Inactive.Count == 1, $"seed {seed}");
        }
    }

    private static TestInitiatorOptions Asking(TestInitiatorOptions options) => options with { ReconnectAttributes = (s_sessionId, s_token) };

    private static IPEndPoint Elsewhere() => new(IPAddress.Parse("203.0.113.5"), 10_000 + Interlocked.Increment(ref s_away));

    private static void Refused(SimulatedClient client) =>
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);

    private static void Silence(SimulatedNetwork network, SimulatedClient client, IPEndPoint at)
    {
        client.Do((initiator, _) => initiator.Vanish());
        network.Detach(at);
        network.RunFor(TimeSpan.FromMinutes(4));
    }

    private static SimulatedClient Start(
        SimulatedNetwork network, IDictionary<ConfigurationAttributeType, byte[]>? back, Func<TestInitiatorOptions, TestInitiatorOptions>? change = null, IPEndPoint? at = null)
    {
        var options = new TestInitiatorOptions
        {
            Identity = back is null ? new IkeIdentity(IdType.Fqdn, "laptop.example"u8) : new IkeIdentity(IdType.KeyId, back[s_sessionId]),
            User = "alice",
            Password = "secret",
            PreSharedKey = back?[s_token],
            Crypto = new ToyCryptoProvider(network.Random.Next()),
        };
        var client = new SimulatedClient(network, change is null ? options : change(options), at ?? s_home, s_headend, direct: true);
        client.Start();
        return client;
    }

    private static SimulatedClient Login(
        SimulatedNetwork network, IDictionary<ConfigurationAttributeType, byte[]>? back, Func<TestInitiatorOptions, TestInitiatorOptions>? change = null, IPEndPoint? at = null)
    {
        var client = Start(network, back, change, at);
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromMinutes(2)));
        return client;
    }

    private static IkeProfile Profile() => EndpointPair.Profile("laptops") with { LocalTraffic = [], Reconnect = s_policy, PskRefusalDelay = TimeSpan.FromSeconds(1) };

    private static SimulatedHeadend Headend(SimulatedNetwork network, IkeProfile profile, OutsideOptions? outside = null) => new(
        network,
        new IkeEndpointOptions { Profiles = [profile] },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(outside ?? new OutsideOptions()),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));
}
