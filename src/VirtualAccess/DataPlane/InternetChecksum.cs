using System.Buffers.Binary;

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

    public static uint Sum(ReadOnlySpan<byte> bytes, uint initial = 0)
    {
        var sum = initial;
        for (; bytes.Length >= 2; bytes = bytes[2..]) sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return bytes.IsEmpty ? sum : sum + ((uint)bytes[0] << 8);
    }

    private static ushort Fold(uint sum)
    {
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }
}
