using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Certificate Request payload: RFC 7296 3.7.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Cert Encoding |                                               |
/// +-+-+-+-+-+-+-+-+                                               |
/// ~                    Certification Authority                    ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class CertificateRequestPayload(CertificateEncoding encoding, ReadOnlyMemory<byte> authorities) : IkePayload
{
    private const int FixedSize = 1;

    public CertificateEncoding Encoding { get; } = encoding;

    /// <summary>For X.509, SHA-1 hashes of the trusted authorities' public keys end to end; empty asks for any.</summary>
    public ReadOnlyMemory<byte> Authorities { get; } = authorities;

    public override PayloadType Type => PayloadType.CertificateRequest;

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(Encoding.Value);
        writer.WriteBytes(Authorities.Span);
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out CertificateRequestPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize)
        {
            error = body.Error(WireErrorCode.Truncated, body.Length);
            return false;
        }
        payload = new CertificateRequestPayload(new CertificateEncoding(body.Span[0]), body.Octets[FixedSize..]);
        return true;
    }
}
