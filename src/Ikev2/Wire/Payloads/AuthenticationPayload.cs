using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Authentication payload: RFC 7296 3.8.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// | Auth Method   |                RESERVED                       |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                      Authentication Data                      ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class AuthenticationPayload(AuthenticationMethod method, ReadOnlyMemory<byte> value) : IkePayload
{
    private const int FixedSize = 4;

    public AuthenticationMethod Method { get; } = method;

    public ReadOnlyMemory<byte> Value { get; } = value;

    public override PayloadType Type => PayloadType.Authentication;

    public override void WriteBody(WireWriter writer)
    {
        writer.WriteUInt8(Method.Value);
        writer.WriteZeros(FixedSize - 1);
        writer.WriteBytes(Value.Span);
    }

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out AuthenticationPayload? payload, out WireError error)
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
        payload = new AuthenticationPayload(new AuthenticationMethod(body.Span[0]), body.Octets[FixedSize..]);
        return true;
    }
}
