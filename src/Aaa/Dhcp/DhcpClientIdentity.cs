using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Headend.Aaa.Dhcp;

/// <summary>
/// How a DHCP server knows one session of a user. The same for the same user's n-th session through the same relay address, also after a restart, so that the server gives
/// the same address again and never one address to two sessions that stand.
/// </summary>
/// <param name="Identifier">Option 61: type 255, IAID and DUID (RFC 4361 6.1).</param>
/// <param name="HardwareAddress">chaddr: six octets, locally administered, for servers and their logs that go by it.</param>
public sealed record DhcpClientIdentity(ReadOnlyMemory<byte> Identifier, ReadOnlyMemory<byte> HardwareAddress)
{
    public const int HardwareAddressLength = 6;

    private const byte NodeSpecific = 255;
    private const ushort DuidUuid = 4;
    private const int HashOffset = 7;

    /// <param name="user">The authenticated identity.</param>
    /// <param name="relay">giaddr. Two headends behind one server have two, so that a user who is at both has two addresses.</param>
    /// <param name="slot">0 for a user's only session, then the lowest that is free: the IAID.</param>
    public static DhcpClientIdentity Derive(string user, IPAddress relay, uint slot)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData([.. "headend dhcp\0"u8, .. relay.GetAddressBytes(), .. Encoding.UTF8.GetBytes(user)], hash);
        // RFC 6355 4: DUID-UUID; RFC 9562 5.8: version 8, a UUID of one's own making.
        hash[6] = (byte)((hash[6] & 0x0F) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        var identifier = new byte[HashOffset + 16];
        identifier[0] = NodeSpecific;
        BinaryPrimitives.WriteUInt32BigEndian(identifier.AsSpan(1), slot);
        BinaryPrimitives.WriteUInt16BigEndian(identifier.AsSpan(5), DuidUuid);
        hash[..16].CopyTo(identifier.AsSpan(HashOffset));
        SHA256.HashData(identifier, hash);
        var hardware = hash[..HardwareAddressLength].ToArray();
        hardware[0] = (byte)((hardware[0] & 0xFC) | 0x02);
        return new DhcpClientIdentity(identifier, hardware);
    }

    /// <summary>The identifier as servers print it.</summary>
    public override string ToString() => string.Join(':', Identifier.ToArray().Select(static octet => octet.ToString("x2")));
}
