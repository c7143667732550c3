using System.Buffers.Binary;

namespace Headend.Aaa.Radius;

/// <summary>How a request outlives the process: its attributes as octets, from which the same request is made again.</summary>
public sealed partial class RadiusRequest
{
    /// <summary>The attributes so far. A User-Password is not for storing: only its room would be among them.</summary>
    internal ReadOnlySpan<byte> EncodedAttributes => buffer.AsSpan(0, length);

    /// <summary>
    /// Appends stored attributes as they are. An Acct-Delay-Time among them follows the clock from <paramref name="eventAt"/> on.
    /// </summary>
    /// <param name="reserve">Octets to be left; attributes behind those that leave as many are left out.</param>
    /// <returns>False when the octets are no sequence of attributes, or too many; the request is then good for nothing.</returns>
    internal bool TryAddEncoded(ReadOnlySpan<byte> attributes, DateTimeOffset eventAt, int reserve = 0)
    {
        while (!attributes.IsEmpty)
        {
            if (attributes.Length < 2 || attributes[1] < 2 || attributes[1] > attributes.Length) return false;
            var type = new RadiusAttributeType(attributes[0]);
            var value = attributes[2..attributes[1]];
            if (reserve > 0 && !HasRoomFor(value.Length + reserve)) break;
            var at = length;
            if (!TryReserve(type, value.Length, out var room)) return false;
            value.CopyTo(room);
            if (type == RadiusAttributeType.AcctDelayTime && value.Length == 4)
            {
                delayTimeAt = at + 2;
                eventTime = eventAt;
                BinaryPrimitives.WriteUInt32BigEndian(room, 0);
            }
            attributes = attributes[attributes[1]..];
        }
        return Error is null;
    }
}
