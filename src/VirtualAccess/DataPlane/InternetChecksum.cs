using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The Internet checksum (RFC 1071).</summary>
internal static class InternetChecksum
{
    /// <summary>RFC 1624 3: HC' = ~(~HC + ~m + m').</summary>
    public static ushort Update(ushort checksum, ushort before, ushort after)
    {
        var sum = (uint)(ushort)~checksum + (ushort)~before + after;
        return (ushort)~Fold(sum);
    }

    /// <summary>Checksum of <paramref name="bytes"/> on top of an unfolded <paramref name="initial"/> sum.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes, uint initial = 0) => (ushort)~Fold(Sum(bytes, initial));

    /// <summary>The sum of 16-bit words, not folded to the end; at most 64 KiB of octets.</summary>
    public static uint Sum(ReadOnlySpan<byte> bytes, uint initial = 0)
    {
        // RFC 1071 2(B): the sum does not depend on the order of octets in the machine; it is swapped once at the end.
        ulong sum = 0;
        if (Vector256.IsHardwareAccelerated && bytes.Length >= Vector256<byte>.Count)
        {
            var words = MemoryMarshal.Cast<byte, Vector256<ushort>>(bytes);
            var lanes = Vector256<uint>.Zero;
            foreach (var word in words)
            {
                var (low, high) = Vector256.Widen(word);
                lanes += low + high;
            }

            sum = Vector256.Sum(lanes);
            bytes = bytes[(words.Length * Vector256<byte>.Count)..];
        }

        for (; bytes.Length >= sizeof(ushort); bytes = bytes[sizeof(ushort)..]) sum += MemoryMarshal.Read<ushort>(bytes);
        if (!bytes.IsEmpty) sum += BitConverter.IsLittleEndian ? bytes[0] : (uint)(bytes[0] << 8);
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return initial + (BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness((ushort)sum) : (ushort)sum);
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
}
