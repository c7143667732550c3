using Headend.Aaa.Client;

namespace Headend.Aaa.Accounting;

/// <summary>Limits and pauses of an <see cref="AccountingQueue"/>.</summary>
public sealed record AccountingQueueOptions
{
    /// <summary>Records held at once. Beyond it the oldest waiting Interim-Updates are dropped; Start and Stop never are.</summary>
    public int MaximumRecords { get; init; } = 100_000;

    /// <summary>Sessions that send at once.</summary>
    public int MaximumConcurrent { get; init; } = 256;

    /// <summary>Pause after no server answered; doubled each time up to <see cref="MaximumBackoff"/>.</summary>
    public TimeSpan InitialBackoff { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MaximumBackoff { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>What an <see cref="AccountingQueue"/> tells its host. Must not block or throw.</summary>
public interface IAccountingObserver
{
    void Delivered(AccountingRecord record)
    {
    }

    /// <summary>No server answered; the record stays queued.</summary>
    void Delayed(AccountingRecord record, RadiusOutcome.Unavailable outcome, TimeSpan backoff)
    {
    }

    /// <summary>The record is lost: an interim for want of room, or one that cannot be encoded.</summary>
    void Dropped(AccountingRecord record, string reason)
    {
    }
}

/// <summary>Counters of a queue.</summary>
public sealed record AccountingQueueStatistics(int Waiting, long Delivered, long DroppedInterims, long Unsendable, bool Silent);

/// <summary>
/// Delivers accounting records at least once while the process lives: in order within a session (by Acct-Session-Id), side by side across sessions, for as
/// long as it takes. An outage is its own affair: no session ends because of it. Thread-safe.
/// </summary>
public sealed class AccountingQueue : IAsyncDisposable
{
    private static readonly TimeSpan PauseStep = TimeSpan.FromSeconds(1);

    private readonly RadiusClient client;
    private readonly RadiusServerGroup group;
    private readonly TimeProvider time;
    private readonly AccountingQueueOptions options;
    private readonly IAccountingObserver observer;
    private readonly Lock gate = new();
    private readonly Dictionary<string, LinkedList<AccountingRecord>> sessions = new(StringComparer.Ordinal);
    private readonly LinkedList<(LinkedList<AccountingRecord> Session, LinkedListNode<AccountingRecord> Node)> interims = new();
    private readonly Dictionary<LinkedListNode<AccountingRecord>, LinkedListNode<(LinkedList<AccountingRecord>, LinkedListNode<AccountingRecord>)>> interimOf = [];
    private readonly SemaphoreSlim slots;
    private readonly CancellationTokenSource stopping = new();
    private TaskCompletionSource? drained;
    private int waiting;
    private long delivered, droppedInterims, unsendable;
    private TimeSpan backoff;
    private DateTimeOffset silentUntil;

    public AccountingQueue(
        RadiusClient client, RadiusServerGroup group, TimeProvider time, AccountingQueueOptions? options = null, IAccountingObserver? observer = null)
    {
        this.client = client;
        this.group = group;
        this.time = time;
        this.options = options ?? new AccountingQueueOptions();
        this.observer = observer ?? new SilentObserver();
        slots = new SemaphoreSlim(this.options.MaximumConcurrent);
    }

    /// <summary>Takes a record; returns at once.</summary>
    public void Enqueue(AccountingRecord record)
    {
        AccountingRecord? dropped = null;
        LinkedList<AccountingRecord>? begun = null;
        lock (gate)
        {
            if (!sessions.TryGetValue(record.Session.AcctSessionId, out var queue))
            {
                begun = queue = new LinkedList<AccountingRecord>();
                sessions.Add(record.Session.AcctSessionId, queue);
            }
            var node = queue.AddLast(record);
            waiting++;
            if (record.Status == AcctStatusType.InterimUpdate) interimOf[node] = interims.AddLast((queue, node));
            if (waiting > options.MaximumRecords && interims.First is { } oldest)
            {
                var (owner, victim) = oldest.Value;
                dropped = victim.Value;
                Forget(victim);
                owner.Remove(victim);
                waiting--;
                droppedInterims++;
            }
        }
        if (begun is not null) _ = DeliverAsync(record.Session.AcctSessionId, begun);
        if (dropped is not null) observer.Dropped(dropped, "the accounting queue is full");
    }

    public AccountingQueueStatistics GetStatistics()
    {
        lock (gate) return new AccountingQueueStatistics(waiting, delivered, droppedInterims, unsendable, backoff > TimeSpan.Zero);
    }

    /// <summary>Waits until everything has been delivered, at most <paramref name="deadline"/>.</summary>
    /// <returns>How many records are left; 0 means all are delivered.</returns>
    public async Task<int> FlushAsync(TimeSpan deadline)
    {
        Task empty;
        lock (gate)
        {
            if (waiting == 0) return 0;
            // The servers may be back: at shutdown it is worth asking at once.
            silentUntil = time.GetUtcNow();
            drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            empty = drained.Task;
        }
        using var timeout = new CancellationTokenSource(deadline, time);
        await empty.WaitAsync(timeout.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (gate) return waiting;
    }

    public async ValueTask DisposeAsync() => await stopping.CancelAsync().ConfigureAwait(false);

    /// <summary>Sends a session's records one after the other until none is left.</summary>
    private async Task DeliverAsync(string session, LinkedList<AccountingRecord> queue)
    {
        try
        {
            while (TryPeek(session, queue, out var record, out var node))
            {
                var request = record!.ToRequest();
                while (!await TryDeliverAsync(record, request).ConfigureAwait(false))
                {
                }
                Complete(queue, node!);
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed: what is left stays counted as waiting.
        }
    }

    /// <summary>True when the record is done with: delivered, or impossible to send.</summary>
    private async Task<bool> TryDeliverAsync(AccountingRecord record, Radius.RadiusRequest request)
    {
        await slots.WaitAsync(stopping.Token).ConfigureAwait(false);
        RadiusOutcome outcome;
        try
        {
            await WaitForServersAsync().ConfigureAwait(false);
            outcome = await client.SendAsync(group, request, stopping.Token).ConfigureAwait(false);
        }
        finally
        {
            slots.Release();
        }
        switch (outcome)
        {
            case RadiusOutcome.Answer:
                lock (gate)
                {
                    delivered++;
                    backoff = TimeSpan.Zero;
                }
                observer.Delivered(record);
                return true;
            case RadiusOutcome.Unavailable { Reason: UnavailableReason.InvalidRequest } invalid:
                lock (gate) unsendable++;
                observer.Dropped(record, invalid.Explain());
                return true;
            default:
                observer.Delayed(record, (RadiusOutcome.Unavailable)outcome, BackOff());
                return false;
        }
    }

    /// <summary>One pause for all sessions: while the servers are silent they are not asked by thousands of sessions in turn.</summary>
    private async Task WaitForServersAsync()
    {
        while (true)
        {
            TimeSpan pause;
            lock (gate) pause = silentUntil - time.GetUtcNow();
            if (pause <= TimeSpan.Zero) return;
            // In steps, so that a flush ends the pause of everybody.
            await Task.Delay(pause < PauseStep ? pause : PauseStep, time, stopping.Token).ConfigureAwait(false);
        }
    }

    private TimeSpan BackOff()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            // Failures of the same pause count once.
            if (silentUntil > now) return silentUntil - now;
            backoff = backoff == TimeSpan.Zero ? options.InitialBackoff : backoff * 2;
            if (backoff > options.MaximumBackoff) backoff = options.MaximumBackoff;
            silentUntil = now + backoff;
            return backoff;
        }
    }

    private bool TryPeek(string session, LinkedList<AccountingRecord> queue, out AccountingRecord? record, out LinkedListNode<AccountingRecord>? node)
    {
        lock (gate)
        {
            node = queue.First;
            record = node?.Value;
            if (node is null)
            {
                sessions.Remove(session);
                return false;
            }
            // Under way from here on: no longer among those that may be dropped.
            Forget(node);
            return true;
        }
    }

    private void Complete(LinkedList<AccountingRecord> queue, LinkedListNode<AccountingRecord> node)
    {
        lock (gate)
        {
            queue.Remove(node);
            if (--waiting > 0) return;
            drained?.TrySetResult();
            drained = null;
        }
    }

    private void Forget(LinkedListNode<AccountingRecord> node)
    {
        if (interimOf.Remove(node, out var interim)) interims.Remove(interim);
    }

    private sealed class SilentObserver : IAccountingObserver;
}
