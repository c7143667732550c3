using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// AES-CBC with a truncated HMAC, encrypt then authenticate (RFC 7296 3.14, RFC 3602, RFC 4868). Contexts of libcrypto are kept with their key schedule: the BCL's
/// class makes one for each message.
/// </summary>
internal sealed class CbcHmacCipher : IMessageCipher
{
    private readonly ICryptoProvider _random;
    private readonly EncryptionAlgorithm _encryption;
    private readonly IntegrityAlgorithm _integrity;
    private readonly byte[] _encryptionKey;
    private readonly HmacContext _hmac;

    // One direction of an SA seals or opens, so that there is one of them.
    private CipherContextHandle? _sealing;
    private CipherContextHandle? _opening;

    public CbcHmacCipher(
        ICryptoProvider random,
        EncryptionAlgorithm encryption,
        IntegrityAlgorithm integrity,
        ReadOnlySpan<byte> encryptionKey,
        ReadOnlySpan<byte> integrityKey)
    {
        if (encryptionKey.Length != encryption.KeyOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(encryptionKey));
        if (integrityKey.Length != integrity.KeyOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(integrityKey));

        _random = random;
        _encryption = encryption;
        _integrity = integrity;
        _encryptionKey = encryptionKey.ToArray();
        _hmac = new HmacContext(integrity.Hash, integrityKey);
    }

    public int IvOctets => _encryption.IvOctets;

    public int IcvOctets => _integrity.IcvOctets;

    public int BlockOctets => _encryption.BlockOctets;

    public void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv)
    {
        // RFC 7296 3.14: "Senders MUST select a new unpredictable IV for every message"
        _random.Fill(iv);
        Transform(_sealing ??= Start(encrypt: 1), iv, inPlace, encrypt: 1);
        Span<byte> mac = stackalloc byte[_hmac.OutputOctets];
        ComputeMac(iv, associatedData, inPlace, mac);
        mac[..IcvOctets].CopyTo(icv);
    }

    public bool TryOpen(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, ReadOnlySpan<byte> icv)
    {
        if (iv.Length != IvOctets || icv.Length != IcvOctets || inPlace.Length % BlockOctets != 0)
            return false;

        Span<byte> mac = stackalloc byte[_hmac.OutputOctets];
        ComputeMac(iv, associatedData, inPlace, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac[..IcvOctets], icv))
            return false;

        Transform(_opening ??= Start(encrypt: 0), iv, inPlace, encrypt: 0);
        return true;
    }

    public void Dispose()
    {
        _sealing?.Dispose();
        _opening?.Dispose();
        _hmac.Dispose();
        CryptographicOperations.ZeroMemory(_encryptionKey);
    }

    private CipherContextHandle Start(int encrypt)
    {
        var context = new CipherContextHandle(LibCrypto.EVP_CIPHER_CTX_new());
        Require(LibCrypto.EVP_CipherInit_ex2(context, CipherOf(_encryption), _encryptionKey, default, encrypt, 0));
        Require(LibCrypto.EVP_CIPHER_CTX_set_padding(context, 0));
        return context;
    }

    private static void Transform(CipherContextHandle context, ReadOnlySpan<byte> iv, Span<byte> inPlace, int encrypt)
    {
        Require(LibCrypto.EVP_CipherInit_ex2(context, 0, default, iv, encrypt, 0));
        if (!inPlace.IsEmpty)
            Require(LibCrypto.EVP_CipherUpdate(context, inPlace, out _, inPlace, inPlace.Length));
    }

    private void ComputeMac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> mac)
    {
        _hmac.Append(associatedData);
        _hmac.Append(iv);
        _hmac.Append(ciphertext);
        _hmac.Finish(mac);
    }

    private static nint CipherOf(EncryptionAlgorithm algorithm) => algorithm.KeyOctets switch
    {
        16 => Fetched.Aes128Cbc,
        24 => Fetched.Aes192Cbc,
        _ => Fetched.Aes256Cbc,
    };

    private static void Require(int result)
    {
        if (result == 1)
            return;
        var code = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        throw new CryptographicException($"libcrypto: AES-CBC failed, error {code:x}");
    }

    /// <summary>Fetched once and kept for the life of the process.</summary>
    private static class Fetched
    {
        public static readonly nint Aes128Cbc = LibCrypto.EVP_CIPHER_fetch(0, "AES-128-CBC", 0);
        public static readonly nint Aes192Cbc = LibCrypto.EVP_CIPHER_fetch(0, "AES-192-CBC", 0);
        public static readonly nint Aes256Cbc = LibCrypto.EVP_CIPHER_fetch(0, "AES-256-CBC", 0);
    }
}
