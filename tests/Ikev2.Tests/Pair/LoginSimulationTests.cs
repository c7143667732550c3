using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>Our initiator against the endpoint over a network with faults, each run from one seed.</summary>
public class LoginSimulationTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");

    [Fact]
    public void EveryLoginOverABadNetworkEndsEstablishedOrCleanlyFailed()
    {
        var established = 0;
        const int seeds = 2_000;
        for (ulong seed = 1; seed <= seeds; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var headend = Headend(network, new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(30) });
            network.Link = new LinkOptions { Loss = 0.3, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(200) };
            var client = Client(network, network.Random.Next(4) == 0 ? "wrong" : "secret");
            established += Run(seed, network, headend, client) ? 1 : 0;
        }

        Assert.InRange(established, seeds / 2, seeds * 0.77);
    }

    [Fact]
    public void EveryFailureOutsideIsCleanedUp()
    {
        var established = 0;
        for (ulong seed = 1; seed <= 500; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var headend = Headend(network, new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(30), Failures = 0.15 });
            network.Link = new LinkOptions { Loss = 0.1, Duplication = 0.1, MostLatency = TimeSpan.FromMilliseconds(100) };
            established += Run(seed, network, headend, Client(network, "secret")) ? 1 : 0;
        }

        Assert.InRange(established, 50, 450);
    }

    [Theory]
    [InlineData(576, 500)]
    [InlineData(1280, 1200)]
    public void FragmentsPassWhereLargePacketsDoNot(int mtu, int fragment)
    {
        for (ulong seed = 1; seed <= 50; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.1, Duplication = 0.1, MostLatency = TimeSpan.FromMilliseconds(60), Mtu = mtu } };
            var headend = Headend(network, new OutsideOptions(), mtu);
            var client = Client(network, "secret", o => o with { FragmentOctets = fragment, LocalTraffic = Many(), NonceOctets = 16 });
            Assert.True(Run(seed, network, headend, client), $"seed {seed}: {client.Initiator.Outcome}");
        }
    }

    [Fact]
    public void AWrongGroupIsAskedForAgain()
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, new OutsideOptions());
        AlgorithmTable.TryFindKeyExchange("ecp256", out var group);
        var client = Client(network, "secret", o => o with { FirstGroup = group, IkeProposals = [ProposalParser.ParseIke("aes128gcm16-prfsha256-ecp256-x25519")] });
        Assert.True(Run(1, network, headend, client));
        Assert.Contains(headend.Observer.Failures, f => f.Failure == IkeFailure.InvalidKeyExchange);
    }

    [Fact]
    public void UnderLoadEveryLoginBringsACookie()
    {
        var network = new SimulatedNetwork(7) { Link = new LinkOptions { Loss = 0.05, MostLatency = TimeSpan.FromMilliseconds(80) } };
        var headend = Headend(network, new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(400) }, cookieThreshold: 10);
        var clients = Enumerable.Range(0, 60).Select(i => Client(network, "secret", port: 10_000 + i)).ToList();
        foreach (var client in clients)
            client.Start();
        network.RunFor(TimeSpan.FromSeconds(30));
        Assert.All(clients, c => Assert.IsType<InitiatorOutcome.Established>(c.Initiator.Outcome));
        Assert.Equal(60, headend.Outside.SessionsUp);
        Assert.Equal(60, headend.Outside.Leases.Count);
        Assert.Contains(headend.Observer.Discards, d => d.Reason == DiscardReason.CookieDemanded);
    }

    /// <summary>RFC 7296 2.6: nothing is kept for a sender that has not shown that it receives at its address.</summary>
    [Fact]
    public void AtTheDoorOnlyACookieLeadsOn()
    {
        for (ulong seed = 1; seed <= 100; seed++)
        {
            var network = new SimulatedNetwork(seed) { Link = new LinkOptions { Loss = 0.1, Duplication = 0.1, MostLatency = TimeSpan.FromMilliseconds(80) } };
            var headend = Headend(network, new OutsideOptions());
            headend.CrowdAtTheDoor = true;
            Assert.True(Run(seed, network, headend, Client(network, "secret")));
            Assert.Contains(headend.Observer.Discards, d => d.Reason == DiscardReason.CookieDemanded);
        }
    }

    [Fact]
    public void AtTheDoorForgedSendersCostNoState()
    {
        var network = new SimulatedNetwork(1);
        var headend = Headend(network, new OutsideOptions());
        for (var i = 0; i < 500; i++)
        {
            // The answer goes to an address where nobody has asked.
            var path = new IkePath(new IPEndPoint(s_headend, 500), new IPEndPoint(IPAddress.Parse($"203.0.113.{i % 250}"), 1000 + i), false);
            var forger = new TestInitiator(Options(network, "secret"), path);
            forger.Start(network.Now);
            Assert.True(forger.TryTake(out var request));
            headend.Do((endpoint, now) => Assert.False(endpoint.HandleAtDoor(new IkeDatagram(request.Octets, path), now)));
        }

        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
        Assert.Equal(0, headend.Outside.Open);
        Assert.Equal(500, headend.Observer.Discards.Count(d => d.Reason == DiscardReason.CookieDemanded));
    }

    [Fact]
    public void ASessionFollowsItsNatToANewPort()
    {
        var network = new SimulatedNetwork(3);
        var headend = Headend(network, new OutsideOptions());
        var local = new IPEndPoint(IPAddress.Parse("10.0.0.5"), 4500);
        network.Rebind(local, IPAddress.Parse("198.51.100.7"));
        var client = new SimulatedClient(network, Options(network, "secret"), local, s_headend);
        client.Start();
        network.RunFor(TimeSpan.FromSeconds(2));
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        Assert.True(client.Initiator.NatDetected);

        network.Rebind(local, IPAddress.Parse("198.51.100.7"));
        client.Do((initiator, now) => initiator.CheckLiveness(now));
        network.RunFor(TimeSpan.FromMinutes(10)); // the headend's own checks arrive at the new port, or the session would be gone
        Assert.Equal(InitiatorStage.Established, client.Initiator.Stage);
        Assert.Equal(1, headend.Outside.SessionsUp);
    }

    [Fact]
    public void RekeysByEitherSideAndDeleteLeaveNothingBehind()
    {
        for (ulong seed = 1; seed <= 200; seed++)
        {
            var network = new SimulatedNetwork(seed);
            var headend = Headend(network, new OutsideOptions { MostDelay = TimeSpan.FromMilliseconds(20) });
            AlgorithmTable.TryFindKeyExchange("x25519", out var group);
            var pfs = seed % 2 == 0 ? group : null;
            var client = Client(network, "secret", o => o with { PfsGroup = pfs });
            client.Start();
            network.RunFor(TimeSpan.FromSeconds(5));
            network.Link = new LinkOptions { Loss = 0.2, Duplication = 0.2, MostLatency = TimeSpan.FromMilliseconds(60) };
            for (var i = 0; i < 4; i++)
            {
                Disturb(network, headend, client);
                network.RunFor(TimeSpan.FromMinutes(2));
            }

            network.Link = new LinkOptions();
            network.RunFor(TimeSpan.FromMinutes(4));
            Check(seed, headend, client);
            client.Do((initiator, now) => initiator.Delete(now));
            network.RunFor(TimeSpan.FromSeconds(5));
            Assert.Empty(headend.Endpoint.Table.All);
            Assert.Equal(0, headend.Outside.Open);
        }
    }

    private static void Disturb(SimulatedNetwork network, SimulatedHeadend headend, SimulatedClient client)
    {
        var session = headend.Endpoint.Describe().FirstOrDefault(s => s.Session is not null);
        switch (network.Random.Next(4))
        {
            case 0 when client.Initiator.Children.Count > 0:
                client.Do((initiator, now) => initiator.RekeyChild(initiator.Children[0], now));
                break;
            case 1:
                client.Do((initiator, now) => initiator.RekeyIke(now));
                break;
            case 2 when session?.Children.Count > 0:
                headend.Do((endpoint, now) => endpoint.Handle(new RekeyChildCommand(session.Session!.Value, session.Children[0].InboundSpi), now));
                break;
            case 3 when session is not null:
                headend.Do((endpoint, now) => endpoint.Handle(new RekeyIkeCommand(session.Session!.Value), now));
                break;
        }
    }

    private static bool Run(ulong seed, SimulatedNetwork network, SimulatedHeadend headend, SimulatedClient client)
    {
        client.Start();
        network.RunFor(TimeSpan.FromMinutes(2));
        network.Link = network.Link with { Loss = 0, Duplication = 0 };
        network.RunFor(TimeSpan.FromMinutes(4));
        return Check(seed, headend, client);
    }

    /// <summary>Both sides have the same session, or none of them has anything.</summary>
    private static bool Check(ulong seed, SimulatedHeadend headend, SimulatedClient client)
    {
        var established = client.Initiator.Outcome is InitiatorOutcome.Established && client.Initiator.Stage == InitiatorStage.Established;
        var story = $"seed {seed}: client {client.Initiator.Stage}, {client.Initiator.Outcome}";
        Assert.True(client.Initiator.Outcome is not InitiatorOutcome.Pending, story);
        Assert.Equal(headend.Outside.Outstanding, headend.Endpoint.PendingOperations);
        Assert.Equal(0, headend.Endpoint.Counts.HalfOpen);
        var sas = headend.Endpoint.Describe();
        Assert.True(sas.Count == (established ? 1 : 0), $"{story}; headend has {sas.Count} IKE SAs: {string.Join(", ", sas.Select(s => s.State))}");
        Assert.True(headend.Outside.Open == (established ? 1 : 0), $"{story}; {headend.Outside.Open} logins open outside");
        Assert.Equal(established ? 1 : 0, headend.Outside.Leases.Count);
        if (!established)
            return false;
        var ours = sas[0].Children.Select(c => (c.InboundSpi, c.OutboundSpi)).Order();
        Assert.True(ours.SequenceEqual(client.Initiator.Children.Select(c => (c.OutboundSpi, c.InboundSpi)).Order()), $"{story}; CHILD_SAs differ");
        Assert.Equal(headend.Outside.Installed.Order(), sas[0].Children.Select(c => c.InboundSpi).Order());
        return true;
    }

    private static SimulatedHeadend Headend(SimulatedNetwork network, OutsideOptions outside, int fragmentPacket = 1280, int cookieThreshold = 1_000) => new(
        network,
        new IkeEndpointOptions
        {
            Profiles = [EndpointPair.Profile("all") with { LocalTraffic = [] }],
            FragmentPacketOctets = fragmentPacket,
            CookieThreshold = cookieThreshold,
        },
        new ToyCryptoProvider(network.Random.Next()),
        new ScriptedOutside(outside),
        new IPEndPoint(s_headend, 500),
        new IPEndPoint(s_headend, 4500));

    private static SimulatedClient Client(SimulatedNetwork network, string password, Func<TestInitiatorOptions, TestInitiatorOptions>? change = null, int port = 4500)
    {
        var options = Options(network, password);
        return new SimulatedClient(network, change is null ? options : change(options), new IPEndPoint(IPAddress.Parse("198.51.100.10"), port), s_headend);
    }

    private static TestInitiatorOptions Options(SimulatedNetwork network, string password) => new()
    {
        Identity = new IkeIdentity(IdType.Rfc822Address, "alice@example.com"u8),
        User = "alice",
        Password = password,
        Crypto = new ToyCryptoProvider(network.Random.Next()),
    };

    private static List<TrafficSelector> Many() =>
        [.. Enumerable.Range(0, 60).Select(i => TrafficSelector.FromNetwork(new IPNetwork(new IPAddress([10, 99, (byte)i, 0]), 24)))];
}
