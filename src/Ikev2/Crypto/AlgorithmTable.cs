using System.Diagnostics.CodeAnalysis;
using Ids = Headend.Ikev2.Wire.TransformIds.Encryption;

namespace Headend.Ikev2.Crypto;

/// <summary>Every algorithm this headend can negotiate; one line each. The order has no meaning.</summary>
public static class AlgorithmTable
{
    private const string Modp768 =
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
        + "4FE1356D6D51C245E485B576625E7EC6F44C42E9A63A3620FFFFFFFFFFFFFFFF";

    private const string Modp1024 =
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
        + "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF";

    private static readonly int[] s_aesKeys = [256, 192, 128];

    public static IReadOnlyList<EncryptionAlgorithm> Encryption { get; } =
    [
        .. Gcm(Ids.AesGcm16, icvOctets: 16),
        .. Gcm(Ids.AesGcm12, icvOctets: 12),
        .. Gcm(Ids.AesGcm8, icvOctets: 8),
        .. Ccm(Ids.AesCcm16, icvOctets: 16),
        .. Ccm(Ids.AesCcm12, icvOctets: 12),
        .. Ccm(Ids.AesCcm8, icvOctets: 8),
        // RFC 7634 2: no Key Length attribute, as the key has one length.
        new(Ids.ChaCha20Poly1305, 0, "chacha20poly1305", EncryptionMode.Aead, "ChaCha20-Poly1305", KeyOctets: 32, SaltOctets: 4, IvOctets: 8, IcvOctets: 16, BlockOctets: 1),
        .. s_aesKeys.Select(bits => new EncryptionAlgorithm( // RFC 3602
            Ids.AesCbc, (ushort)bits, $"aes{bits}", EncryptionMode.Cbc, $"AES-{bits}-CBC", bits / 8, SaltOctets: 0, IvOctets: 16, IcvOctets: 0, BlockOctets: 16)),
        .. s_aesKeys.Select(bits => new EncryptionAlgorithm( // RFC 3686, 5930
            Ids.AesCtr, (ushort)bits, $"aes{bits}ctr", EncryptionMode.Ctr, $"AES-{bits}-CTR", bits / 8, SaltOctets: 4, IvOctets: 8, IcvOctets: 0, BlockOctets: 1)),
        // RFC 2451 2.2: three keys of 64 bits each, no Key Length attribute.
        new(Ids.TripleDes, 0, "3des", EncryptionMode.Cbc, "DES-EDE3-CBC", KeyOctets: 24, SaltOctets: 0, IvOctets: 8, IcvOctets: 0, BlockOctets: 8) { IsLegacy = true },
        .. s_aesKeys.Select(bits => new EncryptionAlgorithm( // RFC 4543: authenticates, does not encrypt
            Ids.NullAesGmac, (ushort)bits, $"aes{bits}gmac", EncryptionMode.Aead, $"AES-{bits}-GCM", bits / 8, SaltOctets: 4, IvOctets: 8, IcvOctets: 16, BlockOctets: 1) { IsEspOnly = true }),
    ];

    public static IReadOnlyList<IntegrityAlgorithm> Integrity { get; } =
    [
        new(12, "sha256", KeyOctets: 32, IcvOctets: 16, MacFunction.HmacSha256) { Alias = "sha2_256" }, // RFC 4868
        new(13, "sha384", KeyOctets: 48, IcvOctets: 24, MacFunction.HmacSha384) { Alias = "sha2_384" },
        new(14, "sha512", KeyOctets: 64, IcvOctets: 32, MacFunction.HmacSha512) { Alias = "sha2_512" },
        new(2, "sha1", KeyOctets: 20, IcvOctets: 12, MacFunction.HmacSha1) { Alias = "sha" }, // RFC 2404
        new(5, "aesxcbc", KeyOctets: 16, IcvOctets: 12, MacFunction.AesXcbc), // RFC 3566
        new(8, "aescmac", KeyOctets: 16, IcvOctets: 12, MacFunction.AesCmac), // RFC 4494
        new(1, "md5", KeyOctets: 16, IcvOctets: 12, MacFunction.HmacMd5) { IsLegacy = true }, // RFC 2403
    ];

    public static IReadOnlyList<PrfAlgorithm> Prf { get; } =
    [
        new(5, "prfsha256", KeyOctets: 32, MacFunction.HmacSha256), // RFC 4868
        new(6, "prfsha384", KeyOctets: 48, MacFunction.HmacSha384),
        new(7, "prfsha512", KeyOctets: 64, MacFunction.HmacSha512),
        new(2, "prfsha1", KeyOctets: 20, MacFunction.HmacSha1), // RFC 2104
        new(4, "prfaesxcbc", KeyOctets: 16, MacFunction.AesXcbc) { SeedNonceOctets = 8 }, // RFC 4434
        new(8, "prfaescmac", KeyOctets: 16, MacFunction.AesCmac) { SeedNonceOctets = 8 }, // RFC 4615
        new(1, "prfmd5", KeyOctets: 16, MacFunction.HmacMd5) { IsLegacy = true },
    ];

    public static IReadOnlyList<KeyExchangeMethod> KeyExchange { get; } =
    [
        new(14, "modp2048", KeyExchangeFamily.Modp, "modp_2048", PublicOctets: 256, SecretOctets: 256), // RFC 3526
        new(15, "modp3072", KeyExchangeFamily.Modp, "modp_3072", PublicOctets: 384, SecretOctets: 384),
        new(16, "modp4096", KeyExchangeFamily.Modp, "modp_4096", PublicOctets: 512, SecretOctets: 512),
        new(17, "modp6144", KeyExchangeFamily.Modp, "modp_6144", PublicOctets: 768, SecretOctets: 768),
        new(18, "modp8192", KeyExchangeFamily.Modp, "modp_8192", PublicOctets: 1024, SecretOctets: 1024),
        new(19, "ecp256", KeyExchangeFamily.Ecp, "prime256v1", PublicOctets: 64, SecretOctets: 32), // RFC 5903
        new(20, "ecp384", KeyExchangeFamily.Ecp, "secp384r1", PublicOctets: 96, SecretOctets: 48),
        new(21, "ecp521", KeyExchangeFamily.Ecp, "secp521r1", PublicOctets: 132, SecretOctets: 66),
        new(28, "ecp256bp", KeyExchangeFamily.Ecp, "brainpoolP256r1", PublicOctets: 64, SecretOctets: 32), // RFC 6954
        new(29, "ecp384bp", KeyExchangeFamily.Ecp, "brainpoolP384r1", PublicOctets: 96, SecretOctets: 48),
        new(30, "ecp512bp", KeyExchangeFamily.Ecp, "brainpoolP512r1", PublicOctets: 128, SecretOctets: 64),
        new(31, "x25519", KeyExchangeFamily.Montgomery, "X25519", PublicOctets: 32, SecretOctets: 32, Alias: "curve25519"), // RFC 8031
        new(32, "x448", KeyExchangeFamily.Montgomery, "X448", PublicOctets: 56, SecretOctets: 56, Alias: "curve448"),
        new(5, "modp1536", KeyExchangeFamily.Modp, "modp_1536", PublicOctets: 192, SecretOctets: 192) { IsLegacy = true }, // RFC 3526; RFC 8247 2.4: SHOULD NOT
        new(1, "modp768", KeyExchangeFamily.Modp, "", PublicOctets: 96, SecretOctets: 96) { IsLegacy = true, Prime = Convert.FromHexString(Modp768) }, // RFC 2409 6.1
        new(2, "modp1024", KeyExchangeFamily.Modp, "", PublicOctets: 128, SecretOctets: 128) { IsLegacy = true, Prime = Convert.FromHexString(Modp1024) }, // RFC 2409 6.2
        new(22, "modp1024s160", KeyExchangeFamily.Modp, "dh_1024_160", PublicOctets: 128, SecretOctets: 128) { IsLegacy = true, HasSmallSubgroups = true }, // RFC 5114
        new(23, "modp2048s224", KeyExchangeFamily.Modp, "dh_2048_224", PublicOctets: 256, SecretOctets: 256) { IsLegacy = true, HasSmallSubgroups = true },
        new(24, "modp2048s256", KeyExchangeFamily.Modp, "dh_2048_256", PublicOctets: 256, SecretOctets: 256) { IsLegacy = true, HasSmallSubgroups = true },
        new(25, "ecp192", KeyExchangeFamily.Ecp, "prime192v1", PublicOctets: 48, SecretOctets: 24) { IsLegacy = true },
        new(26, "ecp224", KeyExchangeFamily.Ecp, "secp224r1", PublicOctets: 56, SecretOctets: 28) { IsLegacy = true },
        new(27, "ecp224bp", KeyExchangeFamily.Ecp, "brainpoolP224r1", PublicOctets: 56, SecretOctets: 28) { IsLegacy = true }, // RFC 6954
    ];

    /// <summary>Finds an encryption algorithm by identifier and Key Length attribute (0 = attribute absent).</summary>
    public static bool TryFindEncryption(ushort id, ushort keyBits, [NotNullWhen(true)] out EncryptionAlgorithm? algorithm) =>
        TryFind(Encryption, a => a.Id == id && a.KeyBits == keyBits, out algorithm);

    public static bool TryFindEncryption(string keyword, [NotNullWhen(true)] out EncryptionAlgorithm? algorithm) =>
        TryFind(Encryption, a => Same(a.Keyword, keyword) || Same(a.Alias, keyword), out algorithm);

    public static bool TryFindIntegrity(ushort id, [NotNullWhen(true)] out IntegrityAlgorithm? algorithm) =>
        TryFind(Integrity, a => a.Id == id, out algorithm);

    public static bool TryFindIntegrity(string keyword, [NotNullWhen(true)] out IntegrityAlgorithm? algorithm) =>
        TryFind(Integrity, a => Same(a.Keyword, keyword) || Same(a.Alias, keyword), out algorithm);

    public static bool TryFindPrf(ushort id, [NotNullWhen(true)] out PrfAlgorithm? algorithm) =>
        TryFind(Prf, a => a.Id == id, out algorithm);

    public static bool TryFindPrf(string keyword, [NotNullWhen(true)] out PrfAlgorithm? algorithm) =>
        TryFind(Prf, a => Same(a.Keyword, keyword), out algorithm);

    public static bool TryFindKeyExchange(ushort id, [NotNullWhen(true)] out KeyExchangeMethod? method) =>
        TryFind(KeyExchange, m => m.Id == id, out method);

    public static bool TryFindKeyExchange(string keyword, [NotNullWhen(true)] out KeyExchangeMethod? method) =>
        TryFind(KeyExchange, m => Same(m.Keyword, keyword) || Same(m.Alias, keyword), out method);

    /// <summary>RFC 4106, 5282. The alias gives the length of the tag in bits, as swanctl.conf allows.</summary>
    private static IEnumerable<EncryptionAlgorithm> Gcm(ushort id, int icvOctets) => s_aesKeys.Select(bits => new EncryptionAlgorithm(
        id, (ushort)bits, $"aes{bits}gcm{icvOctets}", EncryptionMode.Aead, $"AES-{bits}-GCM", bits / 8, SaltOctets: 4, IvOctets: 8, icvOctets, BlockOctets: 1)
    { Alias = $"aes{bits}gcm{icvOctets * 8}" });

    /// <summary>RFC 4309, 5282.</summary>
    private static IEnumerable<EncryptionAlgorithm> Ccm(ushort id, int icvOctets) => s_aesKeys.Select(bits => new EncryptionAlgorithm(
        id, (ushort)bits, $"aes{bits}ccm{icvOctets}", EncryptionMode.Ccm, $"AES-{bits}-CCM", bits / 8, SaltOctets: 3, IvOctets: 8, icvOctets, BlockOctets: 1)
    { Alias = $"aes{bits}ccm{icvOctets * 8}" });

    private static bool Same(string? left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    private static bool TryFind<T>(IReadOnlyList<T> rows, Predicate<T> matches, [NotNullWhen(true)] out T? found)
        where T : class
    {
        foreach (var row in rows)
        {
            if (matches(row))
            {
                found = row;
                return true;
            }
        }

        found = null;
        return false;
    }
}
