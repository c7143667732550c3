using System.Net;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>Failures of a minute by source. Bounded: when very many sources fail at once, all are forgiven. Thread-safe.</summary>
/// <param name="most">From this many on a source is refused until its minute is over.</param>
internal sealed class FailureWindow(int most)
{
    private const int MostSources = 65_536;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, (int Count, MonotonicTime Since)> counts = [];

    public bool IsFull(IPAddress source, MonotonicTime now)
    {
        lock (gate)
            return counts.TryGetValue(source, out var known) && known.Count >= most && now - known.Since < Window;
    }

    public void Add(IPAddress source, MonotonicTime now)
    {
        lock (gate)
        {
            if (counts.TryGetValue(source, out var known) && now - known.Since < Window)
            {
                counts[source] = known with { Count = known.Count + 1 };
                return;
            }

            if (counts.Count >= MostSources)
                Forget(now);
            counts[source] = (1, now);
        }
    }

    private void Forget(MonotonicTime now)
    {
        foreach (var old in counts.Where(c => now - c.Value.Since >= Window).Select(c => c.Key).ToList())
            counts.Remove(old);
        if (counts.Count >= MostSources)
            counts.Clear();
    }
}
