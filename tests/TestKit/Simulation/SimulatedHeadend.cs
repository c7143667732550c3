using System.Net;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;

namespace Headend.TestKit.Simulation;

/// <summary>An <see cref="IkeEndpoint"/> in the network with its <see cref="ScriptedOutside"/>.</summary>
public sealed class SimulatedHeadend : SimulatedNode
{
    private readonly SimulatedNetwork _network;

    /// <param name="network">Where it lives.</param>
    /// <param name="options">Of the endpoint.</param>
    /// <param name="crypto">Of the endpoint.</param>
    /// <param name="outside">Who performs its effects.</param>
    /// <param name="endPoints">Where it listens.</param>
    public SimulatedHeadend(
        SimulatedNetwork network, IkeEndpointOptions options, ICryptoProvider crypto, ScriptedOutside outside, params IReadOnlyList<IPEndPoint> endPoints)
    {
        _network = network;
        Outside = outside;
        Endpoint = new IkeEndpoint(options, crypto, Observer);
        outside.Attach(network, this, crypto);
        foreach (var endPoint in endPoints)
            network.Attach(this, endPoint);
    }

    public IkeEndpoint Endpoint { get; }

    public ScriptedOutside Outside { get; }

    public RecordingObserver Observer { get; } = new();

    /// <summary>As a host under a crowd of new logins: every message passes the door first, and only what comes back from there is handled.</summary>
    public bool CrowdAtTheDoor { get; set; }

    /// <summary>Sees every effect before it is performed.</summary>
    public Action<IkeEffect>? Watch { get; set; }

    internal override MonotonicTime? NextDeadline => Endpoint.NextDeadline;

    /// <summary>Gives the endpoint an input and performs what comes of it.</summary>
    public void Do(Action<IkeEndpoint, MonotonicTime> action)
    {
        action(Endpoint, _network.Now);
        _network.Settle(this);
    }

    internal override void Receive(byte[] octets, IkePath path)
    {
        if (octets is [0xff])
            return;
        var datagram = new IkeDatagram(octets, path);
        if (!CrowdAtTheDoor || Endpoint.HandleAtDoor(datagram, _network.Now))
            Endpoint.Handle(datagram, _network.Now);
    }

    internal override void Wake() => Endpoint.Advance(_network.Now);

    internal override void Drain()
    {
        while (Endpoint.TryTake(out var effect))
        {
            Watch?.Invoke(effect);
            Outside.Perform(effect);
        }
    }
}
