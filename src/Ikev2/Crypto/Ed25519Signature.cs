using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Headend.Ikev2.Crypto;

/// <summary>Ed25519 by method 14 (RFC 8420), which .NET does not offer; libcrypto does.</summary>
internal static class Ed25519Signature
{
    /// <summary>"Identity" in SIGNATURE_HASH_ALGORITHMS (RFC 8420 2): the octets are not hashed first.</summary>
    public const ushort IdentityHash = 5;

    private const string Oid = "1.3.101.112";
    private const int KeyOctets = 32;
    private const int SignatureOctets = 64;

    /// <summary>SEQUENCE { id-Ed25519 } (RFC 8410 3: parameters MUST be absent).</summary>
    private static ReadOnlySpan<byte> AlgorithmIdentifier => [0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

    /// <summary>The raw public key of a certificate; false where it is of another kind.</summary>
    public static bool TryReadKey(X509Certificate2 certificate, [NotNullWhen(true)] out byte[]? key)
    {
        key = null;
        if (certificate.PublicKey.Oid.Value == Oid && certificate.PublicKey.EncodedKeyValue.RawData is { Length: KeyOctets } raw)
            key = raw;
        return key is not null;
    }

    /// <summary>Null when Authentication Data of method 14 is by this key, else why not.</summary>
    public static string? Verify(ReadOnlySpan<byte> authValue, ReadOnlySpan<byte> key, ReadOnlySpan<byte> octets, IReadOnlySet<ushort> acceptedHashes)
    {
        if (!acceptedHashes.Contains(IdentityHash))
            return "the signature is by Ed25519, which was not offered";
        if (authValue.Length < 1 || authValue[0] != AlgorithmIdentifier.Length || !authValue[1..].StartsWith(AlgorithmIdentifier))
            return "the signature's algorithm does not fit the certificate's key";
        return IsBy(key, octets, authValue[(1 + AlgorithmIdentifier.Length)..]) ? null : "the signature does not verify";
    }

    private static bool IsBy(ReadOnlySpan<byte> key, ReadOnlySpan<byte> octets, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != SignatureOctets)
            return false;
        using var handle = new PkeyHandle(LibCrypto.EVP_PKEY_new_raw_public_key_ex(0, "ED25519", 0, key, (nuint)key.Length));
        if (handle.IsInvalid)
            return Failed();
        var context = LibCrypto.EVP_MD_CTX_new();
        if (context == 0)
            throw new CryptographicException("libcrypto has no memory for a digest context");
        try
        {
            return (LibCrypto.EVP_DigestVerifyInit(context, 0, 0, 0, handle) == 1
                && LibCrypto.EVP_DigestVerify(context, signature, (nuint)signature.Length, octets, (nuint)octets.Length) == 1) || Failed();
        }
        finally
        {
            LibCrypto.EVP_MD_CTX_free(context);
        }
    }

    // What libcrypto says about a stranger's signature must not be found by the next call on this thread.
    private static bool Failed()
    {
        LibCrypto.ERR_clear_error();
        return false;
    }
}
