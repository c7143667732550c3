namespace Headend.Pki.Verification;

/// <summary>
/// Answers by what they were asked for, each until its time. Whoever asks while the same is being fetched waits for that fetch: a thousand logins at once cost one.
/// Bounded: the entry whose time comes first goes. Thread-safe.
/// </summary>
/// <typeparam name="T">Kept.</typeparam>
internal sealed class RevocationCache<T>(int most, TimeProvider time)
{
    private readonly Dictionary<string, Entry> entries = [];
    private readonly Lock gate = new();

    public int Count
    {
        get
        {
            lock (gate)
                return entries.Count;
        }
    }

    /// <param name="key">What is asked for.</param>
    /// <param name="fetch">Gives the value, and how long it holds. Called under the cache's lock: only its first step, which must not block, runs there.</param>
    public Task<T> GetAsync(string key, Func<Task<(T Value, DateTimeOffset Until)>> fetch)
    {
        lock (gate)
        {
            if (entries.TryGetValue(key, out var kept) && (kept.Until is null || kept.Until > time.GetUtcNow()))
                return kept.Value;
            var entry = new Entry();
            entries[key] = entry;
            if (entries.Count > most)
                Evict(entry);
            entry.Value = FillAsync(entry, fetch);
            return entry.Value;
        }
    }

    private async Task<T> FillAsync(Entry entry, Func<Task<(T Value, DateTimeOffset Until)>> fetch)
    {
        // A fault is its waiters' own: whoever comes later asks again.
        var until = DateTimeOffset.MinValue;
        try
        {
            (var value, until) = await fetch().ConfigureAwait(false);
            return value;
        }
        finally
        {
            lock (gate)
                entry.Until = until;
        }
    }

    // What is under way has no time yet, and stays.
    private void Evict(Entry fresh)
    {
        var first = entries.Where(e => e.Value != fresh && e.Value.Until is not null).OrderBy(e => e.Value.Until).Select(e => e.Key).FirstOrDefault();
        if (first is not null)
            entries.Remove(first);
    }

    private sealed class Entry
    {
        public Task<T> Value { get; set; } = null!;

        /// <summary>Null while it is being fetched.</summary>
        public DateTimeOffset? Until { get; set; }
    }
}
