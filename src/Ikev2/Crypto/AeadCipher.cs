using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// AES-GCM, AES-CCM and ChaCha20-Poly1305 in the SK payload (RFC 5282, RFC 7634). Nonce = salt, explicit IV. Through libcrypto, because the BCL's classes have no way to
/// refuse a message but an exception, and strangers send forged ones.
/// </summary>
internal sealed class AeadCipher : IMessageCipher
{
    private const int SetIvLength = 0x9; // EVP_CTRL_AEAD_SET_IVLEN
    private const int GetTag = 0x10; // EVP_CTRL_AEAD_GET_TAG
    private const int SetTag = 0x11; // EVP_CTRL_AEAD_SET_TAG

    private readonly EncryptionAlgorithm _algorithm;
    private readonly CipherContextHandle _context;
    private readonly byte[] _key;
    private readonly byte[] _salt;
    private int _direction = -1;
    private ulong _nextIv;

    /// <exception cref="CryptographicException">libcrypto lacks the algorithm.</exception>
    public AeadCipher(EncryptionAlgorithm algorithm, ReadOnlySpan<byte> keyWithSalt)
    {
        if (keyWithSalt.Length != algorithm.KeyMaterialOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(keyWithSalt));

        _algorithm = algorithm;
        _key = keyWithSalt[..algorithm.KeyOctets].ToArray();
        _salt = keyWithSalt[algorithm.KeyOctets..].ToArray();
        _context = new CipherContextHandle(LibCrypto.EVP_CIPHER_CTX_new());
        Require(LibCrypto.EVP_CipherInit_ex2(_context, FetchedCipher.Of(algorithm.CipherName), default, default, 1, 0));
        Require(LibCrypto.EVP_CIPHER_CTX_ctrl(_context, SetIvLength, algorithm.SaltOctets + algorithm.IvOctets, default));
        if (algorithm.Mode == EncryptionMode.Ccm)
            Require(LibCrypto.EVP_CIPHER_CTX_ctrl(_context, SetTag, algorithm.IcvOctets, default));
    }

    public int IvOctets => _algorithm.IvOctets;

    public int IcvOctets => _algorithm.IcvOctets;

    public int BlockOctets => _algorithm.BlockOctets;

    public void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv)
    {
        // RFC 5282 3.1: "the IV MUST be chosen by the encryptor in a manner that ensures that the same IV value is used only once for a given key"
        BinaryPrimitives.WriteUInt64BigEndian(iv, checked(_nextIv++));
        Start(iv, encrypt: 1);
        Announce(inPlace.Length);
        Authenticate(associatedData);
        Require(Transform(inPlace));
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
        Announce(inPlace.Length);
        Authenticate(associatedData);
        if (Transform(inPlace) == 1)
            return true;
        LibCrypto.ERR_clear_error();
        return false;
    }

    public void Dispose()
    {
        _context.Dispose();
        CryptographicOperations.ZeroMemory(_key);
        CryptographicOperations.ZeroMemory(_salt);
    }

    private void Start(ReadOnlySpan<byte> iv, int encrypt)
    {
        Span<byte> nonce = stackalloc byte[_salt.Length + iv.Length];
        _salt.CopyTo(nonce);
        iv.CopyTo(nonce[_salt.Length..]);
        // The key once, for one direction of an SA seals or opens. CCM binds the direction to the key.
        Require(LibCrypto.EVP_CipherInit_ex2(_context, 0, encrypt == _direction ? default : _key.AsSpan(), nonce, encrypt, 0));
        _direction = encrypt;
    }

    /// <summary>Runs the text through the cipher. CCM tells with the data whether the tag is right, the others at the end.</summary>
    private int Transform(Span<byte> inPlace)
    {
        // Without data a pointer that is not null: null would mean something else to CCM.
        Span<byte> nothing = stackalloc byte[1];
        var data = inPlace.IsEmpty ? nothing[..0] : inPlace;
        var done = LibCrypto.EVP_CipherUpdate(_context, data, out _, data, data.Length);
        return done != 1 || _algorithm.Mode == EncryptionMode.Ccm ? done : LibCrypto.EVP_CipherFinal_ex(_context, default, out _);
    }

    private void Authenticate(ReadOnlySpan<byte> associatedData)
    {
        if (!associatedData.IsEmpty)
            Require(LibCrypto.EVP_CipherUpdate(_context, default, out _, associatedData, associatedData.Length));
    }

    /// <summary>CCM wants the length of the message before anything else (EVP_EncryptInit(3)).</summary>
    private void Announce(int octets)
    {
        if (_algorithm.Mode == EncryptionMode.Ccm)
            Require(LibCrypto.EVP_CipherUpdate(_context, default, out _, default, octets));
    }

    private static void Require(int result)
    {
        if (result == 1)
            return;
        var code = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        throw new CryptographicException($"libcrypto: AEAD failed, error {code:x}");
    }
}
