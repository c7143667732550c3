using System.Buffers.Binary;

namespace Headend.VirtualAccess.Tests.Support;

/// <summary>Reads ESP packets (plain and in UDP on port 4500) from a little-endian pcap file.</summary>
internal static class Pcap
{
    public static IEnumerable<byte[]> EspPackets(string path)
    {
        var file = File.ReadAllBytes(path);
        Assert.Equal(0xa1b2c3d4, BitConverter.ToUInt32(file));
        var linkHeader = BitConverter.ToUInt32(file, 20) switch
        {
            1 => 14,
            113 => 16,
            276 => 20,
            _ => 0,
        };
        for (var offset = 24; offset + 16 <= file.Length;)
        {
            var length = BitConverter.ToInt32(file, offset + 8);
            var packet = file.AsSpan(offset + 16 + linkHeader, length - linkHeader).ToArray();
            offset += 16 + length;
            if (packet.Length < 28 || packet[0] >> 4 != 4) continue;
            packet = packet[..BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(2))];
            var payload = packet[((packet[0] & 15) * 4)..];
            if (packet[9] == 50) yield return payload;
            else if (packet[9] == 17 && payload.Length > 16 && BinaryPrimitives.ReadUInt16BigEndian(payload) == 4500 && BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(8)) != 0) yield return payload[8..];
        }
    }
}
