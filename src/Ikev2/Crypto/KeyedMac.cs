using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>Makes MACs and PRFs under one key.</summary>
internal static class KeyedMac
{
    private const int AesKeyOctets = 16;

    /// <summary>A MAC; AES takes keys of 16 octets only.</summary>
    /// <exception cref="CryptographicException">libcrypto lacks the function.</exception>
    public static IPrf Create(MacFunction function, ReadOnlySpan<byte> key) =>
        function == MacFunction.AesXcbc ? new XcbcContext(key) : new MacContext(function, key);

    /// <summary>A PRF, which takes keys of any length.</summary>
    /// <exception cref="CryptographicException">libcrypto lacks the function.</exception>
    public static IPrf CreatePrf(MacFunction function, ReadOnlySpan<byte> key)
    {
        if (function is not (MacFunction.AesXcbc or MacFunction.AesCmac) || key.Length == AesKeyOctets)
            return Create(function, key);

        Span<byte> fitted = stackalloc byte[AesKeyOctets];
        fitted.Clear();
        // RFC 4434 2: shorter keys are "padded with zero bits"; longer ones are hashed with a key of zero. RFC 4615 3 hashes both.
        if (function == MacFunction.AesXcbc && key.Length < AesKeyOctets)
        {
            key.CopyTo(fitted);
        }
        else
        {
            using var hash = Create(function, fitted);
            hash.Compute(key, fitted);
        }

        var prf = Create(function, fitted);
        CryptographicOperations.ZeroMemory(fitted);
        return prf;
    }
}
