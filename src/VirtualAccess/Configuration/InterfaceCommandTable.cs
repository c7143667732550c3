using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.DataPlane;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Every command an interface takes. A new command is a new row; parser, help, <c>no</c> form and docs/interface-commands.md follow from it.</summary>
internal static partial class InterfaceCommandTable
{
    public static IReadOnlyList<InterfaceCommand> Rows { get; } =
    [
        new("description TEXT", "Text for people", "Stands in the alias of the device (`ip link`).",
            (c, call) => c with { Description = call.Setting<string>(0) },
            (c, _) => c with { Description = null }),

        new("bandwidth <1-10000000>", "Speed of the interface for those who ask, kbit/s", "In `show interface`, and the speed of the device (`/sys/class/net/viN/speed`, SNMP), in whole Mbit/s, 1 at least; an xfrm interface has none. Limits nothing; `service-policy` does.",
            (c, call) => c with { Bandwidth = call.Setting<uint>(0) },
            (c, _) => c with { Bandwidth = null }),

        new("shutdown", "Take the interface down", "The device is down and has no routes; the session stands. `no shutdown` brings them back.",
            (c, call) => c with { Shutdown = call.Setting(true) },
            (c, _) => c with { Shutdown = null }),

        new("vrf forwarding VRF", "Put the interface into a VRF", "The device is enslaved to the VRF's and its routes stand in that table. Takes away addresses that were given before it: give them again behind it.",
            (c, call) => IntoVrf(c, call.Setting<string>(0), call),
            (c, call) => IntoVrf(c, null, call)),

        new("ip unnumbered IFNAME", "Use the primary IPv4 address of that interface", "Source of this machine's own packets to the client (`src` of its routes). No address is added to the device.",
            (c, call) => c with { IpUnnumbered = call.Setting<string>(0), IpAddresses = [] },
            (c, _) => c with { IpUnnumbered = null }),

        new("ip address A.B.C.D MASK [secondary]", "An IPv4 address of the interface", "The device has it. Without `secondary` it replaces those before it, and `ip unnumbered`.",
            (c, call) => c with
            {
                IpUnnumbered = null,
                IpAddresses = call.Has(2) ? [.. Without(c.IpAddresses, AddressOf(call)), call.Setting(AddressOf(call))] : [call.Setting(AddressOf(call))],
            },
            (c, call) => c with { IpAddresses = call.Has(0) ? Without(c.IpAddresses, AddressOf(call)) : [] }),

        new("ipv6 unnumbered IFNAME", "Use the first global IPv6 address of that interface", "The device has it as a /128 address.",
            (c, call) => c with { Ipv6Unnumbered = call.Setting<string>(0), Ipv6Addresses = [] },
            (c, _) => c with { Ipv6Unnumbered = null }),

        new("ipv6 address X:X::X/L", "A further IPv6 address of the interface", "The device has it. Replaces `ipv6 unnumbered`.",
            (c, call) => c with { Ipv6Unnumbered = null, Ipv6Addresses = [.. Without(c.Ipv6Addresses, call.Get<AddressWithLength>(0)), call.Setting<AddressWithLength>(0)] },
            (c, call) => c with { Ipv6Addresses = call.Has(0) ? Without(c.Ipv6Addresses, call.Get<AddressWithLength>(0)) : [] }),

        new("ip mtu <68-9216>", "Largest IPv4 packet in the tunnel, octets", "MTU of the device, or of its IPv4 routes where the IPv6 MTU is larger.",
            (c, call) => c with { IpMtu = call.Setting((int)call.Get<uint>(0)) },
            (c, _) => c with { IpMtu = null }),

        new("ipv6 mtu <1280-9216>", "Largest IPv6 packet in the tunnel, octets", "MTU of the device, or of its IPv6 routes where the IPv4 MTU is larger.",
            (c, call) => c with { Ipv6Mtu = call.Setting((int)call.Get<uint>(0)) },
            (c, _) => c with { Ipv6Mtu = null }),

        new("ip tcp adjust-mss <500-9176>", "Lower the MSS option of TCP SYNs to this, octets", "SYNs of both directions and IP versions are changed on their way.",
            (c, call) => c with { TcpAdjustMss = call.Setting((int)call.Get<uint>(0)) },
            (c, _) => c with { TcpAdjustMss = null }),

        new("ip verify unicast source reachable-via rx", "Take IPv4 packets only from sources that are routed to the interface", "`rp_filter` of the device is 1. The tunnel's selectors bind the client to its addresses with and without it.",
            (c, call) => c with { VerifySource = call.Setting(true) },
            (c, _) => c with { VerifySource = null }),

        new("ipv6 verify unicast source reachable-via rx", "Take IPv6 packets only from sources that are routed to the interface", "nftables `fib saddr . iif`: the kernel has no `rp_filter` for IPv6. The tunnel's selectors bind the client to its addresses with and without it.",
            (c, call) => c with { VerifyIpv6Source = call.Setting(true) },
            (c, _) => c with { VerifyIpv6Source = null }),

        new("ip route A.B.C.D MASK [distance <1-255>] [tag <1-255>]", "An IPv4 network behind the client", RouteEffect,
            (c, call) => WithRoute(c, call, new IPNetwork(call.Get<IPAddress>(0), call.Get<int>(1)), call.Has(2) ? call.Get<uint>(2) : 0, (byte)(call.Has(3) ? call.Get<uint>(3) : 0)),
            (c, call) => WithoutRoutes(c, isIpv6: false, call.Has(0) ? new IPNetwork(call.Get<IPAddress>(0), call.Get<int>(1)) : null))
        { Check = a => a[0] is IPAddress address && a[1] is int length ? Misfit(address, length) : null },

        new("ipv6 route X:X::X/L [distance <1-255>]", "An IPv6 network behind the client", RouteEffect,
            (c, call) => WithRoute(c, call, NetworkOf(call.Get<AddressWithLength>(0)), call.Has(1) ? call.Get<uint>(1) : 0, 0),
            (c, call) => WithoutRoutes(c, isIpv6: true, call.Has(0) ? NetworkOf(call.Get<AddressWithLength>(0)) : null))
        { Check = a => a[0] is AddressWithLength prefix ? Misfit(prefix.Address, prefix.PrefixLength) : null },

        new("ip access-group NAME in", "Filter IPv4 packets of the client", AccessGroup,
            (c, call) => c with { InboundAccessGroup = call.Setting<string>(0) },
            (c, _) => c with { InboundAccessGroup = null }),

        new("ip access-group NAME out", "Filter IPv4 packets to the client", AccessGroup,
            (c, call) => c with { OutboundAccessGroup = call.Setting<string>(0) },
            (c, _) => c with { OutboundAccessGroup = null }),

        new("ipv6 traffic-filter NAME in", "Filter IPv6 packets of the client", AccessGroup,
            (c, call) => c with { Ipv6InboundAccessGroup = call.Setting<string>(0) },
            (c, _) => c with { Ipv6InboundAccessGroup = null }),

        new("ipv6 traffic-filter NAME out", "Filter IPv6 packets to the client", AccessGroup,
            (c, call) => c with { Ipv6OutboundAccessGroup = call.Setting<string>(0) },
            (c, _) => c with { Ipv6OutboundAccessGroup = null }),

        new("tunnel source ADDRESS", "The address that the client must have come to", "Sessions that came to another one are refused.",
            (c, call) => c with { TunnelSource = call.Setting<IPAddress>(0), TunnelSourceInterface = null },
            NoTunnelSource),

        new("tunnel source IFNAME", "The interface whose addresses the client must have come to", "Sessions that came to another address are refused.",
            (c, call) => c with { TunnelSource = null, TunnelSourceInterface = call.Setting<string>(0) },
            NoTunnelSource),

        new("tunnel mode ipsec ipv4", "ESP in tunnel mode over IPv4", TunnelModeEffect, Mode(TunnelEncapsulation.Ipsec, isIpv6: false), NoMode),
        new("tunnel mode ipsec ipv6", "ESP in tunnel mode over IPv6", TunnelModeEffect, Mode(TunnelEncapsulation.Ipsec, isIpv6: true), NoMode),
        new("tunnel mode gre ip", "GRE over IPv4 under ESP in transport mode", TunnelModeEffect, Mode(TunnelEncapsulation.Gre, isIpv6: false), NoMode),
        new("tunnel mode gre ipv6", "GRE over IPv6 under ESP in transport mode", TunnelModeEffect, Mode(TunnelEncapsulation.Gre, isIpv6: true), NoMode),
        new("tunnel mode auto", "As the client offers it", "GRE where the client asks for transport mode with selectors of protocol 47 between the outer addresses, else ESP in tunnel mode.", Mode(null, isIpv6: false), NoMode),

        new("tunnel key <0-4294967295>", "Key of GRE packets (RFC 2890)", "Packets of GRE have it in both directions; those of the client with another or none are dropped. ESP in tunnel mode has none: there the command is kept and shown, and changes no packet.",
            (c, call) => c with { TunnelKey = call.Setting<uint>(0) },
            (c, _) => c with { TunnelKey = null }),

        new("tunnel protection ipsec profile NAME", "The IPsec settings of the IKEv2 profile: its name, or default", "Sessions are protected by those with and without the command; another name is refused.",
            (c, call) => c with { TunnelProtection = call.Setting<string>(0) },
            (c, _) => c with { TunnelProtection = null }),

        new("keepalive", "GRE keepalives", NoKeepalive, (c, _) => c, (c, _) => c) { Refusal = KeepaliveRefusal },
        new("keepalive TEXT", "GRE keepalives with period and retries", NoKeepalive, (c, _) => c, (c, _) => c) { Refusal = KeepaliveRefusal },

        new("service-policy input NAME", "Traffic policy for packets of the client", ServicePolicy,
            (c, call) => c with { ServicePolicyInput = Attach(c.ServicePolicyInput, call) },
            (c, _) => c with { ServicePolicyInput = null }),

        new("service-policy output NAME", "Traffic policy for packets to the client", ServicePolicy,
            (c, call) => c with { ServicePolicyOutput = Attach(c.ServicePolicyOutput, call) },
            (c, _) => c with { ServicePolicyOutput = null }),

        .. NatRows(),
    ];

    private const string RouteEffect = "A route over the device, with the distance as metric and the tag as realm (IPv4). The client may send from it and is sent to it where its selectors hold it.";

    private const string TunnelModeEffect = "Sessions of another mode are refused, unless the template has `mode: auto`. Without the command it is ESP in tunnel mode, over either IP version.";

    private const string NoKeepalive = "Refused: as on IOS, GRE keepalives do not go with tunnel protection. A client that is gone is found by `dpd` of the profile. `no keepalive` is what holds anyway.";

    private const string KeepaliveRefusal = "GRE keepalives do not go with tunnel protection; a client that is gone is found by 'dpd' of the profile";

    private const string AccessGroup = "The access list NAME of the configuration decides about each packet.";

    private const string ServicePolicy = "The policy-map NAME of the configuration. A second one does not replace the first: give `no service-policy` before it. A change of authorization replaces it.";

    private static AddressWithLength AddressOf(InterfaceCommandCall call) => new(call.Get<IPAddress>(0), call.Get<int>(1));

    private static IPNetwork NetworkOf(AddressWithLength prefix) => new(prefix.Address, prefix.PrefixLength);

    private static ImmutableArray<Setting<AddressWithLength>> Without(ImmutableArray<Setting<AddressWithLength>> addresses, AddressWithLength one) =>
        addresses.RemoveAll(a => a.Value == one);

    private static string? Misfit(IPAddress address, int length) =>
        new IPNetwork(address, length).BaseAddress.Equals(address) ? null : $"the address has bits beyond the mask; meant is perhaps {new IPNetwork(address, length)}";

    /// <summary>As on IOS: an interface that changes its VRF loses the addresses that it had in the other.</summary>
    private static InterfaceConfig IntoVrf(InterfaceConfig config, Setting<string>? vrf, InterfaceCommandCall call)
    {
        if (config.Vrf?.Value == vrf?.Value) return config with { Vrf = vrf };
        var bare = config with { Vrf = vrf, IpUnnumbered = null, Ipv6Unnumbered = null, IpAddresses = [], Ipv6Addresses = [] };
        ISetting?[] lost = [config.IpUnnumbered, config.Ipv6Unnumbered, .. config.IpAddresses, .. config.Ipv6Addresses];
        foreach (var setting in lost.OfType<ISetting>())
            call.Notes.Add($"{call.Origin}: \"{(vrf is null ? "no " : "")}{call.Command}\" took away \"{setting.Command}\" of {setting.Origin}");
        return bare;
    }

    private static InterfaceConfig WithRoute(InterfaceConfig config, InterfaceCommandCall call, IPNetwork network, uint distance, byte realm)
    {
        var route = new InterfaceRoute(network, distance, realm);
        return config with { Routes = [.. config.Routes.RemoveAll(r => r.Value.Network == network), call.Setting(route)] };
    }

    private static InterfaceConfig WithoutRoutes(InterfaceConfig config, bool isIpv6, IPNetwork? network) => config with
    {
        Routes = config.Routes.RemoveAll(r => network is { } one ? r.Value.Network == one : r.Value.Network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6 == isIpv6),
    };

    private static InterfaceConfig NoTunnelSource(InterfaceConfig config, InterfaceCommandCall call) => config with { TunnelSource = null, TunnelSourceInterface = null };

    private static InterfaceConfig NoMode(InterfaceConfig config, InterfaceCommandCall call) => config with { TunnelMode = null };

    private static InterfaceCommandAction Mode(TunnelEncapsulation? encapsulation, bool isIpv6) =>
        (c, call) => c with { TunnelMode = call.Setting(new TunnelMode(encapsulation, isIpv6)) };

    /// <summary>A policy that stands is replaced by a change of authorization only: at a login the second command of two does nothing, as on IOS.</summary>
    private static Setting<string> Attach(Setting<string>? standing, InterfaceCommandCall call)
    {
        if (standing is null || standing.Value == call.Get<string>(0) || call.Origin.Source == ConfigSource.ChangeOfAuthorization) return call.Setting<string>(0);
        call.Notes.Add($"{call.Origin}: \"{call.Command}\" changed nothing: \"{standing.Command}\" of {standing.Origin} is attached, and only its 'no' form takes it away");
        return standing;
    }
}
