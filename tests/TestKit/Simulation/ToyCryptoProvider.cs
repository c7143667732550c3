using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;

namespace Headend.TestKit.Simulation;

/// <summary>Repeatable and cheap: random octets from a seed, and a key agreement that is none. Ciphers and PRFs are the real ones, so that wrong keys show.</summary>
public sealed class ToyCryptoProvider(ulong seed) : ICryptoProvider
{
    private ulong _state = seed;

    public void Fill(Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[8];
        while (destination.Length > 0)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
            var taken = Math.Min(8, destination.Length);
            word[..taken].CopyTo(destination);
            destination = destination[taken..];
        }
    }

    /// <summary>SplitMix64.</summary>
    public ulong Next()
    {
        var z = _state += 0x9e37_79b9_7f4a_7c15;
        z = (z ^ (z >> 30)) * 0xbf58_476d_1ce4_e5b9;
        z = (z ^ (z >> 27)) * 0x94d0_49bb_1331_11eb;
        return z ^ (z >> 31);
    }

    /// <summary>From 0 to below the limit.</summary>
    public int Next(int limit) => (int)(Next() % (ulong)limit);

    public bool Chance(double share) => Next() < share * ulong.MaxValue;

    public IKeyExchange CreateKeyExchange(KeyExchangeMethod method)
    {
        ArgumentNullException.ThrowIfNull(method);
        var value = new byte[method.PublicOctets];
        Fill(value);
        return new ToyKeyExchange(method, value);
    }

    public IPrf CreatePrf(PrfAlgorithm algorithm, ReadOnlySpan<byte> key) => SystemCryptoProvider.Instance.CreatePrf(algorithm, key);

    public IMessageCipher CreateCipher(
        EncryptionAlgorithm encryption, IntegrityAlgorithm? integrity, ReadOnlySpan<byte> encryptionKeyWithSalt, ReadOnlySpan<byte> integrityKey) =>
        SystemCryptoProvider.Instance.CreateCipher(encryption, integrity, encryptionKeyWithSalt, integrityKey);

    /// <summary>Both sides hash both public values in the same order.</summary>
    private sealed class ToyKeyExchange(KeyExchangeMethod method, byte[] value) : IKeyExchange
    {
        public KeyExchangeMethod Method { get; } = method;

        public ReadOnlyMemory<byte> PublicValue { get; } = value;

        public bool TryAgree(ReadOnlySpan<byte> peerPublic, [NotNullWhen(true)] out byte[]? sharedSecret)
        {
            sharedSecret = null;
            if (peerPublic.Length != Method.PublicOctets)
                return false;
            var own = PublicValue.Span;
            byte[] both = own.SequenceCompareTo(peerPublic) < 0 ? [.. own, .. peerPublic] : [.. peerPublic, .. own];
            sharedSecret = new byte[Method.SecretOctets];
            SHA256.HashData(both).CopyTo(sharedSecret, 0);
            return true;
        }

        public void Dispose()
        {
        }
    }
}
