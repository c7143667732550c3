using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// AES-GCM (RFC 4106), AES-CCM (RFC 4309), ChaCha20-Poly1305 (RFC 7634) and GMAC (RFC 4543): nonce = salt | explicit IV, AAD = SPI | sequence number of 32 or 64
/// bits; with GMAC IV and payload are AAD as well.
/// </summary>
internal sealed unsafe class AeadEspCipher : EspCipher
{
    private const int IvLength = 8;

    /// <summary>Place of the AAD of an extended sequence number, behind the longest nonce.</summary>
    private const int ExtendedOffset = 16;

    private const int ExtendedLength = EspCodec.HeaderLength + sizeof(uint);

    /// <summary>Nonce and AAD in native memory: written per packet, read by OpenSSL, zeroed at the end.</summary>
    private readonly byte* scratch;
    private readonly int saltLength;
    private readonly int tagLength;
    private readonly EspConstruction construction;
    private readonly bool extended;
    private nint context;

    public AeadEspCipher(EspAlgorithm algorithm, ReadOnlySpan<byte> keyAndSalt, bool encrypt, bool extended)
    {
        (saltLength, tagLength, construction, this.extended) = (algorithm.SaltLength, algorithm.IcvLength, algorithm.Construction, extended);
        context = NewContext(algorithm, keyAndSalt[..^saltLength], encrypt);
        scratch = (byte*)NativeMemory.AllocZeroed(ExtendedOffset + ExtendedLength);
        keyAndSalt[^saltLength..].CopyTo(new Span<byte>(scratch, saltLength));
    }

    public override bool Seal(Span<byte> packet, ulong number)
    {
        // RFC 4106 3.1: the IV must not repeat for a key; a counter cannot.
        BinaryPrimitives.WriteUInt64BigEndian(packet[EspCodec.HeaderLength..], number);
        var dataLength = packet.Length - EspCodec.HeaderLength - IvLength - tagLength;
        fixed (byte* start = packet)
        {
            var data = start + EspCodec.HeaderLength + IvLength;
            return Start(start, encrypt: 1)
                && Authenticate(start, dataLength, (uint)(number >> 32))
                && Run(data, dataLength)
                && LibCrypto.Control(context, LibCrypto.AeadGetTag, tagLength, data + dataLength) == 1;
        }
    }

    public override bool Open(Span<byte> packet, uint high)
    {
        var dataLength = packet.Length - EspCodec.HeaderLength - IvLength - tagLength;
        fixed (byte* start = packet)
        {
            var data = start + EspCodec.HeaderLength + IvLength;
            return Start(start, encrypt: 0)
                && LibCrypto.Control(context, LibCrypto.AeadSetTag, tagLength, data + dataLength) == 1
                && Authenticate(start, dataLength, high)
                && Run(data, dataLength);
        }
    }

    public override void Dispose()
    {
        if (context == 0) return;
        LibCrypto.FreeContext(context);
        context = 0;
        CryptographicOperations.ZeroMemory(new Span<byte>(scratch, ExtendedOffset + ExtendedLength));
        NativeMemory.Free(scratch);
    }

    private bool Start(byte* packet, int encrypt)
    {
        *(ulong*)(scratch + saltLength) = *(ulong*)(packet + EspCodec.HeaderLength);
        return LibCrypto.Restart(context, 0, null, scratch, encrypt, 0) == 1;
    }

    private bool Authenticate(byte* packet, int dataLength, uint high)
    {
        int unused;
        // CCM wants the length of the message before anything else (EVP_EncryptInit(3)).
        if (construction == EspConstruction.Ccm && LibCrypto.UpdateShort(context, null, &unused, null, dataLength) != 1) return false;
        if (extended)
        {
            // RFC 4106 5, figure 3: SPI and the sequence number from its high half on.
            var aad = scratch + ExtendedOffset;
            *(uint*)aad = *(uint*)packet;
            BinaryPrimitives.WriteUInt32BigEndian(new Span<byte>(aad + 4, 4), high);
            *(uint*)(aad + 8) = *(uint*)(packet + 4);
            if (LibCrypto.UpdateShort(context, null, &unused, aad, ExtendedLength) != 1) return false;
        }
        else if (LibCrypto.UpdateShort(context, null, &unused, packet, EspCodec.HeaderLength) != 1)
        {
            return false;
        }

        return construction != EspConstruction.Gmac || LibCrypto.Update(context, null, &unused, packet + EspCodec.HeaderLength, IvLength + dataLength) == 1;
    }

    private bool Run(byte* data, int length)
    {
        var (done, rest) = (0, 0);
        if (construction != EspConstruction.Gmac && LibCrypto.Update(context, data, &done, data, length) != 1) return false;
        // CCM has checked the tag with the data.
        return construction == EspConstruction.Ccm || LibCrypto.Final(context, data + done, &rest) == 1;
    }
}
