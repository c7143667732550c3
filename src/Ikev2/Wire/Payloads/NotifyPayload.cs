using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Notify payload: RFC 7296 3.10. Its data is judged by whoever handles the type.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |  Protocol ID  |   SPI Size    |      Notify Message Type      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                Security Parameter Index (SPI)                 ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                       Notification Data                       ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class NotifyPayload(ProtocolId protocol, ReadOnlyMemory<byte> spi, NotifyType notifyType, ReadOnlyMemory<byte> value) : IkePayload
{
    private const int FixedSize = 4;

    /// <summary>A notification about the IKE SA or about nothing in particular: no protocol, no SPI.</summary>
    public NotifyPayload(NotifyType notifyType, ReadOnlyMemory<byte> value = default)
        : this(ProtocolId.None, default, notifyType, value)
    {
    }

    public ProtocolId Protocol { get; } = protocol;

    public ReadOnlyMemory<byte> Spi { get; } = spi;

    public NotifyType NotifyType { get; } = notifyType;

    public ReadOnlyMemory<byte> Value { get; } = value;

    public override PayloadType Type => PayloadType.Notify;

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(Protocol.Value);
        writer.WriteUInt8(checked((byte)Spi.Length));
        writer.WriteUInt16(NotifyType.Value);
        writer.WriteBytes(Spi.Span);
        writer.WriteBytes(Value.Span);
    }

    public override string ToString() => $"N({NotifyType})";

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out NotifyPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize)
        {
            error = body.Error(WireErrorCode.Truncated, body.Length);
            return false;
        }
        ReadOnlySpan<byte> octets = body.Span;
        int spiSize = octets[1];
        if (spiSize > body.Length - FixedSize)
        {
            error = body.Error(WireErrorCode.Truncated, 1);
            return false;
        }
        payload = new NotifyPayload(
            new ProtocolId(octets[0]),
            body.Octets.Slice(FixedSize, spiSize),
            new NotifyType(BinaryPrimitives.ReadUInt16BigEndian(octets[2..])),
            body.Octets[(FixedSize + spiSize)..]);
        return true;
    }
}
