using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The layout of ESP (RFC 4303 2):
/// <code>
/// | SPI 4 | Sequence Number 4 | IV | payload, padding, Pad Length 1, Next Header 1 | ICV |
/// |&lt;------ authenticated -------------------------------------------------------&gt;|
/// </code>
/// Pure: no keys, no state.
/// </summary>
internal static class EspCodec
{
    public const int HeaderLength = 8;
    public const byte NextHeaderIPv4 = 4;
    public const byte NextHeaderIPv6 = 41;

    /// <summary>RFC 4303 2.6: "the protocol value 59 (which means 'no next header') MUST be used to designate a 'dummy' packet".</summary>
    public const byte NextHeaderNone = 59;

    /// <summary>Octets of ESP for an inner packet.</summary>
    public static int SealedLength(EspAlgorithm algorithm, int innerLength) =>
        HeaderLength + algorithm.IvLength + AlignUp(innerLength + 2, algorithm.BlockLength) + algorithm.IcvLength;

    /// <summary>The longest inner packet whose ESP has at most <paramref name="espLength"/> octets.</summary>
    public static int LargestInner(EspAlgorithm algorithm, int espLength)
    {
        var room = espLength - HeaderLength - algorithm.IvLength - algorithm.IcvLength;
        return (room / algorithm.BlockLength * algorithm.BlockLength) - 2;
    }

    public static void WriteHeader(Span<byte> packet, uint spi, uint sequence)
    {
        BinaryPrimitives.WriteUInt32BigEndian(packet, spi);
        BinaryPrimitives.WriteUInt32BigEndian(packet[4..], sequence);
    }

    /// <summary>Fills the padding with 1, 2, 3, ... (RFC 4303 2.4) and appends Pad Length and Next Header.</summary>
    /// <param name="afterPayload">From the end of the payload to the end of the trailer.</param>
    /// <param name="nextHeader">4 or 41 in tunnel mode, 47 with GRE in transport mode.</param>
    public static void WriteTrailer(Span<byte> afterPayload, byte nextHeader)
    {
        var padding = afterPayload.Length - 2;
        for (var i = 0; i < padding; i++) afterPayload[i] = (byte)(i + 1);
        afterPayload[^2] = (byte)padding;
        afterPayload[^1] = nextHeader;
    }

    /// <summary>Checks the trailer of a decrypted packet in tunnel mode and cuts the inner IP packet out by its own length, so that TFC padding (RFC 4303 2.7) falls away.</summary>
    public static EspDrop ReadInner(ReadOnlySpan<byte> plaintext, out int innerLength)
    {
        innerLength = 0;
        var drop = ReadTrailer(plaintext, out var payloadLength, out var nextHeader);
        if (drop != EspDrop.None) return drop;
        return nextHeader is NextHeaderIPv4 or NextHeaderIPv6 ? CutIp(plaintext[..payloadLength], nextHeader == NextHeaderIPv6, out innerLength) : EspDrop.UnsupportedNextHeader;
    }

    /// <summary>Checks the trailer of a decrypted packet.</summary>
    /// <returns>None, or Dummy for RFC 4303 2.6.</returns>
    public static EspDrop ReadTrailer(ReadOnlySpan<byte> plaintext, out int payloadLength, out byte nextHeader)
    {
        payloadLength = 0;
        nextHeader = 0;
        if (plaintext.Length < 2) return EspDrop.Malformed;
        var padding = plaintext[^2];
        nextHeader = plaintext[^1];
        if (padding > plaintext.Length - 2) return EspDrop.BadPadding;
        var pad = plaintext.Slice(plaintext.Length - 2 - padding, padding);
        // RFC 4303 2.4: "the receiver SHOULD inspect the Padding field".
        for (var i = 0; i < pad.Length; i++)
        {
            if (pad[i] != i + 1) return EspDrop.BadPadding;
        }

        if (nextHeader == NextHeaderNone) return EspDrop.Dummy;
        payloadLength = plaintext.Length - 2 - padding;
        return EspDrop.None;
    }

    /// <summary>The length of an IP packet by its own header, with whatever behind it.</summary>
    public static EspDrop CutIp(ReadOnlySpan<byte> payload, bool ipv6, out int innerLength) => ipv6
        ? Cut(payload, IpPacket.IPv6Header, 6, 4, IpPacket.IPv6Header, out innerLength)
        : Cut(payload, IpPacket.MinimumIPv4, 4, 2, 0, out innerLength);

    private static EspDrop Cut(ReadOnlySpan<byte> payload, int minimum, int version, int lengthOffset, int addend, out int innerLength)
    {
        innerLength = 0;
        if (payload.Length < minimum || payload[0] >> 4 != version) return EspDrop.Malformed;
        var length = BinaryPrimitives.ReadUInt16BigEndian(payload[lengthOffset..]) + addend;
        if (length < minimum || length > payload.Length) return EspDrop.Malformed;
        innerLength = length;
        return EspDrop.None;
    }

    private static int AlignUp(int value, int multiple) => (value + multiple - 1) / multiple * multiple;
}
