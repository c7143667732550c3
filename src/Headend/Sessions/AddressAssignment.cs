using System.Net;
using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>One inner address or delegated prefix that a session holds.</summary>
/// <param name="Network">An address has the whole length of its family.</param>
/// <param name="GiveBack">Tells whoever leased it (a DHCP server); null where that is a pool or nobody. Any thread.</param>
internal sealed record AddressLease(IPNetwork Network, Action? GiveBack = null);

/// <summary>An address that somebody else leased to the session.</summary>
/// <param name="Address">IPv4.</param>
/// <param name="DnsServers">For the client, where authorization names none.</param>
/// <param name="DefaultDomain">For the client, where authorization names none.</param>
/// <param name="GiveBack">Ends the lease.</param>
internal sealed record LeasedAddress(IPAddress Address, IReadOnlyList<IPAddress> DnsServers, string? DefaultDomain, Action GiveBack);

/// <summary>What a client asked for.</summary>
/// <param name="IPv4">INTERNAL_IP4_ADDRESS.</param>
/// <param name="IPv6">INTERNAL_IP6_ADDRESS.</param>
internal sealed record AddressRequest(bool IPv4, bool IPv6)
{
    /// <summary>The client's wish, or null.</summary>
    public IPAddress? WishIPv4 { get; init; }

    public IPAddress? WishIPv6 { get; init; }

    /// <summary>The IPv4 address is this one.</summary>
    public LeasedAddress? Leased { get; init; }

    /// <summary>Why there is no IPv4 address, where somebody else was asked for it in vain.</summary>
    public string? LeaseFailure { get; init; }
}

/// <summary>What came of it.</summary>
internal abstract record AssignmentOutcome
{
    public sealed record Assigned(AssignedAddresses Addresses) : AssignmentOutcome;

    /// <summary>Another session holds what AAA or a lease names; nothing was assigned.</summary>
    public sealed record Held(IPNetwork Network, ClientSession Holder) : AssignmentOutcome;

    /// <summary>Nothing was assigned, and why, naming the pool.</summary>
    public sealed record Refused(string Why) : AssignmentOutcome;
}

/// <summary>Told what an operator should know of pools. Any thread; must not block.</summary>
internal interface IAddressObserver
{
    /// <summary>A session got nothing of this pool.</summary>
    void PoolExhausted(AddressPoolStatistics pool, string identity);
}

/// <summary>
/// Gives each session its inner addresses and knows who holds which: an address that RADIUS fixed may lie inside or outside of a pool, and is never held twice.
/// RFC 7296 3.15.4 for a client that asked for both families: "the responder replies with the successful addresses only", so an exhausted pool of one family costs that
/// family; a fixed address that is held, or a pool that does not exist, costs the login. Thread-safe.
/// </summary>
internal sealed class AddressAssignment
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, ClientSession> holders = [];
    private readonly PrefixTable<ClientSession> sixes = new();
    private readonly IAddressObserver observer;
    private Dictionary<string, AddressPool> byName = [];

    public AddressAssignment(IReadOnlyList<AddressPool> pools, IAddressObserver observer)
    {
        this.observer = observer;
        Pools = [];
        Replace(pools);
    }

    public IReadOnlyList<AddressPool> Pools { get; private set; }

    /// <summary>
    /// Takes new pools into use: sessions keep what they hold, wherever it lies; pools of the same name know who held what; what is given back goes to the pool in which it
    /// lies then, or to none.
    /// </summary>
    public void Replace(IReadOnlyList<AddressPool> pools)
    {
        lock (gate)
        {
            foreach (var pool in pools)
            {
                if (byName.TryGetValue(pool.Name, out var previous) && previous.PrefixLength == pool.PrefixLength)
                    pool.Inherit(previous);
            }

            Pools = pools;
            byName = pools.ToDictionary(p => p.Name, StringComparer.Ordinal);
            foreach (var (address, holder) in holders)
                HomeOf(new IPNetwork(address, LengthOf(address)))?.TryLease(IdentityOf(holder), address);
            foreach (var (network, holder) in sixes.All)
                HomeOf(network)?.TryLease(IdentityOf(holder), network.BaseAddress);
        }
    }

    /// <summary>Assigns what the client asked for and its profile has. The session gets the leases.</summary>
    public AssignmentOutcome Assign(ClientSession session, AddressRequest request)
    {
        var profile = session.Profile;
        var identity = IdentityOf(session);
        var shortfalls = new List<string>();
        IPAddress? four = null, six = null;
        if (request.IPv4)
        {
            if (request.LeaseFailure is { } failure)
                shortfalls.Add(failure);
            else if (TakeIPv4(session, identity, request, shortfalls, out four) is { } refused)
                return Undo(session, refused);
        }

        if (request.IPv6 && TakeIPv6(session, identity, request, shortfalls, out six) is { } refusedToo)
            return Undo(session, refusedToo);
        if (four is null && six is null)
        {
            var why = shortfalls.Count > 0 ? string.Join("; ", shortfalls)
                : profile.Ipv4Choice == AddressChoice.ClientMayChoose ? "the client may choose its address, but no pool is set to choose from"
                : "neither a Framed-IP-Address nor a pool is set for this user or group";
            return Undo(session, new AssignmentOutcome.Refused(why));
        }

        return new AssignmentOutcome.Assigned(new AssignedAddresses(four, four is null ? null : profile.Ipv4Netmask, six, profile.Ipv6PrefixLength ?? 128)
        {
            DnsServers = request.Leased?.DnsServers ?? [],
            DefaultDomain = request.Leased?.DefaultDomain,
        });
    }

    /// <summary>Gives back everything that the session holds.</summary>
    public void Release(ClientSession session)
    {
        foreach (var lease in session.TakeLeases())
            Release(session, lease);
    }

    private static string IdentityOf(ClientSession session) => session.User ?? session.IkeIdentity;

    private static int LengthOf(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128;

    private AssignmentOutcome Undo(ClientSession session, AssignmentOutcome outcome)
    {
        Release(session);
        return outcome;
    }

    private AssignmentOutcome? TakeIPv4(ClientSession session, string identity, AddressRequest request, List<string> shortfalls, out IPAddress? address)
    {
        var profile = session.Profile;
        if (request.Leased is { } leased)
            return TakeFixed(session, identity, address = leased.Address, leased.GiveBack);
        if (profile.Ipv4Choice == AddressChoice.Fixed)
            return TakeFixed(session, identity, address = profile.Ipv4Address!, null);
        return TakeFromPool(session, identity, profile.Ipv4Pool, ipv4: true, request.WishIPv4, profile.Ipv4Choice == AddressChoice.ClientMayChoose, shortfalls, out address);
    }

    private AssignmentOutcome? TakeIPv6(ClientSession session, string identity, AddressRequest request, List<string> shortfalls, out IPAddress? address)
    {
        address = session.Profile.Ipv6Address;
        return address is not null
            ? TakeFixed(session, identity, address, null)
            : TakeFromPool(session, identity, session.Profile.Ipv6Pool, ipv4: false, request.WishIPv6, mayChoose: false, shortfalls, out address);
    }

    private AssignmentOutcome? TakeFixed(ClientSession session, string identity, IPAddress address, Action? giveBack)
    {
        var network = new IPNetwork(address, LengthOf(address));
        lock (gate)
        {
            if (!TryHold(network, session, out var holder))
                return new AssignmentOutcome.Held(network, holder!);
            HomeOf(network)?.TryLease(identity, address);
        }

        return Keep(session, new AddressLease(network, giveBack));
    }

    // A family without a fixed address and without a pool is not assigned, which is no error: the client may have asked for both.
    private AssignmentOutcome? TakeFromPool(
        ClientSession session, string identity, string? name, bool ipv4, IPAddress? wish, bool mayChoose, List<string> shortfalls, out IPAddress? address)
    {
        address = null;
        if (name is null)
            return null;
        AddressPool? pool;
        AddressLease? lease = null;
        lock (gate)
        {
            if (!byName.TryGetValue(name, out pool))
                return new AssignmentOutcome.Refused($"there is no pool {name}");
            if (pool.IsIPv4 != ipv4 || pool.PrefixLength is not null)
                return new AssignmentOutcome.Refused($"the pool {name} gives no {(ipv4 ? "IPv4" : "IPv6")} addresses");
            if (pool.TryLease(identity, out address, wish, mayChoose))
            {
                lease = new AddressLease(new IPNetwork(address, LengthOf(address)));
                if (!TryHold(lease.Network, session, out var holder))
                {
                    // RADIUS delegated a prefix that reaches into the pool.
                    pool.Release(address);
                    return new AssignmentOutcome.Held(lease.Network, holder!);
                }
            }
        }

        if (lease is not null)
            return Keep(session, lease);
        shortfalls.Add($"pool {name} is exhausted");
        observer.PoolExhausted(pool.GetStatistics(), identity);
        return null;
    }

    private AssignmentOutcome.Refused? Keep(ClientSession session, AddressLease lease)
    {
        if (session.TryKeep(lease))
            return null;
        Release(session, lease);
        return new AssignmentOutcome.Refused("the login is over");
    }

    private AddressPool? HomeOf(IPNetwork network)
    {
        foreach (var pool in Pools)
        {
            if ((pool.PrefixLength ?? (pool.IsIPv4 ? 32 : 128)) == network.PrefixLength && pool.Contains(network.BaseAddress))
                return pool;
        }

        return null;
    }

    private bool TryHold(IPNetwork network, ClientSession session, out ClientSession? holder)
    {
        if (LengthOf(network.BaseAddress) == 128)
            return sixes.TryAdd(network, session, out holder);
        holder = null;
        return holders.TryAdd(network.BaseAddress, session) || !holders.TryGetValue(network.BaseAddress, out holder);
    }

    private void Release(ClientSession session, AddressLease lease)
    {
        lock (gate)
        {
            if (LengthOf(lease.Network.BaseAddress) == 128)
                sixes.Remove(lease.Network, session);
            else
                holders.Remove(lease.Network.BaseAddress);
            HomeOf(lease.Network)?.Release(lease.Network.BaseAddress);
        }

        lease.GiveBack?.Invoke();
    }
}
