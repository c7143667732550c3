using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Crypto;

/// <summary>One ephemeral key pair; disposing it destroys the private key.</summary>
public interface IKeyExchange : IDisposable
{
    KeyExchangeMethod Method { get; }

    /// <summary>Key Exchange Data as it goes into the KE payload, always <see cref="KeyExchangeMethod.PublicOctets"/> long.</summary>
    ReadOnlyMemory<byte> PublicValue { get; }

    /// <summary>Computes the shared secret. False when the peer's value has the wrong length or fails the checks of RFC 6989 2 or RFC 8031 3.1.</summary>
    /// <param name="peerPublic">Key Exchange Data of the peer.</param>
    /// <param name="sharedSecret">g^ir of <see cref="KeyExchangeMethod.SecretOctets"/> octets, leading zeros kept; the caller zeroes it.</param>
    bool TryAgree(ReadOnlySpan<byte> peerPublic, [NotNullWhen(true)] out byte[]? sharedSecret);
}
