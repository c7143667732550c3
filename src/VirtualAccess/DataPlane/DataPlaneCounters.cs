namespace Headend.VirtualAccess.DataPlane;

/// <summary>Counters of a session over all its SAs. Octets and packets are those of inner IP packets that passed; "in" is from the client.</summary>
/// <param name="LastInbound">Timestamp of the injected TimeProvider of the last authentic packet, 0 = never.</param>
/// <param name="LastOutbound">The same for the last packet sent.</param>
public readonly record struct SessionCounters(
    long InOctets, long OutOctets, long InPackets, long OutPackets, long InDropped, long OutDropped, long LastInbound, long LastOutbound);

/// <summary>Counters of one pair of SAs, inner octets and packets.</summary>
/// <param name="OutSequence">Last sequence number sent.</param>
/// <param name="InHighest">Highest sequence number received.</param>
public readonly record struct SaCounters(
    uint InboundSpi, uint OutboundSpi, long InOctets, long OutOctets, long InPackets, long OutPackets, uint OutSequence, uint InHighest, bool Sending);
