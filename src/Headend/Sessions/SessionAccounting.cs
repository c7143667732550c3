using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;

namespace Headend.Sessions;

/// <summary>
/// Start, Interim-Updates and Stop of one session, in that order whoever calls: nothing follows a Stop, and no record reports less than one before it.
/// Thread-safe.
/// </summary>
/// <param name="records">Makes the records.</param>
/// <param name="client">Takes them.</param>
/// <param name="list">The accounting list.</param>
/// <param name="interimInterval">Null sends no Interim-Updates.</param>
/// <param name="time">Its timestamps measure the session: the wall clock may be set meanwhile.</param>
/// <param name="before">How long the session has lasted already, where an earlier process began it.</param>
internal sealed class SessionAccounting(
    AccountingSession records, AccountingClient client, string list, TimeSpan? interimInterval, TimeProvider time, TimeSpan before = default)
{
    private readonly Lock gate = new();
    private readonly long startedAt = time.GetTimestamp();
    private TimeSpan? interval = interimInterval;
    private TrafficCounters last;
    private bool stopped;

    /// <summary>Name of the accounting list.</summary>
    public string List => list;

    /// <summary>Null sends no Interim-Updates.</summary>
    public TimeSpan? InterimInterval
    {
        get
        {
            lock (gate)
                return interval;
        }
    }

    /// <summary>The Stop is made; nothing follows.</summary>
    public bool IsStopped
    {
        get
        {
            lock (gate)
                return stopped;
        }
    }

    /// <summary>Authorization was changed while the session stood: records from now on say so.</summary>
    /// <returns>True when the interval is another one now.</returns>
    public bool Change(SessionProfile profile, TimeSpan? changed)
    {
        lock (gate)
        {
            records.Profile = profile;
            if (changed == interval)
                return false;
            interval = changed;
            return true;
        }
    }

    /// <summary>Since the session was established.</summary>
    public TimeSpan Elapsed => before + time.GetElapsedTime(startedAt);

    /// <summary>Completes when the Start is on disk, or when the disk has refused it. Not null, and at once: which attribute does not fit, so that there is no Start.</summary>
    public Task<string?> StartAsync() => client.Enqueue(list, records.Start());

    /// <summary>False when the session has been stopped.</summary>
    public bool Interim(DateTimeOffset now, TrafficCounters counters)
    {
        lock (gate)
        {
            if (!stopped)
                _ = client.Enqueue(list, records.Interim(now, Elapsed, Keep(counters)));
            return !stopped;
        }
    }

    public void Stop(DateTimeOffset now, TrafficCounters counters, AcctTerminateCause cause)
    {
        lock (gate)
        {
            if (stopped)
                return;
            stopped = true;
            _ = client.Enqueue(list, records.Stop(now, Elapsed, Keep(counters), cause));
        }
    }

    // An interface that is being taken down reads as zero.
    private TrafficCounters Keep(in TrafficCounters counters) => last = TrafficCounters.Max(last, counters);
}
