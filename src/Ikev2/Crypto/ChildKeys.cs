using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>Keys of one CHILD_SA (RFC 7296 2.17). Initiator is who began the exchange that made it. Disposing zeroes them.</summary>
public sealed class ChildKeys : IDisposable
{
    /// <summary>Key of traffic from the initiator, with its salt.</summary>
    public required byte[] InitiatorEncryption { get; init; }

    /// <summary>Empty with an AEAD.</summary>
    public required byte[] InitiatorIntegrity { get; init; }

    public required byte[] ResponderEncryption { get; init; }

    public required byte[] ResponderIntegrity { get; init; }

    public void Dispose()
    {
        foreach (var key in (ReadOnlySpan<byte[]>)[InitiatorEncryption, InitiatorIntegrity, ResponderEncryption, ResponderIntegrity])
            CryptographicOperations.ZeroMemory(key);
    }
}
