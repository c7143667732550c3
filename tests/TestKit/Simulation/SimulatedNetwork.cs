using System.Buffers.Binary;
using System.Net;
using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Simulation;

/// <summary>What happens to datagrams on their way.</summary>
public sealed record LinkOptions
{
    /// <summary>Share of datagrams that vanish.</summary>
    public double Loss { get; init; }

    /// <summary>Share that arrives twice.</summary>
    public double Duplication { get; init; }

    public TimeSpan LeastLatency { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>A wide span reorders.</summary>
    public TimeSpan MostLatency { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>IP packets larger than this vanish, octets; there is no IP fragmentation here.</summary>
    public int Mtu { get; init; } = 65_535;
}

/// <summary>Something with an address in the network; driven by it alone.</summary>
public abstract class SimulatedNode
{
    internal MonotonicTime? WakeAt { get; set; }

    internal abstract MonotonicTime? NextDeadline { get; }

    internal abstract void Receive(byte[] octets, IkePath path);

    internal abstract void Wake();

    /// <summary>Sends and performs what the node wants done.</summary>
    internal abstract void Drain();
}

/// <summary>
/// A virtual clock and a network with faults, both from one seed: the same seed is the same run. Checks what passes: two datagrams of one direction, Message ID
/// and fragment must be equal octet by octet, else a request was made or processed twice.
/// </summary>
public sealed class SimulatedNetwork(ulong seed)
{
    private const int NatPorts = 20_000;

    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Dictionary<IPEndPoint, SimulatedNode> _nodes = [];
    private readonly Dictionary<IPEndPoint, IPEndPoint> _outside = [];
    private readonly Dictionary<IPEndPoint, IPEndPoint> _inside = [];
    private readonly Dictionary<WireKey, int> _seen = [];
    private long _order;
    private int _natPort = NatPorts;

    public ToyCryptoProvider Random { get; } = new(seed);

    public MonotonicTime Now { get; private set; } = new(TimeSpan.FromHours(1).Ticks);

    public LinkOptions Link { get; set; } = new();

    /// <summary>Sees every datagram when it is sent, before anybody else does.</summary>
    public Action<byte[]>? Overhear { get; set; }

    /// <summary>What somebody on the way makes of a message; gets a copy.</summary>
    public Func<byte[], byte[]>? Alter { get; set; }

    /// <summary>Datagrams handed to the network.</summary>
    public int Sent { get; private set; }

    /// <summary>Largest IP packet seen, octets.</summary>
    public int Largest { get; private set; }

    public void Attach(SimulatedNode node, IPEndPoint endPoint) => _nodes.Add(endPoint, node);

    public void Detach(IPEndPoint endPoint) => _nodes.Remove(endPoint);

    /// <summary>Puts an end point behind a NAT, or gives it a new public port there; the old one is dead.</summary>
    public void Rebind(IPEndPoint inside, IPAddress publicAddress)
    {
        if (_outside.Remove(inside, out var old))
            _inside.Remove(old);
        var mapped = new IPEndPoint(publicAddress, _natPort++);
        _outside[inside] = mapped;
        _inside[mapped] = inside;
    }

    public void Schedule(TimeSpan delay, Action action) => _events.Enqueue(action, ((Now + delay).Ticks, _order++));

    /// <summary>After anything that was done to a node from outside.</summary>
    public void Settle(SimulatedNode node)
    {
        node.Drain();
        if (node.NextDeadline is not { } deadline || (node.WakeAt is { } at && at <= deadline))
            return;
        node.WakeAt = deadline;
        var delay = deadline > Now ? deadline - Now : TimeSpan.Zero;
        Schedule(delay, () =>
        {
            if (node.WakeAt != deadline)
                return;
            node.WakeAt = null;
            node.Wake();
            Settle(node);
        });
    }

    public void Send(IPEndPoint source, IPEndPoint destination, bool marker, byte[] octets)
    {
        Sent++;
        Overhear?.Invoke(octets);
        CheckRepetition(octets);
        if (Alter is { } alter)
            octets = alter([.. octets]);
        var packet = octets.Length + (marker ? 4 : 0) + 8 + (source.Address.GetAddressBytes().Length == 4 ? 20 : 40);
        Largest = Math.Max(Largest, packet);
        if (packet > Link.Mtu || Random.Chance(Link.Loss))
            return;
        source = _outside.GetValueOrDefault(source, source);
        Deliver(source, destination, marker, octets);
        if (Random.Chance(Link.Duplication))
            Deliver(source, destination, marker, octets);
    }

    public void RunFor(TimeSpan span)
    {
        var end = Now + span;
        while (_events.TryPeek(out _, out var next) && next.At <= end.Ticks)
            RunNext();
        Now = end;
    }

    /// <summary>False when the limit came first.</summary>
    public bool RunUntil(Func<bool> done, TimeSpan limit)
    {
        var end = Now + limit;
        while (!done())
        {
            if (!_events.TryPeek(out _, out var next) || next.At > end.Ticks)
                return false;
            RunNext();
        }

        return true;
    }

    private void RunNext()
    {
        _events.TryDequeue(out var action, out var at);
        Now = new MonotonicTime(at.At);
        action!();
    }

    private void Deliver(IPEndPoint source, IPEndPoint destination, bool marker, byte[] octets)
    {
        var spread = (Link.MostLatency - Link.LeastLatency).Ticks;
        var latency = Link.LeastLatency + TimeSpan.FromTicks(spread == 0 ? 0 : (long)(Random.Next() % (ulong)spread));
        Schedule(latency, () =>
        {
            var target = _inside.GetValueOrDefault(destination, destination);
            if (!_nodes.TryGetValue(target, out var node))
                return;
            node.Receive(octets, new IkePath(target, source, marker));
            Settle(node);
        });
    }

    private void CheckRepetition(byte[] octets)
    {
        // A NAT-keepalive (RFC 3948 2.3).
        if (octets is [0xff])
            return;

        // Cisco's pieces are told apart by a number of their own.
        if (octets[16] == 132)
            return;
        if (!IkeHeader.TryRead(octets, out var header, out var error))
            throw new InvalidOperationException($"a node sent what is no IKE message: {error}");
        if (header.ExchangeType == ExchangeType.IkeSaInit || header.ExchangeType == ExchangeType.IkeSessionResume)
            return;
        var fragment = header.NextPayload == PayloadType.EncryptedFragment ? BinaryPrimitives.ReadUInt16BigEndian(octets.AsSpan(32)) : (ushort)0;
        var key = new WireKey(header.InitiatorSpi, header.ResponderSpi, header.Flags, header.MessageId, fragment);
        var hash = default(HashCode);
        hash.AddBytes(octets);
        var value = hash.ToHashCode();
        if (!_seen.TryAdd(key, value) && _seen[key] != value)
            throw new InvalidOperationException($"two different messages {key}");
    }

    private readonly record struct WireKey(IkeSpi Initiator, IkeSpi Responder, IkeHeaderFlags Flags, uint MessageId, ushort Fragment);
}
