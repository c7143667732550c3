using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// CBC or counter mode with a truncated MAC, encrypt then authenticate (RFC 7296 3.14, RFC 3602, RFC 5930). Contexts of libcrypto are kept with their key schedule: the
/// BCL's class makes one for each message.
/// </summary>
internal sealed class CipherWithMac : IMessageCipher
{
    private const int LongestIv = 16;

    private readonly ICryptoProvider _random;
    private readonly EncryptionAlgorithm _encryption;
    private readonly IntegrityAlgorithm _integrity;
    private readonly byte[] _encryptionKey;
    private readonly IPrf _mac;
    private ulong _nextIv;

    // One direction of an SA seals or opens, so that there is one of them.
    private CipherContextHandle? _sealing;
    private CipherContextHandle? _opening;

    public CipherWithMac(
        ICryptoProvider random,
        EncryptionAlgorithm encryption,
        IntegrityAlgorithm integrity,
        ReadOnlySpan<byte> encryptionKey,
        ReadOnlySpan<byte> integrityKey)
    {
        if (encryptionKey.Length != encryption.KeyMaterialOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(encryptionKey));
        if (integrityKey.Length != integrity.KeyOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(integrityKey));

        _random = random;
        _encryption = encryption;
        _integrity = integrity;
        _encryptionKey = encryptionKey.ToArray();
        _mac = KeyedMac.Create(integrity.Function, integrityKey);
    }

    public int IvOctets => _encryption.IvOctets;

    public int IcvOctets => _integrity.IcvOctets;

    public int BlockOctets => _encryption.BlockOctets;

    public void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv)
    {
        // RFC 7296 3.14: "Senders MUST select a new unpredictable IV for every message"; RFC 5930 2.2 with RFC 3686 3.1: once per key is enough for counter mode.
        if (_encryption.Mode == EncryptionMode.Ctr)
            BinaryPrimitives.WriteUInt64BigEndian(iv, checked(_nextIv++));
        else
            _random.Fill(iv);
        Transform(_sealing ??= Start(encrypt: 1), iv, inPlace, encrypt: 1);
        Span<byte> mac = stackalloc byte[_mac.OutputOctets];
        ComputeMac(iv, associatedData, inPlace, mac);
        mac[..IcvOctets].CopyTo(icv);
    }

    public bool TryOpen(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, ReadOnlySpan<byte> icv)
    {
        if (iv.Length != IvOctets || icv.Length != IcvOctets || inPlace.Length % BlockOctets != 0)
            return false;

        Span<byte> mac = stackalloc byte[_mac.OutputOctets];
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
        _mac.Dispose();
        CryptographicOperations.ZeroMemory(_encryptionKey);
    }

    private CipherContextHandle Start(int encrypt)
    {
        var context = new CipherContextHandle(LibCrypto.EVP_CIPHER_CTX_new());
        Require(LibCrypto.EVP_CipherInit_ex2(context, FetchedCipher.Of(_encryption.CipherName), _encryptionKey.AsSpan(0, _encryption.KeyOctets), default, encrypt, 0));
        Require(LibCrypto.EVP_CIPHER_CTX_set_padding(context, 0));
        return context;
    }

    private void Transform(CipherContextHandle context, ReadOnlySpan<byte> iv, Span<byte> inPlace, int encrypt)
    {
        Span<byte> start = stackalloc byte[LongestIv];
        var octets = _encryption.Mode == EncryptionMode.Ctr ? CounterBlock(iv, start) : iv;
        Require(LibCrypto.EVP_CipherInit_ex2(context, 0, default, octets, encrypt, 0));
        if (!inPlace.IsEmpty)
            Require(LibCrypto.EVP_CipherUpdate(context, inPlace, out _, inPlace, inPlace.Length));
    }

    private void ComputeMac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> mac)
    {
        _mac.Append(associatedData);
        _mac.Append(iv);
        _mac.Append(ciphertext);
        _mac.Finish(mac);
    }

    /// <summary>RFC 3686 4: nonce, IV, and a block counter that begins with one.</summary>
    private ReadOnlySpan<byte> CounterBlock(ReadOnlySpan<byte> iv, Span<byte> block)
    {
        block.Clear();
        _encryptionKey.AsSpan(_encryption.KeyOctets).CopyTo(block);
        iv.CopyTo(block[_encryption.SaltOctets..]);
        block[^1] = 1;
        return block;
    }

    private static void Require(int result)
    {
        if (result == 1)
            return;
        var code = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        throw new CryptographicException($"libcrypto: cipher failed, error {code:x}");
    }
}
