using System.Net;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Simulation;

namespace Headend.Ikev2.Tests.Pair;

/// <summary>GRE between the outer addresses in transport mode: RFC 7296 1.3.1, 2.23.1.</summary>
public class GreLoginTests
{
    private static readonly IPAddress s_headend = IPAddress.Parse("192.0.2.1");
    private static readonly IPEndPoint s_client = new(IPAddress.Parse("198.51.100.10"), 4500);
    private static readonly IPAddress s_public = IPAddress.Parse("203.0.113.7");
    private static readonly TrafficSelector s_everything = TrafficSelector.FromNetwork(IPNetwork.Parse("0.0.0.0/0"));

    private readonly SimulatedNetwork network = new(1);
    private SimulatedHeadend headend = null!;
    private SimulatedClient client = null!;

    /// <summary>RFC 7296 1.3.1: "If the request is accepted, the response MUST also include a notification of type USE_TRANSPORT_MODE."</summary>
    [Theory]
    [InlineData(EncapsulationRule.Gre, true)]
    [InlineData(EncapsulationRule.AsOffered, true)]
    [InlineData(EncapsulationRule.AsOffered, false)]
    public void GreIsAcceptedWhereTheInterfaceMayBeOne(EncapsulationRule rule, bool withAddress)
    {
        var outcome = LogIn(rule, Gre() with { RequestConfiguration = withAddress });
        Assert.Equal(withAddress, Assert.IsType<InitiatorOutcome.Established>(outcome).IPv4 is not null);
        var child = Assert.Single(client.Initiator.Children);
        Assert.True(child.IsTransportMode);
        Assert.Equal("198.51.100.10[47]", Assert.Single(child.LocalSelectors).ToString());
        Assert.Equal("192.0.2.1[47]", Assert.Single(child.RemoteSelectors).ToString());
        Assert.True(Child().IsTransportMode);
    }

    /// <summary>RFC 7296 1.3.1: "If the responder declines the request, the Child SA will be established in tunnel mode."</summary>
    [Fact]
    public void TransportModeIsDeclinedWithoutAWord()
    {
        Assert.IsType<InitiatorOutcome.Established>(LogIn(EncapsulationRule.Tunnel, Options() with { TransportMode = true }));
        Assert.False(Assert.Single(client.Initiator.Children).IsTransportMode);
        Assert.False(Child().IsTransportMode);
        Assert.Equal("192.0.2.0/24", Assert.Single(client.Initiator.Children[0].RemoteSelectors).ToString());
    }

    /// <summary>Transport mode for something else than GRE is declined also where GRE is welcome.</summary>
    [Fact]
    public void OnlyGreIsCarriedInTransportMode()
    {
        Assert.IsType<InitiatorOutcome.Established>(LogIn(EncapsulationRule.AsOffered, Options() with { TransportMode = true }));
        Assert.False(Assert.Single(client.Initiator.Children).IsTransportMode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GreIsRefusedWhereTheInterfaceIsNone(bool withAddress)
    {
        Refused(LogIn(EncapsulationRule.Tunnel, Gre() with { RequestConfiguration = withAddress }), "198.51.100.10[47] === 192.0.2.1[47] in transport mode: the session's interface is no GRE tunnel");
    }

    [Fact]
    public void TunnelModeIsRefusedWhereTheInterfaceIsGre()
    {
        Refused(LogIn(EncapsulationRule.Gre, Options()), "wanted 198.51.100.10[47] === 192.0.2.1[47] in transport mode");
        Assert.Equal(0, headend.Outside.Open);
    }

    /// <summary>GRE in tunnel mode (without USE_TRANSPORT_MODE), with foreign addresses, without the protocol on one side: none of it is a GRE session.</summary>
    [Theory]
    [InlineData(false, "198.51.100.10", "192.0.2.1", 47)]
    [InlineData(true, "198.51.100.11", "192.0.2.1", 47)]
    [InlineData(true, "198.51.100.10", "192.0.2.2", 47)]
    [InlineData(true, "198.51.100.10", "192.0.2.1", 0)]
    [InlineData(true, "198.51.100.10", "192.0.2.1", 17)]
    public void OtherOffersAreNoGreSession(bool transport, string local, string remote, byte protocol)
    {
        var options = Gre() with { TransportMode = transport, LocalTraffic = [Selector(47, local)], RemoteTraffic = [Selector(protocol, remote)] };
        Refused(LogIn(EncapsulationRule.AsOffered, options), "offered");
        Refused(LogIn(EncapsulationRule.Gre, options), "offered");
    }

    [Fact]
    public void AClientWithoutGreStillNeedsAnAddress()
    {
        var failed = Assert.IsType<InitiatorOutcome.Failed>(LogIn(EncapsulationRule.AsOffered, Options() with { RequestConfiguration = false }));
        Assert.Equal(NotifyType.FailedCpRequired, failed.Notify);
    }

    /// <summary>RFC 7296 2.23.1: "If the client is behind a NAT, substitute the IP address in the TSi entries with the remote address of the IKE SA", and so back to it.</summary>
    [Fact]
    public void BehindANatTheClientsAddressIsSubstituted()
    {
        network.Rebind(s_client, s_public);
        Assert.IsType<InitiatorOutcome.Established>(LogIn(EncapsulationRule.AsOffered, Gre()));
        Assert.True(Assert.Single(client.Initiator.Children).IsTransportMode);
        Assert.Equal("203.0.113.7[47]", Assert.Single(client.Initiator.Children[0].LocalSelectors).ToString());
        Assert.Equal("203.0.113.7[47]", Assert.Single(Child().RemoteSelectors).ToString());
    }

    /// <summary>RFC 7296 2.23.1: "The TSi entries MUST have exactly one IP address".</summary>
    [Fact]
    public void BehindANatThereIsOneAddressOnly()
    {
        network.Rebind(s_client, s_public);
        Refused(LogIn(EncapsulationRule.Gre, Gre() with { LocalTraffic = [Selector(47, "198.51.100.10"), Selector(47, "198.51.100.11")] }), "198.51.100.11[47]");
        Refused(LogIn(EncapsulationRule.Gre, Gre() with { LocalTraffic = [s_everything with { Protocol = 47 }] }), "0.0.0.0/0[47]");
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void RekeysKeepTheMode(bool byClient, bool nat)
    {
        if (nat)
            network.Rebind(s_client, s_public);
        LogIn(EncapsulationRule.AsOffered, Gre());
        var first = Child().InboundSpi;
        if (nat)
        {
            // The client's place has changed: what is rekeyed is between the addresses of now.
            network.Rebind(s_client, IPAddress.Parse("203.0.113.8"));
            client.Do((initiator, now) => initiator.CheckLiveness(now));
            network.RunFor(TimeSpan.FromSeconds(1));
        }

        if (byClient)
            client.Do((initiator, now) => initiator.RekeyChild(initiator.Children[0], now));
        else
            headend.Do((endpoint, now) => endpoint.Handle(new RekeyChildCommand(endpoint.Describe().Single().Session!.Value, first), now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.NotEqual(first, Child().InboundSpi);
        Assert.True(Child().IsTransportMode);
        Assert.True(Assert.Single(client.Initiator.Children).IsTransportMode);
        Assert.Equal(nat ? "203.0.113.8[47]" : "198.51.100.10[47]", Assert.Single(Child().RemoteSelectors).ToString());
    }

    /// <summary>RFC 7296 1.3.1: "If this is unacceptable to the initiator, the initiator MUST delete the SA."</summary>
    [Fact]
    public void AClientThatDeclinesTransportModeInOurRekeyLosesTheSession()
    {
        LogIn(EncapsulationRule.AsOffered, Gre());
        client.Initiator.DeclinesTransportMode = true;
        headend.Do((endpoint, now) => endpoint.Handle(new RekeyChildCommand(endpoint.Describe().Single().Session!.Value, Child().InboundSpi), now));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(SessionEndReason.ProtocolError, Assert.Single(headend.Outside.Ended).Reason);
        Assert.Empty(headend.Outside.Installed);
    }

    /// <summary>The interface of a session is of one kind: a rekey in the other mode is refused, and the session goes on.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ARekeyInTheOtherModeIsRefused(bool toTunnel)
    {
        LogIn(EncapsulationRule.AsOffered, toTunnel ? Gre() : Options());
        var first = Child().InboundSpi;
        client.Do((initiator, now) => initiator.RekeyChild(initiator.Children[0], now, transportMode: !toTunnel, local: Selector(toTunnel ? (byte)0 : (byte)47, s_client.Address.ToString())));
        network.RunFor(TimeSpan.FromSeconds(5));
        Assert.Equal(first, Child().InboundSpi);
        var (failure, detail) = Assert.Single(headend.Observer.Refusals);
        Assert.Equal(IkeFailure.SelectorsUnacceptable, failure);
        Assert.NotEmpty(detail);
        Assert.Empty(headend.Observer.Failures);
        Assert.Equal(1, headend.Outside.SessionsUp);
    }

    private static TrafficSelector Selector(byte protocol, string address) => new(protocol, 0, ushort.MaxValue, IPAddress.Parse(address), IPAddress.Parse(address));

    private static TestInitiatorOptions Options() => new()
    {
        Identity = new IkeIdentity(IdType.KeyId, "spoke"u8),
        User = "alice",
        Password = "secret",
    };

    private static TestInitiatorOptions Gre() => Options().ForGre(s_client.Address, s_headend);

    private ChildSaSnapshot Child() => Assert.Single(Assert.Single(headend.Endpoint.Describe()).Children);

    private void Refused(InitiatorOutcome outcome, string detail)
    {
        Assert.Equal(NotifyType.TsUnacceptable, Assert.IsType<InitiatorOutcome.Failed>(outcome).Notify);
        var (failure, told) = Assert.Single(headend.Observer.Failures);
        Assert.Equal(IkeFailure.SelectorsUnacceptable, failure);
        Assert.Contains(detail, told, StringComparison.Ordinal);
    }

    private InitiatorOutcome LogIn(EncapsulationRule rule, TestInitiatorOptions options)
    {
        if (client is not null)
        {
            network.Detach(s_client);
            network.Detach(new IPEndPoint(s_headend, 500));
            network.Detach(new IPEndPoint(s_headend, 4500));
        }

        headend = new SimulatedHeadend(
            network,
            new IkeEndpointOptions { Profiles = [EndpointPair.Profile("spokes") with { LocalTraffic = [IPNetwork.Parse("192.0.2.0/24")] }] },
            new ToyCryptoProvider(network.Random.Next()),
            new ScriptedOutside(new OutsideOptions { Grant = new SessionGrant { Encapsulation = rule } }),
            new IPEndPoint(s_headend, 500),
            new IPEndPoint(s_headend, 4500));
        client = new SimulatedClient(network, options with { Crypto = new ToyCryptoProvider(network.Random.Next()) }, s_client, s_headend, direct: true);
        client.Start();
        Assert.True(network.RunUntil(() => client.Initiator.Outcome is not InitiatorOutcome.Pending, TimeSpan.FromSeconds(30)));
        network.RunFor(TimeSpan.FromSeconds(2));
        return client.Initiator.Outcome;
    }
}
