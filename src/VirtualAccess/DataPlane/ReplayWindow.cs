using System.Numerics;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Anti-replay window of sequence numbers of 32 or 64 bits in the block form of RFC 6479: the bitmap is a ring of 64-bit blocks with one block more than
/// the window, so that moving the window clears whole blocks and never shifts bits. Not thread-safe.
/// </summary>
public sealed class ReplayWindow
{
    public const int MaximumSize = 4096;

    private readonly ulong[] blocks;
    private readonly ulong blockMask;

    /// <param name="size">Packets, 1 to 4096; 0 accepts everything.</param>
    public ReplayWindow(int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, MaximumSize);
        Size = size;
        var needed = ((size + 63) / 64) + 1;
        blocks = new ulong[(int)BitOperations.RoundUpToPowerOf2((uint)needed)];
        blockMask = (ulong)blocks.Length - 1;
    }

    public int Size { get; }

    /// <summary>Highest sequence number accepted, 0 at the start.</summary>
    public ulong Highest { get; private set; }

    /// <summary>
    /// The 64-bit number of which a packet carries the low half: the one nearest to the window (RFC 4303 A2.1). Packets further ahead than 2^32 less the window are
    /// taken for old ones.
    /// </summary>
    /// <param name="low">Low half.</param>
    /// <param name="number">The whole number.</param>
    /// <returns>False when that number would be below zero: no packet can have it.</returns>
    public bool TryExtend(uint low, out ulong number)
    {
        // Without a window any width serves to tell old from new.
        var width = (uint)(Size == 0 ? MaximumSize : Size);
        var (top, topLow) = ((uint)(Highest >> 32), (uint)Highest);
        var bottom = unchecked(topLow - width + 1);
        number = low;
        if (topLow >= width - 1)
        {
            // Case A: the window lies within one stretch of 2^32 numbers.
            number |= (ulong)(low >= bottom ? top : unchecked(top + 1)) << 32;
            return low >= bottom || top != uint.MaxValue;
        }

        // Case B: it begins in the stretch before.
        if (low >= bottom && top == 0) return false;
        number |= (ulong)(low >= bottom ? top - 1 : top) << 32;
        return true;
    }

    /// <summary>True when the number may still be accepted. RFC 4303 3.4.3: checked before the integrity check, which is what may then <see cref="Accept"/> it.</summary>
    public bool IsFresh(ulong sequence)
    {
        if (Size == 0) return true;
        // RFC 4303 3.3.3: the first packet sent has sequence number 1.
        if (sequence == 0) return false;
        if (sequence > Highest) return true;
        if (Highest - sequence >= (ulong)Size) return false;
        return (blocks[(sequence >> 6) & blockMask] & (1UL << (int)(sequence & 63))) == 0;
    }

    /// <summary>Marks an authentic packet as received; only for a number that is fresh.</summary>
    public void Accept(ulong sequence)
    {
        if (sequence > Highest)
        {
            var steps = (sequence >> 6) - (Highest >> 6);
            if (steps >= (ulong)blocks.Length) Array.Clear(blocks);
            else
            {
                for (var i = 1ul; i <= steps; i++) blocks[((Highest >> 6) + i) & blockMask] = 0;
            }

            Highest = sequence;
        }

        blocks[(sequence >> 6) & blockMask] |= 1UL << (int)(sequence & 63);
    }
}
