namespace Headend.VirtualAccess.DataPlane;

/// <summary>What the packet path noticed.</summary>
public enum DataPlaneHintKind
{
    /// <summary>The first authentic packet arrived on a new inbound SA: the client uses it. Once per SA.</summary>
    FirstInbound,

    /// <summary>The newest authentic packet came from another address or port. Once per new address.</summary>
    RemoteAddressChanged,

    /// <summary>A soft limit of octets or packets is reached: rekey. Once per SA.</summary>
    SoftLimitReached,

    /// <summary>Three quarters of the sequence numbers are used: rekey at once. Once per SA.</summary>
    SequenceNearExhaustion,

    /// <summary>ESP for an SPI that is not installed (INVALID_SPI, 11); at most <see cref="UserSpaceDataPlaneOptions.UnknownSpiHintsPerSecond"/> a second.</summary>
    UnknownSpi,
}

/// <summary>A hint to the control plane.</summary>
/// <param name="Kind">What.</param>
/// <param name="Session">Session, none for UnknownSpi.</param>
/// <param name="InboundSpi">SA, or the unknown SPI.</param>
/// <param name="Remote">Source of the packet where there was one.</param>
/// <param name="Local">Our address that it came to.</param>
public readonly record struct DataPlaneHint(DataPlaneHintKind Kind, SessionHandle Session, uint InboundSpi, TransportAddress Remote, TransportAddress Local);

/// <summary>Receives hints on packet threads: must return at once, must not throw, must not call back into the data plane.</summary>
public interface IDataPlaneObserver
{
    void OnHint(in DataPlaneHint hint);
}
