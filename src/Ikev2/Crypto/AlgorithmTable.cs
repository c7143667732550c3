using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Ids = Headend.Ikev2.Wire.TransformIds.Encryption;

namespace Headend.Ikev2.Crypto;

/// <summary>Every algorithm this headend can negotiate; one line each. The order has no meaning.</summary>
public static class AlgorithmTable
{
    public static IReadOnlyList<EncryptionAlgorithm> Encryption { get; } =
    [
        new(Ids.AesGcm16, 256, "aes256gcm16", IsAead: true, KeyOctets: 32, SaltOctets: 4, IvOctets: 8, IcvOctets: 16, BlockOctets: 1), // RFC 4106, 5282
        new(Ids.AesGcm16, 192, "aes192gcm16", IsAead: true, KeyOctets: 24, SaltOctets: 4, IvOctets: 8, IcvOctets: 16, BlockOctets: 1),
        new(Ids.AesGcm16, 128, "aes128gcm16", IsAead: true, KeyOctets: 16, SaltOctets: 4, IvOctets: 8, IcvOctets: 16, BlockOctets: 1),
        // RFC 7634 2: no Key Length attribute, as the key has one length.
        new(Ids.ChaCha20Poly1305, 0, "chacha20poly1305", IsAead: true, KeyOctets: 32, SaltOctets: 4, IvOctets: 8, IcvOctets: 16, BlockOctets: 1),
        new(Ids.AesCbc, 256, "aes256", IsAead: false, KeyOctets: 32, SaltOctets: 0, IvOctets: 16, IcvOctets: 0, BlockOctets: 16), // RFC 3602
        new(Ids.AesCbc, 192, "aes192", IsAead: false, KeyOctets: 24, SaltOctets: 0, IvOctets: 16, IcvOctets: 0, BlockOctets: 16),
        new(Ids.AesCbc, 128, "aes128", IsAead: false, KeyOctets: 16, SaltOctets: 0, IvOctets: 16, IcvOctets: 0, BlockOctets: 16),
    ];

    public static IReadOnlyList<IntegrityAlgorithm> Integrity { get; } =
    [
        new(12, "sha256", KeyOctets: 32, IcvOctets: 16, HashAlgorithmName.SHA256), // RFC 4868
        new(13, "sha384", KeyOctets: 48, IcvOctets: 24, HashAlgorithmName.SHA384),
        new(14, "sha512", KeyOctets: 64, IcvOctets: 32, HashAlgorithmName.SHA512),
    ];

    public static IReadOnlyList<PrfAlgorithm> Prf { get; } =
    [
        new(5, "prfsha256", KeyOctets: 32, HashAlgorithmName.SHA256), // RFC 4868
        new(6, "prfsha384", KeyOctets: 48, HashAlgorithmName.SHA384),
        new(7, "prfsha512", KeyOctets: 64, HashAlgorithmName.SHA512),
    ];

    public static IReadOnlyList<KeyExchangeMethod> KeyExchange { get; } =
    [
        new(14, "modp2048", KeyExchangeFamily.Modp, "modp_2048", PublicOctets: 256, SecretOctets: 256), // RFC 3526
        new(15, "modp3072", KeyExchangeFamily.Modp, "modp_3072", PublicOctets: 384, SecretOctets: 384),
        new(16, "modp4096", KeyExchangeFamily.Modp, "modp_4096", PublicOctets: 512, SecretOctets: 512),
        new(19, "ecp256", KeyExchangeFamily.Ecp, "prime256v1", PublicOctets: 64, SecretOctets: 32), // RFC 5903
        new(20, "ecp384", KeyExchangeFamily.Ecp, "secp384r1", PublicOctets: 96, SecretOctets: 48),
        new(21, "ecp521", KeyExchangeFamily.Ecp, "secp521r1", PublicOctets: 132, SecretOctets: 66),
        new(31, "x25519", KeyExchangeFamily.Montgomery, "X25519", PublicOctets: 32, SecretOctets: 32, Alias: "curve25519"), // RFC 8031
    ];

    /// <summary>Finds an encryption algorithm by identifier and Key Length attribute (0 = attribute absent).</summary>
    public static bool TryFindEncryption(ushort id, ushort keyBits, [NotNullWhen(true)] out EncryptionAlgorithm? algorithm) =>
        TryFind(Encryption, a => a.Id == id && a.KeyBits == keyBits, out algorithm);

    public static bool TryFindEncryption(string keyword, [NotNullWhen(true)] out EncryptionAlgorithm? algorithm) =>
        TryFind(Encryption, a => Same(a.Keyword, keyword), out algorithm);

    public static bool TryFindIntegrity(ushort id, [NotNullWhen(true)] out IntegrityAlgorithm? algorithm) =>
        TryFind(Integrity, a => a.Id == id, out algorithm);

    public static bool TryFindIntegrity(string keyword, [NotNullWhen(true)] out IntegrityAlgorithm? algorithm) =>
        TryFind(Integrity, a => Same(a.Keyword, keyword), out algorithm);

    public static bool TryFindPrf(ushort id, [NotNullWhen(true)] out PrfAlgorithm? algorithm) =>
        TryFind(Prf, a => a.Id == id, out algorithm);

    public static bool TryFindPrf(string keyword, [NotNullWhen(true)] out PrfAlgorithm? algorithm) =>
        TryFind(Prf, a => Same(a.Keyword, keyword), out algorithm);

    public static bool TryFindKeyExchange(ushort id, [NotNullWhen(true)] out KeyExchangeMethod? method) =>
        TryFind(KeyExchange, m => m.Id == id, out method);

    public static bool TryFindKeyExchange(string keyword, [NotNullWhen(true)] out KeyExchangeMethod? method) =>
        TryFind(KeyExchange, m => Same(m.Keyword, keyword) || (m.Alias is { } alias && Same(alias, keyword)), out method);

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

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
