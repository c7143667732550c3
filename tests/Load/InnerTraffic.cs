using System.Buffers.Binary;
using System.Net;
using Headend.Ikev2;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>What came of the numbered packets inside the tunnels.</summary>
/// <param name="Sessions">That sent them.</param>
/// <param name="Sent">Packets.</param>
/// <param name="Returned">Different ones that came back from the echo server.</param>
/// <param name="Duplicated">Came back more than once.</param>
/// <param name="FirstLost">"session:number" of some that did not.</param>
internal sealed record TrafficRecord(int Sessions, int Sent, int Returned, int Duplicated, IReadOnlyList<string> FirstLost)
{
    public int Lost => Sent - Returned;
}

/// <summary>
/// UDP packets with numbers through the sessions' tunnels to an echo server behind the gateway, at a steady rate, each session in turn: RFC 4303 ESP in UDP with AES-GCM of our
/// own, so that what the gateway loses or doubles is seen. Owned by the load thread.
/// </summary>
internal sealed class InnerTraffic(IPEndPoint echo, double rate) : IDisposable
{
    private const int Ipv4Header = 20, UdpHeader = 8, NumberOctets = 8;
    private const byte Udp = 17;
    private const ushort SourcePort = 40_000;

    private readonly List<Flow> _flows = [];
    private readonly Dictionary<uint, Flow> _byInboundSpi = [];
    private readonly byte[] _inner = new byte[2048];
    private readonly byte[] _datagram = new byte[2048];
    private MonotonicTime _beganAt;
    private int _sent;

    /// <summary>A session that stands. The gateway must have taken AES-GCM and given an IPv4 address.</summary>
    public void Add(TestInitiator initiator, LoadSocket socket)
    {
        if (initiator is not { Outcome: InitiatorOutcome.Established { IPv4: { } address }, Children: [var child, ..] })
            throw new InvalidOperationException("--traffic wants sessions with an IPv4 address and --esp aes256gcm16");
        var flow = new Flow(_flows.Count, address, child, socket);
        _flows.Add(flow);
        _byInboundSpi.Add(child.InboundSpi, flow);
    }

    /// <summary>Sends what is due; returns when it is wanted again.</summary>
    public MonotonicTime Send(MonotonicTime now)
    {
        if (_sent == 0)
            _beganAt = now;
        while (_beganAt + TimeSpan.FromSeconds(_sent / rate) <= now)
        {
            var flow = _flows[_sent++ % _flows.Count];
            flow.Socket.TrySendRaw(Seal(flow));
        }

        return _beganAt + TimeSpan.FromSeconds(_sent / rate);
    }

    /// <summary>Takes an ESP datagram; what is not ours, or not authentic, is ignored.</summary>
    public void Receive(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < sizeof(uint) || !_byInboundSpi.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(datagram), out var flow) || !flow.Esp.TryOpen(datagram, out var inner))
            return;
        if (inner.Length >= Ipv4Header + UdpHeader + NumberOctets && inner[9] == Udp && new IPAddress(inner.Slice(12, 4)).Equals(echo.Address))
            flow.Returned(BinaryPrimitives.ReadInt64BigEndian(inner[(Ipv4Header + UdpHeader)..]));
    }

    public TrafficRecord Report() => new(
        _flows.Count,
        _flows.Sum(static f => (int)f.NextNumber),
        _flows.Sum(static f => f.Seen),
        _flows.Sum(static f => f.Duplicated),
        [.. _flows.SelectMany(static f => f.Missing().Select(number => $"{f.Number}:{number}")).Take(5)]);

    public void Dispose()
    {
        foreach (var flow in _flows)
            flow.Dispose();
    }

    private ReadOnlySpan<byte> Seal(Flow flow)
    {
        var length = Ipv4Header + UdpHeader + NumberOctets;
        var inner = _inner.AsSpan(0, length);
        inner.Clear();
        inner[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(inner[2..], (ushort)length);
        inner[8] = 64;
        inner[9] = Udp;
        flow.Address.TryWriteBytes(inner[12..], out _);
        echo.Address.TryWriteBytes(inner[16..], out _);
        BinaryPrimitives.WriteUInt16BigEndian(inner[10..], Checksum(inner[..Ipv4Header]));
        BinaryPrimitives.WriteUInt16BigEndian(inner[Ipv4Header..], SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(inner[(Ipv4Header + 2)..], (ushort)echo.Port);
        BinaryPrimitives.WriteUInt16BigEndian(inner[(Ipv4Header + 4)..], UdpHeader + NumberOctets);
        BinaryPrimitives.WriteInt64BigEndian(inner[(Ipv4Header + UdpHeader)..], flow.NextNumber++);
        return _datagram.AsSpan(0, flow.Esp.Seal(inner, _datagram));
    }

    private static ushort Checksum(ReadOnlySpan<byte> header)
    {
        uint sum = 0;
        for (var i = 0; i < header.Length; i += 2)
            sum += BinaryPrimitives.ReadUInt16BigEndian(header[i..]);
        while (sum >> 16 != 0)
            sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)~sum;
    }

    /// <summary>One session's packets.</summary>
    private sealed class Flow(int number, IPAddress address, InitiatorChildSa child, LoadSocket socket) : IDisposable
    {
        private readonly List<bool> _seen = [];

        public int Number { get; } = number;

        public IPAddress Address { get; } = address;

        public LoadSocket Socket { get; } = socket;

        public ClientEsp Esp { get; } = new(child);

        public long NextNumber { get; set; }

        public int Seen { get; private set; }

        public int Duplicated { get; private set; }

        public void Returned(long number)
        {
            if (number < 0 || number >= NextNumber)
                return;
            while (_seen.Count <= number)
                _seen.Add(false);
            if (_seen[(int)number])
            {
                Duplicated++;
                return;
            }

            _seen[(int)number] = true;
            Seen++;
        }

        public IEnumerable<long> Missing()
        {
            for (var i = 0L; i < NextNumber; i++)
            {
                if (i >= _seen.Count || !_seen[(int)i])
                    yield return i;
            }
        }

        public void Dispose() => Esp.Dispose();
    }
}
