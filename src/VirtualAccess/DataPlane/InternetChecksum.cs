using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The Internet checksum (RFC 1071).</summary>
internal static unsafe class InternetChecksum
{
    /// <summary>RFC 1624 3: HC' = ~(~HC + ~m + m').</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after)
    {
        var sum = (uint)(ushort)~checksum + (ushort)~before + after;
        return (ushort)~Fold(sum);
    }

    /// <summary>Checksum of <paramref name="bytes"/> on top of an unfolded <paramref name="initial"/> sum.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes, uint initial = 0) => (ushort)~Fold(Sum(bytes, initial));

    /// <summary>The sum of 16-bit words, not folded to the end.</summary>
    public static uint Sum(ReadOnlySpan<byte> bytes, uint initial = 0)
    {
        fixed (byte* from = bytes) return initial + Run(from, null, bytes.Length, copy: false);
    }

    /// <summary>Copies and sums in one pass.</summary>
    /// <param name="bytes">What is copied.</param>
    /// <param name="destination">At least as long, elsewhere.</param>
    /// <param name="initial">Unfolded sum of what stands before.</param>
    public static uint CopyAndSum(ReadOnlySpan<byte> bytes, Span<byte> destination, uint initial = 0)
    {
        fixed (byte* from = bytes, to = destination[..bytes.Length]) return initial + Run(from, to, bytes.Length, copy: true);
    }

    /// <summary>The sum of the pseudo header (RFC 9293 3.1, RFC 8200 8.1).</summary>
    /// <param name="packet">IP packet without routing header.</param>
    /// <param name="ipv6">Its version.</param>
    /// <param name="length">Octets from the transport header on.</param>
    /// <param name="protocol">Upper-layer protocol.</param>
    public static uint PseudoHeader(ReadOnlySpan<byte> packet, bool ipv6, int length, byte protocol) =>
        Sum(ipv6 ? packet[8..40] : packet[12..20], (uint)length + protocol);

    /// <summary>To 16 bits, not complemented.</summary>
    public static ushort Fold(uint sum)
    {
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }

    /// <summary>
    /// RFC 1071 2: as 2^16 is 1 modulo 2^16 - 1, words of 32 bits add up to the same (C), and as the order of octets in the machine does not matter either, the sum is
    /// swapped once at the end (B). Lanes of 64 bits do not overflow.
    /// </summary>
    /// <returns>16 bits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Run(byte* from, byte* to, int length, bool copy)
    {
        ulong sum = 0;
        var i = 0;
        if (Vector512.IsHardwareAccelerated && length >= Vector512<byte>.Count)
        {
            var lanes = Vector512<ulong>.Zero;
            for (; i <= length - Vector512<byte>.Count; i += Vector512<byte>.Count)
            {
                var octets = Vector512.Load(from + i);
                if (copy) octets.Store(to + i);
                var words = octets.AsUInt64();
                lanes += (words & Vector512.Create<ulong>(uint.MaxValue)) + (words >>> 32);
            }

            sum = Vector512.Sum(lanes);
        }

        if (Vector256.IsHardwareAccelerated && length - i >= Vector256<byte>.Count)
        {
            var lanes = Vector256<ulong>.Zero;
            for (; i <= length - Vector256<byte>.Count; i += Vector256<byte>.Count)
            {
                var octets = Vector256.Load(from + i);
                if (copy) octets.Store(to + i);
                var words = octets.AsUInt64();
                lanes += (words & Vector256.Create<ulong>(uint.MaxValue)) + (words >>> 32);
            }

            sum += Vector256.Sum(lanes);
        }

        for (; i <= length - sizeof(uint); i += sizeof(uint)) sum += Word<uint>(from + i, to + i, copy);
        if (i <= length - sizeof(ushort))
        {
            sum += Word<ushort>(from + i, to + i, copy);
            i += sizeof(ushort);
        }

        if (i < length)
        {
            var last = Word<byte>(from + i, to + i, copy);
            sum += BitConverter.IsLittleEndian ? last : (uint)(last << 8);
        }

        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness((ushort)sum) : (ushort)sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static T Word<T>(byte* from, byte* to, bool copy)
        where T : unmanaged
    {
        var word = Unsafe.ReadUnaligned<T>(from);
        if (copy) Unsafe.WriteUnaligned(to, word);
        return word;
    }
}
