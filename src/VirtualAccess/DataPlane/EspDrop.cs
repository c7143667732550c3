namespace Headend.VirtualAccess.DataPlane;

/// <summary>Why the data plane dropped a packet; each reason has a counter. None = not dropped.</summary>
public enum EspDrop
{
    None,
    Malformed,
    UnknownSpi,
    Replay,
    AuthenticationFailed,
    BadPadding,
    Dummy,
    UnsupportedNextHeader,
    InboundSelector,
    OutboundSelector,
    NoOutboundSa,
    SequenceExhausted,
    TooBig,
    TunFull,
    TunFailed,
    SendFailed,
    SendQueueFull,
    NoSocket,

    /// <summary>Marked "congestion experienced" on its way, and the inner packet cannot tell its ends (RFC 6040 4.2).</summary>
    Congestion,

    /// <summary>A GRE checksum that is not right (RFC 2784 2.1).</summary>
    GreChecksum,

    /// <summary>Another GRE key than <c>tunnel key</c>, or one where there is none, or none where there is one (RFC 2890 2.1).</summary>
    GreKey,
}
