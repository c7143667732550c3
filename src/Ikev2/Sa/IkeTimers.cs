namespace Headend.Ikev2.Sa;

/// <summary>What an IKE SA can wait for. Each kind has at most one deadline per SA.</summary>
internal enum IkeTimer
{
    /// <summary>The peer must go on with establishment.</summary>
    Handshake,

    /// <summary>Our outstanding request is sent again.</summary>
    Retransmit,

    /// <summary>The peer has been quiet for the DPD interval.</summary>
    Liveness,

    /// <summary>We rekey the IKE SA.</summary>
    IkeRekey,

    /// <summary>The IKE SA must be gone or rekeyed.</summary>
    IkeExpiry,

    /// <summary>The earliest rekey or expiry among the CHILD_SAs.</summary>
    ChildLifetime,

    SessionTimeout,

    IdleTimeout,

    /// <summary>A rekeyed IKE SA that its initiator ought to have deleted.</summary>
    Linger,

    /// <summary>A refusal that must not leave earlier.</summary>
    Refusal,

    /// <summary>We have been quiet for so long that the NAT in front of us may forget the peer.</summary>
    NatKeepalive,

    /// <summary>Number of kinds.</summary>
    Count,
}

/// <summary>
/// All deadlines of a shard in one heap. Entries are never removed: setting a timer again leaves the old entry behind, which is recognised
/// when it comes up because the SA's own table holds another time. Entries of closed SAs are swept when they are half of the heap: each keeps its SA in memory,
/// and a lifetime's is hours away.
/// </summary>
internal sealed class IkeTimers
{
    /// <summary>So many entries of closed SAs are not worth a sweep.</summary>
    private const int Slack = 1024;

    private readonly PriorityQueue<(IkeSa Sa, IkeTimer Timer), long> _heap = new();
    private int _dead;

    /// <summary>Entries in the heap, outdated ones included.</summary>
    public int Count => _heap.Count;

    public void Set(IkeSa sa, IkeTimer timer, MonotonicTime at)
    {
        // A liveness deadline is pushed back by every message: the entry in the heap comes up early and is then pushed back once.
        sa.Deadlines[(int)timer] = at.Ticks;
        var entry = sa.Entries[(int)timer];
        if (entry == 0 || at.Ticks < entry)
            Push(sa, timer, at.Ticks);
    }

    public static void Clear(IkeSa sa, IkeTimer timer) => sa.Deadlines[(int)timer] = 0;

    public MonotonicTime? Next
    {
        get
        {
            while (_heap.TryPeek(out var entry, out var ticks))
            {
                var due = entry.Sa.Deadlines[(int)entry.Timer];
                if (!entry.Sa.Closed && due == ticks)
                    return new MonotonicTime(ticks);
                Drop(entry, ticks, due);
            }

            return null;
        }
    }

    /// <summary>Takes one timer that is due; its deadline is cleared.</summary>
    public bool TryTakeDue(MonotonicTime now, out IkeSa sa, out IkeTimer timer)
    {
        var next = Next;
        if (next is null || next.Value > now)
        {
            sa = null!;
            timer = default;
            return false;
        }

        (sa, timer) = _heap.Dequeue();
        sa.Deadlines[(int)timer] = 0;
        sa.Entries[(int)timer] = 0;
        return true;
    }

    /// <summary>The SA is closed.</summary>
    public void Forget(IkeSa sa)
    {
        foreach (var entry in sa.Entries)
        {
            if (entry != 0)
                _dead++;
        }

        if (_dead < Slack || _dead < _heap.Count / 2)
            return;
        var live = _heap.UnorderedItems.Where(i => !i.Element.Sa.Closed && i.Element.Sa.Entries[(int)i.Element.Timer] == i.Priority).ToList();
        _heap.Clear();
        _heap.EnqueueRange(live);
        _dead = 0;
    }

    private void Push(IkeSa sa, IkeTimer timer, long ticks)
    {
        sa.Entries[(int)timer] = ticks;
        _heap.Enqueue((sa, timer), ticks);
    }

    private void Drop((IkeSa Sa, IkeTimer Timer) entry, long ticks, long due)
    {
        _heap.Dequeue();
        if (entry.Sa.Closed)
            _dead = Math.Max(0, _dead - 1);
        if (entry.Sa.Closed || entry.Sa.Entries[(int)entry.Timer] != ticks)
            return;
        entry.Sa.Entries[(int)entry.Timer] = 0;
        if (due > ticks)
            Push(entry.Sa, entry.Timer, due);
    }
}
