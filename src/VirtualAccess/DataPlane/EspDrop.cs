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
}
