using System.Buffers.Binary;

namespace Headend.Eap.Methods;

/// <summary>
/// The Type-Data of EAP-MSCHAPv2 (draft-kamath-pppext-eap-mschapv2 2).
/// <code>
/// |    OpCode     | MS-CHAPv2-ID  |           MS-Length           |
/// |  Value-Size   | Value ...                        (Challenge 16, Response 49)
/// | Name ...                                 (or Message, in Success and Failure)
/// </code>
/// </summary>
internal static class MsChapV2Codec
{
    public const int HeaderLength = 4;
    private const int ResponseValueLength = 49;
    private const int ReservedLength = 8;

    public static byte[] Challenge(byte id, ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> serverName) =>
        WithValue(MsChapV2Opcode.Challenge, id, challenge, serverName);

    public static byte[] Response(byte id, ReadOnlySpan<byte> peerChallenge, ReadOnlySpan<byte> ntResponse, ReadOnlySpan<byte> userName)
    {
        Span<byte> value = stackalloc byte[ResponseValueLength];
        value.Clear();
        peerChallenge.CopyTo(value);
        ntResponse.CopyTo(value[(MsChapV2.ChallengeLength + ReservedLength)..]);
        return WithValue(MsChapV2Opcode.Response, id, value, userName);
    }

    /// <summary>A Success or Failure request; the message is that of RFC 2759 5 or 6.</summary>
    public static byte[] Message(MsChapV2Opcode opcode, byte id, ReadOnlySpan<byte> message)
    {
        var data = new byte[HeaderLength + message.Length];
        WriteHeader(data, opcode, id);
        message.CopyTo(data.AsSpan(HeaderLength));
        return data;
    }

    /// <summary>
    /// Reads a Response. Reserved octets and Flags must be zero (RFC 2759 4), MS-Length must be that of the packet, the name may
    /// be of any length including none.
    /// </summary>
    public static bool TryReadResponse(
        ReadOnlySpan<byte> data, byte id, out ReadOnlySpan<byte> peerChallenge, out ReadOnlySpan<byte> ntResponse, out ReadOnlySpan<byte> name)
    {
        peerChallenge = ntResponse = name = default;
        if (!TryReadHeader(data, MsChapV2Opcode.Response, id) || !TryReadValue(data, ResponseValueLength, out var value, out name))
            return false;
        peerChallenge = value[..MsChapV2.ChallengeLength];
        ntResponse = value.Slice(MsChapV2.ChallengeLength + ReservedLength, MsChapV2.NtResponseLength);
        return value.Slice(MsChapV2.ChallengeLength, ReservedLength).IndexOfAnyExcept((byte)0) < 0 && value[^1] == 0;
    }

    /// <summary>Reads a Challenge (peer side).</summary>
    public static bool TryReadChallenge(ReadOnlySpan<byte> data, out byte id, out ReadOnlySpan<byte> challenge)
    {
        challenge = default;
        id = data.Length > 1 ? data[1] : (byte)0;
        return TryReadHeader(data, MsChapV2Opcode.Challenge, id) && TryReadValue(data, MsChapV2.ChallengeLength, out challenge, out _);
    }

    /// <summary>Reads the message of a Success or Failure request (peer side).</summary>
    public static bool TryReadMessage(ReadOnlySpan<byte> data, MsChapV2Opcode opcode, byte id, out ReadOnlySpan<byte> message)
    {
        message = data.Length >= HeaderLength ? data[HeaderLength..] : default;
        return TryReadHeader(data, opcode, id);
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> data, MsChapV2Opcode opcode, byte id) =>
        data.Length >= HeaderLength && data[0] == opcode.Value && data[1] == id && BinaryPrimitives.ReadUInt16BigEndian(data[2..]) == data.Length;

    private static bool TryReadValue(ReadOnlySpan<byte> data, int length, out ReadOnlySpan<byte> value, out ReadOnlySpan<byte> rest)
    {
        value = rest = default;
        if (data.Length < HeaderLength + 1 + length || data[HeaderLength] != length)
            return false;
        value = data.Slice(HeaderLength + 1, length);
        rest = data[(HeaderLength + 1 + length)..];
        return true;
    }

    private static byte[] WithValue(MsChapV2Opcode opcode, byte id, ReadOnlySpan<byte> value, ReadOnlySpan<byte> name)
    {
        var data = new byte[HeaderLength + 1 + value.Length + name.Length];
        WriteHeader(data, opcode, id);
        data[HeaderLength] = (byte)value.Length;
        value.CopyTo(data.AsSpan(HeaderLength + 1));
        name.CopyTo(data.AsSpan(HeaderLength + 1 + value.Length));
        return data;
    }

    private static void WriteHeader(Span<byte> data, MsChapV2Opcode opcode, byte id)
    {
        data[0] = opcode.Value;
        data[1] = id;
        BinaryPrimitives.WriteUInt16BigEndian(data[2..], checked((ushort)data.Length));
    }
}
