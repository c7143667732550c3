using System.Collections.Concurrent;

namespace Headend.Ikev2.Crypto;

/// <summary>Ciphers of libcrypto, fetched once and kept for the life of the process.</summary>
internal static class FetchedCipher
{
    private static readonly ConcurrentDictionary<string, nint> s_ciphers = new(StringComparer.Ordinal);

    /// <summary>The EVP_CIPHER, 0 where the library lacks it.</summary>
    public static nint Of(string name) => s_ciphers.GetOrAdd(name, static n => LibCrypto.EVP_CIPHER_fetch(0, n, 0));
}
