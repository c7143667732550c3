using System.Buffers;
using System.Security.Cryptography;

namespace Headend.Store;

/// <summary>A buffer that is used again and again for what is secret: whatever it leaves behind, growing or emptied, is zeroed. One thread at a time.</summary>
internal sealed class SecretBuffer(int capacity = 16384) : IBufferWriter<byte>
{
    private byte[] octets = new byte[capacity];

    public int Length { get; private set; }

    public Span<byte> Written => octets.AsSpan(0, Length);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, octets.Length - Length);
        Length += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Grow(Math.Max(sizeHint, 1));
        return octets.AsMemory(Length);
    }

    public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public void Clear()
    {
        CryptographicOperations.ZeroMemory(Written);
        Length = 0;
    }

    private void Grow(int room)
    {
        if (octets.Length - Length >= room)
            return;
        var larger = new byte[Math.Max(checked(octets.Length * 2), checked(Length + room))];
        Written.CopyTo(larger);
        CryptographicOperations.ZeroMemory(octets);
        octets = larger;
    }
}
