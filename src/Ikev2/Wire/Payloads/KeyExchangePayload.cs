using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Key Exchange payload: RFC 7296 3.4. The length of the public value is the group's affair.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   Diffie-Hellman Group Num    |           RESERVED            |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                       Key Exchange Data                       ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class KeyExchangePayload(ushort group, ReadOnlyMemory<byte> publicValue) : IkePayload
{
    private const int FixedSize = 4;

    /// <summary>A number of <see cref="TransformIds.KeyExchange"/>.</summary>
    public ushort Group { get; } = group;

    public ReadOnlyMemory<byte> PublicValue { get; } = publicValue;

    public override PayloadType Type => PayloadType.KeyExchange;

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt16(Group);
        writer.WriteUInt16(0);
        writer.WriteBytes(PublicValue.Span);
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out KeyExchangePayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize)
        {
            error = body.Error(WireErrorCode.Truncated, body.Length);
            return false;
        }
        if (body.Length == FixedSize)
        {
            error = body.Error(WireErrorCode.ZeroLength, FixedSize);
            return false;
        }
        payload = new KeyExchangePayload(BinaryPrimitives.ReadUInt16BigEndian(body.Span), body.Octets[FixedSize..]);
        return true;
    }
}
