using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>The seven keys of an IKE SA (RFC 7296 2.14). The owner disposes it, which zeroes them.</summary>
public sealed class IkeKeys : IDisposable
{
    /// <summary>Key from which the keys of CHILD_SAs and of the successor are derived.</summary>
    public required byte[] SkD { get; init; }

    /// <summary>Integrity key of the initiator's messages; empty with an AEAD.</summary>
    public required byte[] SkAi { get; init; }

    public required byte[] SkAr { get; init; }

    /// <summary>Encryption key of the initiator's messages with its salt.</summary>
    public required byte[] SkEi { get; init; }

    public required byte[] SkEr { get; init; }

    /// <summary>Key of the initiator's AUTH payload.</summary>
    public required byte[] SkPi { get; init; }

    public required byte[] SkPr { get; init; }

    public void Dispose()
    {
        foreach (var key in (ReadOnlySpan<byte[]>)[SkD, SkAi, SkAr, SkEi, SkEr, SkPi, SkPr])
            CryptographicOperations.ZeroMemory(key);
    }
}
