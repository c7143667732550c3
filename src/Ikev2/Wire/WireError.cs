namespace Headend.Ikev2.Wire;

/// <summary>Why octets were refused. <paramref name="Payload"/> is None for the IKE header.</summary>
/// <param name="Code">What was wrong.</param>
/// <param name="Payload">The payload in which it was found.</param>
/// <param name="Offset">In octets from the start of the buffer that was parsed.</param>
public readonly record struct WireError(WireErrorCode Code, PayloadType Payload, int Offset)
{
    public override string ToString()
    {
        string where = Payload == PayloadType.None ? "header" : Payload.Notation;
        return $"{where}: {Describe(Code)} at octet {Offset}";
    }

    private static string Describe(WireErrorCode code) => code switch
    {
        WireErrorCode.None => "no error",
        WireErrorCode.Truncated => "truncated",
        WireErrorCode.BadLength => "wrong length",
        WireErrorCode.TrailingBytes => "trailing octets",
        WireErrorCode.TooMany => "too many elements",
        WireErrorCode.ZeroLength => "empty value",
        WireErrorCode.BadValue => "forbidden value",
        WireErrorCode.UnsupportedCriticalPayload => "unsupported critical payload",
        WireErrorCode.MisplacedPayload => "misplaced payload",
        WireErrorCode.UnsupportedVersion => "unsupported major version",
        _ => code.ToString(),
    };
}
