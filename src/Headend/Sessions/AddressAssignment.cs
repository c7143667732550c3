using System.Diagnostics.CodeAnalysis;
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
/// <param name="Netmask">For the client, where authorization names none; null for none.</param>
/// <param name="DnsServers">For the client, where authorization names none.</param>
/// <param name="DefaultDomain">For the client, where authorization names none.</param>
/// <param name="GiveBack">Ends the lease; once is enough.</param>
/// <param name="Decline">Ends the lease and says that the address is in use.</param>
internal sealed record LeasedAddress(
    IPAddress Address, IPAddress? Netmask, IReadOnlyList<IPAddress> DnsServers, string? DefaultDomain, Action GiveBack, Action Decline);

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

    /// <summary>What other sessions have just given back for this one: it has not to rest, for their clients were silent.</summary>
    public IReadOnlyList<IPNetwork> Vacated { get; init; } = [];

    /// <summary>Why there is no IPv4 address, where somebody else was asked for it in vain.</summary>
    public string? LeaseFailure { get; init; }
}

/// <summary>What came of it.</summary>
internal abstract record AssignmentOutcome
{
    /// <summary>Pools that had nothing for the session, where it would have more, or anything at all, if they had.</summary>
    public IReadOnlyList<AddressPool> Exhausted { get; init; } = [];

    /// <param name="Addresses">What IKE is told.</param>
    /// <param name="FramedPrefix">The prefix around the IPv6 address that is this session's alone.</param>
    /// <param name="DelegatedPrefix">The prefix behind the client.</param>
    public sealed record Assigned(AssignedAddresses Addresses, IPNetwork? FramedPrefix, IPNetwork? DelegatedPrefix) : AssignmentOutcome;

    /// <summary>Another session holds what AAA or a lease names; nothing was assigned.</summary>
    public sealed record Held(IPNetwork Network, ClientSession Holder) : AssignmentOutcome;

    /// <summary>Nothing was assigned, and why, naming the pool.</summary>
    public sealed record Refused(string Why) : AssignmentOutcome;
}

/// <summary>What a pool is asked for.</summary>
internal enum PoolUse
{
    IPv4,

    /// <summary>An address, or a prefix around it.</summary>
    IPv6,

    /// <summary>A prefix to delegate.</summary>
    Delegation,
}

/// <summary>Told what an operator should know of pools. Any thread; must not block.</summary>
internal interface IAddressObserver
{
    /// <summary>A session got nothing of this pool.</summary>
    void PoolExhausted(AddressPoolStatistics pool, string identity);
}

/// <summary>
/// Gives each session its inner addresses and prefixes and knows who holds which: what RADIUS fixed may lie inside or outside of a pool, and no two sessions hold the
/// same address or prefixes that overlap.
/// RFC 7296 3.15.4 for a client that asked for both families: "the responder replies with the successful addresses only", so an exhausted pool of one family costs that
/// family; a fixed address that is held, or a pool that does not exist, costs the login. Thread-safe.
/// </summary>
internal sealed class AddressAssignment
{
    private const int MostDraws = 64;

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
                HomeOf(HostOf(address))?.TryLease(IdentityOf(holder), address);
            foreach (var (network, holder) in sixes.All)
                HomeOf(network)?.TryLease(IdentityOf(holder), network.BaseAddress);
        }
    }

    /// <summary>Assigns what the client asked for and its profile has. The session gets the leases.</summary>
    public AssignmentOutcome Assign(ClientSession session, AddressRequest request)
    {
        var profile = session.Profile;
        var draws = new PoolDraws(request.Vacated);
        IPNetwork? four = null, six = null, framed = null, delegated = null;
        // Prefixes before addresses, so that the client's address may lie in its own prefix.
        var refused = TakeFixedPrefixes(session, ref framed, ref delegated)
            ?? (request.IPv4 ? TakeIPv4(session, request, draws, out four) : null)
            ?? (request.IPv6 ? TakeIPv6(session, request, draws, ref framed, out six) : null);
        if (refused is null && four is null && six is null)
            refused = new AssignmentOutcome.Refused(WhyNothing(profile, draws)) { Exhausted = draws.Exhausted };
        if (refused is null && request.IPv6 && delegated is null && profile.DelegatedIpv6PrefixPool is { } pool)
            refused = TakeFromPool(session, pool, PoolUse.Delegation, null, mayChoose: false, draws, out delegated);
        if (refused is not null)
        {
            Release(session);
            return refused;
        }

        var netmask = four is null ? null : profile.Ipv4Netmask ?? request.Leased?.Netmask;
        return new AssignmentOutcome.Assigned(
            new AssignedAddresses(four?.BaseAddress, netmask, six?.BaseAddress, profile.Ipv6PrefixLength ?? framed?.PrefixLength ?? 128)
            {
                DnsServers = request.Leased?.DnsServers ?? [],
                DefaultDomain = request.Leased?.DefaultDomain,
                Prefixes = [.. new[] { framed, delegated }.OfType<IPNetwork>()],
            },
            framed,
            delegated)
        {
            Exhausted = draws.Exhausted,
        };
    }

    /// <summary>Of the sessions that hold something of a pool the one whose client has been silent for longest; null where none sleeps.</summary>
    public ClientSession? FindSleeper(AddressPool pool)
    {
        List<(IPNetwork Network, ClientSession Holder)> held;
        lock (gate)
            held = [.. pool.IsIPv4 ? holders.Select(h => (HostOf(h.Key), h.Value)) : sixes.All];
        return held.Where(h => h.Holder.Inactivity is { IsPassing: false } && IsOf(pool, h.Network)).Select(h => h.Holder).MinBy(h => h.Inactivity?.Since.Ticks ?? long.MaxValue);
    }

    /// <summary>An address of a pool that others shall see the session's client under; the session keeps it until it ends. False with why there is none.</summary>
    public bool TryTakeGlobal(ClientSession session, string pool, bool isIPv6, [NotNullWhen(true)] out IPAddress? address, [NotNullWhen(false)] out string? why)
    {
        why = null;
        if (session.NatAddresses.TryGetValue(pool, out address))
            return true;
        var draws = new PoolDraws([]);
        if (TakeFromPool(session, pool, isIPv6 ? PoolUse.IPv6 : PoolUse.IPv4, null, mayChoose: false, draws, out var network) is { } refused)
            why = refused.Why;
        else if (network is not { } taken)
            why = string.Join("; ", draws.Shortfalls);
        else if (taken.PrefixLength != LengthOf(taken.BaseAddress))
            why = $"the pool {pool} gives prefixes and no addresses";
        else
            session.NatAddresses = session.NatAddresses.Add(pool, address = taken.BaseAddress);
        return why is null;
    }

    /// <summary>A session of an earlier process holds what it held, in whatever pools that lies now. False, with nothing held, where another session has some of it.</summary>
    public bool TryRestore(ClientSession session, IEnumerable<IPNetwork> networks)
    {
        foreach (var network in networks)
        {
            if (TakeFixed(session, network, null) is null)
                continue;
            Release(session);
            return false;
        }

        return true;
    }

    /// <summary>Gives back everything that the session holds.</summary>
    public void Release(ClientSession session)
    {
        // Backwards: of what one identity gave back to one pool, the last is what it gets first next time.
        foreach (var lease in session.TakeLeases().Reverse())
            Release(session, lease);
    }

    private static string IdentityOf(ClientSession session) => session.User ?? session.IkeIdentity;

    private static int LengthOf(IPAddress address) => address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128;

    private static int LengthOf(AddressPool pool) => pool.PrefixLength ?? (pool.IsIPv4 ? 32 : 128);

    private static IPNetwork HostOf(IPAddress address) => new(address, LengthOf(address));

    private static string WhyNothing(SessionProfile profile, PoolDraws draws) =>
        draws.Shortfalls.Count > 0 ? string.Join("; ", draws.Shortfalls)
        : profile.Ipv4Choice == AddressChoice.ClientMayChoose ? "the client may choose its address, but no pool is set to choose from"
        : "neither a Framed-IP-Address nor a pool is set for this user or group";

    // Whatever the client asks for: they are routed to it as networks behind it.
    private AssignmentOutcome? TakeFixedPrefixes(ClientSession session, ref IPNetwork? framed, ref IPNetwork? delegated)
    {
        var profile = session.Profile;
        if (profile.OwnsIpv6Prefix)
            framed = profile.Ipv6Prefix;
        delegated = profile.DelegatedIpv6Prefix;
        // The wider one first: the other may be a part of it.
        foreach (var prefix in new[] { framed, delegated }.OfType<IPNetwork>().OrderBy(p => p.PrefixLength))
        {
            if (TakeFixed(session, prefix, null) is { } refused)
                return refused;
        }

        return null;
    }

    private AssignmentOutcome? TakeIPv4(ClientSession session, AddressRequest request, PoolDraws draws, out IPNetwork? address)
    {
        address = null;
        var profile = session.Profile;
        if (request.LeaseFailure is { } failure)
        {
            draws.Shortfalls.Add(failure);
            return null;
        }

        if (request.Leased is { } leased)
            return TakeFixed(session, (address = HostOf(leased.Address)).Value, leased.GiveBack);
        if (profile.Ipv4Choice == AddressChoice.Fixed)
            return TakeFixed(session, (address = HostOf(profile.Ipv4Address!)).Value, null);
        return TakeFromPool(session, profile.Ipv4Pool, PoolUse.IPv4, request.WishIPv4, profile.Ipv4Choice == AddressChoice.ClientMayChoose, draws, out address);
    }

    private AssignmentOutcome? TakeIPv6(ClientSession session, AddressRequest request, PoolDraws draws, ref IPNetwork? framed, out IPNetwork? address)
    {
        if (session.Profile.Ipv6Address is { } named)
            return TakeFixed(session, (address = HostOf(named)).Value, null);
        var refused = TakeFromPool(session, session.Profile.Ipv6Pool, PoolUse.IPv6, request.WishIPv6, mayChoose: false, draws, out address);
        if (address is not { PrefixLength: < 128 } prefix)
            return refused;
        // RFC 3162 2.6: the pool assigns "an IPv6 prefix for the user"; its first host is the client's address, which nobody else can hold now.
        framed = prefix;
        var octets = prefix.BaseAddress.GetAddressBytes();
        octets[15] |= 1;
        address = HostOf(new IPAddress(octets));
        return refused;
    }

    private AssignmentOutcome? TakeFixed(ClientSession session, IPNetwork network, Action? giveBack)
    {
        lock (gate)
        {
            if (!TryHold(network, session, out var holder))
                return ReferenceEquals(holder, session) ? new AssignmentOutcome.Refused($"{network} overlaps another prefix of the same session") : new AssignmentOutcome.Held(network, holder!);
            HomeOf(network)?.TryLease(IdentityOf(session), network.BaseAddress);
        }

        return Keep(session, new AddressLease(network, giveBack));
    }

    // A family without a fixed address and without a pool is not assigned, which is no error: the client may have asked for both.
    private AssignmentOutcome.Refused? TakeFromPool(
        ClientSession session, string? name, PoolUse use, IPAddress? wish, bool mayChoose, PoolDraws draws, out IPNetwork? network)
    {
        network = null;
        if (name is null)
            return null;
        AddressPool? pool;
        lock (gate)
        {
            if (!byName.TryGetValue(name, out pool))
                return new AssignmentOutcome.Refused($"there is no pool {name}");
            if (pool.IsIPv4 != (use == PoolUse.IPv4) || (use == PoolUse.Delegation && pool.PrefixLength is null))
                return new AssignmentOutcome.Refused($"the pool {name} gives no {(use == PoolUse.IPv4 ? "IPv4 addresses" : use == PoolUse.IPv6 ? "IPv6 addresses" : "prefixes")}");
            network = TakeVacated(pool, session, draws.Vacated) ?? Draw(pool, session, wish, mayChoose);
        }

        if (network is { } drawn)
            return Keep(session, new AddressLease(drawn));
        draws.Shortfalls.Add($"pool {name} is exhausted");
        draws.Exhausted.Add(pool);
        observer.PoolExhausted(pool.GetStatistics(), IdentityOf(session));
        return null;
    }

    /// <summary>Under the gate.</summary>
    private IPNetwork? TakeVacated(AddressPool pool, ClientSession session, IReadOnlyList<IPNetwork> vacated)
    {
        foreach (var network in vacated)
        {
            if (HomeOf(network) != pool || !pool.TryLease(IdentityOf(session), network.BaseAddress))
                continue;
            if (TryHold(network, session, out _))
                return network;
            pool.Release(network.BaseAddress);
        }

        return null;
    }

    /// <summary>Leases what nobody holds: AAA may have named a prefix that reaches into the pool without being one of it. Under the gate.</summary>
    private IPNetwork? Draw(AddressPool pool, ClientSession session, IPAddress? wish, bool mayChoose)
    {
        IPNetwork? drawn = null;
        var taken = new List<IPAddress>();
        while (drawn is null && taken.Count < MostDraws && pool.TryLease(IdentityOf(session), out var address, wish, mayChoose))
        {
            var network = new IPNetwork(address, LengthOf(pool));
            if (TryHold(network, session, out _))
                drawn = network;
            else
                taken.Add(address);
        }

        foreach (var address in taken)
            pool.Release(address);
        return drawn;
    }

    private AssignmentOutcome.Refused? Keep(ClientSession session, AddressLease lease)
    {
        if (session.TryKeep(lease))
            return null;
        Release(session, lease);
        return new AssignmentOutcome.Refused("the login is over");
    }

    private static bool IsOf(AddressPool pool, IPNetwork network) => LengthOf(pool) == network.PrefixLength && pool.Contains(network.BaseAddress);

    private AddressPool? HomeOf(IPNetwork network)
    {
        foreach (var pool in Pools)
        {
            if (IsOf(pool, network))
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

    /// <summary>What came of asking pools, for one session.</summary>
    private sealed class PoolDraws(IReadOnlyList<IPNetwork> vacated)
    {
        public IReadOnlyList<IPNetwork> Vacated { get; } = vacated;

        /// <summary>Why there is not more.</summary>
        public List<string> Shortfalls { get; } = [];

        public List<AddressPool> Exhausted { get; } = [];
    }
}
