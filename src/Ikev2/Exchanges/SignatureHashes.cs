using System.Buffers.Binary;

namespace Headend.Ikev2.Exchanges;

/// <summary>SIGNATURE_HASH_ALGORITHMS: RFC 7427 4. A list of 16-bit numbers: SHA2-256 = 2, SHA2-384 = 3, SHA2-512 = 4; Identity = 5 (RFC 8420) is for Ed25519. SHA-1 = 1 is neither sent nor accepted.</summary>
internal static class SignatureHashes
{
    public static ReadOnlyMemory<byte> Supported { get; } = new byte[] { 0, 2, 0, 3, 0, 4, 0, 5 };

    public static IReadOnlyList<ushort> Read(ReadOnlySpan<byte> value)
    {
        var hashes = new List<ushort>();
        for (; value.Length >= 2 && hashes.Count < 16; value = value[2..])
            hashes.Add(BinaryPrimitives.ReadUInt16BigEndian(value));
        return hashes;
    }
}
