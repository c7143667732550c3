using System.Buffers.Binary;

namespace Headend.Ikev2.Wire;

/// <summary>
/// Growing writer of network-order fields. Only our own values are written, so a length that does not fit its field is a bug and throws.
/// </summary>
public sealed class WireWriter(int capacity = 512)
{
    private byte[] _buffer = new byte[Math.Max(capacity, 16)];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, Length);

    public ReadOnlyMemory<byte> WrittenMemory => _buffer.AsMemory(0, Length);

    public byte[] ToArray() => Written.ToArray();

    /// <summary>Forgets what was written and keeps the buffer.</summary>
    public void Clear() => Length = 0;

    /// <summary>Zeroes what was written, for writers that held secrets and never grew: a buffer that was left for a larger one is not reached.</summary>
    public void Erase()
    {
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(_buffer);
        Length = 0;
    }

    public void WriteUInt8(byte value) => Take(1)[0] = value;

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(sizeof(ushort)), value);

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(sizeof(uint)), value);

    public void WriteUInt64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(sizeof(ulong)), value);

    public void WriteBytes(ReadOnlySpan<byte> octets) => octets.CopyTo(Take(octets.Length));

    public void WriteZeros(int count) => Take(count).Clear();

    /// <summary>Leaves room for two octets and returns their offset for <see cref="PatchUInt16"/>.</summary>
    public int ReserveUInt16()
    {
        int offset = Length;
        WriteUInt16(0);
        return offset;
    }

    /// <summary>Leaves room for one octet and returns its offset for <see cref="PatchUInt8"/>.</summary>
    public int ReserveUInt8()
    {
        int offset = Length;
        WriteUInt8(0);
        return offset;
    }

    /// <exception cref="OverflowException">The value does not fit in 16 bits.</exception>
    public void PatchUInt16(int offset, int value) =>
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.AsSpan(0, Length)[offset..], checked((ushort)value));

    /// <exception cref="OverflowException">The value does not fit in 8 bits.</exception>
    public void PatchUInt8(int offset, int value) => _buffer.AsSpan(0, Length)[offset] = checked((byte)value);

    private Span<byte> Take(int count)
    {
        int needed = checked(Length + count);
        if (needed > _buffer.Length) Array.Resize(ref _buffer, Math.Max(needed, _buffer.Length * 2));
        Span<byte> room = _buffer.AsSpan(Length, count);
        Length = needed;
        return room;
    }
}
