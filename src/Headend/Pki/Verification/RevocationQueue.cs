namespace Headend.Pki.Verification;

/// <summary>How many may ask at a time. A crowd at one host costs nobody who asks another.</summary>
internal sealed record RevocationQueueLimits
{
    /// <summary>Fetches from one host, those that wait for a slot included. With 16 slots a host that answers within 0.7 s has answered all before their logins give up.</summary>
    public int Fetches { get; init; } = 256;

    /// <summary>Logins that wait for one host; many may wait for one fetch.</summary>
    public int Waiters { get; init; } = 2048;

    /// <summary>Logins that wait for any host: what bounds the memory.</summary>
    public int AllWaiters { get; init; } = 8192;
}

/// <summary>Counts the fetches and the logins that wait for them, by host and port. Thread-safe; it knows only hosts at which somebody waits or something is fetched.</summary>
internal sealed class RevocationQueue(RevocationQueueLimits limits)
{
    private readonly Dictionary<(string Host, int Port), (int Fetches, int Waiters)> hosts = [];
    private readonly Lock gate = new();
    private int waiters;

    /// <summary>Logins that wait now.</summary>
    public int Waiters => Volatile.Read(ref waiters);

    /// <summary>True counts a fetch, until <see cref="EndFetch"/>.</summary>
    public bool TryBeginFetch(Uri uri)
    {
        lock (gate)
        {
            var (fetches, waiting) = hosts.GetValueOrDefault(KeyOf(uri));
            if (fetches >= limits.Fetches)
                return false;
            hosts[KeyOf(uri)] = (fetches + 1, waiting);
            return true;
        }
    }

    public void EndFetch(Uri uri) => Change(uri, -1, 0);

    /// <summary>True counts a login, until <see cref="Leave"/>.</summary>
    public bool TryEnter(Uri uri)
    {
        lock (gate)
        {
            var (fetches, waiting) = hosts.GetValueOrDefault(KeyOf(uri));
            if (waiting >= limits.Waiters || waiters >= limits.AllWaiters)
                return false;
            hosts[KeyOf(uri)] = (fetches, waiting + 1);
            waiters++;
            return true;
        }
    }

    public void Leave(Uri uri) => Change(uri, 0, -1);

    private static (string Host, int Port) KeyOf(Uri uri) => (uri.IdnHost, uri.Port);

    private void Change(Uri uri, int fetches, int waiting)
    {
        lock (gate)
        {
            var key = KeyOf(uri);
            var now = hosts[key];
            now = (now.Fetches + fetches, now.Waiters + waiting);
            waiters += waiting;
            if (now == default)
                hosts.Remove(key);
            else
                hosts[key] = now;
        }
    }
}
