namespace Headend.Ikev2.Crypto;

/// <summary>Encrypts and authenticates the messages of one direction of an IKE SA; not thread-safe.</summary>
public interface IMessageCipher : IDisposable
{
    int IvOctets { get; }

    int IcvOctets { get; }

    /// <summary>Multiple to which the caller pads the plaintext.</summary>
    int BlockOctets { get; }

    /// <summary>Encrypts in place. The IV is written by the cipher: a counter for an AEAD, random for CBC.</summary>
    void Seal(Span<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, Span<byte> icv);

    /// <summary>Verifies, then decrypts in place. False, with nothing decrypted to be trusted, when the ICV is wrong or a length impossible.</summary>
    bool TryOpen(ReadOnlySpan<byte> iv, ReadOnlySpan<byte> associatedData, Span<byte> inPlace, ReadOnlySpan<byte> icv);
}
