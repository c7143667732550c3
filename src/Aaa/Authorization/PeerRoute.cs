using System.Net;

namespace Headend.Aaa.Authorization;

/// <summary>A network behind the client: routed to the session's interface while the session lives.</summary>
/// <param name="Network">Host bits are zero.</param>
/// <param name="NextHop">As AAA wrote it, for show: a tunnel interface has one peer, so that the kernel's route names the interface alone. Null for none or 0.0.0.0.</param>
/// <param name="Tag">Route tag; an IPv4 route of Linux carries one of 1..255 as its realm, where routing daemons look for it.</param>
/// <param name="Distance">Administrative distance or metric: the metric of the kernel's route. Null for the kernel's own.</param>
public sealed record PeerRoute(IPNetwork Network, IPAddress? NextHop = null, uint? Tag = null, uint? Distance = null)
{
    /// <summary>RFC 2865 5.22, RFC 3162 2.5: "prefix gateway metric", the unspecified address where the gateway is the client itself.</summary>
    public string ToFramedRoute()
    {
        var gateway = NextHop ?? (Network.BaseAddress.GetAddressBytes().Length == 4 ? IPAddress.Any : IPAddress.IPv6Any);
        return $"{Network} {gateway} {Distance ?? 1}";
    }

    public override string ToString()
        => $"{Network}{(NextHop is null ? "" : $" via {NextHop}")}{(Tag is null ? "" : $" tag {Tag}")}{(Distance is null ? "" : $" distance {Distance}")}";
}

/// <summary>ipsec:route-accept=any: routes that the client announces are installed with these.</summary>
public sealed record RouteAcceptance(uint? Tag, uint? Distance);

/// <summary>ipsec:route-set=access-list [ipv6] NAME: the subnets of that list are the client's routes.</summary>
public sealed record AccessListReference(string Name, bool IsIpv6);
