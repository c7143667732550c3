using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Headend.Eap.Methods;

/// <summary>
/// MD4 (RFC 1320), needed for NtPasswordHash and nothing else. Own code because .NET has no MD4 and OpenSSL 3 keeps it in the
/// legacy provider.
/// </summary>
internal static class Md4
{
    public const int HashLength = 16;
    private const int BlockLength = 64;

    public static void Hash(ReadOnlySpan<byte> message, Span<byte> hash)
    {
        Span<uint> state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
        var rest = message;
        for (; rest.Length >= BlockLength; rest = rest[BlockLength..])
            Compress(state, rest);

        // RFC 1320 3.1, 3.2: one 1 bit, zeros, and the length in bits as 64 bits, low-order first.
        Span<byte> tail = stackalloc byte[2 * BlockLength];
        tail.Clear();
        rest.CopyTo(tail);
        tail[rest.Length] = 0x80;
        tail = tail[..(rest.Length < BlockLength - 8 ? BlockLength : 2 * BlockLength)];
        BinaryPrimitives.WriteUInt64LittleEndian(tail[^8..], (ulong)message.Length * 8);
        for (ReadOnlySpan<byte> block = tail; block.Length > 0; block = block[BlockLength..])
            Compress(state, block);

        for (var i = 0; i < state.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(hash[(4 * i)..], state[i]);
        CryptographicOperations.ZeroMemory(tail);
    }

    private static void Compress(Span<uint> state, ReadOnlySpan<byte> block)
    {
        Span<uint> x = stackalloc uint[16];
        for (var i = 0; i < x.Length; i++)
            x[i] = BinaryPrimitives.ReadUInt32LittleEndian(block[(4 * i)..]);

        var (a, b, c, d) = (state[0], state[1], state[2], state[3]);
        ReadOnlySpan<byte> shifts = [3, 7, 11, 19, 3, 5, 9, 13, 3, 9, 11, 15];
        ReadOnlySpan<byte> thirdOrder = [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15];
        for (var step = 0; step < 48; step++)
        {
            var i = step & 15;
            var sum = (step >> 4) switch
            {
                0 => a + ((b & c) | (~b & d)) + x[i],
                1 => a + ((b & c) | (b & d) | (c & d)) + x[((i & 3) << 2) | (i >> 2)] + 0x5a827999,
                _ => a + (b ^ c ^ d) + x[thirdOrder[i]] + 0x6ed9eba1,
            };
            (a, b, c, d) = (d, BitOperations.RotateLeft(sum, shifts[((step >> 4) << 2) | (step & 3)]), b, c);
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        x.Clear();
    }
}
