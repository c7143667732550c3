using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>An address and port as a value, so that the packet path compares and copies it without allocation.</summary>
/// <param name="Address">128 bits in network order; IPv4 as ::ffff:a.b.c.d.</param>
/// <param name="Port">UDP port; 0 for plain ESP.</param>
/// <param name="ScopeId">Interface index of an IPv6 link-local address, otherwise 0.</param>
public readonly record struct TransportAddress(UInt128 Address, ushort Port, uint ScopeId = 0)
{
    private static readonly UInt128 MappedPrefix = (UInt128)0xffff << 32;

    public bool IsIPv4 => Address >> 32 == 0xffff;

    /// <summary>0.0.0.0 or ::.</summary>
    public bool IsUnspecified => Address == UInt128.Zero || Address == MappedPrefix;

    public static TransportAddress FromIPv4(uint address, ushort port) => new(MappedPrefix | address, port);

    public static TransportAddress From(IPEndPoint endPoint) => From(endPoint.Address, (ushort)endPoint.Port);

    public static TransportAddress From(IPAddress address, ushort port) =>
        new(ToBits(address), port, address.AddressFamily == AddressFamily.InterNetworkV6 ? (uint)address.ScopeId : 0);

    /// <summary>The address as a number that orders like the address; IPv4 is mapped into IPv6.</summary>
    public static UInt128 ToBits(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4 ? MappedPrefix | BinaryPrimitives.ReadUInt32BigEndian(bytes) : BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, Address);
        return IsIPv4 ? new IPAddress(bytes[12..]) : new IPAddress(bytes, ScopeId);
    }

    public IPEndPoint ToIPEndPoint() => new(ToIPAddress(), Port);

    public override string ToString() => ToIPEndPoint().ToString();
}
