namespace Headend.Ikev2.Wire;

/// <summary>
/// Where the Encrypted (RFC 7296 3.14) or Encrypted Fragment payload (RFC 7383 2.5) of a datagram is. All octets before
/// <paramref name="BodyOffset"/> are associated data of an AEAD.
/// </summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Next Payload  |C|  RESERVED   |         Payload Length        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |    Fragment Number, SKF only  |   Total Fragments, SKF only   |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~  Initialization Vector, encrypted payloads, padding, ICV      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
/// <param name="InnerFirst">Type of the first payload inside; meaningful in the first fragment only.</param>
/// <param name="FragmentNumber">From 1; 1 of 1 for an SK payload.</param>
/// <param name="PayloadHeaderOffset">Of the generic header, in octets from the start of the datagram.</param>
/// <param name="BodyOffset">Of the initialization vector, in octets from the start of the datagram.</param>
/// <param name="BodyLength">Octets from the initialization vector to the end of the datagram; may be too few for any cipher.</param>
public readonly record struct EncryptedEnvelope(
    PayloadType InnerFirst,
    bool IsFragment,
    ushort FragmentNumber,
    ushort TotalFragments,
    int PayloadHeaderOffset,
    int BodyOffset,
    int BodyLength)
{
    private const int SkHeaderSize = 4;
    private const int SkfHeaderSize = 8;

    /// <summary>
    /// Locates the protected payload, which must be the only one. <paramref name="header"/> was read from the same datagram.
    /// </summary>
    public static bool TryLocate(ReadOnlyMemory<byte> datagram, in IkeHeader header, out EncryptedEnvelope envelope, out WireError error)
    {
        envelope = default;
        error = default;
        bool isFragment = header.NextPayload == PayloadType.EncryptedFragment;
        if (!isFragment && header.NextPayload != PayloadType.Encrypted)
            return Fail(WireErrorCode.MisplacedPayload, header.NextPayload, IkeHeader.Size, out error);

        var reader = new WireReader(datagram.Span);
        if (!reader.TryReadBytes(IkeHeader.Size, out _)
            || !reader.TryReadUInt8(out byte innerFirst)
            || !reader.TryReadUInt8(out _)
            || !reader.TryReadUInt16(out ushort length))
            return Fail(WireErrorCode.Truncated, header.NextPayload, datagram.Length, out error);

        ushort number = 1;
        ushort total = 1;
        if (isFragment && (!reader.TryReadUInt16(out number) || !reader.TryReadUInt16(out total)))
            return Fail(WireErrorCode.Truncated, header.NextPayload, datagram.Length, out error);
        int payloadSize = datagram.Length - IkeHeader.Size;
        if (length < (isFragment ? SkfHeaderSize : SkHeaderSize)) return Fail(WireErrorCode.BadLength, header.NextPayload, 30, out error);
        if (length > payloadSize) return Fail(WireErrorCode.Truncated, header.NextPayload, 30, out error);

        // RFC 7296 3.14: "The Encrypted payload, if present in a message, MUST be the last payload in the message."
        if (length < payloadSize) return Fail(WireErrorCode.TrailingBytes, header.NextPayload, IkeHeader.Size + length, out error);

        // RFC 7383 2.5: "This field MUST be less than or equal to the next field (Total Fragments). This field MUST NOT be zero."
        if (number == 0 || number > total) return Fail(WireErrorCode.BadValue, header.NextPayload, 32, out error);

        envelope = new EncryptedEnvelope(
            new PayloadType(innerFirst), isFragment, number, total, IkeHeader.Size, reader.Position, reader.Remaining);
        return true;
    }

    private static bool Fail(WireErrorCode code, PayloadType type, int offset, out WireError error)
    {
        error = new WireError(code, type, offset);
        return false;
    }
}
