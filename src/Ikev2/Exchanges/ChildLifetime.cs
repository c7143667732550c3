using Headend.Ikev2.Sa;

namespace Headend.Ikev2.Exchanges;

/// <summary>Rekey and expiry of CHILD_SAs; one timer per session serves them all.</summary>
internal static class ChildLifetime
{
    /// <summary>After a rekey that the peer refused for now (RFC 7296 2.25).</summary>
    public static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    public static void Arm(IkeSa sa)
    {
        if (sa.Session is not { } session)
            return;
        MonotonicTime? next = null;
        foreach (var child in session.Children)
        {
            // Its Delete is retransmitted until it is answered or the peer is given up; a deadline that has passed would be due for ever.
            if (child.Deleting)
                continue;
            var at = child.Rekeying || child.PeerRekey is not null || child.RekeyAt > child.ExpiresAt ? child.ExpiresAt : child.RekeyAt;
            if (next is null || at < next)
                next = at;
        }

        if (next is { } due)
            sa.Endpoint.Timers.Set(sa, IkeTimer.ChildLifetime, due);
        else
            IkeTimers.Clear(sa, IkeTimer.ChildLifetime);
    }

    public static void OnTimer(IkeSa sa)
    {
        var session = sa.Session!;
        var now = sa.Endpoint.Now;
        foreach (var child in session.Children.ToArray())
        {
            if (child.ExpiresAt <= now)
                DeleteExchange.DeleteChild(sa, child);
            else if (child.RekeyAt <= now)
                Rekey(sa, child);
        }

        Arm(sa);
    }

    public static void Rekey(IkeSa sa, ChildSa child)
    {
        if (child.Rekeying || child.Deleting || child.PeerRekey is not null)
            return;
        child.Rekeying = true;
        sa.Enqueue(new RekeyChildExchange(child));
    }

    /// <summary>The peer refused a rekey: later again, until the CHILD_SA expires.</summary>
    public static void RetryLater(IkeSa sa, ChildSa child)
    {
        child.Rekeying = false;
        child.RekeyAt = sa.Endpoint.Now + RetryAfter;
        Arm(sa);
    }
}
