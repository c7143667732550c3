namespace Headend.Ikev2.Crypto;

/// <summary>Cryptography of .NET, with libcrypto where .NET has none (X25519, MODP) or is slower (ECP, small messages). Thread-safe.</summary>
public sealed class SystemCryptoProvider : ICryptoProvider
{
    public static SystemCryptoProvider Instance { get; } = new();

    public void Fill(Span<byte> destination) => RandomBuffer.Fill(destination);

    public IKeyExchange CreateKeyExchange(KeyExchangeMethod method) => LibCryptoKeyExchange.Generate(method);

    public IPrf CreatePrf(PrfAlgorithm algorithm, ReadOnlySpan<byte> key) => KeyedMac.CreatePrf(algorithm.Function, key);

    public IMessageCipher CreateCipher(
        EncryptionAlgorithm encryption,
        IntegrityAlgorithm? integrity,
        ReadOnlySpan<byte> encryptionKeyWithSalt,
        ReadOnlySpan<byte> integrityKey)
    {
        if (encryption.IsAead)
            return new AeadCipher(encryption, encryptionKeyWithSalt);

        ArgumentNullException.ThrowIfNull(integrity);
        return new CipherWithMac(this, encryption, integrity, encryptionKeyWithSalt, integrityKey);
    }
}
