using System.Buffers.Binary;

namespace Headend.TestKit.Initiator;

/// <summary>Payload 132 as a Cisco client writes and reads it; nothing of the headend's own.</summary>
internal sealed class CiscoFragments
{
    private const int Headers = 28 + 8;
    private readonly SortedDictionary<int, byte[]> _parts = [];
    private ushort _next;
    private int _id = -1;
    private int _last;

    public List<byte[]> Cut(byte[] message, int limit)
    {
        _next += 7;
        var datagrams = new List<byte[]>();
        var part = limit - Headers;
        for (var start = 0; start < message.Length; start += part)
        {
            var data = message.AsSpan(start, Math.Min(part, message.Length - start));
            byte[] datagram = [.. message[..28], 0, 0, 0, 0, (byte)(_next >> 8), (byte)_next, (byte)(datagrams.Count + 1), (byte)(start + part >= message.Length ? 1 : 0), .. data];
            datagram[16] = 132;
            BinaryPrimitives.WriteUInt32BigEndian(datagram.AsSpan(24), (uint)datagram.Length);
            BinaryPrimitives.WriteUInt16BigEndian(datagram.AsSpan(30), (ushort)(data.Length + 8));
            datagrams.Add(datagram);
        }

        return datagrams;
    }

    /// <summary>The whole message with its last piece, else null.</summary>
    public byte[]? Join(ReadOnlySpan<byte> datagram)
    {
        var id = BinaryPrimitives.ReadUInt16BigEndian(datagram[32..]);
        if (id != _id)
        {
            _parts.Clear();
            _last = 0;
            _id = id;
        }

        _parts[datagram[34]] = datagram[Headers..].ToArray();
        if ((datagram[35] & 1) != 0)
            _last = datagram[34];
        return _last > 0 && _parts.Count == _last ? [.. _parts.Values.SelectMany(p => p)] : null;
    }
}
