using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.Configuration;

/// <summary>A host whose address is translated. The default value is the client itself.</summary>
/// <param name="Address">Null for <c>self</c>.</param>
public readonly record struct NatLocal(IPAddress? Address)
{
    public override string ToString() => Address?.ToString() ?? "self";
}

/// <summary>What <c>nat inside source static</c> asks for: one address for another, both ways.</summary>
/// <param name="Local">The client, or a host behind it.</param>
/// <param name="Global">The address that others see.</param>
public readonly record struct NatStatic(NatLocal Local, IPAddress Global)
{
    public bool IsIpv6 => Global.AddressFamily == AddressFamily.InterNetworkV6;

    /// <summary>Neither end can be of two translations.</summary>
    public bool Collides(NatStatic other) => IsIpv6 == other.IsIpv6 && (Local == other.Local || Global.Equals(other.Global));
}
