using System.Net;
using Headend.Ikev2;
using Headend.TestKit.Initiator;

namespace Headend.TestKit.Simulation;

/// <summary>A <see cref="TestInitiator"/> in the network: one local end point, the headend's two ports.</summary>
public sealed class SimulatedClient : SimulatedNode
{
    private readonly SimulatedNetwork _network;
    private readonly IPEndPoint _local;
    private readonly IPAddress _headend;
    private readonly bool _direct;

    /// <param name="network">Where it lives.</param>
    /// <param name="options">Of the initiator.</param>
    /// <param name="local">Its own end point.</param>
    /// <param name="headend">Address of the headend.</param>
    /// <param name="direct">Begins at port 4500.</param>
    public SimulatedClient(SimulatedNetwork network, TestInitiatorOptions options, IPEndPoint local, IPAddress headend, bool direct = false)
    {
        _network = network;
        _local = local;
        _headend = headend;
        _direct = direct;
        Initiator = new TestInitiator(options, new IkePath(local, new IPEndPoint(headend, direct ? 4500 : 500), direct));
        network.Attach(this, local);
    }

    public TestInitiator Initiator { get; }

    /// <summary>NAT-keepalives that came.</summary>
    public int Keepalives { get; private set; }

    internal override MonotonicTime? NextDeadline => Initiator.NextDeadline;

    public void Start()
    {
        Initiator.Start(_network.Now);
        _network.Settle(this);
    }

    /// <summary>Does something with the initiator and sends what comes of it.</summary>
    public void Do(Action<TestInitiator, MonotonicTime> action)
    {
        action(Initiator, _network.Now);
        _network.Settle(this);
    }

    internal override void Receive(byte[] octets, IkePath path)
    {
        if (octets is [0xff])
            Keepalives++;
        else
            Initiator.Handle(octets, _network.Now);
    }

    internal override void Wake() => Initiator.Advance(_network.Now);

    internal override void Drain()
    {
        while (Initiator.TryTake(out var datagram))
        {
            var traversal = datagram.NatTraversal || _direct;
            _network.Send(_local, new IPEndPoint(_headend, traversal ? 4500 : 500), traversal, datagram.Octets);
        }
    }
}
