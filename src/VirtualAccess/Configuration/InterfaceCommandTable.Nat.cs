using System.Net;

namespace Headend.VirtualAccess.Configuration;

/// <summary>The commands of address translation: IOS's global <c>ip nat inside source</c>, whose inside is the session's interface and whose list is what comes from it.</summary>
internal static partial class InterfaceCommandTable
{
    private const string OverloadEffect =
        "nftables `masquerade` of connections that the client begins, where they leave by IFNAME, or without it by whatever interface but one that translates as well. `nat inside source static` and `pool` go before it.";

    private const string StaticEffect =
        "nftables `snat` and `dnat` between both addresses. The global one is routed to the interface and answered for on its network (proxy ARP; proxy NDP where `proxy_ndp` of that interface is 1). One that this machine or another session has is refused.";

    private const string PoolEffect = "As `static self` with an address of the pool NAME, which stays the session's until it ends.";

    /// <summary>Why translation and the rest of the configuration do not fit together.</summary>
    public static IEnumerable<(ConfigOrigin Origin, InterfaceCommandFailure Failure)> NatConflicts(InterfaceConfig config)
    {
        // In a VRF the kernel's hooks see the VRF's device and no longer the session's.
        if (config.Vrf is not { } vrf) yield break;
        foreach (var setting in config.NatSettings) yield return (setting.Origin, new InterfaceCommandFailure(setting.Command, "", $"addresses are not translated in a VRF ({vrf.Command})"));
    }

    private static IEnumerable<InterfaceCommand> NatRows() =>
    [
        new("ip nat inside source [interface IFNAME] overload", "IPv4 of the client appears under this machine's address", OverloadEffect,
            (c, call) => c with { NatOverload = call.Setting(WayOut(call)) },
            (c, _) => c with { NatOverload = null }),

        new("ip nat inside source static LOCAL A.B.C.D", "One IPv4 address for another, both ways", StaticEffect, WithStatic, (c, call) => WithoutStatic(c, call, isIpv6: false)),

        new("ip nat inside source pool NAME", "The client's IPv4 address appears as one of the pool, both ways", PoolEffect,
            (c, call) => c with { NatPool = call.Setting<string>(0) },
            (c, _) => c with { NatPool = null }),

        new("ipv6 nat inside source [interface IFNAME] overload", "IPv6 of the client appears under this machine's address", OverloadEffect,
            (c, call) => c with { Ipv6NatOverload = call.Setting(WayOut(call)) },
            (c, _) => c with { Ipv6NatOverload = null }),

        new("ipv6 nat inside source static LOCAL6 X:X::X", "One IPv6 address for another, both ways", StaticEffect, WithStatic, (c, call) => WithoutStatic(c, call, isIpv6: true)),

        new("ipv6 nat inside source pool NAME", "The client's IPv6 address appears as one of the pool, both ways", PoolEffect,
            (c, call) => c with { Ipv6NatPool = call.Setting<string>(0) },
            (c, _) => c with { Ipv6NatPool = null }),
    ];

    /// <summary>Empty for whatever way.</summary>
    private static string WayOut(InterfaceCommandCall call) => call.Has(0) ? call.Get<string>(0) : "";

    private static NatStatic StaticOf(InterfaceCommandCall call) => new(call.Get<NatLocal>(0), call.Get<IPAddress>(1));

    private static InterfaceConfig WithStatic(InterfaceConfig config, InterfaceCommandCall call) =>
        config with { NatStatics = [.. config.NatStatics.RemoveAll(s => s.Value.Collides(StaticOf(call))), call.Setting(StaticOf(call))] };

    private static InterfaceConfig WithoutStatic(InterfaceConfig config, InterfaceCommandCall call, bool isIpv6) =>
        config with { NatStatics = config.NatStatics.RemoveAll(s => call.Has(0) ? s.Value == StaticOf(call) : s.Value.IsIpv6 == isIpv6) };
}
