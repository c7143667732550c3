using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Headend.Telemetry;

/// <summary>
/// Counts since the start of the process by one or two tags, whose words are a bounded set. A counter of a meter forgets what nobody listens to; this keeps one number for
/// collectors and `show` alike. Safe from any thread; allocates only for words that are new.
/// </summary>
internal sealed class CounterTable(string tag, string? secondTag = null)
{
    private readonly ConcurrentDictionary<(string Word, string Second), StrongBox<long>> counts = new();

    /// <summary>Each pair of words that was counted, in alphabetical order; the second is empty where there is one tag.</summary>
    public IReadOnlyList<(string Word, string Second, long Count)> All =>
        [.. counts.Select(c => (c.Key.Word, c.Key.Second, Volatile.Read(ref c.Value.Value))).OrderBy(c => c.Word, StringComparer.Ordinal).ThenBy(c => c.Second, StringComparer.Ordinal)];

    public void Add(string word, string second = "") => Interlocked.Increment(ref counts.GetOrAdd((word, second), static _ => new StrongBox<long>()).Value);

    /// <summary>Zero for what was never counted.</summary>
    public long Of(string word, string second = "") => counts.TryGetValue((word, second), out var count) ? Volatile.Read(ref count.Value) : 0;

    /// <summary>For an observable counter.</summary>
    public IEnumerable<Measurement<long>> Measure() => All.Select(c => secondTag is null
        ? new Measurement<long>(c.Count, new KeyValuePair<string, object?>(tag, c.Word))
        : new Measurement<long>(c.Count, new KeyValuePair<string, object?>(tag, c.Word), new KeyValuePair<string, object?>(secondTag, c.Second)));
}
