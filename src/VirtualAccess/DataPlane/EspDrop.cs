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
}
