namespace Headend.Ikev2.Wire;

/// <summary>What was wrong with received octets.</summary>
public enum WireErrorCode
{
    None = 0,

    /// <summary>A field reaches beyond the end of what holds it.</summary>
    Truncated,

    /// <summary>A length field contradicts what it describes.</summary>
    BadLength,

    /// <summary>Octets are left after the last element.</summary>
    TrailingBytes,

    /// <summary>A list exceeds its limit.</summary>
    TooMany,

    /// <summary>A value that must have octets has none.</summary>
    ZeroLength,

    /// <summary>A field has a value that its RFC forbids here.</summary>
    BadValue,

    /// <summary>RFC 7296 2.5: an unknown payload with the critical bit set.</summary>
    UnsupportedCriticalPayload,

    /// <summary>A payload stands where it may not: protected in the clear, clear inside or beside the protected one.</summary>
    MisplacedPayload,

    /// <summary>RFC 7296 2.5: a higher major version than ours.</summary>
    UnsupportedVersion,
}
