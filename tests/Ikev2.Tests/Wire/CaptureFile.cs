using System.Buffers.Binary;

namespace Headend.Ikev2.Tests.Wire;

/// <summary>Reads the packets of a pcap or pcapng file, and the IKE datagrams (UDP 500 and 4500, unfragmented IPv4 or IPv6) of those.</summary>
internal static class CaptureFile
{
    private const uint SectionHeader = 0x0a0d0d0a;
    private const int InterfaceBlock = 1;
    private const int EnhancedPacketBlock = 6;

    public static List<byte[]> IkeDatagrams(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        IEnumerable<(uint Link, byte[] Frame)> frames =
            BinaryPrimitives.ReadUInt32LittleEndian(file) == SectionHeader ? ReadPcapng(file) : ReadPcap(file);
        var datagrams = new List<byte[]>();
        foreach ((uint link, byte[] frame) in frames)
        {
            byte[]? datagram = IkeOf(NetworkLayer(link, frame));
            if (datagram is not null) datagrams.Add(datagram);
        }
        return datagrams;
    }

    private static IEnumerable<(uint Link, byte[] Frame)> ReadPcap(byte[] file)
    {
        bool isLittle = file[0] is 0xd4 or 0x4d;
        uint link = UInt32(file, 20, isLittle);
        for (int at = 24; at + 16 <= file.Length;)
        {
            int length = (int)Math.Min(UInt32(file, at + 8, isLittle), (uint)(file.Length - at - 16));
            yield return (link, file[(at + 16)..(at + 16 + length)]);
            at += 16 + length;
        }
    }

    private static IEnumerable<(uint Link, byte[] Frame)> ReadPcapng(byte[] file)
    {
        bool isLittle = file[8] == 0x4d;
        var links = new List<uint>();
        for (int at = 0; at + 12 <= file.Length;)
        {
            uint type = UInt32(file, at, isLittle);
            int length = (int)UInt32(file, at + 4, isLittle);
            if (length < 12 || length > file.Length - at) yield break;
            if (type == InterfaceBlock) links.Add(isLittle ? BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(at + 8)) : BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at + 8)));
            if (type == EnhancedPacketBlock)
            {
                int captured = (int)Math.Min(UInt32(file, at + 20, isLittle), (uint)(length - 32));
                yield return (links[(int)UInt32(file, at + 8, isLittle)], file[(at + 28)..(at + 28 + captured)]);
            }
            at += length;
        }
    }

    private static uint UInt32(byte[] octets, int at, bool isLittle) =>
        isLittle ? BinaryPrimitives.ReadUInt32LittleEndian(octets.AsSpan(at)) : BinaryPrimitives.ReadUInt32BigEndian(octets.AsSpan(at));

    private static ReadOnlySpan<byte> NetworkLayer(uint link, byte[] frame)
    {
        int skip = link switch
        {
            0 => 4,
            1 => frame.Length > 16 && frame[12] == 0x81 && frame[13] == 0 ? 18 : 14,
            113 => 16,
            276 => 20,
            _ => 0,
        };
        return frame.Length > skip ? frame.AsSpan(skip) : default;
    }

    private static byte[]? IkeOf(ReadOnlySpan<byte> packet)
    {
        if (packet.Length < 28) return null;
        int udp = (packet[0] >> 4) switch
        {
            4 when packet[9] == 17 && (BinaryPrimitives.ReadUInt16BigEndian(packet[6..]) & 0x3fff) == 0 => (packet[0] & 15) * 4,
            6 when packet[6] == 17 => 40,
            _ => packet.Length,
        };
        if (packet.Length - udp < 8) return null;
        int source = BinaryPrimitives.ReadUInt16BigEndian(packet[udp..]);
        int destination = BinaryPrimitives.ReadUInt16BigEndian(packet[(udp + 2)..]);
        int length = Math.Clamp(BinaryPrimitives.ReadUInt16BigEndian(packet[(udp + 4)..]), 8, packet.Length - udp);
        ReadOnlySpan<byte> payload = packet.Slice(udp + 8, length - 8);
        if (source == 500 || destination == 500) return payload.ToArray();
        bool isMarked = payload.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(payload) == 0;
        return (source == 4500 || destination == 4500) && isMarked ? payload[4..].ToArray() : null;
    }
}
