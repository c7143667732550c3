using System.Net;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>Load, bad networks, failures outside, and requests that nobody meant so.</summary>
public sealed partial class ResumptionTests
{
    /// <summary>
    /// The ticket travels in the clear. RFC 5723 4.3: it counts as used only when an IKE SA was established by it, so that whoever saw it can neither resume nor burn it.
    /// </summary>
    [Fact]
    public void WhoSawATicketCanNeitherUseNorBurnIt()
    {
        var network = new SimulatedNetwork(9);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var seen = client.Initiator.Ticket! with { SkD = new byte[32] };
        for (var i = 0; i < 5; i++)
            Assert.IsType<InitiatorOutcome.Failed>(Login(network, Asking(network) with { Ticket = seen, LoginTimeout = TimeSpan.FromSeconds(10) }, Elsewhere()).Initiator.Outcome);
        Assert.Single(headend.Outside.Inactive);
        Established(Resume(network, client, Elsewhere()));
    }

    /// <summary>
    /// RFC 5723 4.3.3: AUTH covers IKE_SESSION_RESUME. Between two who have the right keys it alone tells that somebody on the way has changed what travelled in the clear.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnAlteredResumptionIsFoundOutByAuth(bool isResponse)
    {
        var network = new SimulatedNetwork(23);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var altered = 0;
        network.Alter = octets =>
        {
            // NAT_DETECTION_SOURCE_IP (16388): another digest is no error by itself.
            var at = octets.AsSpan().IndexOf((ReadOnlySpan<byte>)[0, 28, 0, 0, 0x40, 0x04]);
            if (octets[18] != ExchangeType.IkeSessionResume.Value || (octets[19] & 0x20) != 0 != isResponse || at < 0)
                return octets;
            altered++;
            octets[at + 6] ^= 1;
            return octets;
        };
        var back = Resume(network, client, Elsewhere());
        Assert.IsType<InitiatorOutcome.Failed>(back.Initiator.Outcome);
        Assert.True(altered > 0);
        if (!isResponse)
            Assert.Contains(headend.Observer.Failures, f => f.Failure == IkeFailure.BadAuthValue && f.Detail.Contains("is not by the keys of that ticket", StringComparison.Ordinal));
        network.RunFor(TimeSpan.FromMinutes(3));
        network.Alter = null;
        if (isResponse)
            return;

        // The ticket was not spent.
        Assert.Single(headend.Outside.Inactive);
        Established(Resume(network, client, Elsewhere()));
    }

    /// <summary>Nor does it disturb the session while that is up.</summary>
    [Fact]
    public void APresentedTicketWithoutItsKeysLeavesTheLiveSessionAlone()
    {
        var network = new SimulatedNetwork(10);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Login(network, Asking(network) with { Ticket = client.Initiator.Ticket! with { SkD = new byte[32] }, LoginTimeout = TimeSpan.FromSeconds(10) }, Elsewhere());
        network.RunFor(TimeSpan.FromMinutes(1));
        Assert.Equal(1, headend.Outside.SessionsUp);
        Assert.Equal(1, headend.Endpoint.Counts.IkeSas);
        client.Do((initiator, now) => initiator.CheckLiveness(now));
        network.RunFor(TimeSpan.FromSeconds(2));
        Assert.True(client.Initiator.IsQuiet);
    }

    /// <summary>RFC 7296 2.6 holds for IKE_SESSION_RESUME as for IKE_SA_INIT (RFC 5723 4.3.2): nothing is opened before the source has proven itself.</summary>
    [Fact]
    public void UnderLoadATicketMustBringACookie()
    {
        var network = new SimulatedNetwork(20);
        var headend = Headend(network, Profile(), cookieThreshold: 1);
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var stranger = Start(network, Asking(network), Elsewhere());
        Assert.True(network.RunUntil(() => headend.Endpoint.Counts.CookiesDemanded, TimeSpan.FromSeconds(5)));
        var opened = headend.Outside.TicketsOpened;
        var back = Start(network, Asking(network) with { Ticket = client.Initiator.Ticket }, Elsewhere());
        Assert.True(network.RunUntil(() => back.Initiator.Outcome is not InitiatorOutcome.Pending && stranger.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromMinutes(1)));
        Established(back);
        Assert.Equal(opened + 1, headend.Outside.TicketsOpened);
        Assert.Contains(headend.Observer.Discards, d => d.Reason == DiscardReason.CookieDemanded);
    }

    [Fact]
    public void AtACrowdedDoorItWaitsWithItsCookie()
    {
        var network = new SimulatedNetwork(21);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        headend.CrowdAtTheDoor = true;
        Established(Resume(network, client, Elsewhere()));
    }

    /// <summary>
    /// Whatever is lost or doubled: the client is back, or the session still waits and its ticket is as good as before. One session at most, no SA left.
    /// </summary>
    [Fact]
    public void OverABadNetworkAResumptionEndsEstablishedOrTheSessionStillWaits()
    {
        var returned = 0;
        for (ulong seed = 1; seed <= 150; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var headend = Headend(network, Profile(), new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(30) });
            var client = Login(network, Asking(network));
            Silence(network, client, s_home);
            network.Link = new LinkOptions { Loss = 0.3, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(200) };
            var back = Start(network, Asking(network) with { Ticket = client.Initiator.Ticket }, Elsewhere());
            network.RunFor(TimeSpan.FromMinutes(2));
            network.Link = new LinkOptions();
            network.RunFor(TimeSpan.FromMinutes(4));
            var established = back.Initiator.Stage == InitiatorStage.Established;
            returned += established ? 1 : 0;
            Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
            Assert.True(headend.Outside.Open + headend.Outside.Inactive.Count == 1, $"seed {seed}: {headend.Outside.Open} open, {headend.Outside.Inactive.Count} inactive");
            Assert.True(!established || headend.Outside.Open == 1, $"seed {seed}: the client is back and its session is not");
            Assert.Equal(headend.Outside.Outstanding, headend.Endpoint.PendingOperations);
            Assert.DoesNotContain(headend.Outside.Ended, e => e.WasUp);
        }

        Assert.InRange(returned, 100, 150);
    }

    [Fact]
    public void EveryFailureOfAResumptionLeavesTheSessionAsItWas()
    {
        for (ulong seed = 1; seed <= 100; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var outside = new OutsideOptions();
            var headend = Headend(network, Profile(), outside);
            var client = Login(network, Asking(network));
            Silence(network, client, s_home);
            outside.Failures = 0.4;
            var back = Resume(network, client, Elsewhere());
            network.RunFor(TimeSpan.FromMinutes(3));
            Assert.True(headend.Outside.SessionsUp + headend.Outside.Inactive.Count == 1, $"seed {seed}");
            outside.Failures = 0;
            if (back.Initiator.Outcome is InitiatorOutcome.Failed)
                Established(Resume(network, client, Elsewhere()));
        }
    }

    /// <summary>20,000 seeded mutations of the request: nothing throws, nothing stays, and the ticket still works.</summary>
    [Fact]
    public void MutatedRequestsLeaveNothing()
    {
        var network = new SimulatedNetwork(22);
        var headend = Headend(network, Profile());
        var client = Login(network, Asking(network));
        Silence(network, client, s_home);
        var request = RequestOf(network, client.Initiator.Ticket!);
        var random = new ToyCryptoProvider(99);
        for (var i = 0; i < 20_000; i++)
        {
            var message = Mutate([.. request], random);
            var path = new IkePath(new IPEndPoint(s_headend, 4500), new IPEndPoint(IPAddress.Parse("203.0.113.77"), 1024 + (i % 60_000)), true);
            headend.Do((endpoint, now) => endpoint.Handle(new IkeDatagram(message, path), now));
            if (i % 1000 == 0)
                network.RunFor(TimeSpan.FromMinutes(1));
        }

        network.RunFor(TimeSpan.FromMinutes(2));
        Assert.Equal(0, headend.Endpoint.Counts.IkeSas);
        Assert.Single(headend.Outside.Inactive);
        Established(Resume(network, client, Elsewhere()));
    }

    private static byte[] RequestOf(SimulatedNetwork network, InitiatorTicket ticket)
    {
        var initiator = new TestInitiator(Asking(network) with { Ticket = ticket }, new IkePath(Elsewhere(), new IPEndPoint(s_headend, 4500), true));
        initiator.Start(network.Now);
        Assert.True(initiator.TryTake(out var datagram));
        return datagram.Octets;
    }

    private static byte[] Mutate(byte[] message, ToyCryptoProvider random)
    {
        random.Fill(message.AsSpan(0, 8)); // its SPI: each a request of its own
        for (var i = random.Next(4); i >= 0; i--)
            message[random.Next(message.Length)] = (byte)random.Next(256);
        if (random.Chance(0.2))
            message = message[..random.Next(message.Length)];
        if (random.Chance(0.3) && message.Length > 28)
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(message.AsSpan(24), message.Length);
        return message;
    }
}
