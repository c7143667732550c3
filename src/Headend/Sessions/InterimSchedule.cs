using Headend.Aaa.Accounting;

namespace Headend.Sessions;

/// <summary>
/// When each session's next Interim-Update is due. The first interval is spread by up to a tenth (RFC 2869 2.1 leaves that to the NAS), so that sessions that came up
/// together after a restart do not report together for ever. Due times are of the monotonic clock: setting the wall clock neither holds reports back nor
/// brings them all at once. One timer for all.
/// </summary>
internal sealed class InterimSchedule : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private const double Spread = 0.1;

    private readonly Lock gate = new();
    private readonly PriorityQueue<(ClientSession Session, int Generation), long> due = new();
    private readonly TimeProvider time;
    private readonly Func<ClientSession, TrafficCounters> countersOf;
    private readonly ITimer timer;

    public InterimSchedule(TimeProvider time, Func<ClientSession, TrafficCounters> countersOf)
    {
        this.time = time;
        this.countersOf = countersOf;
        timer = time.CreateTimer(static state => ((InterimSchedule)state!).Run(), this, Tick, Tick);
    }

    /// <summary>A session began, or its interval was changed; what an earlier interval had scheduled goes.</summary>
    public void Add(ClientSession session)
    {
        if (session.Accounting is { InterimInterval: { } interval } accounting && interval > TimeSpan.Zero)
            Enqueue(session, accounting.InterimGeneration, interval * (1 - (Spread * Random.Shared.NextDouble())));
    }

    public void Dispose() => timer.Dispose();

    private long Ticks => time.GetElapsedTime(0).Ticks;

    private void Enqueue(ClientSession session, int generation, TimeSpan after)
    {
        lock (gate)
            due.Enqueue((session, generation), Ticks + after.Ticks);
    }

    private void Run()
    {
        var now = time.GetUtcNow();
        while (TryTake(Ticks, out var session, out var generation))
        {
            // Sessions that ended meanwhile leave the schedule here, at their next turn; so does an interval that was changed meanwhile.
            if (session!.Accounting!.Interim(now, countersOf(session)) && session.Accounting.InterimInterval is { } interval)
                Enqueue(session, generation, interval);
        }
    }

    private bool TryTake(long now, out ClientSession? session, out int generation)
    {
        lock (gate)
        {
            (session, generation) = (null, 0);
            while (due.TryPeek(out var first, out var at) && at <= now)
            {
                due.Dequeue();
                if (first.Generation != first.Session.Accounting!.InterimGeneration)
                    continue;
                (session, generation) = first;
                return true;
            }

            return false;
        }
    }
}
