using System.Net;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Accounting;

/// <summary>
/// Takes accounting records from any thread at once, writes them to the spool many sessions at a time, and delivers them at least once, in order within a
/// session, for as long as it takes and over restarts. An outage is its own affair. Sessions that the process before left open get their Stop first,
/// unless they go on.
/// Thread-safe.
/// </summary>
public sealed partial class AccountingClient : IAsyncDisposable
{
    private readonly RadiusClient radius;
    private readonly IAccountingSpool spool;
    private readonly TimeProvider time;
    private readonly AccountingLimits limits;
    private readonly IAccountingObserver observer;
    private readonly object gate = new();
    private readonly Dictionary<string, ListDelivery> lists = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OpenSessionRecord> open = new(StringComparer.Ordinal);
    private readonly LinkedList<SpoolEntry> droppable = new();
    private readonly CancellationTokenSource stopping = new();
    private TaskCompletionSource? drained;
    private long nextId = 1;
    private int waiting, orphans, recovered;
    private long waitingOctets, delivered, droppedInterims, unsendable;

    /// <param name="radius">Carries the requests.</param>
    /// <param name="spool">Owned by the caller, who disposes of it after this.</param>
    /// <param name="lists">Each accounting list.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="limits">Null for the defaults.</param>
    /// <param name="observer">Told what happens, or null.</param>
    /// <param name="continuing">
    /// Acct-Session-Ids of sessions that the last process left open and that go on: no Stop for them, until their own or <see cref="EndContinued"/>.
    /// </param>
    public AccountingClient(
        RadiusClient radius, IAccountingSpool spool, IReadOnlyList<AccountingListOptions> lists, TimeProvider time, AccountingLimits? limits = null,
        IAccountingObserver? observer = null, IReadOnlySet<string>? continuing = null)
    {
        this.radius = radius;
        this.spool = spool;
        this.time = time;
        (openedAt, openedTimestamp) = (time.GetUtcNow(), time.GetTimestamp());
        this.limits = limits ?? new AccountingLimits();
        this.observer = observer ?? new SilentObserver();
        removalTimer = time.CreateTimer(static state => ((AccountingClient)state!).OnRemovalsDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        retryTimer = time.CreateTimer(static state => ((AccountingClient)state!).OnRetryDue(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        foreach (var options in lists)
        {
            var list = new ListDelivery(options, this.limits);
            list.Timer = time.CreateTimer(_ => Pump(list), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            this.lists.Add(options.Name, list);
        }
        Recover(spool.Load(), continuing ?? new HashSet<string>());
        writer = new Thread(Write) { IsBackground = true, Name = "accounting" };
        writer.Start();
    }

    /// <summary>Records that no server has acknowledged.</summary>
    public int Waiting
    {
        get
        {
            lock (gate) return waiting;
        }
    }

    /// <summary>Begins to send. Until then what the last process left, and what is enqueued meanwhile, only waits.</summary>
    public void Start()
    {
        lock (gate) isStarted = true;
        PumpAll();
    }

    /// <summary>
    /// Takes a record and returns at once. The records of a session come in order from one caller at a time; nothing may follow a Stop.
    /// </summary>
    /// <returns>
    /// For a Start: completes when it is on disk, or when the disk has refused it. For others: completed. Null; or which attribute does not fit: then there is no record, and a
    /// session whose Start this was must not go on. A session that had its Start has its Stop too.
    /// </returns>
    /// <exception cref="ArgumentException">There is no such list.</exception>
    public Task<string?> Enqueue(string list, AccountingRecord record)
    {
        if (!lists.TryGetValue(list, out var delivery)) throw new ArgumentException($"there is no accounting list {list}", nameof(list));
        var description = record.Describe();
        if (description.Error is not null && record.Status != AcctStatusType.Start) description = DescribeAsBefore(record) ?? description;
        var request = AccountingRecord.Compose(record.Status, description, record.EventAt, record.Counters, record.SessionTime, record.TerminateCause);
        var spooled = new SpooledRecord(
            0, list, record.Session.AcctSessionId, record.Status, Milliseconds(record.EventAt), request.EncodedAttributes.ToArray());
        if (request.Error is { } error)
        {
            lock (gate)
            {
                unsendable++;
                if (record.Status == AcctStatusType.Stop && open.Remove(spooled.SessionId)) changedSessions.Add(spooled.SessionId);
            }
            observer.Dropped(spooled, error);
            return Task.FromResult<string?>(error);
        }
        List<SpooledRecord>? dropped;
        SpoolEntry entry;
        lock (gate)
        {
            TrackSession(list, record, spooled, description);
            entry = Add(spooled);
            dropped = MakeRoom();
            Monitor.Pulse(gate);
        }
        Report(dropped);
        if (entry.Released) Pump(delivery);
        return entry.FirstCommit?.Task ?? Task.FromResult<string?>(null);
    }

    /// <summary>Accounting-On or -Off for every list: behind all records before it, before all records after it.</summary>
    /// <param name="status"><see cref="AcctStatusType.AccountingOn"/> or <see cref="AcctStatusType.AccountingOff"/>.</param>
    /// <param name="acctSessionId">No session's.</param>
    /// <param name="nasIdentifier">As in the records of sessions.</param>
    /// <param name="nasAddress">As in the records of sessions, by which servers find those that the NAS had; null where each has its own.</param>
    public void Announce(AcctStatusType status, string acctSessionId, string? nasIdentifier, IPAddress? nasAddress)
    {
        var now = Milliseconds(time.GetUtcNow());
        var attributes = AccountingRecord.ComposeNas(status, acctSessionId, nasIdentifier, nasAddress, now).EncodedAttributes.ToArray();
        lock (gate)
        {
            foreach (var list in lists.Keys) Add(new SpooledRecord(0, list, acctSessionId, status, now, attributes));
            Monitor.Pulse(gate);
        }
        PumpAll();
    }

    /// <summary>Stores how far the counters of open sessions have come, for the Stop after a crash. They never go back, whatever is read.</summary>
    /// <param name="read">Each session's duration and counters now.</param>
    public void Checkpoint(IReadOnlyCollection<(string AcctSessionId, TimeSpan SessionTime, TrafficCounters Counters)> read)
    {
        var now = Milliseconds(time.GetUtcNow());
        lock (gate)
        {
            foreach (var (id, sessionTime, counters) in read)
            {
                if (!open.TryGetValue(id, out var session)) continue;
                var most = TrafficCounters.Max(session.Counters, counters);
                if (most == session.Counters) continue;
                open[id] = session with { Counters = most, SeenAt = now, SessionTime = Milliseconds(sessionTime) };
                changedSessions.Add(id);
            }
            aliveAt = now;
            Monitor.Pulse(gate);
        }
    }

    /// <summary>When the oldest record happened that waits for a server; null when none waits. Looks at every session.</summary>
    public DateTimeOffset? FindOldest()
    {
        lock (gate) return lists.Values.SelectMany(l => l.Table.Heads).Select(r => (DateTimeOffset?)r.EventAt).Min();
    }

    public AccountingStatistics GetStatistics()
    {
        lock (gate)
        {
            var behind = time.GetUtcNow() - SteadyNow;
            return new AccountingStatistics(
                waiting, waitingOctets, unsavedCount, open.Count, recovered, delivered, commits, committedRecords, spoolFailures, spoolFailure, droppedInterims,
                unsendable, orphans,
                [.. lists.Values.Select(l => new AccountingListStatistics(
                    l.Options.Name, l.Table.Count, l.InFlight, l.Table.Stuck, l.Delivered, l.Failures, l.SilentSince + behind))]);
        }
    }

    /// <summary>
    /// Waits until everything is on disk and delivered, at most <paramref name="deadline"/>; where no server answers only until it is on disk.
    /// </summary>
    /// <returns>How many records are left for the next start; 0 means all are delivered.</returns>
    public async Task<int> FlushAsync(TimeSpan deadline)
    {
        Task empty;
        lock (gate)
        {
            drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            empty = drained.Task;
            CheckDrained();
            Monitor.Pulse(gate);
        }
        using var timeout = new CancellationTokenSource(deadline, time);
        await empty.WaitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (gate)
        {
            drained = null;
            return waiting;
        }
    }

    /// <summary>Ends delivery and writes what is not yet on disk.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        lock (gate)
        {
            isStarted = false;
            Monitor.Pulse(gate);
        }
        await Task.Run(writer.Join).ConfigureAwait(false);
        foreach (var list in lists.Values) list.Timer!.Dispose();
        removalTimer.Dispose();
        retryTimer.Dispose();
    }

    /// <summary>The spool and the wire know whole milliseconds and whole seconds; a record is the same before and after a restart.</summary>
    private static DateTimeOffset Milliseconds(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    private static TimeSpan Milliseconds(TimeSpan span) => TimeSpan.FromMilliseconds((long)span.TotalMilliseconds);

    private void TrackSession(string list, AccountingRecord record, SpooledRecord spooled, RadiusRequest description)
    {
        if (record.Status == AcctStatusType.Stop)
        {
            open.Remove(spooled.SessionId);
        }
        else
        {
            var known = open.GetValueOrDefault(spooled.SessionId);
            open[spooled.SessionId] = new OpenSessionRecord(
                spooled.SessionId, list, known?.StartedAt ?? spooled.EventAt, spooled.EventAt, Milliseconds(record.SessionTime), TrafficCounters.Max(known?.Counters ?? default, record.Counters),
                description.EncodedAttributes.ToArray());
        }
        changedSessions.Add(spooled.SessionId);
    }

    /// <summary>What the last record of the session said of it, where what is to be said now does not fit; null where there was none.</summary>
    private RadiusRequest? DescribeAsBefore(AccountingRecord record)
    {
        OpenSessionRecord? known;
        lock (gate) known = open.GetValueOrDefault(record.Session.AcctSessionId);
        var description = new RadiusRequest(RadiusCode.AccountingRequest);
        return known is not null && description.TryAddEncoded(known.Description.Span, record.EventAt) ? description : null;
    }

    private SpoolEntry Add(SpooledRecord record)
    {
        var isStart = record.Status == AcctStatusType.Start;
        var entry = new SpoolEntry(record with { Id = nextId++ })
        {
            FirstCommit = isStart ? new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously) : null,
        };
        unsaved.Add(entry);
        unsavedCount++;
        Count(entry);
        // While the disk refuses everything, memory is what there is.
        if (spoolFailure is not null) Release(entry);
        return entry;
    }

    private void Count(SpoolEntry entry)
    {
        waiting++;
        waitingOctets += entry.Size;
        if (entry.Record.Status == AcctStatusType.InterimUpdate) entry.Droppable = droppable.AddLast(entry);
    }

    /// <summary>The record may be sent from now on.</summary>
    private void Release(SpoolEntry entry)
    {
        if (lists.TryGetValue(entry.Record.List, out var list))
        {
            Release(entry, list);
            return;
        }
        // The Stop of a session whose list is gone: it stays in the spool with its Start.
        entry.FirstCommit?.TrySetResult(null);
        entry.Released = true;
        orphans++;
        waiting--;
        waitingOctets -= entry.Size;
    }

    private static void Release(SpoolEntry entry, ListDelivery list)
    {
        entry.FirstCommit?.TrySetResult(null);
        if (entry.Released) return;
        entry.Released = true;
        list.Table.Add(entry);
    }

    /// <summary>Drops the oldest Interim-Updates while there is too much.</summary>
    private List<SpooledRecord>? MakeRoom()
    {
        List<SpooledRecord>? dropped = null;
        while ((waiting > limits.MaximumRecords || waitingOctets > limits.MaximumOctets) && droppable.First is { } oldest)
        {
            var entry = oldest.Value;
            if (entry.Released) lists[entry.Record.List].Table.Remove(entry);
            Finish(entry);
            droppedInterims++;
            (dropped ??= []).Add(entry.Record);
        }
        return dropped;
    }

    /// <summary>Delivered or dropped: it leaves memory now and the spool soon.</summary>
    private void Finish(SpoolEntry entry)
    {
        entry.Done = true;
        waiting--;
        waitingOctets -= entry.Size;
        if (entry.Droppable is { } node) droppable.Remove(node);
        entry.Droppable = null;
        if (entry.Saved) RemoveLater(entry);
        else if (!entry.Committing) unsavedCount--;
        CheckDrained();
    }

    private void Report(List<SpooledRecord>? dropped)
    {
        if (dropped is null) return;
        foreach (var record in dropped) observer.Dropped(record, "the accounting spool is full");
        PumpAll();
    }

    private void CheckDrained()
    {
        if (drained is null || (unsavedCount > 0 && spoolFailure is null)) return;
        if (waiting == 0 || lists.Values.All(l => l.Table.Count == 0 || l.SilentSince is not null)) drained.TrySetResult();
    }

    private sealed class SilentObserver : IAccountingObserver;
}
