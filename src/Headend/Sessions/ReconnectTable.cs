using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Runtime;

namespace Headend.Sessions;

/// <summary>What `show crypto ikev2 stats reconnect` counts.</summary>
internal readonly record struct ReconnectStatistics(long Incoming, long Succeeded, long Failed, int CapableActive, int CapableInactive);

/// <summary>
/// Sessions by reconnect session-id, with their tokens. The id is found by its SHA-256, so that the time of a search tells nothing of ids that are there. A session has one
/// token that was proven last, or given first, and at most one that was given since: a client that never got the newer one, or never changes, comes back with the older.
/// Wrong tokens are limited by session and by source. Thread-safe.
/// </summary>
internal sealed class ReconnectTable(MonotonicClock clock)
{
    /// <summary>Wrong tokens a minute, of one session and of one source.</summary>
    internal const int MostOfSession = 10;
    internal const int MostOfSource = 50;

    private readonly ConcurrentDictionary<string, Entry> byHash = new(StringComparer.Ordinal);
    private readonly FailureWindow sources = new(MostOfSource);
    private long incoming;
    private long succeeded;
    private long failed;

    public ReconnectStatistics Statistics
    {
        get
        {
            var inactive = 0;
            var all = 0;
            foreach (var entry in byHash.Values)
            {
                all++;
                if (entry.Session.IsAsleep)
                    inactive++;
            }

            return new ReconnectStatistics(Volatile.Read(ref incoming), Volatile.Read(ref succeeded), Volatile.Read(ref failed), all - inactive, inactive);
        }
    }

    /// <summary>Answers at once.</summary>
    public FindReconnectCompletion Find(FindReconnectEffect effect)
    {
        Interlocked.Increment(ref incoming);
        var source = IkeEndpoint.SourceOf(effect.Source);
        var now = clock.Now;
        if (sources.IsFull(source, now))
            return Refuse(effect, $"too many wrong tokens from {source}");
        if (!byHash.TryGetValue(HashOf(effect.ReconnectId.Span), out var entry))
        {
            sources.Add(source, now);
            return Refuse(effect, "no session has this reconnect session-id: it ended, or slept for longer than the reconnect timeout");
        }

        lock (entry)
        {
            if (entry.Failures.IsFull(IPAddress.None, now))
                return Refuse(effect, $"too many wrong tokens for the session of {entry.Session.User}");
            return new FindReconnectCompletion(effect.Id, entry.Session.Binding.Name, entry.Session.RemoteIdentity, [.. entry.Tokens.Select(t => t with { Value = [.. t.Value] })], null);
        }
    }

    public void RecordWrongToken(ReconnectFailedEffect effect)
    {
        CountFailure();
        var now = clock.Now;
        sources.Add(IkeEndpoint.SourceOf(effect.Source), now);
        if (!byHash.TryGetValue(HashOf(effect.ReconnectId.Span), out var entry))
            return;
        lock (entry)
            entry.Failures.Add(IPAddress.None, now);
    }

    public void CountFailure() => Interlocked.Increment(ref failed);

    public ClientSession? SessionOf(ReadOnlySpan<byte> id) => byHash.TryGetValue(HashOf(id), out var entry) ? entry.Session : null;

    /// <summary>A session came up that the client can come back to, or has come back to.</summary>
    public void Up(ClientSession session, SessionUpEffect effect)
    {
        var id = effect.Reconnect?.ReconnectId ?? effect.Login.ReconnectId!.Value.ToArray();
        var hash = HashOf(id);
        // Who comes back by other means, a ticket or a login, and asks anew has a new id: the one before is not good any more.
        if (session.ReconnectHash is { } before && before != hash)
            Remove(session);
        var entry = byHash.GetOrAdd(hash, static (_, s) => new Entry(s), session);
        session.ReconnectHash = hash;
        lock (entry)
        {
            if (effect.Login.ReconnectId is not null)
            {
                Interlocked.Increment(ref succeeded);
                session.Reconnected = true;
                entry.Keep(effect.Login.ReconnectToken);
            }

            if (effect.Reconnect is { } offer)
                entry.Add(offer.Token);
        }
    }

    /// <summary>A session of an earlier process that its client may come back to.</summary>
    public void Restore(ClientSession session, KeptReconnect kept)
    {
        session.ReconnectHash = kept.Hash;
        var entry = byHash.GetOrAdd(kept.Hash, static (_, s) => new Entry(s), session);
        lock (entry)
            entry.Restore(kept);
    }

    /// <summary>What the store needs of it; null where the client got no session-id. The receiver zeroes the tokens.</summary>
    public KeptReconnect? Describe(ClientSession session)
    {
        if (session.ReconnectHash is not { } hash || !byHash.TryGetValue(hash, out var entry))
            return null;
        lock (entry)
            return entry.Describe(hash);
    }

    /// <summary>The session is over.</summary>
    public void Remove(ClientSession session)
    {
        if (session.ReconnectHash is not { } hash || !byHash.TryRemove(hash, out var entry))
            return;
        lock (entry)
            entry.Clear();
    }

    private static string HashOf(ReadOnlySpan<byte> id) => Convert.ToHexString(SHA256.HashData(id));

    private FindReconnectCompletion Refuse(FindReconnectEffect effect, string why)
    {
        CountFailure();
        return new FindReconnectCompletion(effect.Id, null, null, [], why);
    }

    private sealed class Entry(ClientSession session)
    {
        private long last;

        public ClientSession Session { get; } = session;

        /// <summary>The proven one, then the newer one.</summary>
        public List<ReconnectToken> Tokens { get; } = [];

        public FailureWindow Failures { get; } = new(MostOfSession);

        /// <summary>
        /// This one was used; its elders are not good any more, nor what was given beside it and not used. Where it is no longer there itself, because two logins with two tokens overtook
        /// each other, the others stay.
        /// </summary>
        public void Keep(long number)
        {
            if (Tokens.Exists(t => t.Number == number))
                Drop(t => t.Number != number);
        }

        public void Restore(KeptReconnect kept)
        {
            last = kept.Last;
            Tokens.AddRange(kept.Tokens.Select(t => new ReconnectToken(t.Number, t.Value)));
        }

        public KeptReconnect Describe(string hash) => new(hash, last, [.. Tokens.Select(t => new KeptToken(t.Number, [.. t.Value]))]);

        public void Add(byte[] token) => Tokens.Add(new ReconnectToken(++last, token));

        public void Clear() => Drop(static _ => true);

        private void Drop(Predicate<ReconnectToken> which)
        {
            foreach (var token in Tokens.Where(t => which(t)))
                CryptographicOperations.ZeroMemory(token.Value);
            Tokens.RemoveAll(which);
        }
    }
}
