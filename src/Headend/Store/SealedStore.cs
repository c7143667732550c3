using System.Buffers;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Headend.Store;

/// <summary>One record, in the clear.</summary>
/// <param name="Kind">What it is; each kind has one owner.</param>
/// <param name="Id">Unique within its kind; stands in the file in the clear.</param>
/// <param name="Content">The reader zeroes it when done, where it is secret.</param>
/// <param name="ExpiresAt">When it may be forgotten; null for never.</param>
internal sealed record SealedRecord(string Kind, string Id, byte[] Content, DateTimeOffset? ExpiresAt);

/// <summary>What a record is to hold, made into octets when it is written: what is replaced before that never is.</summary>
internal interface ISealedContent
{
    /// <summary>
    /// Called on the store's thread, perhaps more than once. The store zeroes what is written. What throws as serialization does cannot be made: it fails alone, and what the disk has
    /// of the record goes, for it is out of date.
    /// </summary>
    void Encode(IBufferWriter<byte> output);

    /// <summary>It is not needed any more: zeroes what is secret in it.</summary>
    void Zero();
}

/// <summary>
/// Secrets that outlive the process: records of the embedded store, each sealed with a key that is in a file of its own. What an earlier process left is read at the opening;
/// from then on one thread commits what has come since its last commit, so that many changes share the wait for the disk and nobody else waits.
/// <para>
/// A removal is a revocation, and so is a replacement that says it is one: where the disk takes it not even as a removal, the key file is destroyed, which revokes every record, until
/// the disk does. Thread-safe.
/// </para>
/// </summary>
internal sealed partial class SealedStore : IAsyncDisposable
{
    private const string AliveSetting = "sealed-alive-at";

    /// <summary>Between two marks that the process lives; by so much an end that nobody saw is uncertain.</summary>
    internal static readonly TimeSpan AliveInterval = TimeSpan.FromSeconds(10);

    /// <summary>From one commit to the next at least, where nothing is urgent: many sessions share it, and what is replaced meanwhile is not written.</summary>
    internal static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly EmbeddedStore store;
    private readonly string keyFile;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    // Those of the key file: the first seals, and the disk may have records of any.
    private readonly byte[][] keys;
    private readonly AesGcm cipher;
    private readonly object gate = new();
    private readonly Thread writer;
    private readonly ITimer alive;
    private readonly Dictionary<(string Kind, string Id), Change> pending = [];
    private readonly Dictionary<string, List<SealedRecord>> loaded = new(StringComparer.Ordinal);

    // The writing thread's.
    private readonly SecretBuffer clear = new();
    private readonly ArrayBufferWriter<byte> sealedRows = new(1 << 16);
    private long committed = Stopwatch.GetTimestamp();
    private bool aliveDue;
    private bool urgent;
    private bool stopping;
    private KeyFileState keyFileIs;

    // No record on disk expires before; what is there at the start is looked at with the first commit.
    private long earliestExpiry;
    private bool failing;

    private SealedStore(EmbeddedStore store, string keyFile, TimeProvider time, ILogger logger)
    {
        (this.store, this.keyFile, this.time, this.logger) = (store, keyFile, time, logger);
        lock (store.Gate)
        {
            LastAlive = store.ReadSetting(AliveSetting) is { } at ? EmbeddedStore.FromMilliseconds(at) : null;
            keys = Recover();
        }

        cipher = RecordSealing.CipherOf(keys[0]);
        writer = new Thread(Write) { IsBackground = true, Name = "sealed-store" };
        writer.Start();
        alive = time.CreateTimer(static state => ((SealedStore)state!).MarkAlive(), this, TimeSpan.Zero, AliveInterval);
    }

    /// <summary>When the process before was last known to run; null where there was none.</summary>
    public DateTimeOffset? LastAlive { get; }

    /// <summary>
    /// Reads what is there and seals it anew, with a new key. Records that no key opens are dropped, and the log says so. A disk that takes nothing now does not stop it: the key of before goes on, and where there
    /// is none, nothing outlives this process until the key file can be written.
    /// </summary>
    /// <param name="store">Outlives this.</param>
    /// <param name="keyFile">Made where it is missing, mode 0600.</param>
    /// <param name="time">For expiry and the marks of life.</param>
    /// <param name="logger">Told of what is lost.</param>
    /// <exception cref="StoreException">The store cannot be read; or there is no key file and none can be where it is to be, whatever the disk takes.</exception>
    public static SealedStore Open(EmbeddedStore store, string keyFile, TimeProvider time, ILogger logger) => new(store, keyFile, time, logger);

    /// <summary>What earlier processes left of this kind. Each kind once: the caller owns the contents.</summary>
    public IReadOnlyList<SealedRecord> Take(string kind)
    {
        lock (gate)
            return loaded.Remove(kind, out var records) ? records : [];
    }

    /// <summary>Adds the record, or puts it in the place of the one of its kind and id. Returns at once.</summary>
    /// <param name="kind">Its kind.</param>
    /// <param name="id">Its id.</param>
    /// <param name="content">The store's from now on: it zeroes it.</param>
    /// <param name="expiresAt">When it may be forgotten; null for never.</param>
    /// <param name="isUrgent">Somebody waits for it; else it is written within <see cref="Gathering"/>.</param>
    /// <returns>Completes with true when it is on disk, or what came after it, and the key with it; with false when the disk refused either, which is tried again, or when it cannot be made.</returns>
    public Task<bool> PutAsync(string kind, string id, byte[] content, DateTimeOffset? expiresAt = null, bool isUrgent = false) =>
        PutAsync(kind, id, new Octets(content), expiresAt, isUrgent);

    /// <inheritdoc cref="PutAsync(string, string, byte[], DateTimeOffset?, bool)"/>
    public Task<bool> PutAsync(string kind, string id, ISealedContent content, DateTimeOffset? expiresAt = null, bool isUrgent = false) =>
        Enqueue((kind, id), new Change(content, expiresAt?.ToUnixTimeMilliseconds(), revokes: false), isUrgent);

    /// <summary>As <see cref="PutAsync(string, string, ISealedContent, DateTimeOffset?, bool)"/>, at once, and what the record held before must not come back.</summary>
    /// <returns>
    /// Completes with true when no later start can find what was there before, whether this is on disk yet or not; with false when that could neither be replaced nor removed, nor the key
    /// be destroyed.
    /// </returns>
    public Task<bool> ReplaceAsync(string kind, string id, ISealedContent content, DateTimeOffset? expiresAt = null) =>
        Enqueue((kind, id), new Change(content, expiresAt?.ToUnixTimeMilliseconds(), revokes: true), isUrgent: true);

    /// <summary>Removes the record, if it is there. Returns at once.</summary>
    /// <returns>Completes with true when no later start can find it; with false when neither could the record be removed nor the key be destroyed.</returns>
    public Task<bool> RemoveAsync(string kind, string id) => Enqueue((kind, id), new Change(null, null, revokes: true), isUrgent: true);

    /// <summary>Writes what has come, then ends; the store is free.</summary>
    public async ValueTask DisposeAsync()
    {
        await alive.DisposeAsync().ConfigureAwait(false);
        lock (gate)
        {
            if (stopping)
                return;
            stopping = true;
            aliveDue = true;
            Monitor.Pulse(gate);
        }

        await Task.Run(writer.Join).ConfigureAwait(false);
        cipher.Dispose();
        foreach (var key in keys)
            CryptographicOperations.ZeroMemory(key);
        foreach (var record in loaded.Values.SelectMany(static r => r))
            CryptographicOperations.ZeroMemory(record.Content);
    }

    private Task<bool> Enqueue((string Kind, string Id) name, Change change, bool isUrgent)
    {
        Task<bool> completion;
        lock (gate)
        {
            if (stopping)
            {
                change.Forget();
                return Task.FromResult(false);
            }

            if (pending.Remove(name, out var before))
            {
                // Whoever waits for what nobody will read any more waits for what took its place.
                before.Forget();
                change.TakePlaceOf(before);
            }

            completion = change.Completion;
            pending.Add(name, change);
            urgent |= isUrgent;
            if (isUrgent || pending.Count == 1)
                Monitor.Pulse(gate);
        }

        return completion;
    }

    private void MarkAlive()
    {
        lock (gate)
        {
            aliveDue = true;
            Monitor.Pulse(gate);
        }
    }

    private void Write()
    {
        while (true)
        {
            Dictionary<(string Kind, string Id), Change> batch;
            bool last;
            lock (gate)
            {
                while (pending.Count == 0 && !aliveDue && !stopping)
                    Monitor.Wait(gate);
                Gather(committed, Gathering);
                batch = new(pending);
                pending.Clear();
                (aliveDue, urgent) = (false, false);
                last = stopping;
            }

            if (TryCommit(batch, out var failure))
            {
                Committed(batch);
                if (last)
                    return;
                continue;
            }

            Refused(batch, failure);
            lock (gate)
            {
                if (last)
                {
                    foreach (var change in batch.Values)
                        change.Forget();
                    return;
                }

                // What came meanwhile is newer.
                foreach (var (name, change) in batch)
                {
                    if (pending.TryAdd(name, change))
                        continue;
                    change.Forget();
                    pending[name].Revokes |= change.Revokes;
                }

                Gather(Stopwatch.GetTimestamp(), RetryDelay);
            }
        }
    }

    // Under the gate, which it gives up meanwhile. Each attempt costs all that waits for the disk, so changes that nobody waits for make no more of them.
    private void Gather(long since, TimeSpan atLeast)
    {
        while (!urgent && !stopping && atLeast - Stopwatch.GetElapsedTime(since) is { Ticks: > 0 } left)
            Monitor.Wait(gate, (int)Math.Ceiling(left.TotalMilliseconds));
    }

    private bool TryCommit(Dictionary<(string Kind, string Id), Change> batch, out string failure)
    {
        // Before the lock, which accounting waits for.
        Seal(batch);
        var earliest = earliestExpiry;
        var isCommitted = TryTransact(
            () =>
            {
                foreach (var ((kind, id), change) in batch)
                {
                    if (change.Content is null)
                    {
                        Delete(kind, id);
                        continue;
                    }

                    Insert(kind, id, change.ExpiresAt, sealedRows.WrittenSpan.Slice(change.Start, change.Length));
                    earliest = Math.Min(earliest, change.ExpiresAt ?? long.MaxValue);
                }

                var now = time.GetUtcNow().ToUnixTimeMilliseconds();
                if (earliest <= now)
                    earliest = RemoveExpired(now);
                store.WriteSetting(AliveSetting, now);
            },
            out failure);
        if (isCommitted)
            earliestExpiry = earliest;
        return isCommitted;
    }

    // Reads the whole table, most of which never expires. Answers when it is to be done next.
    private long RemoveExpired(long now)
    {
        store.Statement("DELETE FROM sealed_record WHERE expires_at <= ?1").Bind(1, now).Execute();
        var select = store.Statement("SELECT coalesce(min(expires_at), ?1) FROM sealed_record").Bind(1, long.MaxValue);
        try
        {
            select.Step();
            return select.Integer(0);
        }
        finally
        {
            select.Reset();
        }
    }

    private bool TryTransact(Action change, out string failure)
    {
        lock (store.Gate)
        {
            try
            {
                store.Begin();
                change();
                store.Commit();
                failure = "";
                return true;
            }
            catch (StoreException error)
            {
                store.RollBack();
                failure = error.Message;
                return false;
            }
        }
    }

    private void Seal(Dictionary<(string Kind, string Id), Change> batch)
    {
        sealedRows.ResetWrittenCount();
        foreach (var ((kind, id), change) in batch)
        {
            if (change.Content is not { } content)
                continue;
            try
            {
                content.Encode(clear);
                change.Start = sealedRows.WrittenCount;
                change.Length = RecordSealing.Seal(cipher, kind, id, change.ExpiresAt, clear.Written, sealedRows);
            }
            catch (Exception error) when (error is JsonException or NotSupportedException or InvalidOperationException or ArgumentException or NullReferenceException)
            {
                // A fault of this program's, which may cost this record and not the thread that writes all others. An immutable array that nobody set throws the last of these.
                LogUnmakeable(logger, error, kind, id);
                change.Drop();
            }
            finally
            {
                clear.Clear();
            }
        }
    }

    private void Insert(string kind, string id, long? expiresAt, ReadOnlySpan<byte> octets) =>
        store.Statement(
            """
            INSERT INTO sealed_record (kind, id, expires_at, content) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (kind, id) DO UPDATE SET expires_at = excluded.expires_at, content = excluded.content
            """)
            .Bind(1, kind).Bind(2, id).Bind(3, expiresAt).Bind(4, octets).Execute();

    private void Delete(string kind, string id) => store.Statement("DELETE FROM sealed_record WHERE kind = ?1 AND id = ?2").Bind(1, kind).Bind(2, id).Execute();

    private void Committed(Dictionary<(string Kind, string Id), Change> batch)
    {
        committed = Stopwatch.GetTimestamp();
        RestoreKey();
        if (failing && IsKeyKept)
        {
            LogRecovered(logger, store.Path);
            failing = false;
        }

        foreach (var change in batch.Values)
        {
            change.Forget();
            change.Complete(!change.IsUnmakeable && IsKeyKept, isRevoked: true);
        }
    }

    private sealed class Octets(byte[] content) : ISealedContent
    {
        public void Encode(IBufferWriter<byte> output) => output.Write(content);

        public void Zero() => CryptographicOperations.ZeroMemory(content);
    }
}
