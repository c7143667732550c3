using System.Diagnostics.CodeAnalysis;

namespace Headend.Pki.Verification;

/// <summary>
/// Answers by what they were asked for, each until its time, and known to the fetch that replaces it. Whoever asks while the same is being fetched waits for that
/// fetch: a thousand logins at once cost one. Bounded: of those that are not worth keeping, else of all, the entry whose time comes first goes. Thread-safe.
/// </summary>
/// <typeparam name="T">Kept.</typeparam>
/// <param name="most">Entries; those that are being fetched come on top.</param>
/// <param name="worthKeeping">What may be lost last: what would make a difference if the next fetch failed.</param>
/// <param name="time">The clock of entries' times.</param>
internal sealed class RevocationCache<T>(int most, Func<T, bool> worthKeeping, TimeProvider time)
    where T : class
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

    /// <summary>What was fetched last, however long ago.</summary>
    public bool TryPeek(string key, [NotNullWhen(true)] out T? last)
    {
        lock (gate)
            last = entries.TryGetValue(key, out var kept) ? kept.Last : null;
        return last is not null;
    }

    /// <summary>False when it would have to be fetched and may not be.</summary>
    /// <param name="key">What is asked for.</param>
    /// <param name="mayFetch">Asked when a fetch is about to begin, which then surely does.</param>
    /// <param name="fetch">
    /// Gives the value, and how long it holds, of what was fetched last (null for nothing). Called under the cache's lock, as is <paramref name="mayFetch"/>: only its first
    /// step, which must not block, runs there.
    /// </param>
    /// <param name="value">Kept, or what comes of the fetch.</param>
    public bool TryGet(string key, Func<bool> mayFetch, Func<T?, Task<(T Value, DateTimeOffset Until)>> fetch, [NotNullWhen(true)] out Task<T>? value)
    {
        value = null;
        lock (gate)
        {
            if (entries.TryGetValue(key, out var kept) && (kept.Until is null || kept.Until > time.GetUtcNow()))
            {
                value = kept.Value;
                return true;
            }

            if (!mayFetch())
                return false;
            var entry = new Entry { Last = kept?.Last };
            entries[key] = entry;
            if (entries.Count > most)
                Evict(entry);
            entry.Value = value = FillAsync(entry, fetch);
            return true;
        }
    }

    private async Task<T> FillAsync(Entry entry, Func<T?, Task<(T Value, DateTimeOffset Until)>> fetch)
    {
        // A fault is its waiters' own: whoever comes later asks again.
        var until = DateTimeOffset.MinValue;
        T? value = null;
        try
        {
            (value, until) = await fetch(entry.Last).ConfigureAwait(false);
            return value;
        }
        finally
        {
            lock (gate)
                (entry.Last, entry.Until) = (value ?? entry.Last, until);
        }
    }

    // What is under way has no time yet, and stays.
    private void Evict(Entry fresh)
    {
        string? first = null;
        var least = (Worth: true, Until: DateTimeOffset.MaxValue);
        foreach (var (key, entry) in entries)
        {
            if (entry == fresh || entry.Until is not { } until)
                continue;
            var worth = (Worth: entry.Last is not null && worthKeeping(entry.Last), Until: until);
            if (first is null || worth.CompareTo(least) < 0)
                (first, least) = (key, worth);
        }

        if (first is not null)
            entries.Remove(first);
    }

    private sealed class Entry
    {
        public Task<T> Value { get; set; } = null!;

        public T? Last { get; set; }

        /// <summary>Null while it is being fetched.</summary>
        public DateTimeOffset? Until { get; set; }
    }
}
