using System.Net;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// Narrowing of traffic selectors (RFC 7296 2.9). The client's side is never wider than its assigned addresses and delegated prefixes; ours never wider than the profile's "traffic local".
/// </summary>
internal static class TrafficNarrowing
{
    private const int MostSelectors = 32;

    private static readonly IPNetwork[] Everything = [new(IPAddress.Any, 0), new(IPAddress.IPv6Any, 0)];

    public static IReadOnlyList<TrafficSelector> Remote(IReadOnlyList<TrafficSelector> offered, AssignedAddresses addresses, SessionGrant grant)
    {
        List<IPNetwork> own = [];
        if (addresses.IPv4 is { } v4)
            own.Add(new IPNetwork(v4, 32));
        if (addresses.IPv6 is { } v6)
            own.Add(new IPNetwork(v6, 128));
        own.AddRange(addresses.Prefixes);
        own.AddRange(grant.RemoteNetworks);
        return Intersect(offered, own, grant.AcceptRemoteNetworks ? [.. offered.Where(s => MayBeAccepted(s, grant))] : []);
    }

    /// <summary>A client that offers everything means its own addresses; one that offers it in large pieces does not get it either.</summary>
    private static bool MayBeAccepted(TrafficSelector offered, SessionGrant grant) =>
        !offered.IsWide && grant.OwnNetworks.All(network => !offered.TryIntersect(TrafficSelector.FromNetwork(network), out _));

    /// <summary>Only families in which the client has an address; a selector of the other one would promise what cannot pass.</summary>
    public static IReadOnlyList<TrafficSelector> Local(
        IReadOnlyList<TrafficSelector> offered, IReadOnlyList<IPNetwork> configured, IReadOnlyList<TrafficSelector> remote)
    {
        var narrowed = Intersect(offered, configured.Count == 0 ? Everything : configured);
        var anyIPv4 = remote.Any(r => r.IPv4);
        var anyIPv6 = remote.Any(r => r.IPv6);
        return [.. narrowed.Where(s => s.IPv4 ? anyIPv4 : anyIPv6)];
    }

    /// <summary>Offered and wanted side by side, for the operator.</summary>
    public static string Describe(TrafficOffer offer, IkeSession session)
    {
        var local = session.Profile.LocalTraffic.Count == 0 ? "any" : string.Join(" ", session.Profile.LocalTraffic);
        return $"offered {offer}; wanted {session.Addresses?.IPv4} {session.Addresses?.IPv6} === {local}";
    }

    private static List<TrafficSelector> Intersect(IReadOnlyList<TrafficSelector> offered, IReadOnlyList<IPNetwork> allowed, IReadOnlyList<TrafficSelector>? accepted = null)
    {
        var narrowed = new List<TrafficSelector>((accepted ?? []).Take(MostSelectors / 2));
        foreach (var selector in offered)
        {
            foreach (var network in allowed)
            {
                if (selector.TryIntersect(TrafficSelector.FromNetwork(network), out var both) && !narrowed.Contains(both) && narrowed.Count < MostSelectors)
                    narrowed.Add(both);
            }
        }

        // strongSwan offers its own address next to 0.0.0.0/0: both narrow to the same, or to one inside the other.
        narrowed.RemoveAll(s => narrowed.Exists(other => other != s && other.Contains(s)));
        return narrowed;
    }
}
