using System.Diagnostics.CodeAnalysis;

namespace Headend.Ikev2.Wire;

/// <summary>Identification payload, initiator's or responder's: RFC 7296 3.5.</summary>
/// <remarks>
/// <code>
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |   ID Type     |                 RESERVED                      |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ~                   Identification Data                         ~
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// </code>
/// </remarks>
public sealed class IdPayload : IkePayload
{
    private const int FixedSize = 4;

    public IdPayload(bool isInitiator, IdType idType, ReadOnlyMemory<byte> value)
    {
        IsInitiator = isInitiator;
        var body = new byte[FixedSize + value.Length];
        body[0] = idType.Value;
        value.CopyTo(body.AsMemory(FixedSize));
        Body = body;
    }

    private IdPayload(bool isInitiator, ReadOnlyMemory<byte> body)
    {
        IsInitiator = isInitiator;
        Body = body;
    }

    public bool IsInitiator { get; }

    public IdType IdType => new(Body.Span[0]);

    public ReadOnlyMemory<byte> Value => Body[FixedSize..];

    /// <summary>RestOfInitIDPayload or RestOfRespIDPayload of RFC 7296 2.15: type, reserved octets as received, data.</summary>
    public ReadOnlyMemory<byte> Body { get; }

    /// <summary>The same to the octet, without the message that it came in.</summary>
    public IdPayload Copy() => new(IsInitiator, Body.ToArray());

    public override PayloadType Type => IsInitiator ? PayloadType.IdInitiator : PayloadType.IdResponder;

    public override void WriteBody(WireWriter writer) => writer.WriteBytes(Body.Span);

    internal static bool TryParse(in PayloadBody body, [NotNullWhen(true)] out IdPayload? payload, out WireError error)
    {
        payload = null;
        error = default;
        if (body.Length < FixedSize)
        {
            error = body.Error(WireErrorCode.Truncated, body.Length);
            return false;
        }
        var read = new IdPayload(body.Type == PayloadType.IdInitiator, body.Octets);
        WireErrorCode code = CheckLength(read.IdType, read.Value.Length);
        if (code != WireErrorCode.None)
        {
            error = body.Error(code, FixedSize);
            return false;
        }
        payload = read;
        return true;
    }

    // RFC 7619 2.4: ID_NULL has no data.
    private static WireErrorCode CheckLength(IdType type, int length)
    {
        if (type == IdType.Null) return WireErrorCode.None;
        if (length == 0) return WireErrorCode.ZeroLength;
        bool isRight = type == IdType.IPv4Address ? length == 4 : type != IdType.IPv6Address || length == 16;
        return isRight ? WireErrorCode.None : WireErrorCode.BadLength;
    }
}
