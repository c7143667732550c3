using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>What a DHCPINFORM of the client is answered with, inside the tunnel: Windows asks so for the routes of a split tunnel. IPv4 alone.</summary>
public sealed record DhcpInformation
{
    /// <param name="routes">Networks behind the headend.</param>
    /// <param name="dnsServers">In order of preference.</param>
    /// <param name="domain">Null: none.</param>
    public DhcpInformation(IEnumerable<IPNetwork> routes, IEnumerable<IPAddress> dnsServers, string? domain)
    {
        Routes = [.. routes.Where(route => route.BaseAddress.AddressFamily == AddressFamily.InterNetwork)];
        DnsServers = [.. dnsServers.Where(server => server.AddressFamily == AddressFamily.InterNetwork)];
        Domain = domain;
    }

    public ImmutableArray<IPNetwork> Routes { get; }

    public ImmutableArray<IPAddress> DnsServers { get; }

    public string? Domain { get; }
}
