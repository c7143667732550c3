using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The algorithms of ESP: every AEAD, and every cipher with every MAC. Adding one is a line here, as long as its construction exists.</summary>
public static class EspAlgorithmTable
{
    private const ushort TripleDes = 3;
    private const ushort AesCbc = 12;
    private const ushort AesCtr = 13;
    private const ushort AesCcm8 = 14;
    private const ushort AesCcm12 = 15;
    private const ushort AesCcm16 = 16;
    private const ushort AesGcm8 = 18;
    private const ushort AesGcm12 = 19;
    private const ushort AesGcm16 = 20;
    private const ushort NullAesGmac = 21;
    private const ushort ChaCha20Poly1305 = 28;

    private static readonly int[] AesKeys = [128, 192, 256];

    /// <summary>Integrity transforms: name, IANA id, function, octets of key and ICV.</summary>
    private static readonly (string Name, ushort Id, EspMacFunction Function, int Key, int Icv)[] Macs =
    [
        ("sha256", 12, EspMacFunction.HmacSha256, 32, 16), // RFC 4868 2.3: "the output is truncated to half"; the key is as long as the hash.
        ("sha384", 13, EspMacFunction.HmacSha384, 48, 24),
        ("sha512", 14, EspMacFunction.HmacSha512, 64, 32),
        ("sha1", 2, EspMacFunction.HmacSha1, 20, 12), // RFC 2404
        ("aesxcbc", 5, EspMacFunction.AesXcbc, 16, 12), // RFC 3566
        ("aescmac", 8, EspMacFunction.AesCmac, 16, 12), // RFC 4494
        ("md5", 1, EspMacFunction.HmacMd5, 16, 12), // RFC 2403
    ];

    public static ImmutableArray<EspAlgorithm> Rows { get; } =
    [
        .. AesKeys.SelectMany(bits => new[]
        {
            Aead($"aes{bits}gcm16", AesGcm16, bits, $"AES-{bits}-GCM", icv: 16),
            Aead($"aes{bits}gcm12", AesGcm12, bits, $"AES-{bits}-GCM", icv: 12),
            Aead($"aes{bits}gcm8", AesGcm8, bits, $"AES-{bits}-GCM", icv: 8),
            Aead($"aes{bits}ccm16", AesCcm16, bits, $"AES-{bits}-CCM", icv: 16, EspConstruction.Ccm, salt: 3),
            Aead($"aes{bits}ccm12", AesCcm12, bits, $"AES-{bits}-CCM", icv: 12, EspConstruction.Ccm, salt: 3),
            Aead($"aes{bits}ccm8", AesCcm8, bits, $"AES-{bits}-CCM", icv: 8, EspConstruction.Ccm, salt: 3),
            Aead($"aes{bits}gmac", NullAesGmac, bits, $"AES-{bits}-GCM", icv: 16, EspConstruction.Gmac),
        }),
        Aead("chacha20poly1305", ChaCha20Poly1305, keyBits: 256, "ChaCha20-Poly1305", icv: 16) with { KeyBits = 0 },
        .. AesKeys.SelectMany(bits => WithMacs($"aes{bits}", AesCbc, bits, $"AES-{bits}-CBC", EspConstruction.CbcThenMac, iv: 16)),
        .. AesKeys.SelectMany(bits => WithMacs($"aes{bits}ctr", AesCtr, bits, $"AES-{bits}-CTR", EspConstruction.CtrThenMac, iv: 8)),
        .. WithMacs("3des", TripleDes, keyBits: 192, "DES-EDE3-CBC", EspConstruction.CbcThenMac, iv: 8).Select(row => row with { KeyBits = 0 }),
    ];

    /// <summary>Finds the row of a negotiated combination.</summary>
    /// <param name="encryptionId">IANA transform type 1.</param>
    /// <param name="keyBits">Key Length attribute; 0 where the transform has none (ChaCha20-Poly1305, 3DES).</param>
    /// <param name="integrityId">IANA transform type 3, 0 for none.</param>
    /// <param name="algorithm">The row.</param>
    public static bool TryFind(ushort encryptionId, int keyBits, ushort integrityId, [NotNullWhen(true)] out EspAlgorithm? algorithm)
    {
        foreach (var row in Rows)
        {
            if (row.EncryptionId == encryptionId && row.IntegrityId == integrityId && row.KeyBits == keyBits)
            {
                algorithm = row;
                return true;
            }
        }

        algorithm = null;
        return false;
    }

    private static EspAlgorithm Aead(
        string name, ushort id, int keyBits, string cipher, int icv, EspConstruction construction = EspConstruction.Aead, int salt = 4) => new()
        {
            Name = name,
            EncryptionId = id,
            KeyBits = keyBits,
            IntegrityId = 0,
            EncryptionKeyLength = (keyBits / 8) + salt,
            SaltLength = salt,
            IvLength = 8,
            IcvLength = icv,
            BlockLength = 4,
            Construction = construction,
            CipherName = cipher,
        };

    private static IEnumerable<EspAlgorithm> WithMacs(string name, ushort id, int keyBits, string cipher, EspConstruction construction, int iv)
    {
        var salt = construction == EspConstruction.CtrThenMac ? 4 : 0;
        return Macs.Select(mac => new EspAlgorithm
        {
            Name = $"{name}-{mac.Name}",
            EncryptionId = id,
            KeyBits = keyBits,
            IntegrityId = mac.Id,
            EncryptionKeyLength = (keyBits / 8) + salt,
            SaltLength = salt,
            IntegrityKeyLength = mac.Key,
            IvLength = iv,
            IcvLength = mac.Icv,
            BlockLength = construction == EspConstruction.CtrThenMac ? 4 : iv,
            Construction = construction,
            CipherName = cipher,
            Mac = mac.Function,
        });
    }
}
