using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The kept cipher context of one direction of one SA. Works in place on a whole ESP packet (header, IV, data, ICV). Not thread-safe: the SA's
/// lock covers it.
/// </summary>
internal abstract class EspCipher : IDisposable
{
    /// <summary>Creates the context.</summary>
    /// <exception cref="CryptographicException">OpenSSL does not have the cipher (for example in FIPS mode).</exception>
    public static EspCipher Create(EspAlgorithm algorithm, EspKeys keys, bool encrypt) => algorithm.Construction switch
    {
        EspConstruction.Aead => new AeadEspCipher(algorithm, keys.Encryption.Span, encrypt),
        _ => new CbcHmacEspCipher(algorithm, keys, encrypt),
    };

    /// <summary>Writes the IV, encrypts and appends the ICV. Header and plaintext (with trailer) are in place.</summary>
    /// <param name="packet">The whole packet.</param>
    /// <param name="counter">Unique per packet of this key.</param>
    public abstract bool Seal(Span<byte> packet, ulong counter);

    /// <summary>Checks the ICV and decrypts. On failure the content of the packet is undefined.</summary>
    public abstract bool Open(Span<byte> packet);

    public abstract void Dispose();

    private protected static nint NewContext(EspAlgorithm algorithm, ReadOnlySpan<byte> key, bool encrypt, int ivLength)
    {
        var cipher = LibCrypto.FetchCipher(0, algorithm.CipherName, 0);
        if (cipher == 0) throw new CryptographicException($"OpenSSL has no {algorithm.CipherName}");
        var context = LibCrypto.NewContext();
        unsafe
        {
            fixed (byte* keyPointer = key)
            {
                var ok = context != 0 && LibCrypto.Initialize(context, cipher, keyPointer, null, encrypt ? 1 : 0, 0) == 1;
                if (ok && ivLength > 0) ok = LibCrypto.Control(context, LibCrypto.AeadSetIvLength, ivLength, null) == 1;
                if (ok && ivLength == 0) ok = LibCrypto.SetPadding(context, 0) == 1;
                LibCrypto.FreeCipher(cipher);
                if (ok) return context;
            }
        }

        LibCrypto.FreeContext(context);
        throw new CryptographicException($"OpenSSL refuses the key of {algorithm.CipherName}");
    }
}

/// <summary>AES-GCM with a 16-octet ICV (RFC 4106) and ChaCha20-Poly1305 (RFC 7634): nonce = salt | explicit IV, AAD = SPI | sequence number.</summary>
internal sealed unsafe class AeadEspCipher : EspCipher
{
    private const int SaltLength = 4;
    private const int IvLength = 8;
    private const int NonceLength = SaltLength + IvLength;
    private const int TagLength = 16;

    /// <summary>The nonce in native memory: written per packet, read by OpenSSL, zeroed at the end.</summary>
    private readonly byte* nonce;
    private nint context;

    public AeadEspCipher(EspAlgorithm algorithm, ReadOnlySpan<byte> keyAndSalt, bool encrypt)
    {
        context = NewContext(algorithm, keyAndSalt[..^SaltLength], encrypt, NonceLength);
        nonce = (byte*)NativeMemory.AllocZeroed(NonceLength);
        keyAndSalt[^SaltLength..].CopyTo(new Span<byte>(nonce, SaltLength));
    }

    public override bool Seal(Span<byte> packet, ulong counter)
    {
        // RFC 4106 3.1: the IV must not repeat for a key; a counter cannot.
        BinaryPrimitives.WriteUInt64BigEndian(packet[EspCodec.HeaderLength..], counter);
        var dataLength = packet.Length - EspCodec.HeaderLength - IvLength - TagLength;
        fixed (byte* start = packet)
        {
            var data = start + EspCodec.HeaderLength + IvLength;
            return Begin(start, encrypt: 1)
                && Run(data, dataLength)
                && LibCrypto.Control(context, LibCrypto.AeadGetTag, TagLength, data + dataLength) == 1;
        }
    }

    public override bool Open(Span<byte> packet)
    {
        var dataLength = packet.Length - EspCodec.HeaderLength - IvLength - TagLength;
        fixed (byte* start = packet)
        {
            var data = start + EspCodec.HeaderLength + IvLength;
            return Begin(start, encrypt: 0)
                && LibCrypto.Control(context, LibCrypto.AeadSetTag, TagLength, data + dataLength) == 1
                && Run(data, dataLength);
        }
    }

    public override void Dispose()
    {
        if (context == 0) return;
        LibCrypto.FreeContext(context);
        context = 0;
        CryptographicOperations.ZeroMemory(new Span<byte>(nonce, NonceLength));
        NativeMemory.Free(nonce);
    }

    private bool Begin(byte* packet, int encrypt)
    {
        *(ulong*)(nonce + SaltLength) = *(ulong*)(packet + EspCodec.HeaderLength);
        int unused;
        return LibCrypto.Initialize(context, 0, null, nonce, encrypt, 0) == 1
            && LibCrypto.Update(context, null, &unused, packet, EspCodec.HeaderLength) == 1;
    }

    private bool Run(byte* data, int length)
    {
        int done, rest;
        return LibCrypto.Update(context, data, &done, data, length) == 1 && LibCrypto.Final(context, data + done, &rest) == 1;
    }
}

/// <summary>AES-CBC (RFC 3602) then HMAC-SHA2 (RFC 4868) over header, IV and ciphertext, truncated to half.</summary>
internal sealed unsafe class CbcHmacEspCipher : EspCipher
{
    private const int IvLength = 16;
    private const int MaximumHash = 64;
    private readonly int icvLength;
    private readonly IncrementalHash hmac;
    private nint context;

    public CbcHmacEspCipher(EspAlgorithm algorithm, EspKeys keys, bool encrypt)
    {
        icvLength = algorithm.IcvLength;
        hmac = IncrementalHash.CreateHMAC(new HashAlgorithmName(algorithm.HashName), keys.Integrity.Span);
        try
        {
            context = NewContext(algorithm, keys.Encryption.Span, encrypt, ivLength: 0);
        }
        catch (CryptographicException)
        {
            hmac.Dispose();
            throw;
        }
    }

    public override bool Seal(Span<byte> packet, ulong counter)
    {
        // RFC 3602 3: "the IV MUST be chosen at random, and MUST be unpredictable".
        RandomNumberGenerator.Fill(packet.Slice(EspCodec.HeaderLength, IvLength));
        if (!Run(packet, encrypt: 1)) return false;
        Span<byte> hash = stackalloc byte[MaximumHash];
        Hash(packet, hash);
        hash[..icvLength].CopyTo(packet[^icvLength..]);
        return true;
    }

    public override bool Open(Span<byte> packet)
    {
        if ((packet.Length - EspCodec.HeaderLength - IvLength - icvLength) % IvLength != 0) return false;
        Span<byte> hash = stackalloc byte[MaximumHash];
        Hash(packet, hash);
        return CryptographicOperations.FixedTimeEquals(hash[..icvLength], packet[^icvLength..]) && Run(packet, encrypt: 0);
    }

    public override void Dispose()
    {
        if (context == 0) return;
        LibCrypto.FreeContext(context);
        context = 0;
        hmac.Dispose();
    }

    private void Hash(ReadOnlySpan<byte> packet, Span<byte> hash)
    {
        hmac.AppendData(packet[..^icvLength]);
        hmac.GetHashAndReset(hash);
    }

    private bool Run(Span<byte> packet, int encrypt)
    {
        var length = packet.Length - EspCodec.HeaderLength - IvLength - icvLength;
        fixed (byte* start = packet)
        {
            int done, rest;
            var iv = start + EspCodec.HeaderLength;
            var data = iv + IvLength;
            return LibCrypto.Initialize(context, 0, null, iv, encrypt, 0) == 1
                && LibCrypto.Update(context, data, &done, data, length) == 1
                && LibCrypto.Final(context, data + done, &rest) == 1;
        }
    }
}
