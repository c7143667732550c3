using System.Net;

namespace Headend.Telemetry;

/// <summary>
/// Decides which events about unauthenticated input are logged: per source address and reason a few, then one a period with the count of
/// what was left out. Sources beyond the table's bound share one entry per reason, so that a flood of forged sources costs neither memory nor
/// log. Safe from any thread.
/// </summary>
internal sealed class UnauthenticatedLogLimits(TimeProvider clock, int maximumEntries = 4096, int burst = 5, TimeSpan? period = null)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(IPAddress Source, string Reason), Entry> entries = [];
    private readonly TimeSpan period = period ?? TimeSpan.FromSeconds(60);

    /// <summary>Whether to log now; <paramref name="suppressed"/> counts events of this entry left out since the last one logged.</summary>
    /// <param name="source">Address that the datagram claims.</param>
    /// <param name="reason">A constant; reasons must be a bounded set.</param>
    /// <param name="suppressed">Zero unless events were left out.</param>
    public bool TryAdmit(IPAddress source, string reason, out long suppressed)
    {
        var now = clock.GetTimestamp();
        lock (gate)
        {
            var entry = Find(source, reason, now);
            if (clock.GetElapsedTime(entry.WindowStart, now) >= period)
            {
                entry.WindowStart = now;
                entry.Logged = 0;
            }
            if (entry.Logged >= burst)
            {
                entry.Suppressed++;
                suppressed = 0;
                return false;
            }
            entry.Logged++;
            suppressed = entry.Suppressed;
            entry.Suppressed = 0;
            return true;
        }
    }

    private Entry Find(IPAddress source, string reason, long now)
    {
        if (entries.TryGetValue((source, reason), out var entry))
            return entry;
        if (entries.Count >= maximumEntries)
            RemoveExpired(now);
        // IPAddress.None never is a source; it stands for "everybody else".
        var key = entries.Count >= maximumEntries ? (IPAddress.None, reason) : (source, reason);
        if (!entries.TryGetValue(key, out entry))
            entries.Add(key, entry = new Entry { WindowStart = now });
        return entry;
    }

    // At most once a period: a scan per datagram of a flood would itself be the attack.
    private void RemoveExpired(long now)
    {
        if (lastScan is { } last && clock.GetElapsedTime(last, now) < period)
            return;
        lastScan = now;
        foreach (var (key, entry) in entries)
            if (clock.GetElapsedTime(entry.WindowStart, now) >= period)
                entries.Remove(key);
    }

    private long? lastScan;

    private sealed class Entry
    {
        public long WindowStart;
        public int Logged;
        public long Suppressed;
    }
}
