using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Certificate payload: RFC 7296 3.6.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Cert Encoding |                                               |
/// +-+-+-+-+-+-+-+-+                                               |
/// ~                       Certificate Data                        ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class CertificatePayload(CertificateEncoding encoding, ReadOnlyMemory<byte> value) : IkePayload
{
    private const int FixedSize = 1;

    public CertificateEncoding Encoding { get; } = encoding;

    public ReadOnlyMemory<byte> Value { get; } = value;

    public override PayloadType Type => PayloadType.Certificate;

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(Encoding.Value);
        writer.WriteBytes(Value.Span);
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out CertificatePayload? payload, out WireError error)
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
        payload = new CertificatePayload(new CertificateEncoding(body.Span[0]), body.Octets[FixedSize..]);
        return true;
    }
}
