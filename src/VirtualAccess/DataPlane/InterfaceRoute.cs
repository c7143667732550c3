using System.Net;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A route over a session's interface.</summary>
/// <param name="Network">Destination.</param>
/// <param name="Metric">Of the kernel's route, where a smaller one wins; 0 for the kernel's own (0 for IPv4, 1024 for IPv6).</param>
/// <param name="Realm">Realm of an IPv4 route, 1..255, which is where routing daemons look for a tag; 0 for none.</param>
public readonly record struct InterfaceRoute(IPNetwork Network, uint Metric = 0, byte Realm = 0)
{
    public static implicit operator InterfaceRoute(IPNetwork network) => new(network);

    public static InterfaceRoute ToInterfaceRoute(IPNetwork network) => network;

    public override string ToString() => Metric == 0 ? $"{Network}" : $"{Network} metric {Metric}";
}
