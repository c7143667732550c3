using Headend.Aaa.Accounting;

namespace Headend.Sessions;

/// <summary>
/// When each session's next Interim-Update is due. The first interval is spread by up to a tenth (RFC 2869 2.1 leaves that to the NAS), so that sessions that came up
/// together after a restart do not report together for ever. One timer for all.
/// </summary>
internal sealed class InterimSchedule : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private const double Spread = 0.1;

    private readonly Lock gate = new();
    private readonly PriorityQueue<ClientSession, long> due = new();
    private readonly TimeProvider time;
    private readonly Func<ClientSession, TrafficCounters> countersOf;
    private readonly ITimer timer;

    public InterimSchedule(TimeProvider time, Func<ClientSession, TrafficCounters> countersOf)
    {
        this.time = time;
        this.countersOf = countersOf;
        timer = time.CreateTimer(static state => ((InterimSchedule)state!).Run(), this, Tick, Tick);
    }

    public void Add(ClientSession session)
    {
        if (session.Accounting?.InterimInterval is { } interval && interval > TimeSpan.Zero)
            Enqueue(session, interval * (1 - (Spread * Random.Shared.NextDouble())));
    }

    public void Dispose() => timer.Dispose();

    private void Enqueue(ClientSession session, TimeSpan after)
    {
        lock (gate)
            due.Enqueue(session, time.GetUtcNow().UtcTicks + after.Ticks);
    }

    private void Run()
    {
        var now = time.GetUtcNow();
        while (TryTake(now.UtcTicks, out var session))
        {
            // Sessions that ended meanwhile leave the schedule here, at their next turn.
            if (session!.Accounting!.Interim(now, countersOf(session)))
                Enqueue(session, session.Accounting.InterimInterval!.Value);
        }
    }

    private bool TryTake(long now, out ClientSession? session)
    {
        lock (gate)
        {
            session = null;
            return due.TryPeek(out _, out var at) && at <= now && due.TryDequeue(out session, out _);
        }
    }
}
