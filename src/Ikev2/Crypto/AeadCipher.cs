using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// AES-GCM-16 and ChaCha20-Poly1305 in the SK payload (RFC 5282, RFC 7634). Nonce = salt, explicit IV. Through libcrypto, because the BCL's classes have no way to
/// refuse a message but an exception, and strangers send forged ones.
/// </summary>
internal sealed class AeadCipher : IMessageCipher
{
    private const int NonceOctets = 12;
    private const int GetTag = 0x10; // EVP_CTRL_AEAD_GET_TAG
    private const int SetTag = 0x11; // EVP_CTRL_AEAD_SET_TAG

    private readonly EncryptionAlgorithm _algorithm;
    private readonly CipherContextHandle _context;
    private readonly byte[] _salt;
    private ulong _nextIv;

    /// <exception cref="CryptographicException">libcrypto lacks the algorithm.</exception>
    public AeadCipher(EncryptionAlgorithm algorithm, ReadOnlySpan<byte> keyWithSalt)
    {
        if (keyWithSalt.Length != algorithm.KeyMaterialOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(keyWithSalt));

        _algorithm = algorithm;
        _salt = keyWithSalt[algorithm.KeyOctets..].ToArray();
        _context = new CipherContextHandle(LibCrypto.EVP_CIPHER_CTX_new());
        Require(LibCrypto.EVP_CipherInit_ex2(_context, CipherOf(algorithm), keyWithSalt[..algorithm.KeyOctets], default, 1, 0));
    }

    public int IvOctets => _algorithm.IvOctets;

    public int IcvOctets => _algorithm.IcvOctets;

    public int BlockOctets => _algorithm.BlockOctets;

    public void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv)
    {
        // RFC 5282 3.1: "the IV MUST be chosen by the encryptor in a manner that ensures that the same IV value is used only once for a given key"
        BinaryPrimitives.WriteUInt64BigEndian(iv, checked(_nextIv++));
        Start(iv, encrypt: 1);
        Require(LibCrypto.EVP_CipherUpdate(_context, default, out _, associatedData, associatedData.Length));
        if (!inPlace.IsEmpty)
            Require(LibCrypto.EVP_CipherUpdate(_context, inPlace, out _, inPlace, inPlace.Length));
        Require(LibCrypto.EVP_CipherFinal_ex(_context, default, out _));
        Require(LibCrypto.EVP_CIPHER_CTX_ctrl(_context, GetTag, icv.Length, icv));
    }

    public bool TryOpen(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, ReadOnlySpan<byte> icv)
    {
        if (iv.Length != IvOctets || icv.Length != IcvOctets)
            return false;

        Span<byte> tag = stackalloc byte[icv.Length];
        icv.CopyTo(tag);
        Start(iv, encrypt: 0);
        Require(LibCrypto.EVP_CIPHER_CTX_ctrl(_context, SetTag, tag.Length, tag));
        Require(LibCrypto.EVP_CipherUpdate(_context, default, out _, associatedData, associatedData.Length));
        if (!inPlace.IsEmpty)
            Require(LibCrypto.EVP_CipherUpdate(_context, inPlace, out _, inPlace, inPlace.Length));
        if (LibCrypto.EVP_CipherFinal_ex(_context, default, out _) == 1)
            return true;
        LibCrypto.ERR_clear_error();
        return false;
    }

    public void Dispose()
    {
        _context.Dispose();
        CryptographicOperations.ZeroMemory(_salt);
    }

    private void Start(ReadOnlySpan<byte> iv, int encrypt)
    {
        Span<byte> nonce = stackalloc byte[NonceOctets];
        _salt.CopyTo(nonce);
        iv.CopyTo(nonce[_salt.Length..]);
        Require(LibCrypto.EVP_CipherInit_ex2(_context, 0, default, nonce, encrypt, 0));
    }

    private static nint CipherOf(EncryptionAlgorithm algorithm) =>
        algorithm.Id == TransformIds.Encryption.ChaCha20Poly1305 ? Fetched.ChaCha20Poly1305 : algorithm.KeyOctets switch
        {
            16 => Fetched.Aes128Gcm,
            24 => Fetched.Aes192Gcm,
            _ => Fetched.Aes256Gcm,
        };

    private static void Require(int result)
    {
        if (result == 1)
            return;
        var code = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        throw new CryptographicException($"libcrypto: AEAD failed, error {code:x}");
    }

    /// <summary>Fetched once and kept for the life of the process.</summary>
    private static class Fetched
    {
        public static readonly nint Aes128Gcm = LibCrypto.EVP_CIPHER_fetch(0, "AES-128-GCM", 0);
        public static readonly nint Aes192Gcm = LibCrypto.EVP_CIPHER_fetch(0, "AES-192-GCM", 0);
        public static readonly nint Aes256Gcm = LibCrypto.EVP_CIPHER_fetch(0, "AES-256-GCM", 0);
        public static readonly nint ChaCha20Poly1305 = LibCrypto.EVP_CIPHER_fetch(0, "ChaCha20-Poly1305", 0);
    }
}
