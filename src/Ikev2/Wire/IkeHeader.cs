using System.Buffers.Binary;

namespace Headend.Ikev2.Wire;

/// <summary>The IKE header: RFC 7296 3.1.</summary>
/// <remarks>
/// <code>
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       IKE SA Initiator's SPI                  |
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                       IKE SA Responder's SPI                  |
/// |                                                               |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Next Payload | MjVer | MnVer | Exchange Type |     Flags     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                          Message ID                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                            Length                             |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
/// <param name="Length">Octets of the whole message, this header included.</param>
public readonly record struct IkeHeader(
    IkeSpi InitiatorSpi,
    IkeSpi ResponderSpi,
    PayloadType NextPayload,
    byte MajorVersion,
    byte MinorVersion,
    ExchangeType ExchangeType,
    IkeHeaderFlags Flags,
    uint MessageId,
    uint Length)
{
    public const int Size = 28;

    public bool IsResponse => (Flags & IkeHeaderFlags.Response) != 0;

    public bool IsFromInitiator => (Flags & IkeHeaderFlags.Initiator) != 0;

    /// <summary>
    /// Reads the header of a datagram, which must have exactly the length that the header says. The version is not judged: a higher
    /// one wants an answer (RFC 7296 2.5).
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> datagram, out IkeHeader header, out WireError error)
    {
        header = default;
        error = default;
        if (datagram.Length < Size)
        {
            error = new WireError(WireErrorCode.Truncated, PayloadType.None, datagram.Length);
            return false;
        }
        uint length = BinaryPrimitives.ReadUInt32BigEndian(datagram[24..]);
        if (length != (uint)datagram.Length)
        {
            WireErrorCode code = length < Size ? WireErrorCode.BadLength
                : length > (uint)datagram.Length ? WireErrorCode.Truncated
                : WireErrorCode.TrailingBytes;
            error = new WireError(code, PayloadType.None, 24);
            return false;
        }
        header = new IkeHeader(
            new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(datagram)),
            new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(datagram[8..])),
            new PayloadType(datagram[16]),
            (byte)(datagram[17] >> 4),
            (byte)(datagram[17] & 0x0f),
            new ExchangeType(datagram[18]),
            (IkeHeaderFlags)datagram[19],
            BinaryPrimitives.ReadUInt32BigEndian(datagram[20..]),
            length);
        return true;
    }

    /// <summary>Writes <see cref="Size"/> octets.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The destination is shorter.</exception>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, InitiatorSpi.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], ResponderSpi.Value);
        destination[16] = NextPayload.Value;
        destination[17] = (byte)((MajorVersion << 4) | (MinorVersion & 0x0f));
        destination[18] = ExchangeType.Value;
        destination[19] = (byte)Flags;
        BinaryPrimitives.WriteUInt32BigEndian(destination[20..], MessageId);
        BinaryPrimitives.WriteUInt32BigEndian(destination[24..], Length);
    }
}
