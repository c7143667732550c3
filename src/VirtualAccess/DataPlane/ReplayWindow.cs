using System.Numerics;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Anti-replay window of 32-bit sequence numbers in the block form of RFC 6479: the bitmap is a ring of 64-bit blocks with one block more than
/// the window, so that moving the window clears whole blocks and never shifts bits. Not thread-safe.
/// </summary>
public sealed class ReplayWindow
{
    public const int MaximumSize = 4096;

    private readonly ulong[] blocks;
    private readonly uint blockMask;

    /// <param name="size">Packets, 1 to 4096; 0 accepts everything.</param>
    public ReplayWindow(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, MaximumSize);
        Size = size;
        var needed = ((size + 63) / 64) + 1;
        blocks = new ulong[(int)BitOperations.RoundUpToPowerOf2((uint)needed)];
        blockMask = (uint)blocks.Length - 1;
    }

    public int Size { get; }

    /// <summary>Highest sequence number accepted, 0 at the start.</summary>
    public uint Highest { get; private set; }

    /// <summary>True when the number may still be accepted. RFC 4303 3.4.3: checked before the integrity check, which is what may then <see cref="Accept"/> it.</summary>
    public bool IsFresh(uint sequence)
    {
        if (Size == 0) return true;
        // RFC 4303 3.3.3: the first packet sent has sequence number 1.
        if (sequence == 0) return false;
        if (sequence > Highest) return true;
        if (Highest - sequence >= (uint)Size) return false;
        return (blocks[(sequence >> 6) & blockMask] & (1UL << (int)(sequence & 63))) == 0;
    }

    /// <summary>Marks an authentic packet as received; only for a number that is fresh.</summary>
    public void Accept(uint sequence)
    {
        if (sequence > Highest)
        {
            var steps = (sequence >> 6) - (Highest >> 6);
            if (steps >= (uint)blocks.Length) Array.Clear(blocks);
            else
            {
                for (var i = 1u; i <= steps; i++) blocks[((Highest >> 6) + i) & blockMask] = 0;
            }

            Highest = sequence;
        }

        blocks[(sequence >> 6) & blockMask] |= 1UL << (int)(sequence & 63);
    }
}
