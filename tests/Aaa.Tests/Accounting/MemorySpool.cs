using Headend.Aaa.Accounting;

namespace Headend.Aaa.Tests.Accounting;

/// <summary>A spool in memory that keeps the contract, fails when told to, and can be looked at as a crash would leave it.</summary>
internal sealed class MemorySpool(SpoolContent? content = null) : IAccountingSpool
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<long, SpooledRecord> records = new((content ?? SpoolContent.Empty).Records.ToDictionary(r => r.Id));
    private readonly Dictionary<string, OpenSessionRecord> open = (content ?? SpoolContent.Empty).OpenSessions.ToDictionary(s => s.SessionId, StringComparer.Ordinal);
    private DateTimeOffset? aliveAt = content?.AliveAt;

    /// <summary>Not null: every batch is refused with it.</summary>
    public volatile string? Failure;

    /// <summary>Held back while not set.</summary>
    public ManualResetEventSlim Disk { get; } = new(true);

    public int Commits { get; private set; }

    /// <summary>What a new process would find.</summary>
    public SpoolContent Load()
    {
        lock (gate) return new SpoolContent([.. records.Values], [.. open.Values], aliveAt);
    }

    public bool TryCommit(SpoolBatch batch, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? failure)
    {
        Disk.Wait();
        lock (gate)
        {
            failure = Failure;
            if (failure is not null) return false;
            Commits++;
            foreach (var record in batch.Added) records.TryAdd(record.Id, record);
            foreach (var id in batch.Removed) records.Remove(id);
            foreach (var session in batch.Opened) open[session.SessionId] = session;
            foreach (var id in batch.Closed) open.Remove(id);
            aliveAt = batch.AliveAt ?? aliveAt;
            return true;
        }
    }
}
