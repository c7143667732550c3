using System.Net;
using Headend.Ikev2;

namespace Headend.Runtime;

/// <summary>Most datagrams that wait for a shard; completions and commands are bounded by what caused them and are never refused.</summary>
internal sealed record ShardMailboxLimits
{
    public int Established { get; init; } = 8192;

    public int Login { get; init; } = 4096;

    /// <summary>Short on purpose: an IKE_SA_INIT that waited longer than its sender's first retransmission is worth nothing.</summary>
    public int NewLogin { get; init; } = 256;

    /// <summary>Most logins with a proven address that wait, of one source.</summary>
    public int ProvenPerSource { get; init; } = 64;

    /// <summary>As many new logins waiting make a crowd: cookies sort out who is there from whom somebody forged.</summary>
    public int Crowd { get; init; } = 64;
}

/// <summary>The queues in front of one shard. Any thread posts; only the shard's thread takes. A wake-up is paid only when the shard sleeps.</summary>
internal sealed class ShardMailbox(ShardMailboxLimits limits)
{
    private const int LoginsPerTurn = 8;
    private const int NewLoginsPerTurn = 2;
    private const int DoorPerTurn = 16;
    private static readonly TimeSpan GateRecheck = TimeSpan.FromMilliseconds(5);

    private readonly Lock gate = new();
    private readonly ThreadSignal signal = new();
    private readonly Queue<ShardMail> established = new();
    private readonly Queue<ShardMail> logins = new();
    private readonly Queue<ShardMail> provenLogins = new();
    private readonly Queue<ShardMail> newLogins = new();
    private readonly Dictionary<IPAddress, int> provenSources = [];
    private bool sleeping;
    private bool closed;

    /// <summary>Logins under way that wait for this shard; read without a lock, so approximate.</summary>
    public int WaitingLogins => logins.Count;

    /// <summary>Something waits; read without a lock, so approximate.</summary>
    public bool HasMail => established.Count + logins.Count + provenLogins.Count + newLogins.Count > 0;

    /// <summary>Posts a datagram; false when the queue of its kind is full.</summary>
    public bool TryPost(in ShardMail mail, MailPriority priority)
    {
        bool wakes;
        lock (gate)
        {
            var (queue, limit) = priority switch
            {
                MailPriority.Established => (established, limits.Established),
                MailPriority.Login => (logins, limits.Login),
                MailPriority.ProvenLogin => (provenLogins, limits.NewLogin),
                _ => (newLogins, limits.NewLogin),
            };
            if (closed || queue.Count >= limit || (priority == MailPriority.ProvenLogin && !TryCountProven(mail)))
                return false;
            queue.Enqueue(mail);
            wakes = MustWake();
        }

        if (wakes)
            signal.Set();
        return true;
    }

    /// <summary>Posts what must not be lost; false when the mailbox is closed, so that nobody will take it.</summary>
    public bool Post(object content, MailPriority priority)
    {
        bool wakes;
        lock (gate)
        {
            if (closed)
                return false;
            (priority == MailPriority.Established ? established : logins).Enqueue(new ShardMail(content));
            wakes = MustWake();
        }

        if (wakes)
            signal.Set();
        return true;
    }

    /// <summary>Lets the shard's thread return from <see cref="Take"/> at once and for good.</summary>
    public void Close()
    {
        lock (gate)
            closed = true;
        signal.Set();
    }

    /// <summary>
    /// Moves the next turn's mail into <paramref name="batch"/>: everything of established sessions, a few steps of logins, and only where none of those is left a
    /// few new logins. A crowd of new logins that may not begin yet is handed out <see cref="ShardMail.AtTheDoor"/>. Waits at most <paramref name="timeout"/> for the first.
    /// </summary>
    /// <param name="batch">Emptied first.</param>
    /// <param name="timeout">Null waits for ever.</param>
    /// <param name="admitNew">Asked whether a new login may begin now.</param>
    /// <returns>False when the mailbox is closed.</returns>
    public bool Take(List<ShardMail> batch, TimeSpan? timeout, Func<bool> admitNew)
    {
        batch.Clear();
        lock (gate)
        {
            if (closed)
                return false;
            if (Fill(batch, admitNew))
                return true;
            if (newLogins.Count + provenLogins.Count > 0 && (timeout is not { } asked || asked > GateRecheck))
                timeout = GateRecheck;
            sleeping = true;
        }

        signal.Wait(timeout);
        lock (gate)
        {
            sleeping = false;
            Fill(batch, admitNew);
            return !closed;
        }
    }

    private bool Fill(List<ShardMail> batch, Func<bool> admitNew)
    {
        while (established.TryDequeue(out var mail))
            batch.Add(mail);
        for (var i = 0; i < LoginsPerTurn && logins.TryDequeue(out var mail); i++)
            batch.Add(mail);
        if (logins.Count == 0 && newLogins.Count + provenLogins.Count > 0 && admitNew())
        {
            for (var i = 0; i < NewLoginsPerTurn && (TryDequeueProven(out var mail) || newLogins.TryDequeue(out mail)); i++)
                batch.Add(mail);
        }

        // Whoever forges senders fills the queue within a millisecond; asking each for a cookie costs a hash and keeps room for those who answer.
        for (var i = 0; i < DoorPerTurn && newLogins.Count >= limits.Crowd; i++)
            batch.Add(newLogins.Dequeue() with { AtTheDoor = true });
        return batch.Count > 0;
    }

    private bool TryCountProven(in ShardMail mail)
    {
        var source = IkeEndpoint.SourceOf(mail.Path.Remote);
        var waiting = provenSources.GetValueOrDefault(source);
        if (waiting >= limits.ProvenPerSource)
            return false;
        provenSources[source] = waiting + 1;
        return true;
    }

    private bool TryDequeueProven(out ShardMail mail)
    {
        if (!provenLogins.TryDequeue(out mail))
            return false;
        var source = IkeEndpoint.SourceOf(mail.Path.Remote);
        if (--provenSources[source] == 0)
            provenSources.Remove(source);
        return true;
    }

    private bool MustWake()
    {
        var wakes = sleeping;
        sleeping = false;
        return wakes;
    }
}
