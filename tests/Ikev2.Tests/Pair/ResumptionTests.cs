using System.Net;
using System.Text;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>
/// Session resumption (RFC 5723) over a network with faults. The client derives its keys and its AUTH by the base library's HMAC (<see cref="InitiatorTicket"/>), so that
/// whatever is established here was derived twice.
/// </summary>
public sealed partial class ResumptionTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_home = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly ResumptionPolicy s_policy = new(TimeSpan.FromHours(8), TimeSpan.FromMinutes(30));
    private static int s_away;

    /// <summary>RFC 5723 4.2: the ticket and its lifetime for those who ask, and the exchange as ever.</summary>
    [Fact]
    public void WhoAsksGetsATicketAndWhoDoesNotGetsNone()
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, Profile());
        var plain = Login(network, Options(network));
        Assert.Null(plain.Initiator.TicketAnswer);
        var asking = Login(network, Asking(network), Elsewhere());
        Assert.Equal(NotifyType.TicketLtOpaque, asking.Initiator.TicketAnswer);
        Assert.Equal(TimeSpan.FromHours(4), asking.Initiator.Ticket!.Lifetime); // 6.2: not longer than the IKE SA
        Assert.Equal(1, headend.Outside.Tickets);
        Assert.Equal(2, headend.Outside.SessionsUp);
    }

    [Fact]
    public void WithoutTheProfilesLeaveARequestIsNackedAndTheLoginGoesOn()
    {
        var network = new SimulatedNetwork(2);
        var headend = Headend(network, Profile() with { Resumption = null });
        var client = Login(network, Asking(network));
        Assert.Equal(NotifyType.TicketNack, client.Initiator.TicketAnswer);
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        client.Do((initiator, now) => initiator.AskForTicket(now));
        network.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(NotifyType.TicketNack, client.Initiator.TicketAnswer);
        Silence(network, client, s_home);
        Assert.Equal(SessionEndReason.PeerUnreachable, Assert.Single(headend.Outside.Ended).Reason);
    }

    /// <summary>RFC 5723 6.2: the ticket's lifetime is bounded by the time to reauthentication too.</summary>
    [Fact]
    public void ATicketIsNotGoodForLongerThanTheSessionMayLast()
    {
        var network = new SimulatedNetwork(3);
        var headend = Headend(network, Profile(), new OutsideOptions { Grant = new SessionGrant { SessionTimeout = TimeSpan.FromMinutes(10) } });
        var client = Login(network, Asking(network));
        Assert.Equal(TimeSpan.FromMinutes(10), client.Initiator.Ticket!.Lifetime);
        network.RunFor(TimeSpan.FromMinutes(4));
        client.Do((initiator, now) => initiator.AskForTicket(now));
        network.RunFor(TimeSpan.FromSeconds(2));
        Assert.InRange(client.Initiator.Ticket!.Lifetime, TimeSpan.FromSeconds(355), TimeSpan.FromSeconds(361));
        Silence(network, client, s_home);
        Assert.True(Assert.Single(headend.Outside.Inactive).Timeout <= TimeSpan.FromMinutes(6), "kept beyond the last ticket");
    }

    [Fact]
    public void ASilentClientResumesWithItsAddressAndNobodyIsAsked()
    {
        var network = new SimulatedNetwork(4);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        var address = ((InitiatorOutcome.Established)client.Initiator.Outcome).IPv4;
        Silence(network, client, s_home);
        Assert.Empty(headend.Endpoint.Table.All);
        Assert.Equal(TimeSpan.FromMinutes(30), Assert.Single(headend.Outside.Inactive).Timeout);
        var asked = headend.Outside.Authorizations;

        var back = Resume(network, client, Elsewhere());
        Assert.Equal(address, Established(back).IPv4);
        Assert.Equal(asked, headend.Outside.Authorizations);
        var sa = Assert.Single(headend.Endpoint.Describe());
        Assert.Contains("ticket", sa.Capabilities);
        Assert.Equal(("EAP-MSCHAPv2", "ECDSA", "alice", "laptop.example"), (sa.Method, sa.LocalMethod, sa.User, sa.RemoteIdentity));

        // 4.3.3: a new ticket with the resumption, of the new IKE SA.
        Assert.NotEqual(client.Initiator.Ticket!.Octets, back.Initiator.Ticket!.Octets);
        Assert.NotEqual(client.Initiator.Ticket.SkD, back.Initiator.Ticket.SkD);
    }

    /// <summary>
    /// RFC 5723 5: "SPIs: From new exchange" ("These values MUST NOT be used for the resumed SA" of the old ones), 5.1: all keys are new; Message IDs begin anew.
    /// </summary>
    [Theory]
    [InlineData("aes128gcm16-prfsha256-x25519")]
    [InlineData("aes256-sha384-prfsha384-ecp256")]
    [InlineData("chacha20poly1305-prfsha512-x25519")]
    public void TheResumedIkeSaHasTheOldAlgorithmsAndNewKeysAndSpis(string proposal)
    {
        var network = new SimulatedNetwork(5);
        var profile = Profile() with { IkeProposals = [ProposalParser.ParseIke(proposal)] };
        var headend = Headend(network, profile);
        var options = Asking(network) with { IkeProposals = profile.IkeProposals };
        var client = Login(network, options);
        var before = Assert.Single(headend.Endpoint.Table.All);
        var (suite, spis, skD) = (before.Suite, (before.LocalSpi, before.RemoteSpi), before.Keys.SkD.ToArray());
        Assert.Equal(skD, client.Initiator.Ticket!.SkD);
        Silence(network, client, s_home);
        var back = Login(network, options with { Ticket = client.Initiator.Ticket }, Elsewhere());
        Established(back);
        var after = Assert.Single(headend.Endpoint.Table.All);
        Assert.Equal((suite.Encryption, suite.Integrity, suite.Prf, suite.KeyExchange), (after.Suite.Encryption, after.Suite.Integrity, after.Suite.Prf, after.Suite.KeyExchange));
        Assert.NotEqual(spis.LocalSpi, after.LocalSpi);
        Assert.NotEqual(spis.RemoteSpi, after.RemoteSpi);
        Assert.Equal(2u, after.Window.NextInbound);
        var (ni, nr) = back.Initiator.Nonces;
        using var expected = client.Initiator.Ticket.Derive(ni, nr, after.InitiatorSpi, after.ResponderSpi);
        Assert.Equal(expected.SkD, after.Keys.SkD);
        Assert.Equal((expected.SkEi, expected.SkEr, expected.SkAi, expected.SkAr), (after.Keys.SkEi, after.Keys.SkEr, after.Keys.SkAi, after.Keys.SkAr), new KeyComparer());
        Assert.Equal((expected.SkPi, expected.SkPr, [], []), (after.Keys.SkPi, after.Keys.SkPr, [], []), new KeyComparer());
    }

    /// <summary>RFC 5723 4.3: "a client MUST NOT reuse a ticket"; a gateway refuses it.</summary>
    [Fact]
    public void AUsedTicketIsRefusedAndTheNewOneResumes()
    {
        var network = new SimulatedNetwork(6);
        Headend(network, Profile());
        var first = Login(network, Asking(network));
        var at = s_home;
        var current = first;
        for (var i = 0; i < 3; i++)
        {
            Silence(network, current, at);
            at = Elsewhere();
            var next = Resume(network, current, at);
            Established(next);
            Nacked(Resume(network, current, Elsewhere()));
            current = next;
        }
    }

    [Fact]
    public void AnExpiredTicketIsRefusedAndALoginWorks()
    {
        var network = new SimulatedNetwork(7);
        var headend = Headend(network, Profile() with { Resumption = s_policy with { Lifetime = TimeSpan.FromMinutes(10) } });
        var client = Login(network, Asking(network));
        network.RunFor(TimeSpan.FromMinutes(11));
        Silence(network, client, s_home);
        Assert.Empty(headend.Outside.Inactive);
        Nacked(Resume(network, client, Elsewhere()));
        Established(Login(network, Asking(network), Elsewhere()));
    }

    [Fact]
    public void ATicketOfAnotherHeadendOrAnAlteredOneIsRefused()
    {
        var network = new SimulatedNetwork(8);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var ticket = client.Initiator.Ticket!;
        foreach (var octets in (byte[][])[[.. ticket.Octets.Reverse()], ticket.Octets[..^1], [], [1], new byte[8000]])
            Nacked(Login(network, Asking(network) with { Ticket = ticket with { Octets = octets } }, Elsewhere()));
        Assert.Equal(0, headend.Endpoint.Counts.IkeSas);
        Assert.All(headend.Observer.Failures, f => Assert.Equal(IkeFailure.TicketRefused, f.Failure));
        Established(Resume(network, client, Elsewhere()));
    }

    /// <summary>
    /// RFC 5723 4.3.3: "The IDi value sent in the IKE_AUTH exchange MUST be identical to the value included in the ticket"; the IDr value "MUST also be identical".
    /// </summary>
    [Fact]
    public void OtherIdentitiesThanTheTicketsAreRefused()
    {
        var network = new SimulatedNetwork(11);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var options = Asking(network) with { Ticket = client.Initiator.Ticket };
        Refused(Login(network, options with { Identity = new IkeIdentity(IdType.Fqdn, "other.example"u8) }, Elsewhere()));
        Refused(Login(network, options with { Identity = new IkeIdentity(IdType.KeyId, "laptop.example"u8) }, Elsewhere()));
        Refused(Login(network, options with { ServerIdentity = new IkeIdentity(IdType.Fqdn, "other.example"u8) }, Elsewhere()));
        Assert.Equal(3, headend.Observer.Failures.Count(f => f.Failure == IkeFailure.BadAuthValue));
        Established(Login(network, options with { ServerIdentity = client.Initiator.Ticket!.ServerIdentity }, Elsewhere()));
    }

    /// <summary>RFC 5723 4.3.3: "A CERT payload MUST NOT be included in this exchange".</summary>
    [Fact]
    public void ACertificateHasNoPlaceInTheAuthOfAResumption()
    {
        var rules = MessageRules.Find(ExchangeType.IkeAuth, isResponse: false, MessagePhase.Resumed)!;
        Assert.Equal(0, rules.Maximum(PayloadType.Certificate));
        Assert.Equal(0, MessageRules.Find(ExchangeType.IkeAuth, isResponse: true, MessagePhase.Resumed)!.Maximum(PayloadType.Certificate));
        Assert.Equal(MessagePhase.Resumed, ExchangeTable.Rows.Single(r => r.Phase == IkeSaPhase.ExpectResumedAuth).Rules);
    }

    /// <summary>The client changed its network and knows it before we do: the old IKE SA goes without a word.</summary>
    [Fact]
    public void ALiveSessionIsTakenOverInSilence()
    {
        var network = new SimulatedNetwork(12);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        var address = ((InitiatorOutcome.Established)client.Initiator.Outcome).IPv4;
        var back = Resume(network, client, Elsewhere());
        Assert.Equal(address, Established(back).IPv4);
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(1, headend.Endpoint.Counts.IkeSas);
        Assert.Equal(1, headend.Outside.SessionsUp);
        Assert.Equal(1, client.Initiator.IkeSas); // nobody told it
        Assert.Equal(0, headend.Observer.Requests);
    }

    [Fact]
    public void ASessionThatIsOverRefusesItsTicket()
    {
        var network = new SimulatedNetwork(13);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        client.Do((initiator, now) => initiator.Delete(now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(SessionEndReason.PeerDeleted, Assert.Single(headend.Outside.Ended).Reason);
        Nacked(Resume(network, client, Elsewhere()));
        var second = Login(network, Asking(network), Elsewhere());
        Silence(network, second, s_home);
        headend.Do((endpoint, now) => endpoint.Handle(new EndSessionCommand(headend.Outside.Inactive[0].Session, SessionEndReason.AdminCleared, "cleared"), now));
        Nacked(Resume(network, second, Elsewhere()));
        Established(Login(network, Asking(network), Elsewhere()));
    }

    [Fact]
    public void AProfileThatServesTicketsNoMoreRefusesThem()
    {
        var network = new SimulatedNetwork(14);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        headend.Do((endpoint, now) => endpoint.Handle(new SwapProfilesCommand([Profile() with { IkeProposals = [ProposalParser.ParseIke("aes256gcm16-prfsha384-x25519")] }]), now));
        Nacked(Resume(network, client, Elsewhere()));
        headend.Do((endpoint, now) => endpoint.Handle(new SwapProfilesCommand([Profile() with { Resumption = null }]), now));
        Nacked(Resume(network, client, Elsewhere()));
        headend.Do((endpoint, now) => endpoint.Handle(new SwapProfilesCommand([Profile()]), now));
        Established(Resume(network, client, Elsewhere()));
    }

    /// <summary>RFC 5723 5: "NAT detection status: From new exchange".</summary>
    [Fact]
    public void NatIsDetectedAnew()
    {
        var network = new SimulatedNetwork(15);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Assert.False(Assert.Single(headend.Endpoint.Describe()).NatDetected);
        var back = Login(network, Asking(network) with { Ticket = client.Initiator.Ticket, PretendNat = true }, Elsewhere());
        Established(back);
        Assert.True(Assert.Single(headend.Endpoint.Describe()).NatDetected);
        var again = Login(network, Asking(network) with { Ticket = back.Initiator.Ticket }, Elsewhere());
        Established(again);
        Assert.False(Assert.Single(headend.Endpoint.Describe()).NatDetected);
    }

    [Fact]
    public void AResumedSessionRekeysByEitherSide()
    {
        var network = new SimulatedNetwork(16);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var back = Resume(network, client, Elsewhere());
        Established(back);
        back.Do((initiator, now) => initiator.RekeyChild(initiator.Children[0], now));
        network.RunFor(TimeSpan.FromSeconds(5));
        back.Do((initiator, now) => initiator.RekeyIke(now));
        network.RunFor(TimeSpan.FromSeconds(5));

        // RFC 5723 4.2: TICKET_ACK: the ticket is for the asking once the new IKE SA stands.
        Assert.Equal(NotifyType.TicketAck, back.Initiator.TicketAnswer);
        back.Do((initiator, now) => initiator.AskForTicket(now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(NotifyType.TicketLtOpaque, back.Initiator.TicketAnswer);
        headend.Do((endpoint, now) => endpoint.Handle(new RekeyIkeCommand(endpoint.Describe()[0].Session!.Value), now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(3, headend.Observer.Rekeys);
        Assert.Single(back.Initiator.Children);
        Established(Resume(network, back, Elsewhere()));
    }

    /// <summary>RFC 5723 4.2: TICKET_ACK where the answer would be too large; the ticket comes with an INFORMATIONAL.</summary>
    [Fact]
    public void AClientWithoutFragmentationGetsItsTicketBehindTheCertificates()
    {
        var network = new SimulatedNetwork(17);
        var profile = Profile() with { RemotePreSharedKey = true, RemoteEap = false, PskRefusalDelay = TimeSpan.FromSeconds(1) };
        var keys = new Dictionary<string, (byte[], byte[])>(StringComparer.Ordinal) { ["laptop.example"] = ("local"u8.ToArray(), "remote"u8.ToArray()) };
        Headend(network, profile, new OutsideOptions { PreSharedKeys = keys });
        var options = Asking(network) with { PreSharedKey = "remote"u8.ToArray(), Fragmentation = false };
        var client = Login(network, options);
        Established(client);
        Assert.Equal(NotifyType.TicketAck, client.Initiator.TicketAnswer);
        client.Do((initiator, now) => initiator.AskForTicket(now));
        network.RunFor(TimeSpan.FromSeconds(2));
        Assert.Equal(NotifyType.TicketLtOpaque, client.Initiator.TicketAnswer);
        Silence(network, client, s_home);
        var back = Login(network, options with { Ticket = client.Initiator.Ticket }, Elsewhere());
        Established(back);

        // No certificates there: at once.
        Assert.Equal(NotifyType.TicketLtOpaque, back.Initiator.TicketAnswer);
    }

    /// <summary>The requests of IKE_AUTH in fragments (RFC 7383), negotiated in IKE_SESSION_RESUME.</summary>
    [Fact]
    public void AResumptionInFragments()
    {
        var network = new SimulatedNetwork(18);
        Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var selectors = Enumerable.Range(0, 60).Select(i => TrafficSelector.FromNetwork(new IPNetwork(IPAddress.Parse($"10.{i}.0.0"), 16)));
        var options = Asking(network) with { Ticket = client.Initiator.Ticket, FragmentOctets = 500, LocalTraffic = [.. TestInitiatorOptions.Everything(true, true), .. selectors] };
        Established(Login(network, options, Elsewhere()));
    }

    [Fact]
    public void LongIdentitiesGetNoTicketAndTheLoginGoesOn()
    {
        var network = new SimulatedNetwork(19);
        Headend(network, Profile());
        var client = Login(network, Asking(network) with { Identity = new IkeIdentity(IdType.KeyId, Encoding.ASCII.GetBytes(new string('x', 1500))) });
        Established(client);
        Assert.Equal(NotifyType.TicketNack, client.Initiator.TicketAnswer);
    }

    private static InitiatorOutcome.Established Established(SimulatedClient client) => Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);

    private static void Nacked(SimulatedClient client) =>
        Assert.Equal(NotifyType.TicketNack, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);

    private static void Refused(SimulatedClient client) =>
        Assert.Equal(NotifyType.AuthenticationFailed, Assert.IsType<InitiatorOutcome.Failed>(client.Initiator.Outcome).Notify);

    private static IPEndPoint Elsewhere() => new(IPAddress.Parse("203.0.113.5"), 10_000 + Interlocked.Increment(ref s_away));

    private static void Silence(SimulatedNetwork network, SimulatedClient client, IPEndPoint at)
    {
        client.Do((initiator, _) => initiator.Vanish());
        network.Detach(at);
        network.RunFor(TimeSpan.FromMinutes(4));
    }

    private static TestInitiatorOptions Options(SimulatedNetwork network) => new()
    {
        Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
        User = "alice",
        Password = "secret",
        Crypto = new ToyCryptoProvider(network.Random.Next()),
    };

    private static TestInitiatorOptions Asking(SimulatedNetwork network) => Options(network) with { RequestTicket = true };

    private static SimulatedClient Resume(SimulatedNetwork network, SimulatedClient client, IPEndPoint at) => Login(network, Asking(network) with { Ticket = client.Initiator.Ticket }, at);

    private static SimulatedClient Start(SimulatedNetwork network, TestInitiatorOptions options, IPEndPoint? at = null)
    {
        var client = new SimulatedClient(network, options, at ?? s_home, s_headend, direct: true);
        client.Start();
        return client;
    }

    private static SimulatedClient Login(SimulatedNetwork network, TestInitiatorOptions options, IPEndPoint? at = null)
    {
        var client = Start(network, options, at);
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromMinutes(2)));
        return client;
    }

    private static IkeProfile Profile() => EndpointPair.Profile("laptops") with { LocalTraffic = [], Resumption = s_policy };

    private static SimulatedHeadend Headend(SimulatedNetwork network, IkeProfile profile, OutsideOptions? outside = null, int cookieThreshold = 1000) => new(
        network,
        new IkeEndpointOptions { Profiles = [profile], CookieThreshold = cookieThreshold },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(outside ?? new OutsideOptions()),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));

    private sealed class KeyComparer : IEqualityComparer<(byte[], byte[], byte[], byte[])>
    {
        public bool Equals((byte[], byte[], byte[], byte[]) x, (byte[], byte[], byte[], byte[]) y) =>
            x.Item1.AsSpan().SequenceEqual(y.Item1) && x.Item2.AsSpan().SequenceEqual(y.Item2) && x.Item3.AsSpan().SequenceEqual(y.Item3) && x.Item4.AsSpan().SequenceEqual(y.Item4);

        public int GetHashCode((byte[], byte[], byte[], byte[]) obj) => 0;
    }
}
