namespace Headend.Ikev2.Crypto;

/// <summary>All randomness and cryptography of the IKE core; a test may replace it to be deterministic.</summary>
public interface ICryptoProvider
{
    /// <summary>Fills the span with unpredictable octets.</summary>
    void Fill(Span<byte> destination);

    /// <summary>Makes a fresh key pair.</summary>
    IKeyExchange CreateKeyExchange(KeyExchangeMethod method);

    /// <summary>A keyed pseudorandom function; any key length (RFC 7296 2.13 with HMAC).</summary>
    IPrf CreatePrf(PrfAlgorithm algorithm, ReadOnlySpan<byte> key);

    /// <summary>The protection of one direction of one IKE SA.</summary>
    /// <param name="encryption">Encryption algorithm.</param>
    /// <param name="integrity">Integrity algorithm; null with an AEAD, required otherwise.</param>
    /// <param name="encryptionKeyWithSalt">SK_e: key followed by the salt, <see cref="EncryptionAlgorithm.KeyMaterialOctets"/> long.</param>
    /// <param name="integrityKey">SK_a; empty with an AEAD.</param>
    IMessageCipher CreateCipher(
        EncryptionAlgorithm encryption,
        IntegrityAlgorithm? integrity,
        ReadOnlySpan<byte> encryptionKeyWithSalt,
        ReadOnlySpan<byte> integrityKey);
}
