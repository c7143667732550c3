using Headend.Aaa.Accounting;

namespace Headend.Sessions;

/// <summary>Start, Interim-Updates and Stop of one session, in that order whoever calls: nothing follows a Stop. Thread-safe.</summary>
internal sealed class SessionAccounting(AccountingSession records, AccountingQueue queue, TimeSpan? interimInterval)
{
    private readonly Lock gate = new();
    private bool stopped;

    /// <summary>Null sends no Interim-Updates.</summary>
    public TimeSpan? InterimInterval => interimInterval;

    public void Start() => queue.Enqueue(records.Start());

    /// <summary>False when the session has been stopped.</summary>
    public bool Interim(DateTimeOffset now, TrafficCounters counters)
    {
        lock (gate)
        {
            if (!stopped)
                queue.Enqueue(records.Interim(now, counters));
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
            queue.Enqueue(records.Stop(now, counters, cause));
        }
    }
}
