using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The ECN field at the end of a tunnel (RFC 6040 4.2), where inner and outer header become one:
/// <code>
/// | inner   | outer: not ECT | ECT(0)  | ECT(1)  | CE   |
/// | not ECT | not ECT        | not ECT | not ECT | drop |
/// | ECT(0)  | ECT(0)         | ECT(0)  | ECT(1)  | CE   |
/// | ECT(1)  | ECT(1)         | ECT(1)  | ECT(1)  | CE   |
/// | CE      | CE             | CE      | CE      | CE   |
/// </code>
/// </summary>
internal static class CongestionMark
{
    private const int NotCapable = 0;
    private const int Capable1 = 1;
    private const int Capable0 = 2;
    private const int Experienced = 3;

    /// <summary>Hands the mark of the outer header on to the inner packet; its DSCP stays (RFC 4301 5.1.2.1).</summary>
    /// <param name="packet">The inner packet, changed in place, the IPv4 header checksum with it.</param>
    /// <param name="ip">Its header before.</param>
    /// <param name="outer">Outer TOS or traffic class octet.</param>
    /// <returns>False when the packet must be dropped.</returns>
    public static bool TryCombine(Span<byte> packet, in IpPacket ip, byte outer)
    {
        var arriving = outer & 3;
        var inner = ip.Ecn;
        if (arriving is NotCapable or Capable0) return true;
        if (inner == NotCapable) return arriving != Experienced;
        if (inner == arriving || inner == Experienced || (arriving == Capable1 && inner != Capable0)) return true;
        Mark(packet, ip.IsIPv6, arriving);
        return true;
    }

    private static void Mark(Span<byte> packet, bool ipv6, int ecn)
    {
        if (ipv6)
        {
            packet[1] = (byte)((packet[1] & 0xcf) | (ecn << 4));
            return;
        }

        var before = BinaryPrimitives.ReadUInt16BigEndian(packet);
        var after = (ushort)((before & ~3) | ecn);
        BinaryPrimitives.WriteUInt16BigEndian(packet, after);
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], InternetChecksum.Update(BinaryPrimitives.ReadUInt16BigEndian(packet[10..]), before, after));
    }
}
