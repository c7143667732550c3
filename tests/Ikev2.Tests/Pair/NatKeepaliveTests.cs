using System.Net;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>RFC 7296 2.23, RFC 3948 4: behind a NAT of our own we hold it open.</summary>
public class NatKeepaliveTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);

    [Fact]
    public void EveryTwentySecondsOfSilence()
    {
        var network = new SimulatedNetwork(1);
        var (client, headend) = Established(network, o => o with { PretendServerNat = true });
        var paths = new List<IkePath>();
        headend.Watch = effect =>
        {
            if (effect is NatKeepaliveEffect keepalive)
                paths.Add(keepalive.Path);
        };
        network.RunFor(TimeSpan.FromSeconds(15));
        Assert.Equal(0, client.Keepalives);
        network.RunFor(TimeSpan.FromSeconds(110));
        Assert.Equal(6, client.Keepalives);
        Assert.All(paths, p => Assert.Equal((4500, s_client), (p.Local.Port, p.Remote)));
    }

    [Fact]
    public void NotWhereNoNatOfOursIs()
    {
        foreach (var behind in (bool[])[false, true])
        {
            var network = new SimulatedNetwork(2);
            var (client, _) = Established(network, o => o with { PretendNat = behind });
            network.RunFor(TimeSpan.FromMinutes(10));
            Assert.Equal(0, client.Keepalives);
        }
    }

    /// <summary>RFC 3948 4: "if no other packet to the peer has been sent".</summary>
    [Fact]
    public void NotWhileOtherMessagesGoOut()
    {
        var network = new SimulatedNetwork(3);
        var (client, headend) = Established(network, o => o with { PretendServerNat = true }, TimeSpan.FromSeconds(15));
        network.RunFor(TimeSpan.FromMinutes(10));
        Assert.True(headend.Observer.Requests > 30);
        Assert.Equal(0, client.Keepalives);
    }

    [Fact]
    public void ARekeyGoesOnWithThemAndTheEndOfTheSessionEndsThem()
    {
        var network = new SimulatedNetwork(4);
        var (client, headend) = Established(network, o => o with { PretendServerNat = true });
        client.Do((initiator, now) => initiator.RekeyIke(now));
        network.RunFor(TimeSpan.FromSeconds(105));
        Assert.Equal(1, headend.Observer.Rekeys);
        Assert.Equal(5, client.Keepalives);
        client.Do((initiator, now) => initiator.Delete(now));
        network.RunFor(TimeSpan.FromMinutes(5));
        Assert.Equal(0, headend.Outside.SessionsUp);
        Assert.Equal(5, client.Keepalives);
        Assert.Null(headend.Endpoint.NextDeadline);
    }

    private static (SimulatedClient Client, SimulatedHeadend Headend) Established(
        SimulatedNetwork network, Func<TestInitiatorOptions, TestInitiatorOptions> change, TimeSpan dpd = default)
    {
        var headend = new SimulatedHeadend(
            network,
            new IkeEndpointOptions { Profiles = [EndpointPair.Profile("laptops") with { LocalTraffic = [], DpdInterval = dpd }] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(new OutsideOptions()),
            new IPEndPoint(s_headend, 500),
            new IPEndPoint(s_headend, 4500));
        var options = new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
            User = "alice",
            Password = "secret",
            Crypto = new ToyCryptoProvider(network.Random.Next()),
        };
        var client = new SimulatedClient(network, change(options), s_client, s_headend);
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(20)));
        Assert.IsType<InitiatorOutcome.Established>(client.Initiator.Outcome);
        return (client, headend);
    }
}
