using System.Net;
using Headend.Aaa.Authorization;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>One inner address that a session holds.</summary>
/// <param name="Address">The address.</param>
/// <param name="Pool">Where it goes back to; null for a Framed-IP-Address outside of every pool.</param>
internal sealed record AddressLease(IPAddress Address, AddressPool? Pool);

/// <summary>Who else holds an address that is to be assigned.</summary>
internal sealed record AddressConflict(IPAddress Address, ClientSession Holder);

/// <summary>
/// Gives each session its inner addresses and knows who holds which: an address that RADIUS fixed may lie inside or outside of a pool, and is never
/// held twice. Thread-safe.
/// </summary>
internal sealed class AddressAssignment(IReadOnlyList<AddressPool> pools)
{
    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, ClientSession> holders = [];
    private readonly Dictionary<string, AddressPool> byName = pools.ToDictionary(p => p.Name, StringComparer.Ordinal);

    public IReadOnlyList<AddressPool> Pools => pools;

    /// <summary>Assigns what the client asked for and its profile has.</summary>
    /// <param name="session">Gets the leases.</param>
    /// <param name="wantIPv4">The client asked for INTERNAL_IP4_ADDRESS.</param>
    /// <param name="wantIPv6">The client asked for INTERNAL_IP6_ADDRESS.</param>
    /// <param name="addresses">Null with a refusal or a conflict.</param>
    /// <param name="conflict">A fixed address is held by another session; nothing was assigned.</param>
    /// <param name="refusal">Why there is nothing, naming the pool.</param>
    public bool TryAssign(
        ClientSession session, bool wantIPv4, bool wantIPv6, out AssignedAddresses? addresses, out AddressConflict? conflict, out string? refusal)
    {
        addresses = null;
        conflict = null;
        refusal = null;
        var profile = session.Profile;
        var identity = session.User ?? session.IkeIdentity;
        IPAddress? four = null, six = null;
        if (wantIPv4 && !TryTake(session, identity, FixedIPv4(profile), profile.Ipv4Pool, out four, out conflict, out refusal))
            return false;
        if (wantIPv6 && !TryTake(session, identity, profile.Ipv6Address, profile.Ipv6Pool, out six, out conflict, out refusal))
        {
            Release(session);
            return false;
        }

        if (four is null && six is null)
        {
            refusal = "neither a Framed-IP-Address nor a pool is set for this user or group";
            return false;
        }

        addresses = new AssignedAddresses(four, four is null ? null : profile.Ipv4Netmask, six, profile.Ipv6PrefixLength ?? 128);
        return true;
    }

    /// <summary>Gives back everything that the session holds.</summary>
    public void Release(ClientSession session)
    {
        foreach (var lease in session.TakeLeases())
            Release(lease);
    }

    private static IPAddress? FixedIPv4(SessionProfile profile) => profile.Ipv4Choice == AddressChoice.Fixed ? profile.Ipv4Address : null;

    // An address family without a fixed address and without a pool is not assigned, which is no error: the client may have asked for both.
    private bool TryTake(
        ClientSession session, string identity, IPAddress? wanted, string? poolName, out IPAddress? address, out AddressConflict? conflict, out string? refusal)
    {
        address = wanted;
        conflict = null;
        refusal = null;
        AddressLease lease;
        lock (gate)
        {
            if (wanted is not null)
            {
                if (holders.TryGetValue(wanted, out var holder))
                {
                    conflict = new AddressConflict(wanted, holder);
                    return false;
                }

                var home = pools.FirstOrDefault(p => p.Contains(wanted));
                home?.TryLease(identity, wanted);
                lease = new AddressLease(wanted, home);
            }
            else
            {
                if (poolName is null)
                    return true;
                if (!byName.TryGetValue(poolName, out var pool))
                {
                    refusal = $"there is no pool {poolName}";
                    return false;
                }

                if (!pool.TryLease(identity, out address))
                {
                    refusal = $"pool {poolName} is exhausted";
                    return false;
                }

                lease = new AddressLease(address, pool);
            }

            holders[lease.Address] = session;
        }

        if (session.TryKeep(lease))
            return true;
        Release(lease);
        refusal = "the login is over";
        return false;
    }

    private void Release(AddressLease lease)
    {
        lock (gate)
        {
            holders.Remove(lease.Address);
            lease.Pool?.Release(lease.Address);
        }
    }
}
