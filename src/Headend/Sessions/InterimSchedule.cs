using Headend.Aaa.Accounting;

namespace Headend.Sessions;

/// <summary>
/// When each session's next Interim-Update is due. The first interval is spread by up to a tenth (RFC 2869 2.1 leaves that to the NAS), so that sessions that came up
/// together after a restart do not report together for ever. Due times are of the monotonic clock: setting the wall clock neither holds reports back nor
/// brings them all at once. One timer for all; a session that is over is not held.
/// </summary>
internal sealed class InterimSchedule : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private const double Spread = 0.1;

    private readonly Lock gate = new();
    private readonly SortedSet<Turn> due = new(Turn.Order);
    private readonly Dictionary<ClientSession, Turn> turns = [];
    private readonly TimeProvider time;
    private readonly Func<ClientSession, TrafficCounters> countersOf;
    private readonly ITimer timer;
    private long lastNumber;

    public InterimSchedule(TimeProvider time, Func<ClientSession, TrafficCounters> countersOf)
    {
        this.time = time;
        this.countersOf = countersOf;
        timer = time.CreateTimer(static state => ((InterimSchedule)state!).Run(), this, Tick, Tick);
    }

    /// <summary>Sessions that have a turn.</summary>
    public int Count
    {
        get
        {
            lock (gate)
                return due.Count;
        }
    }

    /// <summary>A session came up, or came back: a turn of the same interval that it has already stays, so that who comes back often reports all the same.</summary>
    public void Begin(ClientSession session)
    {
        var interval = session.Accounting?.InterimInterval;
        lock (gate)
        {
            if (turns.TryGetValue(session, out var turn) && turn.Interval == interval)
                return;
        }

        Add(session);
    }

    /// <summary>A session began, or its interval was changed; what an earlier interval had scheduled goes.</summary>
    public void Add(ClientSession session)
    {
        if (session.Accounting?.InterimInterval is { } interval && interval > TimeSpan.Zero)
            Schedule(session, interval, interval * (1 - (Spread * Random.Shared.NextDouble())));
        else
            Remove(session);
    }

    /// <summary>The session has its Stop. Does nothing where it has no turn.</summary>
    public void Remove(ClientSession session)
    {
        lock (gate)
        {
            if (turns.Remove(session, out var turn))
                due.Remove(turn);
        }
    }

    public void Dispose() => timer.Dispose();

    private long Ticks => time.GetElapsedTime(0).Ticks;

    private void Schedule(ClientSession session, TimeSpan interval, TimeSpan after)
    {
        lock (gate)
        {
            if (turns.Remove(session, out var standing))
                due.Remove(standing);
            var turn = new Turn(Ticks + after.Ticks, ++lastNumber, session, interval);
            turns.Add(session, turn);
            due.Add(turn);
        }

        // It may have ended, and been removed, while its record was made.
        if (session.Accounting!.IsStopped)
            Remove(session);
    }

    private void Run()
    {
        var now = time.GetUtcNow();
        while (Take(Ticks) is { } session)
        {
            if (session.Accounting!.Interim(now, countersOf(session)) && session.Accounting.InterimInterval is { } interval && interval > TimeSpan.Zero)
                Reschedule(session, interval);
        }
    }

    // An interval that was changed meanwhile has its turn already.
    private void Reschedule(ClientSession session, TimeSpan interval)
    {
        lock (gate)
        {
            if (turns.ContainsKey(session))
                return;
        }

        Schedule(session, interval, interval);
    }

    private ClientSession? Take(long now)
    {
        lock (gate)
        {
            if (due.Count == 0 || due.Min is not { } first || first.At > now)
                return null;
            due.Remove(first);
            turns.Remove(first.Session);
            return first.Session;
        }
    }

    /// <param name="At">Of the monotonic clock, in ticks.</param>
    /// <param name="Number">Tells those of one moment apart.</param>
    /// <param name="Session">Whose.</param>
    /// <param name="Interval">That it is a turn of.</param>
    private sealed record Turn(long At, long Number, ClientSession Session, TimeSpan Interval)
    {
        public static IComparer<Turn> Order { get; } = Comparer<Turn>.Create(static (a, b) => a.At != b.At ? a.At.CompareTo(b.At) : a.Number.CompareTo(b.Number));
    }
}
