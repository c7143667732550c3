using Headend.Ikev2;
using Headend.Runtime;

namespace Headend.Sessions;

/// <summary>
/// Who is logged in how often, over all shards and profiles. A login takes its place after it has authenticated and been authorized, in one step with the count, so
/// that of two at the same time exactly one gets the last place; it gives it back at its end. Kept in memory alone: after a restart the sessions that go on
/// take their places again.
/// Identities are compared without regard to case: RADIUS servers mostly do so, and a limit that another spelling passes is none. Thread-safe.
/// </summary>
internal sealed class SimultaneousSessionTable(SessionInterfaces interfaces, MonotonicClock clock)
{
    /// <summary>How long an old session may take to give back its address before the new login goes on without it.</summary>
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a client is given to show that it lives, IKE's first retransmissions included.</summary>
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan ProbeStep = TimeSpan.FromMilliseconds(100);

    private const int MostProbes = 8;

    private readonly Lock gate = new();
    private readonly Dictionary<string, List<ClientSession>> byIdentity = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Sessions and logins that count for an identity.</summary>
    public int CountOf(string identity)
    {
        lock (gate)
            return byIdentity.TryGetValue(identity, out var held) ? held.Count : 0;
    }

    /// <summary>Takes a place for an authorized login. Answers null when it may go on, else why not.</summary>
    public async ValueTask<string?> AdmitAsync(ClientSession session)
    {
        var (limit, replaces) = LimitOf(session);
        if (TryTake(session, limit, replaces, out var displaced, out var others))
        {
            await EndAsync(displaced, session).ConfigureAwait(false);
            return null;
        }

        // A client that crashed or lost its network comes back before dead peer detection has missed it: only who answers keeps the place.
        List<ClientSession> dead = [.. others.Where(o => o.Inactivity is not null).Take(1)];
        if (dead.Count == 0)
            dead = await FindDeadAsync(others).ConfigureAwait(false);
        foreach (var one in dead)
            one.OrderEnd(SessionEndReason.PeerUnreachable, $"a newer login of {IdentityOf(session)} came, and the client no longer answers");
        foreach (var one in dead)
            await WaitForEndAsync(one).ConfigureAwait(false);
        if (dead.Count > 0 && TryTake(session, limit, replaces, out displaced, out others))
        {
            await EndAsync(displaced, session).ConfigureAwait(false);
            return null;
        }

        var holders = string.Join(", ", others.Take(4).Select(o => $"{o.InterfaceName} from {o.Path.Remote.Address}"));
        return $"{IdentityOf(session)} has {others.Count} of {limit} simultaneous sessions: {holders}";
    }

    /// <summary>Sessions of the login's identity.</summary>
    public IReadOnlyList<ClientSession> SessionsOf(ClientSession login)
    {
        lock (gate)
            return byIdentity.TryGetValue(IdentityOf(login), out var held) ? [.. held] : [];
    }

    /// <summary>A session of an earlier process counts, whatever the limit is now.</summary>
    public void Restore(ClientSession session)
    {
        var identity = IdentityOf(session);
        lock (gate)
        {
            if (!byIdentity.TryGetValue(identity, out var held))
                byIdentity[identity] = held = [];
            held.Add(session);
            session.PlaceIdentity = identity;
        }
    }

    /// <summary>The login or session is over. Any number of times.</summary>
    public void Leave(ClientSession session)
    {
        lock (gate)
        {
            // The identity that the place was taken under may have become another since; the session knows it.
            if (session.PlaceIdentity is not { } identity || !byIdentity.TryGetValue(identity, out var held))
                return;
            held.Remove(session);
            if (held.Count == 0)
                byIdentity.Remove(identity);
        }
    }

    private static string IdentityOf(ClientSession session) => session.User ?? session.IkeIdentity;

    // Port-Limit is about this user, the configuration about everybody.
    private static (int? Limit, bool Replaces) LimitOf(ClientSession session) => (session.Profile.PortLimit ?? session.Binding.Unique.Limit, session.Binding.Unique.Replaces);

    /// <summary>One address and port is one client: it logs in again before its old session is over.</summary>
    private static bool IsSameClient(ClientSession one, ClientSession other) =>
        one.Path.Remote.Equals(other.Path.Remote) && string.Equals(one.IkeIdentity, other.IkeIdentity, StringComparison.Ordinal);

    private async ValueTask EndAsync(IReadOnlyList<ClientSession> displaced, ClientSession by)
    {
        foreach (var old in displaced)
            old.Shard.Post(new EndSessionCommand(old.Id, SessionEndReason.Replaced, $"a newer login of {IdentityOf(by)} from {by.Path.Remote.Address} took its place"));
        foreach (var old in displaced)
            await WaitForEndAsync(old).ConfigureAwait(false);
    }

    // Its address may be the new session's; one that does not end in time only costs that.
    private async ValueTask WaitForEndAsync(ClientSession old) =>
        await old.Gone.Task.WaitAsync(EndTimeout, clock.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private bool TryTake(ClientSession session, int? limit, bool replaces, out List<ClientSession> displaced, out List<ClientSession> others)
    {
        displaced = [];
        others = [];
        var identity = IdentityOf(session);
        lock (gate)
        {
            // Ended while it was being authorized: its end must not be behind its place.
            if (session.IsClosed)
                return true;
            if (!byIdentity.TryGetValue(identity, out var held))
                byIdentity[identity] = held = [];
            if (limit is { } most && held.Count >= most)
            {
                displaced = replaces ? held[..(held.Count - most + 1)] : [.. held.Where(h => IsSameClient(h, session))];
                if (held.Count - displaced.Count >= most)
                {
                    others = [.. held];
                    displaced = [];
                    return false;
                }
            }

            foreach (var old in displaced)
                held.Remove(old);
            held.Add(session);
            session.PlaceIdentity = identity;
            return true;
        }
    }

    /// <summary>Which of the sessions do not answer; logins under way count as alive.</summary>
    private async ValueTask<List<ClientSession>> FindDeadAsync(List<ClientSession> sessions)
    {
        var since = clock.Now;
        // Those that have been quiet for longest: a shared account with a thousand sessions is not asked a thousand times for each login too many.
        var silent = sessions.Where(s => s.UpAt is not null).OrderBy(s => interfaces.LastTraffic(s).Inbound?.Ticks ?? 0).ThenBy(s => s.UpAt!.Value.Ticks).Take(MostProbes).ToList();
        foreach (var session in silent)
            session.Shard.Post(new ProbeCommand(session.Id));
        while (silent.Count > 0 && clock.Now - since < ProbeTime)
        {
            await Task.Delay(ProbeStep, clock.Time).ConfigureAwait(false);
            foreach (var session in silent.ToArray())
            {
                if (await IsHeardAsync(session, since).ConfigureAwait(false))
                    silent.Remove(session);
            }
        }

        return silent;
    }

    private async ValueTask<bool> IsHeardAsync(ClientSession session, MonotonicTime since)
    {
        if (interfaces.LastTraffic(session).Inbound is { } inner && inner > since)
            return true;
        var heard = false;
        await session.Shard.InvokeAsync((endpoint, _) => heard = endpoint.TryGetLastHeard(session.Id, out var at) && at > since).ConfigureAwait(false);
        return heard;
    }
}
