namespace Headend.Admin;

/// <summary>One virtual-access interface, for <c>show interface</c> and <c>show derived-config</c>. Octets and packets are those of inner packets; "in" is from the client.</summary>
internal sealed record InterfaceRecord
{
    public required int Number { get; init; }

    /// <summary>For example <c>Virtual-Access7</c>.</summary>
    public required string Interface { get; init; }

    /// <summary>The kernel's name, for example <c>vi7</c>.</summary>
    public required string Device { get; init; }

    /// <summary>Number of the virtual-template that it is cloned from.</summary>
    public required int VirtualTemplate { get; init; }

    public string? Description { get; init; }

    public string? User { get; init; }

    public required string Profile { get; init; }

    /// <summary>The client's own addresses.</summary>
    public IReadOnlyList<string> ClientAddresses { get; init; } = [];

    /// <summary>Networks behind the client that are routed to the interface.</summary>
    public IReadOnlyList<string> Routes { get; init; } = [];

    /// <summary>What <c>bandwidth</c> tells, kbit/s; null without the command.</summary>
    public uint? BandwidthKbps { get; init; }

    /// <summary>Octets.</summary>
    public required int IpMtu { get; init; }

    /// <summary>Octets.</summary>
    public required int Ipv6Mtu { get; init; }

    public required string TunnelSource { get; init; }

    public required string TunnelDestination { get; init; }

    /// <summary>Encapsulation and transport as <c>show interface</c> has them: <c>IPSEC/IP</c>, <c>GRE/IPV6</c>.</summary>
    public required string TunnelProtocol { get; init; }

    /// <summary>Of GRE packets; null without one, and in tunnel mode.</summary>
    public uint? TunnelKey { get; init; }

    public required ulong InOctets { get; init; }

    public required ulong OutOctets { get; init; }

    public required ulong InPackets { get; init; }

    public required ulong OutPackets { get; init; }

    /// <summary>Seconds since the last inner packet from the client; null without one.</summary>
    public long? LastInSeconds { get; init; }

    /// <summary>Seconds since the last inner packet to the client; null without one.</summary>
    public long? LastOutSeconds { get; init; }

    public IReadOnlyList<InterfaceSaRecord> Sas { get; init; } = [];

    /// <summary>How the client's addresses are translated, in order; empty where they are not.</summary>
    public IReadOnlyList<InterfaceTranslationRecord> Translations { get; init; } = [];

    /// <summary>The configuration in force, in order.</summary>
    public IReadOnlyList<DerivedCommandRecord> DerivedConfig { get; init; } = [];
}

/// <summary>One command of a derived configuration.</summary>
/// <param name="Command">As it is written.</param>
/// <param name="Origin">Who gave it, for example <c>aaa group staff</c>.</param>
internal sealed record DerivedCommandRecord(string Command, string Origin);

/// <summary>One translation of an interface and the connections that it has met.</summary>
/// <param name="Kind"><c>overload</c> or <c>static</c>.</param>
/// <param name="Command">The interface command.</param>
/// <param name="WayOut">For an overload: the interface by which connections leave; null for any.</param>
/// <param name="Local">The client's address, or that of a host behind it; null for an overload.</param>
/// <param name="Global">The address that others see; null for an overload.</param>
/// <param name="OutboundConnections">Begun by the client.</param>
/// <param name="InboundConnections">Begun by others.</param>
internal sealed record InterfaceTranslationRecord(string Kind, string Command, string? WayOut, string? Local, string? Global, long OutboundConnections, long InboundConnections);

/// <summary>Counters of one pair of ESP SAs. SPIs are 8 hexadecimal digits.</summary>
/// <param name="IsSending">Packets to the client go by this pair.</param>
internal sealed record InterfaceSaRecord(string InSpi, string OutSpi, long InPackets, long OutPackets, long InOctets, long OutOctets, bool IsSending);

/// <summary>One virtual-template.</summary>
internal sealed record VirtualTemplateRecord
{
    public required int Number { get; init; }

    /// <summary><c>auto</c> or <c>configured</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>What new sessions are cloned from.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];

    /// <summary>Virtual-access interfaces that are cloned from it.</summary>
    public required int ActiveInterfaces { get; init; }

    /// <summary>True while there are any: a change does not touch them.</summary>
    public required bool IsLocked { get; init; }

    /// <summary>Those of them that were cloned before the last change, which waits for their next session.</summary>
    public required int InterfacesBeforeChange { get; init; }
}
