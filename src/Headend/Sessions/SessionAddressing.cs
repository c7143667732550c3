using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>
/// Brings a login to its addresses, asynchronously where others have to be asked or waited for. A fixed address that another session holds is refused, unless both are of
/// the same authenticated identity: then the older session ends and the new one takes over.
/// </summary>
internal sealed class SessionAddressing(AddressAssignment assignment, DhcpClient dhcp, ILeaseObserver observer, TimeProvider time)
{
    /// <summary>How long a login waits for the older session of its user to let go of their address.</summary>
    private static readonly TimeSpan ReplaceTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Others may be quicker: to what a session gave back, or back at a session that slept.</summary>
    private const int MostTries = 4;

    /// <summary>Assigns; without addresses there is a refusal that says why.</summary>
    /// <param name="session">For whom.</param>
    /// <param name="request">What its client asked for.</param>
    /// <param name="tryEndSleeper">Ends a session for the reason given if it sleeps, where a pool is exhausted; null ends none.</param>
    public async ValueTask<(AssignedAddresses? Addresses, string? Refusal)> AssignAsync(ClientSession session, AddressRequest request, Func<ClientSession, string, bool>? tryEndSleeper = null)
    {
        var outcome = await TryAssignAsync(session, request).ConfigureAwait(false);
        if (outcome is AssignmentOutcome.Held held)
        {
            if (await MakeRoomAsync(session, held).ConfigureAwait(false) is { } refusal)
                return (null, refusal);
            outcome = await TryAssignAsync(session, request).ConfigureAwait(false);
        }

        for (var i = 0; i < MostTries && tryEndSleeper is not null && outcome.Exhausted.Count > 0 && !session.IsClosed; i++)
        {
            var vacated = await VacateAsync(session, outcome.Exhausted, tryEndSleeper).ConfigureAwait(false);
            if (vacated.Count == 0)
                break;
            // What it has of the other family it gets anew.
            assignment.Release(session);
            session.Lease = null;
            outcome = await TryAssignAsync(session, request with { Vacated = vacated }).ConfigureAwait(false);
        }

        switch (outcome)
        {
            case AssignmentOutcome.Assigned assigned:
                session.Addresses = assigned.Addresses;
                session.FramedPrefix = assigned.FramedPrefix;
                session.DelegatedPrefix = assigned.DelegatedPrefix;
                return (assigned.Addresses, null);
            case AssignmentOutcome.Held again:
                return (null, $"{Text(again.Network)} went to another session meanwhile");
            default:
                return (null, ((AssignmentOutcome.Refused)outcome).Why);
        }
    }

    /// <inheritdoc cref="AddressAssignment.TryRestore"/>
    public bool TryRestore(ClientSession session, IEnumerable<System.Net.IPNetwork> networks) => assignment.TryRestore(session, networks);

    /// <summary>Gives back everything that the session holds. Call when its interface is gone.</summary>
    public void Release(ClientSession session) => assignment.Release(session);

    // A lease that its session did not come to hold, for whatever reason, is over when this returns.
    private async ValueTask<AssignmentOutcome> TryAssignAsync(ClientSession session, AddressRequest request)
    {
        // Framed-IP-Address goes before a DHCP server, and a DHCP server before a pool.
        if (!request.IPv4 || session.Profile.DhcpServers.IsEmpty || session.Profile.Ipv4Choice == AddressChoice.Fixed)
            return assignment.Assign(session, request);
        var (leased, failure) = await LeaseAsync(session).ConfigureAwait(false);
        var outcome = assignment.Assign(session, request with { Leased = leased, LeaseFailure = failure });
        if (leased is null || outcome is AssignmentOutcome.Assigned)
            return outcome;
        session.Lease = null;
        if (outcome is not AssignmentOutcome.Held held || !held.Network.BaseAddress.Equals(leased.Address))
        {
            leased.GiveBack();
            return outcome;
        }

        // The server does not know that the address is in use; it will offer another one.
        leased.Decline();
        return new AssignmentOutcome.Refused($"{leased.Address}, leased by DHCP, is held by {held.Holder.User ?? held.Holder.IkeIdentity} ({held.Holder.InterfaceName})");
    }

    private async ValueTask<(LeasedAddress? Leased, string? Failure)> LeaseAsync(ClientSession session)
    {
        var profile = session.Profile;
        var request = new DhcpLeaseRequest(session.User ?? session.IkeIdentity, profile.DhcpServers, profile.DhcpGiaddr, profile.DhcpTimeout);
        switch (await dhcp.LeaseAsync(request, why => Lost(session, why)).ConfigureAwait(false))
        {
            case DhcpOutcome.Granted { Binding: { Grant: { } grant } binding }:
                session.Lease = binding;
                return (new LeasedAddress(grant.Address, grant.Netmask, grant.DnsServers, grant.Domain, binding.Release, binding.Decline), null);
            case DhcpOutcome.Failed failed:
                observer.LeaseFailed(session, failed.Why);
                return (null, failed.Why);
            default:
                return (null, "the DHCP server took its lease back at once");
        }
    }

    private void Lost(ClientSession session, string why)
    {
        observer.LeaseLost(session, why);
        session.Shard.Post(new EndSessionCommand(session.Id, SessionEndReason.LeaseLost, why));
    }

    private static string Text(System.Net.IPNetwork network) =>
        network.PrefixLength == network.BaseAddress.GetAddressBytes().Length * 8 ? network.BaseAddress.ToString() : network.ToString();

    /// <summary>Of each pool the session that has slept for longest gives back what it holds.</summary>
    private async ValueTask<IReadOnlyList<System.Net.IPNetwork>> VacateAsync(ClientSession session, IReadOnlyList<AddressPool> pools, Func<ClientSession, string, bool> tryEndSleeper)
    {
        var ended = new List<ClientSession>();
        var vacated = new List<System.Net.IPNetwork>();
        foreach (var pool in pools.Where(p => !vacated.Exists(n => p.Contains(n.BaseAddress))))
        {
            for (var i = 0; i < MostTries && assignment.FindSleeper(pool) is { } sleeper; i++)
            {
                var networks = sleeper.LeasedNetworks;
                if (!tryEndSleeper(sleeper, $"pool {pool.Name} is exhausted, and of those that sleep this has slept for longest; {session.User ?? session.IkeIdentity} logs in"))
                    continue;
                ended.Add(sleeper);
                vacated.AddRange(networks);
                break;
            }
        }

        // The store may take longer than the interface; the addresses are free before that.
        foreach (var sleeper in ended)
            await sleeper.Gone.Task.WaitAsync(ReplaceTimeout, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return vacated;
    }

    private async ValueTask<string?> MakeRoomAsync(ClientSession session, AssignmentOutcome.Held held)
    {
        var holder = held.Holder;
        var address = Text(held.Network);
        if (holder.User is null || !string.Equals(holder.User, session.User, StringComparison.Ordinal))
            return $"{address} is assigned to {session.User}, but {holder.User ?? holder.IkeIdentity} holds it ({holder.InterfaceName})";

        // The same user again, from a machine or a network that the old session does not know of: the new login wins.
        holder.Shard.Post(new EndSessionCommand(holder.Id, SessionEndReason.Replaced, $"a newer login of {session.User} took over {address}"));
        try
        {
            await holder.Gone.Task.WaitAsync(ReplaceTimeout, time).ConfigureAwait(false);
            return null;
        }
        catch (TimeoutException)
        {
            return $"the older session of {session.User} did not give {address} back";
        }
    }
}

/// <summary>Told what an operator should know of leases. Any thread; must not block.</summary>
internal interface ILeaseObserver
{
    /// <summary>No server leased anything to a login.</summary>
    void LeaseFailed(ClientSession session, string why);

    /// <summary>A session's lease ended against our will, and the session with it.</summary>
    void LeaseLost(ClientSession session, string why);
}
