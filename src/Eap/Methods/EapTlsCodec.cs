using System.Buffers.Binary;

namespace Headend.Eap.Methods;

/// <summary>
/// The Type-Data of EAP-TLS (RFC 5216 3.1, 3.2).
/// <code>
/// |L M S R R R R R|  TLS Message Length (4 octets, with L)  |  TLS Data ...
/// </code>
/// </summary>
internal static class EapTlsCodec
{
    public const byte LengthIncluded = 0x80;
    public const byte MoreFragments = 0x40;
    public const byte StartFlag = 0x20;
    private const int LengthOctets = 4;

    /// <summary>A packet without TLS data: the acknowledgement of a fragment or of the last message.</summary>
    public static byte[] Acknowledgement => [0];

    /// <summary>Reads flags and TLS data; false when a length is announced but not there. Reserved bits are ignored (RFC 5216 3.1).</summary>
    public static bool TryRead(ReadOnlySpan<byte> typeData, out byte flags, out uint? total, out ReadOnlySpan<byte> data)
    {
        flags = 0;
        total = null;
        data = default;
        if (typeData.IsEmpty)
            return false;
        flags = typeData[0];
        data = typeData[1..];
        if ((flags & LengthIncluded) == 0)
            return true;
        if (data.Length < LengthOctets)
            return false;
        total = BinaryPrimitives.ReadUInt32BigEndian(data);
        data = data[LengthOctets..];
        return true;
    }

    /// <summary>One fragment of a message: L with the total on the first of several (RFC 5216 2.1.5), M on all but the last.</summary>
    public static byte[] Fragment(ReadOnlySpan<byte> message, int offset, int fragmentLength)
    {
        var length = Math.Min(fragmentLength, message.Length - offset);
        var more = offset + length < message.Length;
        var first = offset == 0 && more;
        var packet = new byte[1 + (first ? LengthOctets : 0) + length];
        packet[0] = (byte)((first ? LengthIncluded : 0) | (more ? MoreFragments : 0));
        if (first)
            BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(1), (uint)message.Length);
        message.Slice(offset, length).CopyTo(packet.AsSpan(packet.Length - length));
        return packet;
    }
}
