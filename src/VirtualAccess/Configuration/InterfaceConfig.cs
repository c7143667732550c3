using System.Collections.Immutable;
using System.Net;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Configuration;

/// <summary>The typed configuration of one virtual-access interface; null means that no command set the value.</summary>
public sealed record InterfaceConfig
{
    /// <summary>Tunnel MTU in octets when nothing sets one: leaves room for UDP, ESP and an IPv6 header within 1500.</summary>
    public const int DefaultMtu = 1400;

    /// <summary>RFC 8200 5: every IPv6 link carries 1280 octets.</summary>
    public const int MinimumIpv6Mtu = 1280;

    public static InterfaceConfig Empty { get; } = new();

    /// <summary><c>ip unnumbered IFNAME</c>: the interface whose primary IPv4 address is lent.</summary>
    public Setting<string>? IpUnnumbered { get; init; }

    /// <summary><c>ipv6 unnumbered IFNAME</c>: the interface whose first global IPv6 address is lent.</summary>
    public Setting<string>? Ipv6Unnumbered { get; init; }

    /// <summary><c>ip address A.B.C.D MASK [secondary]</c>: the primary first.</summary>
    public ImmutableArray<Setting<AddressWithLength>> IpAddresses { get; init; } = [];

    /// <summary><c>ipv6 address X:X::X/L</c>.</summary>
    public ImmutableArray<Setting<AddressWithLength>> Ipv6Addresses { get; init; } = [];

    /// <summary><c>vrf forwarding VRF</c>: the name of the VRF's device.</summary>
    public Setting<string>? Vrf { get; init; }

    /// <summary><c>ip verify unicast source reachable-via rx</c>.</summary>
    public Setting<bool>? VerifySource { get; init; }

    /// <summary><c>ipv6 verify unicast source reachable-via rx</c>.</summary>
    public Setting<bool>? VerifyIpv6Source { get; init; }

    /// <summary><c>ip route</c> and <c>ipv6 route</c>: networks behind the client.</summary>
    public ImmutableArray<Setting<InterfaceRoute>> Routes { get; init; } = [];

    /// <summary><c>bandwidth N</c>, kbit/s.</summary>
    public Setting<uint>? Bandwidth { get; init; }

    /// <summary><c>shutdown</c>; null while the interface is up.</summary>
    public Setting<bool>? Shutdown { get; init; }

    /// <summary><c>ip mtu N</c>, octets.</summary>
    public Setting<int>? IpMtu { get; init; }

    /// <summary><c>ipv6 mtu N</c>, octets.</summary>
    public Setting<int>? Ipv6Mtu { get; init; }

    /// <summary><c>ip tcp adjust-mss N</c>: upper bound for the MSS option of TCP SYNs in both directions, octets, both IP versions.</summary>
    public Setting<int>? TcpAdjustMss { get; init; }

    /// <summary><c>description TEXT</c>.</summary>
    public Setting<string>? Description { get; init; }

    /// <summary><c>ip access-group NAME in</c>: the access list for IPv4 packets of the client.</summary>
    public Setting<string>? InboundAccessGroup { get; init; }

    /// <summary><c>ip access-group NAME out</c>: the access list for IPv4 packets to the client.</summary>
    public Setting<string>? OutboundAccessGroup { get; init; }

    /// <summary><c>ipv6 traffic-filter NAME in</c>: the access list for IPv6 packets of the client.</summary>
    public Setting<string>? Ipv6InboundAccessGroup { get; init; }

    /// <summary><c>ipv6 traffic-filter NAME out</c>: the access list for IPv6 packets to the client.</summary>
    public Setting<string>? Ipv6OutboundAccessGroup { get; init; }

    /// <summary><c>ip nat inside source [interface IFNAME] overload</c>: the interface, empty for any.</summary>
    public Setting<string>? NatOverload { get; init; }

    /// <summary><c>ipv6 nat inside source [interface IFNAME] overload</c>.</summary>
    public Setting<string>? Ipv6NatOverload { get; init; }

    /// <summary><c>ip nat inside source static</c> and <c>ipv6 nat inside source static</c>.</summary>
    public ImmutableArray<Setting<NatStatic>> NatStatics { get; init; } = [];

    /// <summary><c>ip nat inside source pool NAME</c>.</summary>
    public Setting<string>? NatPool { get; init; }

    /// <summary><c>ipv6 nat inside source pool NAME</c>.</summary>
    public Setting<string>? Ipv6NatPool { get; init; }

    /// <summary><c>tunnel source ADDRESS</c>: must be where the client came to.</summary>
    public Setting<IPAddress>? TunnelSource { get; init; }

    /// <summary><c>tunnel source IFNAME</c>: must have the address that the client came to.</summary>
    public Setting<string>? TunnelSourceInterface { get; init; }

    /// <summary><c>tunnel mode</c>: must be what the session is, unless it is auto or the template's mode is; null is ESP in tunnel mode.</summary>
    public Setting<TunnelMode>? TunnelMode { get; init; }

    /// <summary>The session decides about the tunnel's mode (<c>mode: auto</c> of the template).</summary>
    public bool IsAutoMode { get; init; }

    /// <summary>ESP in tunnel mode or GRE, as the client offers it.</summary>
    public bool TakesModeFromSession => IsAutoMode || TunnelMode is { Value.Encapsulation: null };

    /// <summary><c>tunnel key N</c>: the key of GRE packets (RFC 2890); without GRE there is none.</summary>
    public Setting<uint>? TunnelKey { get; init; }

    /// <summary><c>tunnel protection ipsec profile NAME</c>.</summary>
    public Setting<string>? TunnelProtection { get; init; }

    /// <summary><c>service-policy input NAME</c>: the policy for packets of the client.</summary>
    public Setting<string>? ServicePolicyInput { get; init; }

    /// <summary><c>service-policy output NAME</c>: the policy for packets to the client.</summary>
    public Setting<string>? ServicePolicyOutput { get; init; }

    /// <summary>IPv4 MTU in force, octets.</summary>
    public int EffectiveIpMtu => IpMtu?.Value ?? DefaultMtu;

    /// <summary>IPv6 MTU in force, octets; follows <c>ip mtu</c> down to the IPv6 minimum when not set itself.</summary>
    public int EffectiveIpv6Mtu => Ipv6Mtu?.Value ?? Math.Max(MinimumIpv6Mtu, EffectiveIpMtu);

    /// <summary>Every command of address translation.</summary>
    internal IEnumerable<ISetting> NatSettings =>
        new ISetting?[] { NatOverload, NatPool, Ipv6NatOverload, Ipv6NatPool }.Concat(NatStatics).OfType<ISetting>();

    /// <summary>The settings in the order of <c>show derived-config</c>.</summary>
    /// <param name="session">Where given, with what the session adds.</param>
    public IEnumerable<(string Command, ConfigOrigin Origin)> Commands(TunnelSession? session = null)
    {
        ISetting?[] all =
        [
            Description, Bandwidth, Vrf, IpUnnumbered, .. IpAddresses, InboundAccessGroup, OutboundAccessGroup, VerifySource, .. NatSettings, IpMtu, TcpAdjustMss,
            Ipv6Unnumbered, .. Ipv6Addresses, Ipv6InboundAccessGroup, Ipv6OutboundAccessGroup, VerifyIpv6Source, Ipv6Mtu, .. Routes, Shutdown,
            TunnelSource ?? (ISetting?)TunnelSourceInterface ?? FromSession(session?.Local, $"tunnel source {session?.Local}"),
            FromSession(session?.Remote, $"tunnel destination {session?.Remote}"),
            TakesModeFromSession ? FromSession(session?.Remote, $"tunnel mode {session?.Mode}") : TunnelMode,
            TunnelKey, TunnelProtection,
            // The headend answers clients and calls none.
            TunnelProtection is null || session is null ? null : TunnelProtection with { Command = "no tunnel protection ipsec initiate" },
            ServicePolicyInput, ServicePolicyOutput,
        ];
        return all.OfType<ISetting>().Select(s => (s.Command, s.Origin));
    }

    private static Setting<IPAddress>? FromSession(IPAddress? value, string command) => value is null ? null : new(value, ConfigOrigin.Session, command);
}
