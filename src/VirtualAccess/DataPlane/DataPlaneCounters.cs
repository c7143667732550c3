namespace Headend.VirtualAccess.DataPlane;

/// <summary>Counters of a session over all its SAs. Octets and packets are those of inner IP packets that passed; "in" is from the client.
/// LastInbound and LastOutbound are timestamps of the injected TimeProvider of the last authentic and the last sent packet, 0 = never.</summary>
public readonly record struct SessionCounters(
    long InOctets, long OutOctets, long InPackets, long OutPackets, long InDropped, long OutDropped, long LastInbound, long LastOutbound);

/// <summary>Counters of one pair of SAs, inner octets and packets; OutSequence is the last sequence number sent, InHighest the highest received.</summary>
public readonly record struct SaCounters(
    uint InboundSpi, uint OutboundSpi, long InOctets, long OutOctets, long InPackets, long OutPackets, ulong OutSequence, ulong InHighest, bool Sending);
