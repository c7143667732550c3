using System.Net;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Global addresses of one-to-one translations, each of one interface: a host route to it, so that neither another session nor another headend of this machine can have
/// the address, and an answer on the network where it is a neighbour. Not thread-safe.
/// </summary>
internal sealed class GlobalAddressTable(NetlinkSocket netlink, byte routeProtocol)
{
    private readonly Dictionary<IPAddress, Entry> entries = [];

    /// <summary>Gives addresses to an interface, all or none. Null, or which cannot be had, and whether that is a mistake of who named it.</summary>
    public (IPAddress Address, string Reason, bool IsMistake)? Take(InterfaceTarget target, IReadOnlyList<IPAddress> addresses)
    {
        var taken = new List<Entry>();
        foreach (var address in addresses)
        {
            var (entry, reason, isMistake) = Find(target, address);
            if (entry is not null)
            {
                reason = Explain(Apply(Steps(entry)));
                if (reason is null)
                {
                    entries[address] = entry;
                    taken.Add(entry);
                    continue;
                }
            }

            foreach (var one in Enumerable.Reverse(taken)) Release([one.Address]);
            return (address, reason!, isMistake);
        }

        return null;
    }

    /// <summary>Takes addresses away; what went with its device is no failure.</summary>
    public void Release(IEnumerable<IPAddress> addresses)
    {
        var steps = new List<NetlinkStep>();
        foreach (var address in addresses)
        {
            if (entries.Remove(address, out var entry)) steps.AddRange(Steps(entry).Select(s => s.Undo).Reverse());
        }

        netlink.Execute(steps);
    }

    /// <summary>Routes anew what a change of the link, or of its addresses, took from the interface.</summary>
    public void Repair(InterfaceTarget target) =>
        netlink.Execute([.. entries.Values.Where(e => e.Target == target)
            .Select(e => new NetlinkStep($"route {e.Address}", NetlinkCodec.ReplaceRoute(RouteOf(e.Address), target.Index, routeProtocol, 0, null)))]);

    /// <summary>Takes away what a process that was killed answers for: its routes went with its devices.</summary>
    public void RemoveLeftovers()
    {
        var found = new List<(IPAddress Address, int Interface)>();
        netlink.Dump(ProxyCodec.DumpProxies(), (type, body) =>
        {
            if (ProxyCodec.TryReadProxy(type, body, routeProtocol, out var proxy)) found.Add(proxy);
        });
        foreach (var proxy in found.Where(p => !entries.ContainsKey(p.Address)))
        {
            // One of another headend's is routed to an interface of its own.
            if (Look(proxy.Address, out var route) == 0 && (route.Interface != proxy.Interface || !route.IsOnLink)) continue;
            netlink.Execute([new NetlinkStep($"no proxy {proxy.Address}", ProxyCodec.Proxy(add: false, proxy.Address, proxy.Interface, routeProtocol))]);
        }
    }

    private static InterfaceRoute RouteOf(IPAddress address) => new IPNetwork(address, address.GetAddressBytes().Length * 8);

    private static string? Explain(int errno) => errno switch
    {
        0 => null,
        Errno.EEXIST => "it is routed to somewhere else already",
        _ => Errno.Describe(errno),
    };

    private (Entry? Entry, string? Reason, bool IsMistake) Find(InterfaceTarget target, IPAddress address)
    {
        if (entries.TryGetValue(address, out var other)) return (null, $"{other.Target.Device} has it", false);
        var errno = Look(address, out var route);
        // Without any route there is no network on which to answer.
        if (errno != 0) return (new Entry(target, address, 0), null, false);
        if (route.IsLocal) return (null, "it is an address of this machine, or of no single host", true);
        return (new Entry(target, address, route.IsOnLink ? route.Interface : 0), null, false);
    }

    private int Look(IPAddress address, out RouteLookup route)
    {
        RouteLookup found = default;
        var known = false;
        var errno = netlink.Dump(ProxyCodec.GetRoute(address), (type, body) => known |= ProxyCodec.TryReadRoute(type, body, out found));
        route = found;
        return errno != 0 ? errno : known ? 0 : Errno.ENOENT;
    }

    private IEnumerable<ReversibleStep> Steps(Entry entry)
    {
        var (route, index) = (RouteOf(entry.Address), entry.Target.Index);
        yield return new(
            new($"route {entry.Address}", NetlinkCodec.Route(add: true, route, index, routeProtocol, 0)),
            new($"no route {entry.Address}", NetlinkCodec.Route(add: false, route, index, routeProtocol, 0)));
        if (entry.Neighbors == 0) yield break;
        yield return new(
            new($"proxy {entry.Address}", ProxyCodec.Proxy(add: true, entry.Address, entry.Neighbors, routeProtocol)),
            new($"no proxy {entry.Address}", ProxyCodec.Proxy(add: false, entry.Address, entry.Neighbors, routeProtocol)));
    }

    /// <summary>One after the other; those before one that fails are undone.</summary>
    private int Apply(IEnumerable<ReversibleStep> steps)
    {
        var done = new List<NetlinkStep>();
        foreach (var step in steps)
        {
            var errno = netlink.Execute([step.Step])[0];
            if (errno != 0)
            {
                netlink.Execute([.. Enumerable.Reverse(done)]);
                return errno;
            }

            done.Add(step.Undo);
        }

        return 0;
    }

    /// <param name="Target">Whose it is.</param>
    /// <param name="Address">The address.</param>
    /// <param name="Neighbors">Index of the interface on whose network it is answered for; 0 = none.</param>
    private sealed record Entry(InterfaceTarget Target, IPAddress Address, int Neighbors);
}
