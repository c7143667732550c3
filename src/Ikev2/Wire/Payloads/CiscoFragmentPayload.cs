using System.Buffers.Binary;

namespace Headend.Ikev2.Wire;

/// <summary>
/// Cisco's fragment of IKEv2, payload 132, older than RFC 7383: in the clear, the only payload of its message, carrying a piece of a complete IKE message. How many
/// pieces there are is told by the last one alone.
/// </summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Next Payload  |C|  RESERVED   |         Payload Length        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |          Fragment ID          |    Number     |   Flags (1=last)
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
/// <param name="Id">Of the message that was cut; not its Message ID.</param>
/// <param name="Number">From 1.</param>
/// <param name="IsLast">No piece has a higher number.</param>
/// <param name="Data">A view on the datagram.</param>
public readonly record struct CiscoFragmentPayload(ushort Id, byte Number, bool IsLast, ReadOnlyMemory<byte> Data)
{
    /// <summary>Generic header and the fields before the data.</summary>
    public const int HeaderOctets = 8;

    /// <summary>Whether the payload of a datagram is one; <paramref name="header"/> was read from the same datagram. An altered length is an error, never an underflow (CVE-2016-1287).</summary>
    public static bool TryRead(ReadOnlyMemory<byte> datagram, in IkeHeader header, out CiscoFragmentPayload fragment, out WireError error)
    {
        fragment = default;
        error = default;
        var body = datagram.Span[IkeHeader.Size..];
        if (header.NextPayload != PayloadType.CiscoFragment)
            return Fail(WireErrorCode.MisplacedPayload, IkeHeader.Size, out error);
        if (body.Length < HeaderOctets)
            return Fail(WireErrorCode.Truncated, datagram.Length, out error);
        int length = BinaryPrimitives.ReadUInt16BigEndian(body[2..]);
        if (length <= HeaderOctets)
            return Fail(WireErrorCode.BadLength, IkeHeader.Size + 2, out error);
        if (length != body.Length)
            return Fail(length > body.Length ? WireErrorCode.Truncated : WireErrorCode.TrailingBytes, IkeHeader.Size + 2, out error);
        if (body[0] != PayloadType.None.Value || body[6] == 0)
            return Fail(WireErrorCode.BadValue, IkeHeader.Size + (body[0] != PayloadType.None.Value ? 0 : 6), out error);
        fragment = new CiscoFragmentPayload(BinaryPrimitives.ReadUInt16BigEndian(body[4..]), body[6], (body[7] & 1) != 0, datagram[(IkeHeader.Size + HeaderOctets)..]);
        return true;
    }

    /// <summary>Cuts a complete IKE message into datagrams of at most <paramref name="limit"/> octets, which must leave room for headers; 255 pieces at most.</summary>
    public static IReadOnlyList<byte[]> Cut(byte[] message, int limit, ushort id)
    {
        if (!IkeHeader.TryRead(message, out var header, out _))
            throw new ArgumentException("not a whole IKE message", nameof(message));
        var part = limit - IkeHeader.Size - HeaderOctets;
        var total = part <= 0 ? 0 : (message.Length + part - 1) / part;
        if (total is 0 or > byte.MaxValue)
            throw new ArgumentException($"a message of {message.Length} octets does not fit datagrams of {limit}", nameof(limit));
        var datagrams = new List<byte[]>(total);
        for (var number = 1; number <= total; number++)
        {
            var slice = message.AsSpan((number - 1) * part, Math.Min(part, message.Length - ((number - 1) * part)));
            var datagram = new byte[IkeHeader.Size + HeaderOctets + slice.Length];
            (header with { NextPayload = PayloadType.CiscoFragment, Length = (uint)datagram.Length }).Write(datagram);
            var body = datagram.AsSpan(IkeHeader.Size);
            BinaryPrimitives.WriteUInt16BigEndian(body[2..], (ushort)body.Length);
            BinaryPrimitives.WriteUInt16BigEndian(body[4..], id);
            body[6] = (byte)number;
            body[7] = (byte)(number == total ? 1 : 0);
            slice.CopyTo(body[HeaderOctets..]);
            datagrams.Add(datagram);
        }

        return datagrams;
    }

    private static bool Fail(WireErrorCode code, int offset, out WireError error)
    {
        error = new WireError(code, PayloadType.CiscoFragment, offset);
        return false;
    }
}
