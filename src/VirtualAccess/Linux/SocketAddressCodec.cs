using System.Buffers.Binary;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Linux;

/// <summary>sockaddr_in, sockaddr_in6 and the control messages that carry the local address and the traffic class (ip(7), ipv6(7)).</summary>
internal static class SocketAddressCodec
{
    public const int MaximumAddress = 28;

    /// <summary>Room for IPV6_PKTINFO, IPV6_TCLASS and UDP_SEGMENT: 40 + 24 + 24.</summary>
    public const int MaximumControl = 88;

    public const int SolIp = 0;
    public const int SolIpv6 = 41;
    private const int HeaderLength = 16;
    private const int SolUdp = 17;
    private const int IpTos = 1;
    private const int UdpSegment = 103;
    private const int UdpGro = 104;
    private const int IpPacketInformation = 8;
    private const int Ipv6PacketInformation = 50;
    private const int Ipv6TrafficClass = 67;
    private const ushort FamilyIPv4 = 2;
    private const ushort FamilyIPv6 = 10;

    /// <summary>Writes the sockaddr.</summary>
    /// <returns>Its length, 16 or 28.</returns>
    public static int Write(Span<byte> sockaddr, in TransportAddress address)
    {
        sockaddr[..MaximumAddress].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(sockaddr[2..], address.Port);
        if (address.IsIPv4)
        {
            BitConverter.TryWriteBytes(sockaddr, FamilyIPv4);
            BinaryPrimitives.WriteUInt32BigEndian(sockaddr[4..], (uint)address.Address);
            return 16;
        }

        BitConverter.TryWriteBytes(sockaddr, FamilyIPv6);
        BinaryPrimitives.WriteUInt128BigEndian(sockaddr[8..], address.Address);
        BitConverter.TryWriteBytes(sockaddr[24..], address.ScopeId);
        return 28;
    }

    public static bool TryRead(ReadOnlySpan<byte> sockaddr, out TransportAddress address)
    {
        address = default;
        if (sockaddr.Length < 16) return false;
        var family = BitConverter.ToUInt16(sockaddr);
        var port = BinaryPrimitives.ReadUInt16BigEndian(sockaddr[2..]);
        if (family == FamilyIPv4) address = TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(sockaddr[4..]), port);
        else if (family == FamilyIPv6 && sockaddr.Length >= MaximumAddress)
        {
            address = new TransportAddress(BinaryPrimitives.ReadUInt128BigEndian(sockaddr[8..]), port, BitConverter.ToUInt32(sockaddr[24..]));
        }
        else return false;
        return true;
    }

    /// <summary>Writes the control messages of a datagram: source address unless unspecified, and DSCP unless zero.</summary>
    /// <param name="control">At least <see cref="MaximumControl"/> octets.</param>
    /// <param name="local">Source address.</param>
    /// <param name="trafficClass">TOS or traffic class octet.</param>
    /// <returns>Length, 0 when none is needed.</returns>
    public static int WriteControl(Span<byte> control, in TransportAddress local, byte trafficClass)
    {
        var length = 0;
        if (local.IsIPv4)
        {
            if (!local.IsUnspecified)
            {
                var body = Start(control, ref length, 12, SolIp, IpPacketInformation);
                BinaryPrimitives.WriteUInt32BigEndian(body[4..], (uint)local.Address);
            }

            if (trafficClass != 0) BitConverter.TryWriteBytes(Start(control, ref length, 4, SolIp, IpTos), (int)trafficClass);
            return length;
        }

        if (!local.IsUnspecified)
        {
            var body = Start(control, ref length, 20, SolIpv6, Ipv6PacketInformation);
            BinaryPrimitives.WriteUInt128BigEndian(body, local.Address);
            BitConverter.TryWriteBytes(body[16..], local.ScopeId);
        }

        if (trafficClass != 0) BitConverter.TryWriteBytes(Start(control, ref length, 4, SolIpv6, Ipv6TrafficClass), (int)trafficClass);
        return length;
    }

    /// <summary>Asks the kernel to cut the message into datagrams of this many octets (UDP_SEGMENT).</summary>
    /// <returns>Length of the control message.</returns>
    public static int WriteSegmentSize(Span<byte> control, ushort octets)
    {
        var length = 0;
        BitConverter.TryWriteBytes(Start(control, ref length, 2, SolUdp, UdpSegment), octets);
        return length;
    }

    /// <summary>What the kernel tells of a read beside the addresses.</summary>
    /// <param name="control">Its control messages.</param>
    /// <param name="trafficClass">TOS or traffic class octet (IP_RECVTOS, IPV6_RECVTCLASS); datagrams that differ in it are not joined.</param>
    /// <returns>Octets of each datagram in a read of several that the kernel joined (UDP_GRO), 0 when it joined none.</returns>
    public static int ReadSegmentSize(ReadOnlySpan<byte> control, out byte trafficClass)
    {
        trafficClass = 0;
        var size = 0;
        while (TryNext(ref control, out var level, out var type, out var body))
        {
            if (level == SolUdp && type == UdpGro && body.Length >= sizeof(int)) size = BitConverter.ToInt32(body);
            else if (level == SolIp && type == IpTos && body.Length > 0) trafficClass = body[0];
            else if (level == SolIpv6 && type == Ipv6TrafficClass && body.Length >= sizeof(int)) trafficClass = (byte)BitConverter.ToInt32(body);
        }

        return size;
    }

    /// <summary>Finds the destination address of a received datagram.</summary>
    public static bool TryReadLocal(ReadOnlySpan<byte> control, ushort port, out TransportAddress local)
    {
        while (TryNext(ref control, out var level, out var type, out var body))
        {
            if (level == SolIp && type == IpPacketInformation && body.Length >= 12)
            {
                local = TransportAddress.FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(body[8..]), port);
                return true;
            }

            if (level == SolIpv6 && type == Ipv6PacketInformation && body.Length >= 20)
            {
                var bits = BinaryPrimitives.ReadUInt128BigEndian(body);
                var linkLocal = (ushort)(bits >> 112) is >= 0xfe80 and <= 0xfebf;
                local = new TransportAddress(bits, port, linkLocal ? BitConverter.ToUInt32(body[16..]) : 0);
                return true;
            }
        }

        local = default;
        return false;
    }

    /// <summary>Takes the next control message off the front.</summary>
    public static bool TryNext(ref ReadOnlySpan<byte> control, out int level, out int type, out ReadOnlySpan<byte> body)
    {
        level = type = 0;
        body = default;
        if (control.Length < HeaderLength) return false;
        var length = (int)BitConverter.ToUInt64(control);
        if (length < HeaderLength || length > control.Length) return false;
        level = BitConverter.ToInt32(control[8..]);
        type = BitConverter.ToInt32(control[12..]);
        body = control[HeaderLength..length];
        control = control[Math.Min(control.Length, (length + 7) & ~7)..];
        return true;
    }

    private static Span<byte> Start(Span<byte> control, ref int offset, int bodyLength, int level, int type)
    {
        var space = HeaderLength + ((bodyLength + 7) & ~7);
        var record = control.Slice(offset, space);
        record.Clear();
        BitConverter.TryWriteBytes(record, (ulong)(HeaderLength + bodyLength));
        BitConverter.TryWriteBytes(record[8..], level);
        BitConverter.TryWriteBytes(record[12..], type);
        offset += space;
        return record.Slice(HeaderLength, bodyLength);
    }
}
