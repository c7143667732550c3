using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>AES-GCM-16 and ChaCha20-Poly1305 in the SK payload (RFC 5282, RFC 7634). Nonce = salt, explicit IV.</summary>
internal sealed class AeadCipher : IMessageCipher
{
    private const int NonceOctets = 12;

    private readonly EncryptionAlgorithm _algorithm;
    private readonly AesGcm? _gcm;
    private readonly ChaCha20Poly1305? _chaCha;
    private readonly byte[] _salt;
    private ulong _nextIv;

    public AeadCipher(EncryptionAlgorithm algorithm, ReadOnlySpan<byte> keyWithSalt)
    {
        if (keyWithSalt.Length != algorithm.KeyMaterialOctets)
            throw new ArgumentException("wrong length for the algorithm", nameof(keyWithSalt));

        _algorithm = algorithm;
        _salt = keyWithSalt[algorithm.KeyOctets..].ToArray();
        var key = keyWithSalt[..algorithm.KeyOctets];
        if (algorithm.Id == TransformIds.Encryption.ChaCha20Poly1305)
            _chaCha = new ChaCha20Poly1305(key);
        else
            _gcm = new AesGcm(key, algorithm.IcvOctets);
    }

    public int IvOctets => _algorithm.IvOctets;

    public int IcvOctets => _algorithm.IcvOctets;

    public int BlockOctets => _algorithm.BlockOctets;

    public void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv)
    {
        // RFC 5282 3.1: "the IV MUST be chosen by the encryptor in a manner that ensures that the same IV value is used only once for a given key"
        BinaryPrimitives.WriteUInt64BigEndian(iv, checked(_nextIv++));
        Span<byte> nonce = stackalloc byte[NonceOctets];
        WriteNonce(nonce, iv);
        if (_gcm is not null)
            _gcm.Encrypt(nonce, inPlace, inPlace, icv, associatedData);
        else
            _chaCha!.Encrypt(nonce, inPlace, inPlace, icv, associatedData);
    }

    public bool TryOpen(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, ReadOnlySpan<byte> icv)
    {
        if (iv.Length != IvOctets || icv.Length != IcvOctets)
            return false;

        Span<byte> nonce = stackalloc byte[NonceOctets];
        WriteNonce(nonce, iv);
        try
        {
            if (_gcm is not null)
                _gcm.Decrypt(nonce, inPlace, icv, inPlace, associatedData);
            else
                _chaCha!.Decrypt(nonce, inPlace, icv, inPlace, associatedData);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            // The BCL has no non-throwing form; the shard limits how many forged messages reach this point.
            return false;
        }
    }

    public void Dispose()
    {
        _gcm?.Dispose();
        _chaCha?.Dispose();
        CryptographicOperations.ZeroMemory(_salt);
    }

    private void WriteNonce(Span<byte> nonce, ReadOnlySpan<byte> iv)
    {
        _salt.CopyTo(nonce);
        iv.CopyTo(nonce[_salt.Length..]);
    }
}
