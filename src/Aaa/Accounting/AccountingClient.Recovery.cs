using Headend.Aaa.Radius;

namespace Headend.Aaa.Accounting;

/// <summary>What the process before left: records that wait, and sessions that had no Stop. Each of those gets one, now or when it ends.</summary>
public sealed partial class AccountingClient
{
    /// <summary>A session that the process before left open and that goes on, or null where it has had its Stop.</summary>
    public OpenSessionRecord? FindContinued(string acctSessionId)
    {
        lock (gate) return open.GetValueOrDefault(acctSessionId);
    }

    /// <summary>Stops a session of the process before that was to go on and cannot, with the last counters that are known of it.</summary>
    /// <param name="acctSessionId">Of a session that <see cref="FindContinued"/> finds; others are ignored.</param>
    /// <param name="endedAt">When it ended; never before it was last seen.</param>
    /// <param name="cause">Acct-Terminate-Cause.</param>
    public void EndContinued(string acctSessionId, DateTimeOffset endedAt, AcctTerminateCause cause)
    {
        List<SpooledRecord>? dropped;
        lock (gate)
        {
            if (!open.Remove(acctSessionId, out var session)) return;
            AddStop(session, Milliseconds(endedAt), cause);
            dropped = MakeRoom();
            Monitor.Pulse(gate);
        }
        Report(dropped);
    }

    private void Recover(SpoolContent content, IReadOnlySet<string> continuing)
    {
        foreach (var record in content.Records)
        {
            nextId = Math.Max(nextId, record.Id + 1);
            if (!lists.TryGetValue(record.List, out var list))
            {
                orphans++;
                continue;
            }
            var entry = new SpoolEntry(record) { Saved = true };
            Count(entry);
            Release(entry, list);
        }
        foreach (var session in content.OpenSessions)
        {
            if (continuing.Contains(session.SessionId) && lists.ContainsKey(session.List)) open[session.SessionId] = session;
            // Nobody saw the end. What is sure is when the session was last there, and the counters are of that moment.
            else AddStop(session, content.AliveAt ?? session.SeenAt, AcctTerminateCause.NasReboot);
        }
        Report(MakeRoom());
    }

    private void AddStop(OpenSessionRecord session, DateTimeOffset ended, AcctTerminateCause cause)
    {
        changedSessions.Add(session.SessionId);
        var description = new RadiusRequest(RadiusCode.AccountingRequest);
        var endedAt = new[] { ended, session.SeenAt, session.StartedAt }.Max();
        // Never less than a record of the session has said, whatever was done to the clock.
        var lasted = session.SessionTime + (endedAt - session.SeenAt);
        var usable = description.TryAddEncoded(session.Description.Span, endedAt);
        var stop = usable ? AccountingRecord.Compose(AcctStatusType.Stop, description, endedAt, session.Counters, lasted, cause) : description;
        var record = new SpooledRecord(0, session.List, session.SessionId, AcctStatusType.Stop, endedAt, stop.EncodedAttributes.ToArray());
        if (usable && stop.Error is null)
        {
            recovered++;
            Add(record);
        }
        else
        {
            unsendable++;
            observer.Dropped(record, "the stored session is damaged");
        }
    }
}
