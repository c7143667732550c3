using System.Collections.Immutable;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Keying material of one direction as cut from KEYMAT (RFC 7296 2.17). The installer copies it; the caller zeroes its own.</summary>
/// <param name="Encryption">Cipher key, with the salt at its end where the algorithm has one.</param>
/// <param name="Integrity">HMAC key; empty for AEAD.</param>
public readonly record struct EspKeys(ReadOnlyMemory<byte> Encryption, ReadOnlyMemory<byte> Integrity = default)
{
    /// <summary>Never prints key octets.</summary>
    public override string ToString() => "EspKeys";
}

/// <summary>When the outbound half of a new SA takes over.</summary>
public enum OutboundMode
{
    /// <summary>At once: first SA, and rekeys that we initiated.</summary>
    Now,

    /// <summary>RFC 7296 2.8: the responder of a rekey sends on the old SA until the new one has carried a packet, or until the old one is removed.</summary>
    AfterFirstInbound,
}

/// <summary>The DF bit of outer IPv4 headers (RFC 4301 8.1).</summary>
public enum DfBit
{
    /// <summary>As the inner packet has it; IPv6 counts as DF set.</summary>
    Copy,

    /// <summary>Routers may fragment every packet.</summary>
    Clear,

    /// <summary>Set on what fits the path as far as it is known; what does not fit and may be fragmented goes out in fragments.</summary>
    Set,
}

/// <summary>Lifetime in octets and packets after which a hint asks for a rekey; 0 = none. Either direction counts.</summary>
public readonly record struct EspSoftLimits(long Octets, long Packets);

/// <summary>A pair of ESP SAs.</summary>
public sealed record EspSaParameters
{
    /// <summary>SPI that we receive on; 256 and up.</summary>
    public required uint InboundSpi { get; init; }

    /// <summary>SPI that the client receives on.</summary>
    public required uint OutboundSpi { get; init; }

    public required EspAlgorithm Algorithm { get; init; }

    public required EspKeys InboundKeys { get; init; }

    public required EspKeys OutboundKeys { get; init; }

    /// <summary>Carries GRE between the outer addresses and no inner IP header: the selectors are those addresses'. Else tunnel mode.</summary>
    public bool IsTransportMode { get; init; }

    /// <summary>Our side: destinations of inbound, sources of outbound packets.</summary>
    public required ImmutableArray<EspSelector> LocalSelectors { get; init; }

    /// <summary>The client's side: sources of inbound, destinations of outbound packets.</summary>
    public required ImmutableArray<EspSelector> RemoteSelectors { get; init; }

    /// <summary>Sequence numbers of 64 bits, of which the low half is sent (RFC 4303 2.2.1).</summary>
    public bool ExtendedSequenceNumbers { get; init; }

    /// <summary>Anti-replay window in packets, 32 to 4096, or 0 for none (RFC 4303 3.4.3).</summary>
    public int ReplayWindow { get; init; } = 1024;

    public OutboundMode Outbound { get; init; } = OutboundMode.Now;

    /// <summary>Inbound SPI of the SA that this one replaces when <see cref="Outbound"/> is AfterFirstInbound; 0 = whichever sends now.</summary>
    public uint Replaces { get; init; }

    public EspSoftLimits SoftLimits { get; init; }

    public DfBit DfBit { get; init; } = DfBit.Copy;

    public override string ToString() => $"{Algorithm} in {InboundSpi:x8} out {OutboundSpi:x8}";
}
