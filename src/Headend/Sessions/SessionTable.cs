using System.Collections.Concurrent;
using Headend.Aaa.Accounting;
using Headend.Ikev2;
using Headend.Telemetry;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Sessions;

/// <summary>Logins and sessions by what names them. Shards add and remove, each its own; anybody reads.</summary>
internal sealed class SessionTable
{
    private readonly ConcurrentDictionary<SessionId, ClientSession> byId = new();
    private readonly ConcurrentDictionary<long, ClientSession> byHandle = new();
    private readonly ConcurrentDictionary<string, ClientSession> byAcctSessionId = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, ClientSession> byAuditSessionId = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock endedGate = new();
    private TrafficCounters ended;
    private readonly ConcurrentDictionary<SessionId, ClientSession> moved = new();
    private int up;
    private int inactive;

    /// <summary>Sessions that are up.</summary>
    public int UpCount => Volatile.Read(ref up);

    /// <summary>Sessions whose client is silent.</summary>
    public int InactiveCount => Volatile.Read(ref inactive);

    /// <summary>Logins under way and sessions.</summary>
    public IEnumerable<ClientSession> All => byId.Values;

    public bool IsEmpty => byId.IsEmpty;

    public bool TryFind(SessionId id, out ClientSession? session) => byId.TryGetValue(id, out session);

    public bool TryFind(SessionHandle handle, out ClientSession? session) => byHandle.TryGetValue(handle.Value, out session);

    /// <summary>Sessions that are up and may have these ids; all that are up where neither is given. The caller compares the rest.</summary>
    public IEnumerable<ClientSession> Candidates(string? auditSessionId, string? acctSessionId)
    {
        ClientSession? one;
        if (acctSessionId is not null)
            return byAcctSessionId.TryGetValue(acctSessionId, out one) ? [one] : [];
        if (auditSessionId is not null)
            return byAuditSessionId.TryGetValue(auditSessionId, out one) ? [one] : [];
        return byId.Values.Where(s => s.UpAt is not null);
    }

    public void Add(ClientSession session) => byId[session.Id] = session;

    public void MarkUp(ClientSession session)
    {
        Interlocked.Increment(ref up);
        Name(session, session.Names);
        foreach (var alias in session.Aliases)
            Name(session, alias);
        NoteHandle(session);
    }

    /// <summary>AAA was asked about a login by these names, which then took the session over.</summary>
    public void AddAlias(ClientSession session, SessionNames names)
    {
        if (session.AddAlias(names) is { } oldest)
            Unname(session, oldest);
        Name(session, names);
        // It ended in between, and its end did not find them.
        if (session.IsClosed)
            Unname(session, names);
    }

    /// <summary>The session has an interface: the data plane speaks of it by that.</summary>
    public void NoteHandle(ClientSession session)
    {
        if (!session.Handle.IsNone)
            byHandle[session.Handle.Value] = session;
    }

    /// <summary>By an id that the session has, or had before it last moved.</summary>
    public bool TryFindMoved(SessionId id, out ClientSession? session) => byId.TryGetValue(id, out session) || moved.TryGetValue(id, out session);

    /// <summary>The session was up and waits for its client now, or the other way round.</summary>
    public void MarkInactive(bool isInactive)
    {
        Interlocked.Add(ref up, isInactive ? -1 : 1);
        Interlocked.Add(ref inactive, isInactive ? 1 : -1);
    }

    /// <summary>A session has taken the place of the login by whose id it goes from now on.</summary>
    /// <param name="session">Its home is the login's.</param>
    /// <param name="former">What it was called by: commands under way find it by that.</param>
    public void Move(ClientSession session, SessionId former)
    {
        byId[session.Id] = session;
        // It is always found by one of the two.
        moved[former] = session;
        byId.TryRemove(former, out _);
        if (session.FormerId is { } older)
            moved.TryRemove(older, out _);
        session.FormerId = former;
        // It ended in between, and its end looked for it where it was not yet.
        if (session.IsClosed)
            Remove(session, wasUp: false);
    }

    /// <param name="session">Is over.</param>
    /// <param name="wasUp">It had come up.</param>
    /// <param name="wasInactive">It ends while its client is silent.</param>
    public void Remove(ClientSession session, bool wasUp, bool wasInactive = false)
    {
        // Under its id there may be the session that took its place.
        byId.TryRemove(KeyValuePair.Create(session.Id, session));
        if (session.FormerId is { } former)
            moved.TryRemove(former, out _);
        Unname(session, session.Names);
        foreach (var alias in session.Aliases)
            Unname(session, alias);
        if (!session.Handle.IsNone)
            byHandle.TryRemove(session.Handle.Value, out _);
        if (wasInactive)
            Interlocked.Decrement(ref inactive);
        else if (wasUp)
            Interlocked.Decrement(ref up);
    }

    private void Name(ClientSession session, SessionNames names)
    {
        byAcctSessionId[names.AcctSessionId] = session;
        byAuditSessionId[names.AuditSessionId] = session;
    }

    private void Unname(ClientSession session, SessionNames names)
    {
        byAcctSessionId.TryRemove(KeyValuePair.Create(names.AcctSessionId, session));
        byAuditSessionId.TryRemove(KeyValuePair.Create(names.AuditSessionId, session));
    }

    /// <summary>Adds the final counters of a session that is gone.</summary>
    public void Count(in TrafficCounters final)
    {
        lock (endedGate)
            ended += final;
    }

    /// <summary>Inner traffic since the start, of sessions gone and sessions up.</summary>
    public EspTotalsRecord Totals(Func<ClientSession, TrafficCounters> countersOf)
    {
        TrafficCounters sum;
        lock (endedGate)
            sum = ended;
        var (inPackets, inOctets, outPackets, outOctets) = ((long)sum.InputPackets, (long)sum.InputOctets, (long)sum.OutputPackets, (long)sum.OutputOctets);
        foreach (var session in byId.Values)
        {
            var live = countersOf(session);
            inPackets += (long)live.InputPackets;
            inOctets += (long)live.InputOctets;
            outPackets += (long)live.OutputPackets;
            outOctets += (long)live.OutputOctets;
        }

        return new EspTotalsRecord(inPackets, inOctets, outPackets, outOctets);
    }
}
