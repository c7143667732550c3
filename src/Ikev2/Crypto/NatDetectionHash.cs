using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>Contents of NAT_DETECTION_SOURCE_IP and NAT_DETECTION_DESTINATION_IP (RFC 7296 2.23).</summary>
public static class NatDetectionHash
{
    public const int Octets = SHA1.HashSizeInBytes;

    private const int LongestAddress = 16;

    /// <summary>SHA-1 over SPIi, SPIr, address and port. An IPv4 address mapped into IPv6 counts as IPv4.</summary>
    /// <param name="initiator">SPI of the initiator.</param>
    /// <param name="responder">SPI of the responder as in the message's header, zero in the first request.</param>
    /// <param name="endPoint">Address and UDP port.</param>
    public static byte[] Compute(IkeSpi initiator, IkeSpi responder, IPEndPoint endPoint)
    {
        Span<byte> octets = stackalloc byte[(2 * sizeof(ulong)) + LongestAddress + sizeof(ushort)];
        BinaryPrimitives.WriteUInt64BigEndian(octets, initiator.Value);
        BinaryPrimitives.WriteUInt64BigEndian(octets[8..], responder.Value);
        var address = endPoint.Address.IsIPv4MappedToIPv6 ? endPoint.Address.MapToIPv4() : endPoint.Address;
        address.TryWriteBytes(octets[16..], out var written);
        BinaryPrimitives.WriteUInt16BigEndian(octets[(16 + written)..], (ushort)endPoint.Port);
        return SHA1.HashData(octets[..(18 + written)]);
    }
}
