using System.Net;

namespace Headend.VirtualAccess.Configuration;

/// <summary>Every command an interface takes. A new command is a new row; parser, help, <c>no</c> form and docs/interface-commands.md follow from it.</summary>
internal static class InterfaceCommandTable
{
    public static IReadOnlyList<InterfaceCommand> Rows { get; } =
    [
        new("description TEXT", "Text for people", "Stands in the alias of the device (`ip link`).",
            (c, call) => c with { Description = call.Setting<string>(0) },
            (c, _) => c with { Description = null }),

        new("ip unnumbered IFNAME", "Use the primary IPv4 address of that interface", "Source of this machine's own packets to the client (`src` of its routes). No address is added to the device.",
            (c, call) => c with { IpUnnumbered = call.Setting<string>(0) },
            (c, _) => c with { IpUnnumbered = null }),

        new("ipv6 unnumbered IFNAME", "Use the first global IPv6 address of that interface", "The device has it as a /128 address.",
            (c, call) => c with { Ipv6Unnumbered = call.Setting<string>(0) },
            (c, _) => c with { Ipv6Unnumbered = null }),

        new("ip mtu <68-9216>", "Largest IPv4 packet in the tunnel, octets", "MTU of the device, or of its IPv4 routes where the IPv6 MTU is larger.",
            (c, call) => c with { IpMtu = call.Setting((int)call.Get<uint>(0)) },
            (c, _) => c with { IpMtu = null }),

        new("ipv6 mtu <1280-9216>", "Largest IPv6 packet in the tunnel, octets", "MTU of the device, or of its IPv6 routes where the IPv4 MTU is larger.",
            (c, call) => c with { Ipv6Mtu = call.Setting((int)call.Get<uint>(0)) },
            (c, _) => c with { Ipv6Mtu = null }),

        new("ip tcp adjust-mss <500-9176>", "Lower the MSS option of TCP SYNs to this, octets", "SYNs of both directions and IP versions are changed on their way.",
            (c, call) => c with { TcpAdjustMss = call.Setting((int)call.Get<uint>(0)) },
            (c, _) => c with { TcpAdjustMss = null }),

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
            (c, call) => c with { TunnelSource = call.Setting<IPAddress>(0) },
            (c, _) => c with { TunnelSource = null }),

        new("tunnel mode ipsec ipv4", "ESP in tunnel mode over IPv4", TunnelModeEffect, Mode(TunnelEncapsulation.Ipsec, isIpv6: false), NoMode),
        new("tunnel mode ipsec ipv6", "ESP in tunnel mode over IPv6", TunnelModeEffect, Mode(TunnelEncapsulation.Ipsec, isIpv6: true), NoMode),
        new("tunnel mode gre ip", "GRE over IPv4 under ESP in transport mode", TunnelModeEffect, Mode(TunnelEncapsulation.Gre, isIpv6: false), NoMode),
        new("tunnel mode gre ipv6", "GRE over IPv6 under ESP in transport mode", TunnelModeEffect, Mode(TunnelEncapsulation.Gre, isIpv6: true), NoMode),
        new("tunnel mode auto", "As the session is", "Takes an earlier `tunnel mode` back.", Mode(null, isIpv6: false), NoMode),

        new("tunnel key <0-4294967295>", "Key of GRE packets (RFC 2890)", "ESP in tunnel mode has none: there the command is kept and shown, and changes no packet.",
            (c, call) => c with { TunnelKey = call.Setting<uint>(0) },
            (c, _) => c with { TunnelKey = null }),

        new("tunnel protection ipsec profile NAME", "The IPsec settings of the IKEv2 profile: its name, or default", "Sessions are protected by those with and without the command; another name is refused.",
            (c, call) => c with { TunnelProtection = call.Setting<string>(0) },
            (c, _) => c with { TunnelProtection = null }),

        new("service-policy input NAME", "Traffic policy for packets of the client", ServicePolicy,
            (c, call) => c with { ServicePolicyInput = Attach(c.ServicePolicyInput, call) },
            (c, _) => c with { ServicePolicyInput = null }),

        new("service-policy output NAME", "Traffic policy for packets to the client", ServicePolicy,
            (c, call) => c with { ServicePolicyOutput = Attach(c.ServicePolicyOutput, call) },
            (c, _) => c with { ServicePolicyOutput = null }),
    ];

    private const string TunnelModeEffect = "Sessions of another mode are refused, unless the template has `mode: auto`. Without the command each has the mode that it came with.";

    private const string AccessGroup = "The access list NAME of the configuration decides about each packet.";

    private const string ServicePolicy = "The policy-map NAME of the configuration. A second one does not replace the first: give `no service-policy` before it. A change of authorization replaces it.";

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
