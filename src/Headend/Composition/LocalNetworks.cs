using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Headend.Composition;

/// <summary>What this machine's interfaces say about itself, for the start without configuration.</summary>
/// <param name="Primary">The address that clients most likely reach: IPv4 before IPv6, of an interface with a gateway before others.</param>
/// <param name="Addresses">Every address of every interface that is up, loopback and link-local ones left out.</param>
/// <param name="Networks">The IPv4 networks of those interfaces.</param>
/// <param name="Behind">Networks that clients are to reach: those of the interfaces other than the primary address's, or all where there is only that one.</param>
internal sealed record LocalNetworks(IPAddress Primary, IReadOnlyList<IPAddress> Addresses, IReadOnlyList<IPNetwork> Networks, IReadOnlyList<IPNetwork> Behind)
{
    /// <summary>Null where the machine has no address but loopback.</summary>
    public static LocalNetworks? Detect()
    {
        var candidates = new List<(NetworkInterface Interface, UnicastIPAddressInformation Unicast, bool HasGateway)>();
        foreach (var link in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (link.OperationalStatus is not (OperationalStatus.Up or OperationalStatus.Unknown) || link.NetworkInterfaceType == NetworkInterfaceType.Loopback)
                continue;
            var properties = link.GetIPProperties();
            var hasGateway = properties.GatewayAddresses.Count > 0;
            foreach (var unicast in properties.UnicastAddresses)
            {
                if (!unicast.Address.IsIPv6LinkLocal && !IPAddress.IsLoopback(unicast.Address))
                    candidates.Add((link, unicast, hasGateway));
            }
        }

        if (candidates.Count == 0)
            return null;
        var primary = candidates.OrderBy(c => c.Unicast.Address.AddressFamily == AddressFamily.InterNetwork ? 0 : 1).ThenBy(c => c.HasGateway ? 0 : 1).First();
        var networks = candidates.Where(c => c.Unicast.Address.AddressFamily == AddressFamily.InterNetwork).ToList();
        var behind = networks.Where(c => c.Interface.Id != primary.Interface.Id).ToList();
        return new LocalNetworks(
            primary.Unicast.Address,
            [.. candidates.Select(c => c.Unicast.Address)],
            [.. networks.Select(c => NetworkOf(c.Unicast)).Distinct()],
            [.. (behind.Count > 0 ? behind : networks).Select(c => NetworkOf(c.Unicast)).Distinct()]);
    }

    private static IPNetwork NetworkOf(UnicastIPAddressInformation unicast)
    {
        var octets = unicast.Address.GetAddressBytes();
        for (var bit = unicast.PrefixLength; bit < octets.Length * 8; bit++)
            octets[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        return new IPNetwork(new IPAddress(octets), unicast.PrefixLength);
    }
}
