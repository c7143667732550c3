using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>EAP payload, RFC 7296 3.16: one EAP packet. Whether its own length field is right is for EAP to judge.</summary>
public sealed class EapPayload(ReadOnlyMemory<byte> packet) : IkePayload
{
    private const int EapHeaderSize = 4;

    public ReadOnlyMemory<byte> Packet { get; } = packet;

    public override PayloadType Type => PayloadType.Eap;

    public override void WriteBody(WireWriter writer) => writer.WriteBytes(Packet.Span);

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out EapPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < EapHeaderSize)
        {
            error = body.Error(WireErrorCode.Truncated, body.Length);
            return false;
        }
        payload = new EapPayload(body.Octets);
        return true;
    }
}
