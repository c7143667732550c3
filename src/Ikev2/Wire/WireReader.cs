using System.Buffers.Binary;

namespace Headend.Ikev2.Wire;

/// <summary>Forward reader of network-order fields. A failed read moves nothing and leaves the output zero or empty.</summary>
public ref struct WireReader(ReadOnlySpan<byte> octets)
{
    private readonly ReadOnlySpan<byte> _octets = octets;

    public int Position { get; private set; }

    public readonly int Remaining => _octets.Length - Position;

    public readonly bool IsEmpty => Position == _octets.Length;

    public bool TryReadUInt8(out byte value)
    {
        value = 0;
        if (Remaining < 1) return false;
        value = _octets[Position++];
        return true;
    }

    public bool TryReadUInt16(out ushort value)
    {
        if (!BinaryPrimitives.TryReadUInt16BigEndian(_octets[Position..], out value)) return false;
        Position += sizeof(ushort);
        return true;
    }

    public bool TryReadUInt32(out uint value)
    {
        if (!BinaryPrimitives.TryReadUInt32BigEndian(_octets[Position..], out value)) return false;
        Position += sizeof(uint);
        return true;
    }

    public bool TryReadUInt64(out ulong value)
    {
        if (!BinaryPrimitives.TryReadUInt64BigEndian(_octets[Position..], out value)) return false;
        Position += sizeof(ulong);
        return true;
    }

    /// <summary>Reads <paramref name="count"/> octets; false when fewer remain or the count is negative.</summary>
    public bool TryReadBytes(int count, out ReadOnlySpan<byte> value)
    {
        value = default;
        if ((uint)count > (uint)Remaining) return false;
        value = _octets.Slice(Position, count);
        Position += count;
        return true;
    }
}
