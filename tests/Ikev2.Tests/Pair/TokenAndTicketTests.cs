using System.Net;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>Clients that have a session-id with a token and a ticket of one session: a return by the one leaves the other as good as it was, unless the client asks for it anew.</summary>
public sealed class TokenAndTicketTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly ConfigurationAttributeType s_sessionId = new(28717);
    private static readonly ConfigurationAttributeType s_token = new(28718);
    private static int s_away;

    [Fact]
    public void AClientThatCameBackByTicketIsStillAwaitedWithItsToken()
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, reconnect: 45, resumption: 30);
        var client = Login(network, Asking(network));
        Silence(network, client);
        var back = Login(network, Options(network) with { Ticket = client.Ticket() });
        var shown = Assert.Single(headend.Endpoint.Describe()).Capabilities;
        Assert.DoesNotContain("R", shown);
        Assert.Contains("ticket", shown);
        Silence(network, back);
        Assert.Empty(headend.Outside.Ended);
        Assert.Equal(TimeSpan.FromMinutes(45), Assert.Single(headend.Outside.Inactive).Timeout);
        Login(network, ByToken(network, client));
    }

    [Fact]
    public void ItsTokenTakesTheLiveSessionOver()
    {
        var network = new SimulatedNetwork(2);
        var headend = Headend(network, reconnect: 45, resumption: 30);
        var client = Login(network, Asking(network));
        Login(network, Options(network) with { Ticket = client.Ticket() });
        Login(network, ByToken(network, client));
        Assert.Empty(headend.Outside.Ended);
        Assert.Equal(1, headend.Outside.SessionsUp);
    }

    [Fact]
    public void AClientThatCameBackByTokenIsStillAwaitedWithItsTicket()
    {
        var network = new SimulatedNetwork(3);
        var headend = Headend(network, reconnect: 10, resumption: 30);
        var client = Login(network, Asking(network));
        Silence(network, client);
        var back = Login(network, ByToken(network, client));
        Silence(network, back);
        Assert.Equal(TimeSpan.FromMinutes(30), Assert.Single(headend.Outside.Inactive).Timeout);
        Login(network, Options(network) with { Ticket = client.Ticket() });
    }

    /// <summary>But not for longer than the ticket is good.</summary>
    [Fact]
    public void ATicketThatExpiresKeepsNothing()
    {
        var network = new SimulatedNetwork(4);
        var headend = Headend(network, reconnect: 10, resumption: 30, lifetime: 15);
        var client = Login(network, Asking(network));
        var back = Login(network, ByToken(network, client));
        network.RunFor(TimeSpan.FromMinutes(16));
        Silence(network, back);
        Assert.Equal(TimeSpan.FromMinutes(10), Assert.Single(headend.Outside.Inactive).Timeout);
    }

    /// <summary>A token is a pre-shared key in IKE_AUTH, but the ticket that is given then is of a client that EAP authenticated.</summary>
    [Fact]
    public void ATicketThatWasGivenBesideATokenTellsHowTheSessionBegan()
    {
        var network = new SimulatedNetwork(5);
        var headend = Headend(network, reconnect: 45, resumption: 30);
        var client = Login(network, Asking(network));
        var back = Login(network, ByToken(network, client) with { RequestTicket = true });
        Assert.Equal("PSK", Assert.Single(headend.Endpoint.Describe()).Method);
        var last = Login(network, Asking(network) with { Ticket = back.Ticket() });
        Assert.Equal("EAP-MSCHAPv2", Assert.Single(headend.Endpoint.Describe()).Method);
        Assert.Contains(s_token, last.Given.Keys);
    }

    /// <summary>Nobody gets more than the profile gives now.</summary>
    [Fact]
    public void AProfileWithoutReconnectKeepsNoSessionForATokenOfBefore()
    {
        var network = new SimulatedNetwork(6);
        var headend = Headend(network, reconnect: 45, resumption: 30);
        var client = Login(network, Asking(network));
        headend.Do((endpoint, now) => endpoint.Handle(new SwapProfilesCommand([Profile(45, 30) with { Reconnect = null }]), now));
        var back = Login(network, Options(network) with { Ticket = client.Ticket() });
        Silence(network, back);
        Assert.Equal(SessionEndReason.PeerUnreachable, Assert.Single(headend.Outside.Ended).Reason);
    }

    /// <summary>While our Delete is under way the client may still ask (RFC 7296 1.4.1 has both sides answer until it is answered); the session is over for the outside.</summary>
    [Fact]
    public void NoTicketIsGivenBehindTheEndOfTheSession()
    {
        var network = new SimulatedNetwork(7);
        var headend = Headend(network, reconnect: 45, resumption: 30);
        var client = Login(network, Asking(network));
        var session = Assert.Single(headend.Endpoint.Describe()).Session!.Value;
        // Our Delete is on its way when the client asks.
        headend.Do((endpoint, now) => endpoint.Handle(new EndSessionCommand(session, SessionEndReason.AdminCleared, "test"), now));
        client.Node.Do((initiator, now) => initiator.AskForTicket(now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Single(headend.Outside.Ended);
        Assert.Equal(1, headend.Outside.TicketsAsked);
    }

    private static void Silence(SimulatedNetwork network, Client client)
    {
        client.Node.Do((initiator, _) => initiator.Vanish());
        network.Detach(client.At);
        network.RunFor(TimeSpan.FromMinutes(4));
    }

    private static TestInitiatorOptions Options(SimulatedNetwork network) => new()
    {
        Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
        User = "alice",
        Password = "secret",
        Crypto = new ToyCryptoProvider(network.Random.Next()),
    };

    private static TestInitiatorOptions Asking(SimulatedNetwork network) => Options(network) with { ReconnectAttributes = (s_sessionId, s_token), RequestTicket = true };

    private static TestInitiatorOptions ByToken(SimulatedNetwork network, Client client) =>
        Options(network) with { Identity = new IkeIdentity(IdType.KeyId, client.Given[s_sessionId]), PreSharedKey = client.Given[s_token] };

    private static Client Login(SimulatedNetwork network, TestInitiatorOptions options)
    {
        var at = new IPEndPoint(IPAddress.Parse("203.0.113.5"), 10_000 + Interlocked.Increment(ref s_away));
        var client = new SimulatedClient(network, options, at, s_headend, direct: true);
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromMinutes(2)));
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        return new Client(client, at);
    }

    private static IkeProfile Profile(int reconnect, int resumption, int lifetime = 120) => EndpointPair.Profile("laptops") with
    {
        LocalTraffic = [],
        Reconnect = new ReconnectPolicy(TimeSpan.FromMinutes(reconnect), s_sessionId, s_token, new(28706), new(28709)),
        Resumption = new ResumptionPolicy(TimeSpan.FromMinutes(lifetime), TimeSpan.FromMinutes(resumption)),
    };

    private static SimulatedHeadend Headend(SimulatedNetwork network, int reconnect, int resumption, int lifetime = 120) => new(
        network,
        new IkeEndpointOptions { Profiles = [Profile(reconnect, resumption, lifetime)] },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(new OutsideOptions()),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));

    private sealed record Client(SimulatedClient Node, IPEndPoint At)
    {
        public IDictionary<ConfigurationAttributeType, byte[]> Given => Node.Initiator.Given;

        public InitiatorTicket Ticket() => Node.Initiator.Ticket!;
    }
}
