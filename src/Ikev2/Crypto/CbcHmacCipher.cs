using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>AES-CBC with a truncated HMAC, encrypt then authenticate (RFC 7296 3.14, RFC 3602, RFC 4868).</summary>
internal sealed class CbcHmacCipher : IMessageCipher
{
    private readonly ICryptoProvider _random;
    private readonly EncryptionAlgorithm _encryption;
    private readonly IntegrityAlgorithm _integrity;
    private readonly Aes _aes = Aes.Create();
    private readonly IncrementalHash _hmac;

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
        _aes.SetKey(encryptionKey);
        _hmac = IncrementalHash.CreateHMAC(integrity.Hash, integrityKey);
    }

    public int IvOctets => _encryption.IvOctets;

    public int IcvOctets => _integrity.IcvOctets;

    public int BlockOctets => _encryption.BlockOctets;

    public void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv)
    {
        // RFC 7296 3.14: "Senders MUST select a new unpredictable IV for every message"
        _random.Fill(iv);
        _aes.EncryptCbc(inPlace, iv, inPlace, PaddingMode.None);
        Span<byte> mac = stackalloc byte[_integrity.KeyOctets];
        ComputeMac(iv, associatedData, inPlace, mac);
        mac[..IcvOctets].CopyTo(icv);
    }

    public bool TryOpen(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, ReadOnlySpan<byte> icv)
    {
        if (iv.Length != IvOctets || icv.Length != IcvOctets || inPlace.Length % BlockOctets != 0)
            return false;

        Span<byte> mac = stackalloc byte[_integrity.KeyOctets];
        ComputeMac(iv, associatedData, inPlace, mac);
        if (!CryptographicOperations.FixedTimeEquals(mac[..IcvOctets], icv))
            return false;

        _aes.DecryptCbc(inPlace, iv, inPlace, PaddingMode.None);
        return true;
    }

    public void Dispose()
    {
        _aes.Dispose();
        _hmac.Dispose();
    }

    private void ComputeMac(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, ReadOnlySpan<byte> ciphertext, Span<byte> mac)
    {
        _hmac.AppendData(associatedData);
        _hmac.AppendData(iv);
        _hmac.AppendData(ciphertext);
        _hmac.GetHashAndReset(mac);
    }
}
