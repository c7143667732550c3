using System.Net;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>
/// When the headend asks whether a client lives (RFC 7296 2.4), by the mode of the profile; the data plane's last packets are scripted. Of the lifetimes none runs out meanwhile:
/// every request of the headend's own is a question.
/// </summary>
public class DeadPeerDetectionTests
{
    private const int Interval = 30;

    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_home = new(IPAddress.Parse("198.51.100.10"), 4500);

    private readonly SimulatedNetwork _network = new(12);
    private SimulatedHeadend _headend = null!;
    private SimulatedClient _client = null!;

    [Theory]
    [InlineData(DpdMode.Periodic, 29, 0)]
    [InlineData(DpdMode.Periodic, 75, 2)]
    [InlineData(DpdMode.Smart, 55, 0)]
    [InlineData(DpdMode.Smart, 65, 1)]
    [InlineData(DpdMode.OnDemand, 3600, 0)]
    public void BothQuiet(DpdMode mode, int seconds, int questions)
    {
        Login(mode);
        Run(seconds);
        Assert.Equal(questions, Questions);
    }

    /// <summary>RFC 7296 2.4: "If there has only been outgoing traffic on all of the SAs associated with an IKE SA, it is essential to confirm liveness of the other endpoint to avoid black holes.".</summary>
    [Fact]
    public void OnDemandAsksWhenPacketsWentOutAndNoneCame()
    {
        Login(DpdMode.OnDemand);
        Run(10);
        Sent();
        Run(Interval - 11);
        Assert.Equal(0, Questions);
        Run(2);
        Assert.Equal(1, Questions);
        // The answer was heard behind what was sent: quiet again.
        Run(3600);
        Assert.Equal(1, Questions);
        Assert.Equal(1, _headend.Outside.SessionsUp);
    }

    [Fact]
    public void OnDemandAsksWithinAnIntervalOfTheFirstPacketAfterALongSilence()
    {
        Login(DpdMode.OnDemand);
        Run(3600 + 7);
        Sent();
        Run(Interval);
        Assert.Equal(1, Questions);
    }

    [Fact]
    public void OnDemandDoesNotAskAClientThatAnswersWhatIsSent()
    {
        Login(DpdMode.OnDemand);
        for (var i = 0; i < 600; i++)
        {
            Sent();
            Run(1);
            Received();
        }

        Run(3600);
        Assert.Equal(0, Questions);
    }

    /// <summary>The client's own question is an answer, too.</summary>
    [Fact]
    public void OnDemandDoesNotAskAClientThatAskedBehindTheLastPacket()
    {
        Login(DpdMode.OnDemand);
        Sent();
        Run(Interval - 5);
        _client.Do((initiator, now) => initiator.CheckLiveness(now));
        Run(3600);
        Assert.Equal(0, Questions);
    }

    /// <summary>Nor one that only sends: what comes in proves that it lives.</summary>
    [Fact]
    public void OnDemandDoesNotAskAClientThatIsOnlyHeard()
    {
        Login(DpdMode.OnDemand);
        for (var i = 0; i < 10; i++)
        {
            Run(60);
            Received();
        }

        Assert.Equal(0, Questions);
    }

    /// <summary>As long as packets go out and none comes, there is a question every interval, whose answers keep the session.</summary>
    [Fact]
    public void OnDemandAsksAgainWhileOnlyTheHeadendSends()
    {
        Login(DpdMode.OnDemand);
        for (var i = 0; i < 10 * Interval; i++)
        {
            Sent();
            Run(1);
        }

        Assert.InRange(Questions, 9, 10);
        Assert.Equal(1, _headend.Outside.SessionsUp);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void OnDemandFindsADeadClientByWhatIsSentToItAndNotOtherwise(bool isSent)
    {
        Login(DpdMode.OnDemand);
        _client.Do((initiator, _) => initiator.Vanish());
        _network.Detach(s_home);
        Run(1);
        if (isSent)
            Sent();
        Run(600);
        Assert.Equal(isSent ? [SessionEndReason.PeerUnreachable] : [], _headend.Outside.Ended.Select(e => e.Reason));
        Assert.Equal(isSent ? 1 : 0, Questions);
    }

    private int Questions => _headend.Observer.Requests;

    private void Sent() => _headend.Outside.LastTraffic = _headend.Outside.LastTraffic with { Outbound = _network.Now };

    private void Received() => _headend.Outside.LastTraffic = _headend.Outside.LastTraffic with { Inbound = _network.Now };

    private void Run(int seconds) => _network.RunFor(TimeSpan.FromSeconds(seconds));

    private void Login(DpdMode mode)
    {
        var profile = EndpointPair.Profile("laptops") with
        {
            LocalTraffic = [],
            DpdMode = mode,
            DpdInterval = TimeSpan.FromSeconds(Interval),
            IkeLifetime = TimeSpan.FromDays(1),
            ChildLifetime = TimeSpan.FromDays(1),
        };
        _headend = new SimulatedHeadend(
            _network,
            new IkeEndpointOptions { Profiles = [profile] },
            new ToyCryptoProvider(_network.Random.Next()),
            new ScriptedOutside(new OutsideOptions()),
            new IPEndPoint(s_headend, 500),
            new IPEndPoint(s_headend, 4500));
        var options = new TestInitiatorOptions
        {
            Identity = new IkeIdentity(IdType.Fqdn, "laptop.example"u8),
            User = "alice",
            Password = "secret",
            Crypto = new ToyCryptoProvider(_network.Random.Next()),
        };
        _client = new SimulatedClient(_network, options, s_home, s_headend, direct: true);
        _client.Start();
        Assert.True(_network.RunUntil(() => _client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromMinutes(2)));
        Assert.IsType<InitiatorOutcome.Established>(_client.Initiator.Outcome);
    }
}
