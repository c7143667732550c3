using System.Collections.Immutable;
using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A session of the data plane. The default value is no session.</summary>
public readonly record struct SessionHandle(long Value)
{
    public bool IsNone => Value == 0;

    public override string ToString() => $"dp{Value}";
}

/// <summary>What an interface is made of.</summary>
public sealed record InterfaceRequest
{
    /// <summary>Number of the virtual-access interface, from an <see cref="InterfaceNumberPool"/>; the device is <c>viN</c>.</summary>
    public required int Number { get; init; }

    public required InterfaceConfig Config { get; init; }

    /// <summary>Inner addresses of the client; each gets a host route.</summary>
    public required ImmutableArray<IPAddress> ClientAddresses { get; init; }

    /// <summary>Prefixes behind the client, routed to the interface.</summary>
    public ImmutableArray<InterfaceRoute> Routes { get; init; } = [];

    /// <summary>What the packets of the interface must pass.</summary>
    public InterfaceFilter Filter { get; init; } = InterfaceFilter.None;

    /// <summary>Outer addresses.</summary>
    public required EspPath Path { get; init; }

    /// <summary>How packets of the client are carried; all SAs of the interface are for that.</summary>
    public TunnelEncapsulation Encapsulation { get; init; }

    /// <summary>What the client may send to by GRE, which has no selectors to say so; empty = everything.</summary>
    public ImmutableArray<IPNetwork> LocalNetworks { get; init; } = [];

    /// <summary>Traffic policies of both directions.</summary>
    public SessionQos Qos { get; init; } = SessionQos.None;

    /// <summary>What <c>nat inside source pool</c> gave: one address for each family that has the command.</summary>
    public ImmutableArray<IPAddress> NatPoolAddresses { get; init; } = [];

    /// <summary>What DHCPINFORM of the client is answered with; null: nothing.</summary>
    public DhcpInformation? Inform { get; init; }

    /// <summary>Ends up in the interface's alias; printable ASCII, cut at 60 characters. Usually the user name.</summary>
    public string Label { get; init; } = "";

    public string Device => $"vi{Number}";

    /// <summary>The headend's IPv4 address on the interface, from which a DHCPINFORM is answered; null where it is not.</summary>
    internal uint? InformServer(in LentAddresses lent)
    {
        var address = Inform is null ? null : Config.IpAddresses.IsEmpty ? lent.V4 : Config.IpAddresses[0].Value.Address;
        return address is null ? null : (uint)TransportAddress.ToBits(address);
    }

    /// <summary>True for an inner address of the client.</summary>
    internal bool IsClient(UInt128 address) => ClientAddresses.Any(own => TransportAddress.ToBits(own) == address);

    /// <summary>Every route of the interface: host routes of the client's addresses, networks behind it, those of <c>ip route</c> commands that are not among them.</summary>
    public IEnumerable<InterfaceRoute> AllRoutes()
    {
        List<InterfaceRoute> all = [.. ClientAddresses.Select(address => (InterfaceRoute)new IPNetwork(address, address.GetAddressBytes().Length * 8)), .. Routes];
        all.AddRange(Config.Routes.Select(r => r.Value).Where(route => !all.Exists(a => a.Network == route.Network && a.Metric == route.Metric)).ToArray());
        return all;
    }
}

/// <summary>A step of an interface plan that failed; what had been done before it is undone.</summary>
/// <param name="Step">For example <c>create vi7</c> or <c>route 10.99.0.7/32</c>.</param>
/// <param name="Reason">errno name and text, or what was missing.</param>
public sealed record InterfaceFailure(string Step, string Reason)
{
    /// <summary>A command names what does not exist on this machine, such as the interface of <c>ip unnumbered</c>: a mistake of who wrote it, not a fault of ours.</summary>
    public bool BadValue { get; init; }

    /// <summary><see cref="Step"/> is an interface command, which this machine or its kernel cannot follow: without it the interface can be had.</summary>
    public bool IsCommand { get; init; }

    public override string ToString() => $"{Step}: {Reason}";
}
