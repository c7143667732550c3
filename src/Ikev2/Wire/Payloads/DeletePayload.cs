using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Delete payload: RFC 7296 3.11.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Protocol ID   |   SPI Size    |          Num of SPIs          |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~               Security Parameter Index(es) (SPI)              ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// The IKE SA is deleted without naming an SPI; ESP and AH SPIs have four octets and are those of the sender's inbound SAs.
/// </remarks>
public sealed class DeletePayload(ProtocolId protocol, byte spiSize, IReadOnlyList<uint> espSpis) : IkePayload
{
    public const int MaxSpis = 256;

    private const int FixedSize = 4;

    public ProtocolId Protocol { get; } = protocol;

    /// <summary>In octets: 0 for IKE, 4 for ESP and AH.</summary>
    public byte SpiSize { get; } = spiSize;

    public IReadOnlyList<uint> EspSpis { get; } = espSpis;

    public override PayloadType Type => PayloadType.Delete;

    /// <summary>Deletes the IKE SA that carries the message.</summary>
    public static DeletePayload ForIkeSa() => new(ProtocolId.Ike, 0, []);

    public static DeletePayload ForEsp(params IReadOnlyList<uint> spis) => new(ProtocolId.Esp, sizeof(uint), spis);

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(Protocol.Value);
        writer.WriteUInt8(SpiSize);
        writer.WriteUInt16(checked((ushort)EspSpis.Count));
        for (int i = 0; i < EspSpis.Count; i++) writer.WriteUInt32(EspSpis[i]);
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out DeletePayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize) return Fail(body, WireErrorCode.Truncated, body.Length, out error);
        ReadOnlySpan<byte> octets = body.Span;
        var protocol = new ProtocolId(octets[0]);
        byte spiSize = octets[1];
        int count = BinaryPrimitives.ReadUInt16BigEndian(octets[2..]);
        bool isIke = protocol == ProtocolId.Ike;
        if (!isIke && protocol != ProtocolId.Esp && protocol != ProtocolId.Ah) return Fail(body, WireErrorCode.BadValue, 0, out error);
        if (spiSize != (isIke ? 0 : sizeof(uint))) return Fail(body, WireErrorCode.BadLength, 1, out error);
        if (isIke && count != 0) return Fail(body, WireErrorCode.BadValue, 2, out error);
        if (!isIke && count == 0) return Fail(body, WireErrorCode.ZeroLength, 2, out error);
        if (count > MaxSpis) return Fail(body, WireErrorCode.TooMany, 2, out error);
        int end = FixedSize + (count * spiSize);
        if (end > octets.Length) return Fail(body, WireErrorCode.Truncated, 2, out error);
        if (end < octets.Length) return Fail(body, WireErrorCode.TrailingBytes, end, out error);

        uint[] spis = count == 0 ? [] : new uint[count];
        for (int i = 0; i < count; i++) spis[i] = BinaryPrimitives.ReadUInt32BigEndian(octets[(FixedSize + (i * sizeof(uint)))..]);
        payload = new DeletePayload(protocol, spiSize, spis);
        return true;
    }

    private static bool Fail(in PayloadBody body, WireErrorCode code, int position, out WireError error)
    {
        error = body.Error(code, position);
        return false;
    }
}
