namespace Headend.Aaa.Accounting;

/// <summary>The writer: one thread that commits everything that has come since its last commit, so that many sessions share the wait for the disk.</summary>
public sealed partial class AccountingClient
{
    /// <summary>Delivered records that are worth a batch of their own.</summary>
    private const int ManyRemovals = 512;

    private readonly List<SpoolEntry> unsaved = [];
    private readonly HashSet<string> changedSessions = new(StringComparer.Ordinal);
    private readonly Thread writer;
    private readonly ITimer removalTimer;
    private readonly ITimer retryTimer;
    private List<long> removals = [];
    private DateTimeOffset? aliveAt;
    private bool removalsDue;
    private bool retryLater;
    private int unsavedCount;
    private long commits, committedRecords, spoolFailures;
    private string? spoolFailure;

    private bool HasWork => unsaved.Count > 0 || changedSessions.Count > 0 || aliveAt is not null || removals.Count >= ManyRemovals || (removalsDue && removals.Count > 0);

    private void Write()
    {
        while (true)
        {
            List<SpoolEntry> entries;
            SpoolBatch batch;
            bool last;
            lock (gate)
            {
                while ((retryLater || !HasWork) && !stopping.IsCancellationRequested) Monitor.Wait(gate);
                last = stopping.IsCancellationRequested;
                entries = TakeEntries();
                batch = TakeBatch(entries);
            }
            var written = spool.TryCommit(batch, out var failure);
            int left;
            bool recoveredNow;
            lock (gate)
            {
                recoveredNow = written && spoolFailure is not null;
                if (written) Committed(entries);
                else Refused(entries, batch, failure!);
                left = unsavedCount;
                CheckDrained();
                // At the end one attempt for everything; what the disk refuses now is lost with the process.
                if (last && (!written || (unsaved.Count == 0 && changedSessions.Count == 0))) return;
            }
            if (!written) observer.SpoolFailed(failure!, left);
            else if (recoveredNow) observer.SpoolRecovered();
            PumpAll();
        }
    }

    private List<SpoolEntry> TakeEntries()
    {
        List<SpoolEntry> entries = [.. unsaved.Where(e => !e.Done)];
        unsaved.Clear();
        foreach (var entry in entries) entry.Committing = true;
        return entries;
    }

    private SpoolBatch TakeBatch(List<SpoolEntry> entries)
    {
        var opened = new List<OpenSessionRecord>();
        var closed = new List<string>();
        // Always with all records that are waiting: a crash between a Stop and the end of its session would make a second Stop.
        foreach (var id in changedSessions)
        {
            if (open.TryGetValue(id, out var session)) opened.Add(session);
            else closed.Add(id);
        }
        changedSessions.Clear();
        var batch = new SpoolBatch([.. entries.Select(e => e.Record)], removals, opened, closed, aliveAt);
        removals = [];
        removalsDue = false;
        aliveAt = null;
        return batch;
    }

    private void Committed(List<SpoolEntry> entries)
    {
        commits++;
        committedRecords += entries.Count;
        spoolFailure = null;
        retryLater = false;
        foreach (var entry in entries)
        {
            entry.Committing = false;
            entry.Saved = true;
            unsavedCount--;
            if (entry.Done) RemoveLater(entry);
            else Release(entry);
        }
    }

    /// <summary>Everything stays as it was, in memory; nothing waits for the disk any longer.</summary>
    private void Refused(List<SpoolEntry> entries, SpoolBatch batch, string failure)
    {
        spoolFailures++;
        spoolFailure = failure;
        retryLater = true;
        foreach (var entry in entries)
        {
            entry.Committing = false;
            if (entry.Done) unsavedCount--;
        }
        unsaved.InsertRange(0, entries.Where(e => !e.Done));
        foreach (var entry in unsaved.Where(e => !e.Done)) Release(entry);
        removals.AddRange(batch.Removed);
        foreach (var session in batch.Opened) changedSessions.Add(session.SessionId);
        changedSessions.UnionWith(batch.Closed);
        aliveAt ??= batch.AliveAt;
        retryTimer.Change(limits.SpoolRetry, Timeout.InfiniteTimeSpan);
    }

    private void RemoveLater(SpoolEntry entry)
    {
        if (removals.Count == 0) removalTimer.Change(limits.RemovalDelay, Timeout.InfiniteTimeSpan);
        removals.Add(entry.Record.Id);
        if (removals.Count >= ManyRemovals) Monitor.Pulse(gate);
    }

    private void OnRemovalsDue()
    {
        lock (gate)
        {
            removalsDue = true;
            Monitor.Pulse(gate);
        }
    }

    private void OnRetryDue()
    {
        lock (gate)
        {
            retryLater = false;
            Monitor.Pulse(gate);
        }
    }
}
