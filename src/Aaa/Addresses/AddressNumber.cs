using System.Buffers.Binary;
using System.Net;

namespace Headend.Aaa.Addresses;

/// <summary>Addresses as numbers, for arithmetic.</summary>
internal static class AddressNumber
{
    /// <summary>32 or 128.</summary>
    public static int BitsOf(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        return address.TryWriteBytes(octets, out var length) ? length * 8 : 0;
    }

    public static UInt128 Of(IPAddress address)
    {
        Span<byte> octets = stackalloc byte[16];
        address.TryWriteBytes(octets, out var length);
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(octets) : BinaryPrimitives.ReadUInt128BigEndian(octets);
    }

    public static IPAddress ToAddress(UInt128 number, int bits)
    {
        Span<byte> octets = stackalloc byte[16];
        if (bits == 32)
        {
            BinaryPrimitives.WriteUInt32BigEndian(octets, (uint)number);
            return new IPAddress(octets[..4]);
        }
        BinaryPrimitives.WriteUInt128BigEndian(octets, number);
        return new IPAddress(octets);
    }
}
