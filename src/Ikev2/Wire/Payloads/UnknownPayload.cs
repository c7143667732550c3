namespace Headend.Ikev2.Wire;

/// <summary>A payload of a type that we do not know: RFC 7296 2.5. Received ones are never critical.</summary>
public sealed class UnknownPayload(PayloadType type, bool critical, ReadOnlyMemory<byte> value) : IkePayload
{
    public ReadOnlyMemory<byte> Value { get; } = value;

    public override PayloadType Type { get; } = type;

    public override bool Critical { get; } = critical;

    public override void WriteBody(WireWriter writer) => writer.WriteBytes(Value.Span);
}
