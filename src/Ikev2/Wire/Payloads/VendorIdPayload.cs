using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Vendor ID payload, RFC 7296 3.12: opaque octets without a header of their own. Some vendors send none.</summary>
public sealed class VendorIdPayload(ReadOnlyMemory<byte> value) : IkePayload
{
    public ReadOnlyMemory<byte> Value { get; } = value;

    public override PayloadType Type => PayloadType.VendorId;

    public override void WriteBody(WireWriter writer) => writer.WriteBytes(Value.Span);

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out VendorIdPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        payload = new VendorIdPayload(body.Octets);
        return true;
    }
}
