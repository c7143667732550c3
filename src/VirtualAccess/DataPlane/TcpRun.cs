using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>TCP segments of one connection in order, on their way to become one packet. The payloads stay where they are; the headers of the first are changed at the end.</summary>
internal sealed unsafe class TcpRun : IDisposable
{
    private const int MostSegments = 64;
    private const int LongestPacket = 65535;
    private const byte Push = 0x08;

    /// <summary>Flags word of IPv4 (RFC 791 3.1): DF.</summary>
    private const byte DontFragment = 0x40;

    private readonly IoVector* vectors = (IoVector*)NativeMemory.AllocZeroed(MostSegments + 1, (nuint)sizeof(IoVector));
    private readonly VirtioHeader* offload = (VirtioHeader*)NativeMemory.AllocZeroed(VirtioHeader.Length);
    private DataPlaneSession? session;
    private EspSa? sa;
    private UInt128 source, destination;
    private ushort sourcePort, destinationPort;
    private bool ipv6, verified, complete;
    private int headers, transport, size, length, octets;
    private uint sequence;

    /// <summary>Segments that it holds.</summary>
    public int Count { get; private set; }

    /// <summary>Nothing can follow: the last segment was a short one, or there is no more room.</summary>
    public bool IsComplete => complete || Count == MostSegments || length + size > LongestPacket;

    private byte* First => vectors[1].Base;

    public bool IsOf(DataPlaneSession other, in IpPacket ip) =>
        ReferenceEquals(session, other) && sourcePort == ip.SourcePort && destinationPort == ip.DestinationPort && source == ip.Source && destination == ip.Destination;

    public void Start(DataPlaneSession session, EspSa sa, in IpPacket ip, byte* packet, int packetLength, int headers)
    {
        (this.session, this.sa, this.headers, transport, ipv6) = (session, sa, headers, ip.TransportOffset, ip.IsIPv6);
        (source, destination, sourcePort, destinationPort) = (ip.Source, ip.Destination, ip.SourcePort, ip.DestinationPort);
        vectors[1] = new IoVector { Base = packet, Length = (nuint)packetLength };
        size = packetLength - headers;
        (Count, length, octets, verified, complete) = (1, packetLength, packetLength, false, false);
        sequence = unchecked(Sequence(packet) + (uint)size);
    }

    /// <summary>Takes the segment if it is the next one and differs in nothing that matters (as Linux's tcp_gro_receive and inet_gro_receive judge).</summary>
    public bool TryAppend(EspSa from, byte* packet, int packetLength, int headers)
    {
        var payload = packetLength - headers;
        if (IsComplete || !ReferenceEquals(sa, from) || headers != this.headers || payload > size || Sequence(packet) != sequence || !HasSameHeaders(packet)) return false;
        // The joined packet gets a checksum of its own: a damaged segment must not hide in it.
        if (!verified && !HasChecksum(First, (int)vectors[1].Length)) return false;
        verified = true;
        if (!HasChecksum(packet, packetLength)) return false;
        vectors[++Count] = new IoVector { Base = packet + headers, Length = (nuint)payload };
        length += payload;
        octets += packetLength;
        sequence = unchecked(sequence + (uint)payload);
        complete = payload < size;
        First[transport + 13] |= (byte)(packet[transport + 13] & Push);
        return true;
    }

    /// <summary>Hands it to the kernel and is empty again.</summary>
    public EspDrop Deliver()
    {
        var (packets, to, on) = (Count, session!, sa!);
        *offload = default;
        if (packets > 1) Join();
        vectors[0] = new IoVector { Base = (byte*)offload, Length = VirtioHeader.Length };
        (Count, session, sa) = (0, null, null);
        return to.Deliver(on, vectors, packets + 1, packets, octets);
    }

    public void Dispose()
    {
        NativeMemory.Free(vectors);
        NativeMemory.Free(offload);
    }

    private void Join()
    {
        var header = new Span<byte>(First, headers);
        if (ipv6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[4..], (ushort)(length - IpPacket.IPv6Header));
        }
        else
        {
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)length);
            header[10..12].Clear();
            BinaryPrimitives.WriteUInt16BigEndian(header[10..], InternetChecksum.Compute(header[..transport]));
        }

        var pseudo = InternetChecksum.PseudoHeader(header, ipv6, length - transport, IpPacket.Tcp);
        BinaryPrimitives.WriteUInt16BigEndian(header[(transport + 16)..], InternetChecksum.Fold(pseudo));
        offload->Flags = VirtioHeader.NeedsChecksum;
        offload->GsoType = ipv6 ? VirtioHeader.GsoTcpIPv6 : VirtioHeader.GsoTcpIPv4;
        offload->HeaderLength = (ushort)headers;
        offload->GsoSize = (ushort)size;
        offload->ChecksumStart = (ushort)transport;
        offload->ChecksumOffset = 16;
    }

    private uint Sequence(byte* packet) => BinaryPrimitives.ReadUInt32BigEndian(new ReadOnlySpan<byte>(packet + transport + 4, 4));

    private bool HasSameHeaders(byte* packet)
    {
        var ours = new ReadOnlySpan<byte>(First, headers);
        var theirs = new ReadOnlySpan<byte>(packet, headers);
        var sameIp = ipv6
            ? ours[..4].SequenceEqual(theirs[..4]) && ours[7] == theirs[7]
            : ours[..2].SequenceEqual(theirs[..2]) && ours[6..9].SequenceEqual(theirs[6..9]) && IsNextIdentification(ours, theirs);
        // Acknowledgment number, data offset, window, urgent pointer and options.
        var tcp = ours[transport..];
        var other = theirs[transport..];
        return sameIp && tcp[8..13].SequenceEqual(other[8..13]) && tcp[14..16].SequenceEqual(other[14..16]) && tcp[18..].SequenceEqual(other[18..]);
    }

    /// <summary>The kernel numbers the pieces one by one from the first; where fragments may come of them (DF clear), the numbers must be those that they had.</summary>
    private bool IsNextIdentification(ReadOnlySpan<byte> ours, ReadOnlySpan<byte> theirs) =>
        (ours[6] & DontFragment) != 0
        || BinaryPrimitives.ReadUInt16BigEndian(theirs[4..]) == unchecked((ushort)(BinaryPrimitives.ReadUInt16BigEndian(ours[4..]) + Count));

    private bool HasChecksum(byte* packet, int packetLength)
    {
        var whole = new ReadOnlySpan<byte>(packet, packetLength);
        var tcp = whole[transport..];
        return InternetChecksum.Fold(InternetChecksum.Sum(tcp, InternetChecksum.PseudoHeader(whole, ipv6, tcp.Length, IpPacket.Tcp))) == 0xffff;
    }
}
