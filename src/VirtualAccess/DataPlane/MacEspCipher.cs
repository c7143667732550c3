using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// AES-CBC (RFC 3602), 3DES-CBC (RFC 2451) or AES-CTR (RFC 3686), then a truncated MAC over header, IV and ciphertext, and over the high half of an extended
/// sequence number, which is not sent (RFC 4303 2.2.1).
/// </summary>
internal sealed unsafe class MacEspCipher : EspCipher
{
    private const int CounterBlock = 16;
    private readonly int ivLength;
    private readonly int icvLength;
    private readonly int blockLength;
    private readonly int saltLength;
    private readonly bool counterMode;
    private readonly bool extended;
    private readonly EspMac mac;

    /// <summary>Counter mode's nonce | IV | block counter (RFC 3686 4) in native memory, zeroed at the end.</summary>
    private readonly byte* counterBlock;
    private nint context;

    public MacEspCipher(EspAlgorithm algorithm, EspKeys keys, bool encrypt, bool extended)
    {
        (ivLength, icvLength, saltLength, this.extended) = (algorithm.IvLength, algorithm.IcvLength, algorithm.SaltLength, extended);
        counterMode = algorithm.Construction == EspConstruction.CtrThenMac;
        blockLength = counterMode ? 1 : algorithm.IvLength;
        mac = new EspMac(algorithm.Mac, keys.Integrity.Span);
        var keyAndSalt = keys.Encryption.Span;
        try
        {
            context = NewContext(algorithm, keyAndSalt[..^saltLength], encrypt);
        }
        catch (CryptographicException)
        {
            mac.Dispose();
            throw;
        }

        counterBlock = (byte*)NativeMemory.AllocZeroed(CounterBlock);
        keyAndSalt[^saltLength..].CopyTo(new Span<byte>(counterBlock, CounterBlock));
        counterBlock[CounterBlock - 1] = 1;
    }

    public override bool Seal(Span<byte> packet, ulong number)
    {
        // RFC 3602 3: "the IV MUST be chosen at random, and MUST be unpredictable". RFC 3686 2.1: for counter mode it is enough that it is used once per key.
        var iv = packet.Slice(EspCodec.HeaderLength, ivLength);
        if (counterMode) BinaryPrimitives.WriteUInt64BigEndian(iv, number);
        else RandomNumberGenerator.Fill(iv);
        if (!Run(packet, encrypt: 1)) return false;
        Span<byte> value = stackalloc byte[EspMac.MaximumLength];
        if (!Authenticate(packet, (uint)(number >> 32), value)) return false;
        value[..icvLength].CopyTo(packet[^icvLength..]);
        return true;
    }

    public override bool Open(Span<byte> packet, uint high)
    {
        if ((packet.Length - EspCodec.HeaderLength - ivLength - icvLength) % blockLength != 0) return false;
        Span<byte> value = stackalloc byte[EspMac.MaximumLength];
        return Authenticate(packet, high, value)
            && CryptographicOperations.FixedTimeEquals(value[..icvLength], packet[^icvLength..])
            && Run(packet, encrypt: 0);
    }

    public override void Dispose()
    {
        if (context == 0) return;
        LibCrypto.FreeContext(context);
        context = 0;
        mac.Dispose();
        CryptographicOperations.ZeroMemory(new Span<byte>(counterBlock, CounterBlock));
        NativeMemory.Free(counterBlock);
    }

    private bool Authenticate(ReadOnlySpan<byte> packet, uint high, Span<byte> value)
    {
        Span<byte> number = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(number, high);
        return mac.Compute(packet[..^icvLength], extended ? number : default, value);
    }

    private bool Run(Span<byte> packet, int encrypt)
    {
        var length = packet.Length - EspCodec.HeaderLength - ivLength - icvLength;
        fixed (byte* start = packet)
        {
            int done, rest;
            var iv = start + EspCodec.HeaderLength;
            var data = iv + ivLength;
            if (counterMode) *(ulong*)(counterBlock + saltLength) = *(ulong*)iv;
            return LibCrypto.Restart(context, 0, null, counterMode ? counterBlock : iv, encrypt, 0) == 1
                && LibCrypto.Update(context, data, &done, data, length) == 1
                && LibCrypto.Final(context, data + done, &rest) == 1;
        }
    }
}
