using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// A pair of ESP SAs with their keyed contexts. Each direction has its own lock, which orders its packets and makes disposal safe: a direction
/// is closed under its lock, and closed directions refuse packets.
/// </summary>
internal sealed class EspSa : IDisposable
{
    /// <summary>Numbers of which a hint leaves a quarter for the rekey.</summary>
    private const ulong QuartersUsed = 0xc000_0000;

    private readonly EspCipher inboundCipher;
    private readonly EspCipher outboundCipher;
    private readonly EspSoftLimits softLimits;
    private readonly bool extended;
    private bool inboundClosed;
    private bool outboundClosed;
    private int softLimitRaised;
    private long inOctets, inPackets, outOctets, outPackets;
    private ulong sequence;
    private TransportAddress hintedRemote;

    public EspSa(EspSaParameters parameters, long serial)
    {
        InboundSpi = parameters.InboundSpi;
        OutboundSpi = parameters.OutboundSpi;
        Algorithm = parameters.Algorithm;
        Replaces = parameters.Replaces;
        Serial = serial;
        Local = new SelectorTable(parameters.LocalSelectors);
        Remote = new SelectorTable(parameters.RemoteSelectors);
        Window = new ReplayWindow(parameters.ReplayWindow);
        softLimits = parameters.SoftLimits;
        DfBit = parameters.DfBit;
        extended = parameters.ExtendedSequenceNumbers;
        IsTransportMode = parameters.IsTransportMode;
        inboundCipher = EspCipher.Create(Algorithm, parameters.InboundKeys, encrypt: false, extended);
        try
        {
            outboundCipher = EspCipher.Create(Algorithm, parameters.OutboundKeys, encrypt: true, extended);
        }
        catch (CryptographicException)
        {
            inboundCipher.Dispose();
            throw;
        }
    }

    public uint InboundSpi { get; }

    public uint OutboundSpi { get; }

    public EspAlgorithm Algorithm { get; }

    public uint Replaces { get; }

    public DfBit DfBit { get; }

    /// <summary>Order of installation.</summary>
    public long Serial { get; }

    /// <summary>Carries GRE and no IP header.</summary>
    public bool IsTransportMode { get; }

    public SelectorTable Local { get; }

    public SelectorTable Remote { get; }

    public ReplayWindow Window { get; }

    /// <summary>Held while an inbound packet is opened and put in order for delivery.</summary>
    public Lock InboundGate { get; } = new();

    public Lock OutboundGate { get; } = new();

    /// <summary>Last number sent; settable so that tests reach the end of the space.</summary>
    internal ulong Sequence
    {
        get => Volatile.Read(ref sequence);
        set => sequence = value;
    }

    /// <summary>Smallest packet that can be authentic.</summary>
    private int MinimumLength => EspCodec.SealedLength(Algorithm, 0);

    /// <summary>Checks, decrypts in place and authenticates. Call with <see cref="InboundGate"/> held.</summary>
    /// <param name="packet">The ESP packet.</param>
    /// <param name="gre">What is in an SA in transport mode; null in tunnel mode.</param>
    /// <param name="inner">The inner packet within it.</param>
    /// <param name="ip">Its header.</param>
    /// <param name="authentic">True when the ICV was right, whatever came after.</param>
    /// <param name="newest">True when its number is the highest so far.</param>
    public EspDrop Open(Span<byte> packet, GreTunnel? gre, out Span<byte> inner, out IpPacket ip, out bool authentic, out bool newest)
    {
        inner = default;
        ip = default;
        authentic = newest = false;
        if (inboundClosed) return EspDrop.UnknownSpi;
        if (packet.Length < MinimumLength) return EspDrop.Malformed;
        var low = BinaryPrimitives.ReadUInt32BigEndian(packet[4..]);
        ulong number = low;
        if (extended && !Window.TryExtend(low, out number)) return EspDrop.Replay;
        if (!Window.IsFresh(number)) return EspDrop.Replay;
        if (!inboundCipher.Open(packet, (uint)(number >> 32))) return EspDrop.AuthenticationFailed;
        authentic = true;
        newest = number > Window.Highest;
        Window.Accept(number);
        var plaintext = packet[(EspCodec.HeaderLength + Algorithm.IvLength)..^Algorithm.IcvLength];
        return gre is null ? OpenTunnel(plaintext, out inner, out ip) : OpenTransport(plaintext, gre, out inner, out ip);
    }

    private EspDrop OpenTunnel(Span<byte> plaintext, out Span<byte> inner, out IpPacket ip)
    {
        inner = default;
        ip = default;
        var drop = EspCodec.ReadInner(plaintext, out var innerLength);
        if (drop != EspDrop.None) return drop;
        inner = plaintext[..innerLength];
        if (!IpPacket.TryRead(inner, out ip)) return EspDrop.Malformed;
        // RFC 4301 5.2 step 4: the inner header must match the selectors of the SA, else drop (and audit).
        return Remote.Contains(ip.Source, ip, ip.SourcePort) && Local.Contains(ip.Destination, ip, ip.DestinationPort) ? EspDrop.None : EspDrop.InboundSelector;
    }

    /// <summary>
    /// RFC 4301 5.2 step 4 asks for the outer header to match the selectors: it is not looked at, since whoever has the keys may be behind a NAT. The transport checksums
    /// that RFC 3948 3.1.2 has corrected there are none of: GRE's covers no pseudo header.
    /// </summary>
    private static EspDrop OpenTransport(Span<byte> plaintext, GreTunnel gre, out Span<byte> inner, out IpPacket ip)
    {
        inner = default;
        ip = default;
        var drop = EspCodec.ReadTrailer(plaintext, out var payloadLength, out var nextHeader);
        if (drop != EspDrop.None) return drop;
        return nextHeader == GreTunnel.Protocol ? gre.Open(plaintext[..payloadLength], out inner, out ip) : EspDrop.InboundSelector;
    }

    /// <summary>Counts delivered packets.</summary>
    public void CountInbound(int octets, int packets)
    {
        Interlocked.Add(ref inOctets, octets);
        Interlocked.Add(ref inPackets, packets);
    }

    /// <summary>True once per foreign address; with <see cref="InboundGate"/> held.</summary>
    public bool IsNewRemote(in TransportAddress remote, in TransportAddress expected)
    {
        if (remote == expected)
        {
            hintedRemote = default;
            return false;
        }

        if (remote == hintedRemote) return false;
        hintedRemote = remote;
        return true;
    }

    /// <summary>GRE carries whatever is routed to the interface.</summary>
    public bool Covers(in IpPacket ip) =>
        IsTransportMode || (Remote.Contains(ip.Destination, ip, ip.DestinationPort) && Local.Contains(ip.Source, ip, ip.SourcePort));

    /// <summary>Seals a payload that lies at its place in the buffer.</summary>
    /// <param name="packet">From SPI to the end of the ICV (<see cref="EspCodec.SealedLength"/>); the payload stands after the IV.</param>
    /// <param name="payloadLength">Octets of the payload.</param>
    /// <param name="nextHeader">What it is: 4, 41 or 47.</param>
    /// <param name="nearExhaustion">True once, when three quarters of the numbers are used.</param>
    public EspDrop Seal(Span<byte> packet, int payloadLength, byte nextHeader, out bool nearExhaustion)
    {
        nearExhaustion = false;
        lock (OutboundGate)
        {
            if (outboundClosed) return EspDrop.NoOutboundSa;
            // RFC 4303 3.3.3: the number must not cycle.
            if (sequence == (extended ? ulong.MaxValue : uint.MaxValue)) return EspDrop.SequenceExhausted;
            sequence++;
            nearExhaustion = sequence == (extended ? QuartersUsed << 32 : QuartersUsed);
            EspCodec.WriteHeader(packet, OutboundSpi, (uint)sequence);
            var payload = EspCodec.HeaderLength + Algorithm.IvLength;
            EspCodec.WriteTrailer(packet[(payload + payloadLength)..^Algorithm.IcvLength], nextHeader);
            return outboundCipher.Seal(packet, sequence) ? EspDrop.None : EspDrop.SendFailed;
        }
    }

    /// <summary>Counts sent packets.</summary>
    public void CountOutbound(int octets, int packets)
    {
        Interlocked.Add(ref outOctets, octets);
        Interlocked.Add(ref outPackets, packets);
    }

    /// <summary>True once, when a soft limit is reached in either direction.</summary>
    public bool ReachedSoftLimit()
    {
        if (softLimitRaised != 0 || (softLimits.Octets == 0 && softLimits.Packets == 0)) return false;
        var octets = Math.Max(Volatile.Read(ref inOctets), Volatile.Read(ref outOctets));
        var packets = Math.Max(Volatile.Read(ref inPackets), Volatile.Read(ref outPackets));
        var reached = (softLimits.Octets != 0 && octets >= softLimits.Octets) || (softLimits.Packets != 0 && packets >= softLimits.Packets);
        return reached && Interlocked.Exchange(ref softLimitRaised, 1) == 0;
    }

    public SaCounters Counters(bool sending) => new(
        InboundSpi, OutboundSpi, Volatile.Read(ref inOctets), Volatile.Read(ref outOctets), Volatile.Read(ref inPackets), Volatile.Read(ref outPackets),
        Sequence, Window.Highest, sending);

    /// <summary>Waits for the packet in hand, then frees the contexts and with them the keys.</summary>
    public void Dispose()
    {
        lock (InboundGate)
        {
            if (!inboundClosed) inboundCipher.Dispose();
            inboundClosed = true;
        }

        lock (OutboundGate)
        {
            if (!outboundClosed) outboundCipher.Dispose();
            outboundClosed = true;
        }
    }
}
