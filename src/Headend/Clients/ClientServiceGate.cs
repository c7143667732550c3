using System.Net;
using Headend.Ikev2;

namespace Headend.Clients;

/// <summary>
/// Which connections of strangers come as far as a TLS handshake, that is to an operation with the private key: some of each source at a time, and some in a time, and some of
/// everybody at a time. What it remembers is bounded: when very many sources come at once, those without a connection are forgiven. Thread-safe.
/// </summary>
internal sealed class ClientServiceGate(TimeProvider time)
{
    /// <summary>Connections of one source at a time.</summary>
    public const int MostOpen = 8;

    /// <summary>Connections of one source at once after a pause: an office behind one address.</summary>
    public const int Burst = 60;

    /// <summary>Connections of one source per second in the long run.</summary>
    public const int PerSecond = 4;

    /// <summary>Connections of everybody at a time.</summary>
    public const int MostOpenOfAll = 256;

    /// <summary>Sources that are remembered.</summary>
    public const int MostSources = 4096;

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, Source> sources = [];
    private int open;

    /// <summary>Sources that it remembers now.</summary>
    public int Sources
    {
        get
        {
            lock (gate)
                return sources.Count;
        }
    }

    /// <summary>Takes a place for a connection; <see cref="Leave"/> gives it back.</summary>
    public bool TryEnter(IPEndPoint remote)
    {
        var address = IkeEndpoint.SourceOf(remote);
        var now = time.GetTimestamp();
        lock (gate)
        {
            if (!sources.TryGetValue(address, out var source))
            {
                if (sources.Count >= MostSources)
                    Forget(now);
                sources[address] = source = new Source(now);
            }

            Refill(source, now);
            if (open >= MostOpenOfAll || source.Open >= MostOpen || source.Left < 1)
                return false;
            open++;
            source.Open++;
            source.Left--;
            return true;
        }
    }

    public void Leave(IPEndPoint remote)
    {
        lock (gate)
        {
            open--;
            sources[IkeEndpoint.SourceOf(remote)].Open--;
        }
    }

    private void Refill(Source source, long now)
    {
        source.Left = Math.Min(Burst, source.Left + (time.GetElapsedTime(source.At, now).TotalSeconds * PerSecond));
        source.At = now;
    }

    private void Forget(long now)
    {
        foreach (var source in sources.Values)
            Refill(source, now);
        Remove(s => s.Left >= Burst);
        if (sources.Count >= MostSources)
            Remove(_ => true);

        void Remove(Predicate<Source> isOld)
        {
            foreach (var address in sources.Where(s => s.Value.Open == 0 && isOld(s.Value)).Select(s => s.Key).ToList())
                sources.Remove(address);
        }
    }

    private sealed class Source(long at)
    {
        public int Open { get; set; }

        public double Left { get; set; } = Burst;

        public long At { get; set; } = at;
    }
}
