using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Headend.Store;

/// <summary>
/// AES-256-GCM over one record: version (1 octet), nonce (12), tag (16), ciphertext. Kind, id and expiry are authenticated with it, so that no record is taken for another
/// one or lives longer. Nonces are random: a key lives from one start to the next that can change it, far below the 2^32 records that random nonces are good for.
/// </summary>
internal static class RecordSealing
{
    public const byte Version = 1;

    private const int NonceLength = 12;
    private const int TagLength = 16;
    private const int Overhead = 1 + NonceLength + TagLength;

    /// <returns>Octets appended to <paramref name="output"/>.</returns>
    public static int Seal(AesGcm cipher, string kind, string id, long? expiresAt, ReadOnlySpan<byte> content, IBufferWriter<byte> output)
    {
        var length = Overhead + content.Length;
        var sealedOctets = output.GetSpan(length)[..length];
        sealedOctets[0] = Version;
        var nonce = sealedOctets.Slice(1, NonceLength);
        RandomNumberGenerator.Fill(nonce);
        cipher.Encrypt(nonce, content, sealedOctets[Overhead..], sealedOctets.Slice(1 + NonceLength, TagLength), Bound(kind, id, expiresAt));
        output.Advance(length);
        return length;
    }

    /// <summary>False for another key, another version, and for what was changed.</summary>
    public static bool TryOpen(AesGcm cipher, string kind, string id, long? expiresAt, ReadOnlySpan<byte> sealedOctets, [NotNullWhen(true)] out byte[]? content)
    {
        content = null;
        if (sealedOctets.Length < Overhead || sealedOctets[0] != Version)
            return false;
        var plain = new byte[sealedOctets.Length - Overhead];
        try
        {
            cipher.Decrypt(sealedOctets.Slice(1, NonceLength), sealedOctets[Overhead..], sealedOctets.Slice(1 + NonceLength, TagLength), plain, Bound(kind, id, expiresAt));
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }

        content = plain;
        return true;
    }

    public static AesGcm CipherOf(byte[] key) => new(key, TagLength);

    // Lengths first: no two records have the same octets.
    private static byte[] Bound(string kind, string id, long? expiresAt)
    {
        var (k, i) = (Encoding.UTF8.GetBytes(kind), Encoding.UTF8.GetBytes(id));
        var bound = new byte[1 + 4 + k.Length + 4 + i.Length + 8];
        bound[0] = Version;
        BinaryPrimitives.WriteInt32BigEndian(bound.AsSpan(1), k.Length);
        k.CopyTo(bound, 5);
        BinaryPrimitives.WriteInt32BigEndian(bound.AsSpan(5 + k.Length), i.Length);
        i.CopyTo(bound, 9 + k.Length);
        BinaryPrimitives.WriteInt64BigEndian(bound.AsSpan(bound.Length - 8), expiresAt ?? -1);
        return bound;
    }
}
