using System.Collections.Concurrent;
using System.Security.Cryptography;
using Headend.Ikev2;

namespace Headend.Sessions;

/// <summary>
/// The tickets that are out, by the SHA-256 of their id, with the session that each is good for: what a ticket says is in itself, whether it may still be used is here. A ticket is
/// spent when its session is up by it (RFC 5723 4.3), and not before: whoever saw it on the way cannot burn it. A session has at most <see cref="MostOfSession"/>; those of
/// an earlier login go when a later one is up that was no return by token: such a client has its tickets still. Thread-safe.
/// </summary>
internal sealed class TicketTable(TicketKeys keys, TimeProvider time) : IDisposable
{
    internal const int MostOfSession = 4;

    private readonly ConcurrentDictionary<string, Entry> byHash = new(StringComparer.Ordinal);

    /// <summary>Tickets that are out.</summary>
    public int Count => byHash.Count;

    /// <summary>Answers at once. The ticket is good for the session from here on.</summary>
    public IssueTicketCompletion Issue(IssueTicketEffect effect, ClientSession session)
    {
        var id = RandomNumberGenerator.GetBytes(TicketKeys.IdOctets);
        var hash = HashOf(id);
        var until = time.GetUtcNow() + effect.Lifetime;
        var ticket = keys.Seal(id, until, effect.State);
        CryptographicOperations.ZeroMemory(effect.State);
        lock (session.Tickets)
        {
            while (session.Tickets.Count >= MostOfSession)
                Drop(session, session.Tickets[0]);
            byHash[hash] = new Entry(session, effect.Login.Session, until);
            session.Tickets.Add(hash);
        }

        // Behind its end nobody would take it out of the table again.
        if (!session.IsClosed)
            return new IssueTicketCompletion(effect.Id, ticket);
        Remove(session);
        return new IssueTicketCompletion(effect.Id, null);
    }

    /// <summary>Answers at once; changes nothing, for nothing is proven.</summary>
    public OpenTicketCompletion Open(OpenTicketEffect effect)
    {
        if (!keys.TryOpen(effect.Ticket.Span, out var id, out var state, out var refusal))
            return new OpenTicketCompletion(effect.Id, null, default, refusal);
        if (byHash.ContainsKey(HashOf(id)))
            return new OpenTicketCompletion(effect.Id, state, id, null);
        CryptographicOperations.ZeroMemory(state);
        return new OpenTicketCompletion(effect.Id, null, default, "a ticket that was used, or whose session is over");
    }

    /// <summary>A login has proven the ticket's keys: it is this login's alone until it is up or over. Null when it was used, another login has it, or its session is over.</summary>
    public ClientSession? Take(ReadOnlyMemory<byte> id, SessionId login) =>
        byHash.TryGetValue(HashOf(id.Span), out var entry) && entry.TryTake(login) ? entry.Session : null;

    /// <summary>The login came to nothing: the ticket is as good as before.</summary>
    public void Release(ReadOnlyMemory<byte> id, SessionId login)
    {
        if (byHash.TryGetValue(HashOf(id.Span), out var entry))
            entry.Release(login);
    }

    /// <summary>A login is up that was no return by token: tickets of the session's earlier logins, and with them the one that brought the client back, are spent.</summary>
    public void Up(ClientSession session, SessionId login)
    {
        lock (session.Tickets)
        {
            foreach (var hash in session.Tickets.Where(h => byHash.TryGetValue(h, out var entry) && entry.IssuedTo != login).ToArray())
                Drop(session, hash);
        }
    }

    /// <summary>How long the session has a ticket that is good; null where it has none. An upper bound where an earlier process gave it.</summary>
    public TimeSpan? TimeLeft(ClientSession session)
    {
        var now = time.GetUtcNow();
        TimeSpan? longest = null;
        lock (session.Tickets)
        {
            foreach (var hash in session.Tickets)
            {
                if (byHash.TryGetValue(hash, out var entry) && entry.Until > now && !(entry.Until - now <= longest))
                    longest = entry.Until - now;
            }
        }

        return longest;
    }

    /// <summary>Tickets of a session of an earlier process, which had them out.</summary>
    public void Restore(ClientSession session, IEnumerable<string> hashes)
    {
        lock (session.Tickets)
        {
            foreach (var hash in hashes.Take(MostOfSession))
            {
                byHash[hash] = new Entry(session, session.Id, DateTimeOffset.MaxValue);
                session.Tickets.Add(hash);
            }
        }
    }

    /// <summary>The session is over.</summary>
    public void Remove(ClientSession session)
    {
        lock (session.Tickets)
        {
            while (session.Tickets.Count > 0)
                Drop(session, session.Tickets[^1]);
        }
    }

    public void Dispose() => keys.Dispose();

    private static string HashOf(ReadOnlySpan<byte> id) => Convert.ToHexString(SHA256.HashData(id));

    private void Drop(ClientSession session, string hash)
    {
        byHash.TryRemove(hash, out _);
        session.Tickets.Remove(hash);
    }

    private sealed class Entry(ClientSession session, SessionId issuedTo, DateTimeOffset until)
    {
        private readonly Lock gate = new();
        private SessionId? takenBy;

        public ClientSession Session { get; } = session;

        /// <summary>The login in which it was given.</summary>
        public SessionId IssuedTo { get; } = issuedTo;

        /// <summary>The ticket says it; the end of time where only an earlier process knew.</summary>
        public DateTimeOffset Until { get; } = until;

        public bool TryTake(SessionId login)
        {
            lock (gate)
            {
                if (takenBy is not null)
                    return false;
                takenBy = login;
                return true;
            }
        }

        public void Release(SessionId login)
        {
            lock (gate)
            {
                if (takenBy == login)
                    takenBy = null;
            }
        }
    }
}
