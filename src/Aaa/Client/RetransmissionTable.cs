namespace Headend.Aaa.Client;

/// <summary>
/// The retransmission deadlines of a client: one heap and one timer for all of its requests. Entries are not removed when their request is answered; they
/// are dropped when due, or together once they may be half of all. That saves a search for each answer.
/// </summary>
internal sealed class RetransmissionTable : IDisposable
{
    private const int LeastSweep = 4096;

    private readonly Lock gate = new();
    private readonly PriorityQueue<(RadiusExchange Exchange, int Transmission), long> deadlines = new();
    private readonly TimeProvider time;
    private readonly Action<RadiusExchange, int> due;
    private readonly ITimer timer;
    private long armedFor = long.MaxValue;
    private int sweepAt = LeastSweep;

    /// <param name="time">Of the client.</param>
    /// <param name="due">Called outside of the lock, with the transmission whose deadline has passed.</param>
    public RetransmissionTable(TimeProvider time, Action<RadiusExchange, int> due)
    {
        this.time = time;
        this.due = due;
        timer = time.CreateTimer(static state => ((RetransmissionTable)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public void Add(RadiusExchange exchange, int transmission, TimeSpan delay)
    {
        var now = time.GetTimestamp();
        var deadline = now + (long)(delay.TotalSeconds * time.TimestampFrequency);
        lock (gate)
        {
            if (deadlines.Count >= sweepAt) Sweep();
            deadlines.Enqueue((exchange, transmission), deadline);
            if (deadline < armedFor) Arm(deadline, now);
        }
    }

    public void Dispose() => timer.Dispose();

    private void Fire()
    {
        var batch = new List<(RadiusExchange Exchange, int Transmission)>();
        lock (gate)
        {
            var now = time.GetTimestamp();
            while (deadlines.TryPeek(out var entry, out var deadline) && (deadline <= now || entry.Exchange.Task.IsCompleted))
            {
                deadlines.Dequeue();
                if (!entry.Exchange.Task.IsCompleted) batch.Add(entry);
            }
            armedFor = long.MaxValue;
            if (deadlines.TryPeek(out _, out var next)) Arm(next, now);
        }
        foreach (var (exchange, transmission) in batch) due(exchange, transmission);
    }

    /// <summary>A deadline may lie minutes ahead (mfa-wait) of an answer that came in milliseconds.</summary>
    private void Sweep()
    {
        var living = deadlines.UnorderedItems.Where(static item => !item.Element.Exchange.Task.IsCompleted).ToArray();
        deadlines.Clear();
        deadlines.EnqueueRange(living);
        sweepAt = Math.Max(LeastSweep, 2 * living.Length);
    }

    private void Arm(long deadline, long now)
    {
        armedFor = deadline;
        // Rounded up to a millisecond: a timer that fires early would find nothing due and fire again at once.
        var milliseconds = Math.Max(1, (deadline - now) * 1000 / time.TimestampFrequency + 1);
        timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }
}
