using System.Diagnostics.CodeAnalysis;

namespace Headend.Aaa.Accounting;

/// <summary>
/// Which record goes next: those of a session one after the other, sessions side by side, and an Accounting-On or -Off only after everything before it and before
/// everything behind it, because servers close all sessions of the NAS on it. Reads no clock and sends nothing. Not thread-safe.
/// </summary>
internal sealed class DeliveryTable
{
    /// <summary>Refusals of a record, while the same servers took others, after which nothing waits for it any longer.</summary>
    internal const int StuckAfter = 3;

    /// <summary>
    /// Failures of an Accounting-On or -Off, or of a record before it, after which one record behind it is tried, to tell a dead server from one that ignores
    /// just this.
    /// </summary>
    internal const int BarrierPatience = 5;

    private static readonly TimeSpan FirstPostponement = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPostponement = TimeSpan.FromMinutes(10);

    private readonly LinkedList<Segment> segments = new();
    private readonly Queue<SessionQueue> ready = new();
    private readonly PriorityQueue<SessionQueue, long> postponed = new();
    private bool tryBehind;

    public DeliveryTable() => segments.AddLast(new Segment());

    /// <summary>Records in the table.</summary>
    public int Count { get; private set; }

    /// <summary>Sessions whose first record the servers do not take although they take others.</summary>
    public int Stuck => segments.First!.Value.Stuck;

    /// <summary>When a postponed session is due, or null.</summary>
    public DateTimeOffset? NextDue => postponed.TryPeek(out _, out var ticks) ? new DateTimeOffset(ticks, TimeSpan.Zero) : null;

    /// <summary>The session and status of each session's first record.</summary>
    public IEnumerable<SpooledRecord> Heads =>
        segments.SelectMany(s => s.Sessions.Values).Select(q => q.Entries.First!.Value.Record);

    /// <summary>Puts a record behind all others. Call in the order of ids.</summary>
    public void Add(SpoolEntry entry)
    {
        Count++;
        var last = segments.Last!.Value;
        if (entry.IsNas)
        {
            last.Barrier = entry;
            segments.AddLast(new Segment());
            return;
        }
        if (!last.Sessions.TryGetValue(entry.Record.SessionId, out var queue))
        {
            queue = new SessionQueue(entry.Record.SessionId);
            last.Sessions.Add(queue.SessionId, queue);
            if (segments.Count == 1) ready.Enqueue(queue);
        }
        queue.Entries.AddLast(entry);
    }

    /// <summary>Takes a record to send; it is under way until <see cref="Complete"/> or <see cref="Fail"/>.</summary>
    public bool TryTake(DateTimeOffset now, [NotNullWhen(true)] out SpoolEntry? entry)
    {
        while (postponed.TryPeek(out var due, out var ticks) && ticks <= now.UtcTicks)
        {
            postponed.Dequeue();
            if (!due.Gone) ready.Enqueue(due);
        }
        entry = null;
        if (tryBehind && TryTakeBehind(out entry)) return true;
        while (ready.TryDequeue(out var queue))
        {
            // Its records may have been dropped while it stood in line.
            if (queue.Gone) continue;
            queue.InFlight = true;
            entry = queue.Entries.First!.Value;
            return true;
        }
        var first = segments.First!.Value;
        if (first.Barrier is null || first.BarrierInFlight || first.Sessions.Count > first.Stuck) return false;
        first.BarrierInFlight = true;
        entry = first.Barrier;
        return true;
    }

    /// <summary>A record is done with.</summary>
    /// <param name="entry">One that was taken.</param>
    /// <param name="abandoned">An Accounting-On or -Off that the servers ignore while they take what is behind it: it is no longer in the table.</param>
    public void Complete(SpoolEntry entry, out SpoolEntry? abandoned)
    {
        abandoned = null;
        Count--;
        if (entry.IsNas)
        {
            Advance();
            return;
        }
        var (segment, queue) = Find(entry);
        queue.InFlight = false;
        queue.Entries.RemoveFirst();
        if (queue.IsStuck)
        {
            queue.IsStuck = false;
            segment.Stuck--;
        }
        queue.Strikes = 0;
        queue.Failures = 0;
        RemoveIfEmpty(segment, queue);
        var first = segments.First!.Value;
        if (segment != first)
        {
            LearnFromBehind(first, out abandoned);
            return;
        }
        if (!queue.Gone) ready.Enqueue(queue);
    }

    /// <summary>A record found no server that took it; it stays first of its session.</summary>
    /// <param name="entry">One that was taken.</param>
    /// <param name="othersPassed">Other records were taken meanwhile, so that it is this one that the servers do not like.</param>
    /// <param name="now">From when a postponement counts.</param>
    public void Fail(SpoolEntry entry, bool othersPassed, DateTimeOffset now)
    {
        if (entry.IsNas)
        {
            var first = segments.First!.Value;
            first.BarrierInFlight = false;
            if (++first.BarrierFailures >= BarrierPatience) tryBehind = true;
            return;
        }
        var (segment, queue) = Find(entry);
        queue.InFlight = false;
        if (segment != segments.First!.Value) return;
        if (!othersPassed)
        {
            // Behind the others: if only this record is refused, the next attempt finds out with another.
            ready.Enqueue(queue);
            if (++queue.Failures >= BarrierPatience) tryBehind = true;
            return;
        }
        queue.Strikes++;
        if (queue.Strikes == StuckAfter)
        {
            queue.IsStuck = true;
            segment.Stuck++;
        }
        var pause = FirstPostponement * Math.Pow(2, Math.Min(queue.Strikes - 1, 10));
        postponed.Enqueue(queue, (now + (pause < LongestPostponement ? pause : LongestPostponement)).UtcTicks);
    }

    /// <summary>Takes a record that is not under way out of the table.</summary>
    public void Remove(SpoolEntry entry)
    {
        var (segment, queue) = Find(entry);
        Count--;
        queue.Entries.Remove(entry);
        RemoveIfEmpty(segment, queue);
    }

    private static void RemoveIfEmpty(Segment segment, SessionQueue queue)
    {
        if (queue.Entries.Count > 0) return;
        queue.Gone = true;
        segment.Sessions.Remove(queue.SessionId);
        if (queue.IsStuck) segment.Stuck--;
        queue.IsStuck = false;
    }

    private bool TryTakeBehind([NotNullWhen(true)] out SpoolEntry? entry)
    {
        entry = null;
        tryBehind = false;
        var first = segments.First!.Value;
        if (first.Barrier is null || segments.First.Next is not { } next) return false;
        var queue = next.Value.Sessions.Values.FirstOrDefault(q => !q.InFlight && !first.Sessions.ContainsKey(q.SessionId));
        if (queue is null) return false;
        queue.InFlight = true;
        entry = queue.Entries.First!.Value;
        return true;
    }

    /// <summary>The servers live: whatever before them has failed so often is refused for what it is.</summary>
    private void LearnFromBehind(Segment first, out SpoolEntry? abandoned)
    {
        abandoned = null;
        foreach (var queue in first.Sessions.Values.Where(q => q.Failures >= BarrierPatience && !q.IsStuck))
        {
            queue.IsStuck = true;
            first.Stuck++;
        }
        if (first.BarrierInFlight || first.BarrierFailures < BarrierPatience) return;
        abandoned = first.Barrier;
        Count--;
        Advance();
    }

    private (Segment Segment, SessionQueue Queue) Find(SpoolEntry entry)
    {
        foreach (var segment in segments)
        {
            if (segment.Sessions.TryGetValue(entry.Record.SessionId, out var queue) && queue.Entries.First!.Value.Record.Id <= entry.Record.Id
                && queue.Entries.Last!.Value.Record.Id >= entry.Record.Id)
            {
                return (segment, queue);
            }
        }
        throw new InvalidOperationException($"record {entry.Record.Id} is not in the table");
    }

    /// <summary>The barrier is behind us: what it kept back may go; what was stuck before it goes on trying.</summary>
    private void Advance()
    {
        var old = segments.First!.Value;
        segments.RemoveFirst();
        var now = segments.First!.Value;
        foreach (var queue in now.Sessions.Values)
        {
            if (!queue.InFlight && !old.Sessions.ContainsKey(queue.SessionId)) ready.Enqueue(queue);
        }
        foreach (var queue in old.Sessions.Values)
        {
            // Postponed or under way: it comes back by itself, and what came later of the same session stands behind it.
            if (now.Sessions.TryGetValue(queue.SessionId, out var later))
            {
                foreach (var entry in later.Entries) queue.Entries.AddLast(entry);
                later.Gone = true;
            }
            now.Sessions[queue.SessionId] = queue;
            if (queue.IsStuck) now.Stuck++;
        }
    }

    private sealed class Segment
    {
        public Dictionary<string, SessionQueue> Sessions { get; } = new(StringComparer.Ordinal);

        /// <summary>Sessions here that nothing waits for.</summary>
        public int Stuck { get; set; }

        /// <summary>The Accounting-On or -Off that ends the segment; null in the last one.</summary>
        public SpoolEntry? Barrier { get; set; }

        public bool BarrierInFlight { get; set; }

        public int BarrierFailures { get; set; }
    }

    private sealed class SessionQueue(string sessionId)
    {
        public string SessionId { get; } = sessionId;

        public LinkedList<SpoolEntry> Entries { get; } = new();

        public bool InFlight { get; set; }

        /// <summary>Empty, and no longer in the table.</summary>
        public bool Gone { get; set; }

        public bool IsStuck { get; set; }

        /// <summary>Refusals while others were taken.</summary>
        public int Strikes { get; set; }

        /// <summary>Attempts in vain while nothing else was taken either.</summary>
        public int Failures { get; set; }
    }
}
