using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Nonce payload, RFC 7296 3.9: the nonce alone, 16 to 256 octets.</summary>
public sealed class NoncePayload(ReadOnlyMemory<byte> value) : IkePayload
{
    public const int MinSize = 16;
    public const int MaxSize = 256;

    public ReadOnlyMemory<byte> Value { get; } = value;

    public override PayloadType Type => PayloadType.Nonce;

    public override void WriteBody(WireWriter writer) => writer.WriteBytes(Value.Span);

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out NoncePayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length is < MinSize or > MaxSize)
        {
            error = body.Error(WireErrorCode.BadLength, 0);
            return false;
        }
        payload = new NoncePayload(body.Octets);
        return true;
    }
}
