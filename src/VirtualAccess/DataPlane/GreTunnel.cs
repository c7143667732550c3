using System.Buffers.Binary;
using System.Net;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// GRE as ESP in transport mode carries it (RFC 2784 2, RFC 2890 2), and who may send what through it: GRE has no selectors, so that the networks of the interface take
/// their place.
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// |C|0|K|S|0|     Reserved0   | Ver |         Protocol Type         |
/// |      Checksum (C)               |       Reserved1 (C)           |
/// |                         Key (K)                                 |
/// |                    Sequence Number (S)                          |
/// </code>
/// Sent without checksum and sequence number: ESP does the work of both. Immutable.
/// </summary>
internal sealed class GreTunnel
{
    /// <summary>IP protocol number, and ESP's Next Header.</summary>
    public const byte Protocol = 47;

    /// <summary>Octets of the longest header that is sent.</summary>
    public const int MaximumHeader = 8;

    private const int MinimumHeader = 4;
    private const ushort ChecksumPresent = 0x8000;
    private const ushort KeyPresent = 0x2000;
    private const ushort SequencePresent = 0x1000;

    /// <summary>RFC 2784 2.2: bits 1 to 5 but for those of RFC 2890, and the version.</summary>
    private const ushort MustBeZero = 0x4c07;

    private const ushort IPv4 = 0x0800;
    private const ushort IPv6 = 0x86dd;

    private readonly uint? key;
    private readonly SelectorTable remote;
    private readonly SelectorTable local;

    /// <param name="request">The interface: its <c>tunnel key</c>, the client's addresses and routes, what the client may reach.</param>
    public GreTunnel(InterfaceRequest request)
    {
        key = request.Config.TunnelKey?.Value;
        remote = Table(request.AllRoutes().Select(route => route.Network));
        local = Table(request.LocalNetworks.IsEmpty ? [new IPNetwork(IPAddress.Any, 0), new IPNetwork(IPAddress.IPv6Any, 0)] : request.LocalNetworks);
    }

    /// <summary>Octets of the header that is sent.</summary>
    public int HeaderLength => key is null ? MinimumHeader : MaximumHeader;

    /// <summary>Writes the header of a packet to the client.</summary>
    /// <param name="header"><see cref="HeaderLength"/> octets.</param>
    /// <param name="ipv6">Version of the packet behind it.</param>
    public void Write(Span<byte> header, bool ipv6)
    {
        BinaryPrimitives.WriteUInt16BigEndian(header, key is null ? (ushort)0 : KeyPresent);
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], ipv6 ? IPv6 : IPv4);
        if (key is { } value) BinaryPrimitives.WriteUInt32BigEndian(header[MinimumHeader..], value);
    }

    /// <summary>Checks a GRE packet from the client and finds the IP packet in it; octets behind that one are padding.</summary>
    public EspDrop Open(Span<byte> packet, out Span<byte> inner, out IpPacket ip)
    {
        inner = default;
        ip = default;
        if (packet.Length < MinimumHeader) return EspDrop.Malformed;
        var flags = BinaryPrimitives.ReadUInt16BigEndian(packet);
        if ((flags & MustBeZero) != 0) return EspDrop.Malformed;
        var offset = MinimumHeader;
        var hasChecksum = (flags & ChecksumPresent) != 0;
        if (hasChecksum) offset += sizeof(uint);
        uint? received = null;
        if ((flags & KeyPresent) != 0)
        {
            if (packet.Length < offset + sizeof(uint)) return EspDrop.Malformed;
            received = BinaryPrimitives.ReadUInt32BigEndian(packet[offset..]);
            offset += sizeof(uint);
        }

        // RFC 2890 2.2 orders packets by it; ESP's own number has done so already.
        if ((flags & SequencePresent) != 0) offset += sizeof(uint);
        if (packet.Length < offset) return EspDrop.Malformed;
        // Over all of the packet, where no padding of ESP's is: RFC 4303 2.7 has that for tunnel mode only.
        if (hasChecksum && InternetChecksum.Compute(packet) != 0) return EspDrop.GreChecksum;
        if (received != key) return EspDrop.GreKey;
        return Cut(packet[offset..], BinaryPrimitives.ReadUInt16BigEndian(packet[2..]), out inner, out ip);
    }

    private EspDrop Cut(Span<byte> payload, ushort protocolType, out Span<byte> inner, out IpPacket ip)
    {
        inner = default;
        ip = default;
        if (protocolType is not (IPv4 or IPv6)) return EspDrop.UnsupportedNextHeader;
        var drop = EspCodec.CutIp(payload, protocolType == IPv6, out var length);
        if (drop != EspDrop.None) return drop;
        inner = payload[..length];
        if (!IpPacket.TryRead(inner, out ip)) return EspDrop.Malformed;
        return remote.Contains(ip.Source, ip, ip.SourcePort) && local.Contains(ip.Destination, ip, ip.DestinationPort) ? EspDrop.None : EspDrop.InboundSelector;
    }

    private static SelectorTable Table(IEnumerable<IPNetwork> networks) => new([.. networks.Distinct().Select(EspSelector.FromNetwork)]);
}
