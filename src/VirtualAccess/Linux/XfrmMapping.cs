using System.Buffers.Binary;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Linux;

/// <summary>struct xfrm_user_mapping: where the packets of a state with ESP in UDP come from now. It names no interface; our states have their interface's id as reqid.</summary>
internal readonly record struct XfrmMapping(uint Spi, TransportAddress Destination, uint RequestId, TransportAddress Source)
{
    private const int Length = 64;

    public static bool TryRead(ReadOnlySpan<byte> body, out XfrmMapping mapping)
    {
        mapping = default;
        if (body.Length < Length) return false;
        var family = BitConverter.ToUInt16(body[20..]);
        mapping = new XfrmMapping(
            BinaryPrimitives.ReadUInt32BigEndian(body[16..]),
            XfrmCodec.ReadAddress(body, family),
            BitConverter.ToUInt32(body[24..]),
            XfrmCodec.ReadAddress(body[44..], family) with { Port = BinaryPrimitives.ReadUInt16BigEndian(body[62..]) });
        return true;
    }
}
