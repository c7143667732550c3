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
    private readonly Lock endedGate = new();
    private TrafficCounters ended;
    private int up;

    /// <summary>Sessions that are up.</summary>
    public int UpCount => Volatile.Read(ref up);

    /// <summary>Logins under way and sessions.</summary>
    public IEnumerable<ClientSession> All => byId.Values;

    public bool IsEmpty => byId.IsEmpty;

    public bool TryFind(SessionId id, out ClientSession? session) => byId.TryGetValue(id, out session);

    public bool TryFind(SessionHandle handle, out ClientSession? session) => byHandle.TryGetValue(handle.Value, out session);

    public void Add(ClientSession session) => byId[session.Id] = session;

    public void MarkUp(ClientSession session)
    {
        Interlocked.Increment(ref up);
        if (!session.Handle.IsNone)
            byHandle[session.Handle.Value] = session;
    }

    public void Remove(ClientSession session, bool wasUp)
    {
        byId.TryRemove(session.Id, out _);
        if (!session.Handle.IsNone)
            byHandle.TryRemove(session.Handle.Value, out _);
        if (wasUp)
            Interlocked.Decrement(ref up);
    }

    /// <summary>Adds the final counters of a session that is gone.</summary>
    public void Count(in TrafficCounters final)
    {
        lock (endedGate)
        {
            ended = new TrafficCounters(
                ended.InputOctets + final.InputOctets, ended.OutputOctets + final.OutputOctets, ended.InputPackets + final.InputPackets, ended.OutputPackets + final.OutputPackets);
        }
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
