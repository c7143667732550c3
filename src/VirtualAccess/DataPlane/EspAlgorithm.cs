using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>How an ESP transform is computed.</summary>
internal enum EspConstruction
{
    /// <summary>An AEAD cipher with a 4-octet salt and an 8-octet explicit IV (RFC 4106, RFC 7634).</summary>
    Aead,

    /// <summary>A CBC cipher followed by an HMAC over the whole packet (RFC 3602, RFC 4868).</summary>
    CbcThenHmac,
}

/// <summary>One combination of encryption and integrity that the data plane computes.</summary>
public sealed record EspAlgorithm
{
    internal EspAlgorithm()
    {
    }

    /// <summary>Name as in logs and <c>show</c>.</summary>
    public required string Name { get; init; }

    /// <summary>IANA "Transform Type 1" id.</summary>
    public required ushort EncryptionId { get; init; }

    /// <summary>Cipher key length in bits without salt, as negotiated.</summary>
    public required int KeyBits { get; init; }

    /// <summary>IANA "Transform Type 3" id; 0 (NONE) for AEAD.</summary>
    public required ushort IntegrityId { get; init; }

    /// <summary>Octets of cipher keying material, salt included.</summary>
    public required int EncryptionKeyLength { get; init; }

    /// <summary>Octets of integrity keying material.</summary>
    public int IntegrityKeyLength { get; init; }

    public required int IvLength { get; init; }

    /// <summary>Octets of the integrity check value.</summary>
    public required int IcvLength { get; init; }

    /// <summary>Payload, padding and trailer together are a multiple of this many octets (RFC 4303 2.4: at least 4).</summary>
    public required int BlockLength { get; init; }

    internal EspConstruction Construction { get; init; }

    /// <summary>OpenSSL's name of the cipher.</summary>
    internal string CipherName { get; init; } = "";

    internal string HashName { get; init; } = "";

    /// <summary>Octets of ESP header, IV, smallest trailer and ICV, without padding.</summary>
    public int FixedOverhead => 8 + IvLength + 2 + IcvLength;

    public override string ToString() => Name;
}

/// <summary>The algorithms of ESP. Adding one is a line here, as long as its construction exists.</summary>
public static class EspAlgorithmTable
{
    private const ushort AesCbc = 12;
    private const ushort AesGcm16 = 20;
    private const ushort ChaCha20Poly1305 = 28;

    public static ImmutableArray<EspAlgorithm> Rows { get; } =
    [
        Aead("aes128gcm16", AesGcm16, 128, "AES-128-GCM"),
        Aead("aes192gcm16", AesGcm16, 192, "AES-192-GCM"),
        Aead("aes256gcm16", AesGcm16, 256, "AES-256-GCM"),
        Aead("chacha20poly1305", ChaCha20Poly1305, 256, "ChaCha20-Poly1305"),
        .. CbcWith("sha256", 12, "SHA256", keyLength: 32),
        .. CbcWith("sha384", 13, "SHA384", keyLength: 48),
        .. CbcWith("sha512", 14, "SHA512", keyLength: 64),
    ];

    /// <summary>Finds the row of a negotiated combination.</summary>
    /// <param name="encryptionId">IANA transform type 1.</param>
    /// <param name="keyBits">Key Length attribute; 0 where the transform has none (ChaCha20-Poly1305).</param>
    /// <param name="integrityId">IANA transform type 3, 0 for none.</param>
    /// <param name="algorithm">The row.</param>
    public static bool TryFind(ushort encryptionId, int keyBits, ushort integrityId, [NotNullWhen(true)] out EspAlgorithm? algorithm)
    {
        foreach (var row in Rows)
        {
            var sameKey = row.KeyBits == keyBits || (keyBits == 0 && encryptionId == ChaCha20Poly1305);
            if (row.EncryptionId == encryptionId && row.IntegrityId == integrityId && sameKey)
            {
                algorithm = row;
                return true;
            }
        }

        algorithm = null;
        return false;
    }

    private static EspAlgorithm Aead(string name, ushort id, int keyBits, string cipher) => new()
    {
        Name = name,
        EncryptionId = id,
        KeyBits = keyBits,
        IntegrityId = 0,
        EncryptionKeyLength = (keyBits / 8) + 4,
        IvLength = 8,
        IcvLength = 16,
        BlockLength = 4,
        Construction = EspConstruction.Aead,
        CipherName = cipher,
    };

    /// <summary>RFC 4868 2.3: "the output is truncated to half"; the key is as long as the hash.</summary>
    private static IEnumerable<EspAlgorithm> CbcWith(string hash, ushort integrityId, string hashName, int keyLength)
    {
        foreach (var bits in new[] { 128, 192, 256 })
        {
            yield return new EspAlgorithm
            {
                Name = $"aes{bits}-{hash}",
                EncryptionId = AesCbc,
                KeyBits = bits,
                IntegrityId = integrityId,
                EncryptionKeyLength = bits / 8,
                IntegrityKeyLength = keyLength,
                IvLength = 16,
                IcvLength = keyLength / 2,
                BlockLength = 16,
                Construction = EspConstruction.CbcThenHmac,
                CipherName = $"AES-{bits}-CBC",
                HashName = hashName,
            };
        }
    }
}
