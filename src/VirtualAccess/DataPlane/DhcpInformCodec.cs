using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>chaddr, RFC 2131 2.</summary>
[InlineArray(16)]
internal struct HardwareAddress
{
    private byte first;
}

/// <summary>What is needed of a DHCPINFORM to answer it.</summary>
internal struct DhcpInformRequest
{
    public uint Transaction;
    public ushort Flags;
    public byte HardwareType;
    public byte HardwareLength;
    public HardwareAddress Hardware;

    /// <summary>Source of the packet; ciaddr is the same or zero.</summary>
    public uint Client;

    /// <summary>Octets of an IP packet that the client takes (option 57); 0 = not told.</summary>
    public ushort LongestMessage;

    /// <summary>The parameter request list (option 55) names option 249.</summary>
    public bool AsksForMicrosoftRoutes;
}

/// <summary>
/// DHCPINFORM and its DHCPACK (RFC 2131 3.4, 4.3.5) as inner IPv4 packets, with classless routes twice: option 121 (RFC 3442) and Microsoft's 249, which has the same
/// form. Pure.
/// </summary>
internal static class DhcpInformCodec
{
    public const ushort ServerPort = 67;
    public const ushort ClientPort = 68;

    /// <summary>Octets of the longest answer.</summary>
    public const int MaximumLength = 1500;

    private const uint Broadcast = uint.MaxValue;
    private const int UdpHeader = 8;
    private const int FixedLength = 236;
    private const uint Cookie = 0x63825363;

    /// <summary>RFC 1542 2.1: shorter BOOTP messages may be thrown away.</summary>
    private const int ShortestMessage = 300;

    /// <summary>RFC 2131 2: what every client takes; less in option 57 is not believed.</summary>
    private const int EveryClientTakes = 576;

    private const byte Acknowledgment = 5;
    private const byte Inform = 8;
    private const byte Pad = 0;
    private const byte SubnetMask = 1;
    private const byte DomainServers = 6;
    private const byte DomainName = 15;
    private const byte MessageType = 53;
    private const byte ServerIdentifier = 54;
    private const byte ParameterRequestList = 55;
    private const byte LongestMessage = 57;
    private const byte ClasslessRoutes = 121;
    private const byte MicrosoftRoutes = 249;
    private const byte End = 255;

    /// <summary>Whether a packet from a client may be one: the cheap part, for every packet.</summary>
    public static bool IsCandidate(in IpPacket ip) =>
        ip.DestinationPort == ServerPort && ip.Protocol == IpPacket.Udp && ip.SourcePort == ClientPort && !ip.IsIPv6;

    /// <summary>Reads a DHCPINFORM to everybody or to the headend; false for everything else.</summary>
    /// <param name="packet">The inner packet.</param>
    /// <param name="ip">Its header, for which <see cref="IsCandidate"/> holds.</param>
    /// <param name="server">The headend's address on the session's interface.</param>
    /// <param name="request">The request.</param>
    public static bool TryRead(ReadOnlySpan<byte> packet, in IpPacket ip, uint server, out DhcpInformRequest request)
    {
        request = default;
        var destination = (uint)ip.Destination;
        if (destination != Broadcast && destination != server) return false;
        var udp = packet[ip.TransportOffset..];
        // More fragments follow, or it is not whole.
        if ((packet[6] & 0x20) != 0 || udp.Length < UdpHeader + FixedLength + sizeof(uint) || BinaryPrimitives.ReadUInt16BigEndian(udp[4..]) != udp.Length) return false;
        if (BinaryPrimitives.ReadUInt16BigEndian(udp[6..]) != 0
            && InternetChecksum.Fold(InternetChecksum.Sum(udp, InternetChecksum.PseudoHeader(packet, ipv6: false, udp.Length, IpPacket.Udp))) != 0xffff) return false;
        var message = udp[UdpHeader..];
        request.Client = (uint)ip.Source;
        var named = BinaryPrimitives.ReadUInt32BigEndian(message[12..]);
        // BOOTREQUEST, of the sender itself and through no relay.
        if (message[0] != 1 || (named != 0 && named != request.Client) || message[2] > 16 || BinaryPrimitives.ReadUInt32BigEndian(message[24..]) != 0) return false;
        if (BinaryPrimitives.ReadUInt32BigEndian(message[FixedLength..]) != Cookie) return false;
        request.HardwareType = message[1];
        request.HardwareLength = message[2];
        request.Transaction = BinaryPrimitives.ReadUInt32BigEndian(message[4..]);
        request.Flags = BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        message.Slice(28, 16).CopyTo(request.Hardware);
        return TryReadOptions(message[(FixedLength + sizeof(uint))..], ref request);
    }

    /// <summary>Writes the DHCPACK as an IPv4 packet.</summary>
    /// <param name="output">At least <see cref="MaximumLength"/> octets.</param>
    /// <param name="request">What is answered.</param>
    /// <param name="information">What is told. Routes that do not fit the packet are left out, the last ones first.</param>
    /// <param name="server">Source of the packet, server identifier and next hop of the routes.</param>
    /// <param name="longest">Octets that the packet may have.</param>
    /// <returns>Its length.</returns>
    public static int Write(Span<byte> output, in DhcpInformRequest request, DhcpInformation information, uint server, int longest)
    {
        longest = Math.Min(Math.Max(longest, EveryClientTakes), MaximumLength);
        if (request.LongestMessage != 0) longest = Math.Min(longest, Math.Max((int)request.LongestMessage, EveryClientTakes));
        output[..longest].Clear();
        var message = output[(IpPacket.MinimumIPv4 + UdpHeader)..longest];
        var length = Math.Max(WriteMessage(message, request, information, server), ShortestMessage) + IpPacket.MinimumIPv4 + UdpHeader;
        WriteHeaders(output[..length], server, request.Client);
        return length;
    }

    private static bool TryReadOptions(ReadOnlySpan<byte> options, ref DhcpInformRequest request)
    {
        var isInform = false;
        while (!options.IsEmpty && options[0] != End)
        {
            if (options[0] == Pad)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options.Length < 2 + options[1]) return false;
            var value = options.Slice(2, options[1]);
            switch (options[0])
            {
                case MessageType when value.Length == 1:
                    isInform = value[0] == Inform;
                    break;
                case ParameterRequestList:
                    request.AsksForMicrosoftRoutes = value.Contains(MicrosoftRoutes);
                    break;
                case LongestMessage when value.Length == 2:
                    request.LongestMessage = BinaryPrimitives.ReadUInt16BigEndian(value);
                    break;
            }

            options = options[(2 + value.Length)..];
        }

        return isInform;
    }

    private static int WriteMessage(Span<byte> message, in DhcpInformRequest request, DhcpInformation information, uint server)
    {
        message[0] = 2;
        message[1] = request.HardwareType;
        message[2] = request.HardwareLength;
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], request.Transaction);
        BinaryPrimitives.WriteUInt16BigEndian(message[10..], request.Flags);
        BinaryPrimitives.WriteUInt32BigEndian(message[12..], request.Client);
        ((ReadOnlySpan<byte>)request.Hardware).CopyTo(message[28..]);
        BinaryPrimitives.WriteUInt32BigEndian(message[FixedLength..], Cookie);
        var at = FixedLength + sizeof(uint);
        Span<byte> address = stackalloc byte[sizeof(uint)];
        Add(message, ref at, MessageType, [Acknowledgment]);
        BinaryPrimitives.WriteUInt32BigEndian(address, server);
        Add(message, ref at, ServerIdentifier, address);
        // The client's address is alone on its interface.
        Add(message, ref at, SubnetMask, [255, 255, 255, 255]);
        if (!information.DnsServers.IsEmpty) Add(message, ref at, DomainServers, [.. information.DnsServers.Take(16).SelectMany(dns => dns.GetAddressBytes())]);
        if (information.Domain is { Length: > 0 and <= byte.MaxValue } domain && at + 2 + domain.Length < message.Length) Add(message, ref at, DomainName, Encoding.ASCII.GetBytes(domain));
        WriteRoutes(message, ref at, information.Routes, server, request.AsksForMicrosoftRoutes);
        message[at++] = End;
        return at;
    }

    // Where there is no room for both the client's own word decides.
    private static void WriteRoutes(Span<byte> message, ref int at, ImmutableArray<IPNetwork> routes, uint server, bool prefersMicrosoft)
    {
        Span<byte> encoded = stackalloc byte[MaximumLength];
        var room = message.Length - at - 1;
        var length = Encode(encoded, routes, server, room);
        if (length == 0) return;
        if (prefersMicrosoft || 2 * WithHeaders(length) <= room) Add(message, ref at, MicrosoftRoutes, encoded[..length]);
        if (!prefersMicrosoft || WithHeaders(length) <= message.Length - at - 1) Add(message, ref at, ClasslessRoutes, encoded[..length]);
    }

    /// <summary>RFC 3442: width of the mask, the octets of the network that it covers, router.</summary>
    private static int Encode(Span<byte> output, ImmutableArray<IPNetwork> routes, uint server, int room)
    {
        var at = 0;
        Span<byte> network = stackalloc byte[sizeof(uint)];
        foreach (var route in routes)
        {
            var significant = (route.PrefixLength + 7) / 8;
            if (WithHeaders(at + 1 + significant + sizeof(uint)) > room) break;
            route.BaseAddress.TryWriteBytes(network, out _);
            output[at++] = (byte)route.PrefixLength;
            network[..significant].CopyTo(output[at..]);
            at += significant;
            BinaryPrimitives.WriteUInt32BigEndian(output[at..], server);
            at += sizeof(uint);
        }

        return at;
    }

    /// <summary>RFC 3396 7: what is longer than 255 octets goes into several options of the same code.</summary>
    private static void Add(Span<byte> message, ref int at, byte code, ReadOnlySpan<byte> value)
    {
        while (!value.IsEmpty)
        {
            var piece = value[..Math.Min(value.Length, byte.MaxValue)];
            message[at++] = code;
            message[at++] = (byte)piece.Length;
            piece.CopyTo(message[at..]);
            at += piece.Length;
            value = value[piece.Length..];
        }
    }

    private static int WithHeaders(int length) => length + (2 * ((length + byte.MaxValue - 1) / byte.MaxValue));

    private static void WriteHeaders(Span<byte> packet, uint source, uint destination)
    {
        packet[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        packet[8] = 64;
        packet[9] = IpPacket.Udp;
        BinaryPrimitives.WriteUInt32BigEndian(packet[12..], source);
        BinaryPrimitives.WriteUInt32BigEndian(packet[16..], destination);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Compute(packet[..IpPacket.MinimumIPv4]));
        var udp = packet[IpPacket.MinimumIPv4..];
        BinaryPrimitives.WriteUInt16BigEndian(udp, ServerPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], ClientPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        var checksum = InternetChecksum.Compute(udp, InternetChecksum.PseudoHeader(packet, ipv6: false, udp.Length, IpPacket.Udp));
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], checksum == 0 ? ushort.MaxValue : checksum);
    }
}
