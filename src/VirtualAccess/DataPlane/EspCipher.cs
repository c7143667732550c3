using System.Security.Cryptography;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The kept cipher context of one direction of one SA. Works in place on a whole ESP packet (header, IV, data, ICV). Not thread-safe: the SA's
/// lock covers it.
/// </summary>
internal abstract unsafe class EspCipher : IDisposable
{
    /// <summary>Creates the context.</summary>
    /// <param name="algorithm">Row of the table.</param>
    /// <param name="keys">Keys of its lengths.</param>
    /// <param name="encrypt">Direction.</param>
    /// <param name="extended">The ICV also covers the high half of a 64-bit sequence number (RFC 4303 2.2.1).</param>
    /// <exception cref="CryptographicException">OpenSSL does not have the cipher (for example in FIPS mode).</exception>
    public static EspCipher Create(EspAlgorithm algorithm, EspKeys keys, bool encrypt, bool extended = false) => algorithm.Construction switch
    {
        EspConstruction.Aead or EspConstruction.Ccm or EspConstruction.Gmac => new AeadEspCipher(algorithm, keys.Encryption.Span, encrypt, extended),
        _ => new MacEspCipher(algorithm, keys, encrypt, extended),
    };

    /// <summary>Writes the IV, encrypts and appends the ICV. Header and plaintext (with trailer) are in place.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="number">Sequence number, unique per packet of this key; the low half stands in the packet.</param>
    public abstract bool Seal(Span<byte> packet, ulong number);

    /// <summary>Checks the ICV and decrypts. On failure the content of the packet is undefined.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="high">High half of the sequence number; without meaning where it is not extended.</param>
    public abstract bool Open(Span<byte> packet, uint high);

    public abstract void Dispose();

    private protected static nint NewContext(EspAlgorithm algorithm, ReadOnlySpan<byte> key, bool encrypt)
    {
        var cipher = LibCrypto.FetchCipher(0, algorithm.CipherName, 0);
        if (cipher == 0) throw new CryptographicException($"OpenSSL has no {algorithm.CipherName}");
        var context = LibCrypto.NewContext();
        var direction = encrypt ? 1 : 0;
        fixed (byte* keyPointer = key)
        {
            var ok = context != 0 && LibCrypto.Initialize(context, cipher, null, null, direction, 0) == 1 && SetLengths(context, algorithm);
            ok = ok && LibCrypto.Initialize(context, 0, keyPointer, null, direction, 0) == 1;
            LibCrypto.FreeCipher(cipher);
            if (ok) return context;
        }

        LibCrypto.FreeContext(context);
        throw new CryptographicException($"OpenSSL refuses the key of {algorithm.CipherName}");
    }

    private static bool SetLengths(nint context, EspAlgorithm algorithm) => algorithm.Construction switch
    {
        EspConstruction.CbcThenMac or EspConstruction.CtrThenMac => LibCrypto.SetPadding(context, 0) == 1,
        EspConstruction.Ccm => LibCrypto.Control(context, LibCrypto.AeadSetIvLength, algorithm.SaltLength + algorithm.IvLength, null) == 1
            && LibCrypto.Control(context, LibCrypto.AeadSetTag, algorithm.IcvLength, null) == 1,
        _ => LibCrypto.Control(context, LibCrypto.AeadSetIvLength, algorithm.SaltLength + algorithm.IvLength, null) == 1,
    };
}
