using System.Buffers.Binary;

namespace Headend.Eap;

/// <summary>
/// One EAP packet (RFC 3748 4), a view on the bytes it was parsed from.
/// <code>
///  0                   1                   2                   3
/// |     Code      |  Identifier   |            Length             |
/// |     Type      |  Type-Data ...          (Request, Response only)
/// </code>
/// </summary>
public readonly record struct EapPacket(EapCode Code, byte Identifier, EapType? Type, ReadOnlyMemory<byte> TypeData, ReadOnlyMemory<byte> Raw)
{
    public const int HeaderLength = 4;

    /// <summary>
    /// Parses exactly one packet. The Length field must equal the buffer: the carrier (IKE payload, RADIUS EAP-Message) has no
    /// link-layer padding, so a difference is an error. A Request or Response without Type and a Success or Failure with
    /// data are errors. Unknown codes are returned with their data and without Type.
    /// </summary>
    public static bool TryParse(ReadOnlyMemory<byte> bytes, out EapPacket packet)
    {
        packet = default;
        var span = bytes.Span;
        if (span.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(span[2..]) != span.Length)
            return false;
        var code = new EapCode(span[0]);
        if (code == EapCode.Request || code == EapCode.Response)
        {
            if (span.Length == HeaderLength)
                return false;
            packet = new EapPacket(code, span[1], new EapType(span[4]), bytes[5..], bytes);
            return true;
        }

        // RFC 3748 4.2: Success and Failure carry no data, their Length is 4.
        if ((code == EapCode.Success || code == EapCode.Failure) && span.Length != HeaderLength)
            return false;
        packet = new EapPacket(code, span[1], null, bytes[HeaderLength..], bytes);
        return true;
    }

    public static byte[] Request(byte identifier, EapType type, ReadOnlySpan<byte> typeData) => Build(EapCode.Request, identifier, type, typeData);

    public static byte[] Response(byte identifier, EapType type, ReadOnlySpan<byte> typeData) => Build(EapCode.Response, identifier, type, typeData);

    /// <summary>EAP-Success; the identifier is that of the Response it answers (RFC 3748 4.2).</summary>
    public static byte[] Success(byte identifier) => [EapCode.Success.Value, identifier, 0, HeaderLength];

    /// <summary>EAP-Failure; the identifier is that of the Response it answers (RFC 3748 4.2).</summary>
    public static byte[] Failure(byte identifier) => [EapCode.Failure.Value, identifier, 0, HeaderLength];

    private static byte[] Build(EapCode code, byte identifier, EapType type, ReadOnlySpan<byte> typeData)
    {
        var packet = new byte[HeaderLength + 1 + typeData.Length];
        packet[0] = code.Value;
        packet[1] = identifier;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), checked((ushort)packet.Length));
        packet[4] = type.Value;
        typeData.CopyTo(packet.AsSpan(5));
        return packet;
    }
}
