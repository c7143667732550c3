using System.Diagnostics.CodeAnalysis;
using Headend.Ikev2;
using Headend.Runtime;

namespace Headend.Sessions;

/// <summary>Where a session's IKE SA lives.</summary>
/// <param name="Id">By which the core knows it.</param>
/// <param name="Shard">Whose core.</param>
internal sealed record SessionHome(SessionId Id, IkeShard Shard);

/// <summary>What waits for a silent client: its session without an IKE SA. Compared by reference, so that a timer ends only what it was set for.</summary>
internal sealed class SessionInactivity : IDisposable
{
    /// <summary>Far below the 49.7 days that a timer takes at most.</summary>
    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(7);

    private readonly Lock gate = new();
    private ITimer? timer;
    private bool isDisposed;

    public SessionInactivity()
    {
    }

    /// <summary>As the other one, whose timer stays its own, but for what the initializer says.</summary>
    [SetsRequiredMembers]
    public SessionInactivity(SessionInactivity other)
    {
        (Grant, Since, Until, ExpiresAt, IdleAt) = (other.Grant, other.Since, other.Until, other.ExpiresAt, other.IdleAt);
        (IsTotalChanged, IsIdleChanged, IsPassing, ReauthenticateBy) = (other.IsTotalChanged, other.IsIdleChanged, other.IsPassing, other.ReauthenticateBy);
    }

    public required SessionGrant Grant { get; init; }

    public required MonotonicTime Since { get; init; }

    /// <summary>End of the reconnect timeout or the resume interval.</summary>
    public required MonotonicTime Until { get; init; }

    /// <summary>When Session-Timeout ends it; null for never.</summary>
    public required MonotonicTime? ExpiresAt { get; init; }

    /// <summary>When Idle-Timeout ends it; null for never.</summary>
    public required MonotonicTime? IdleAt { get; init; }

    /// <summary>Its client is back already, by a login that is about to take the session over: nobody is told of a silence.</summary>
    public bool IsPassing { get; init; }

    /// <summary>When it ends at the latest was changed after a login had taken the session over with the limits of before.</summary>
    public bool IsTotalChanged { get; init; }

    /// <summary>Its Idle-Timeout was, likewise.</summary>
    public bool IsIdleChanged { get; init; }

    /// <summary>Until when the client is to authenticate anew, asked for while a login was taking the session over; null: nobody asked.</summary>
    public MonotonicTime? ReauthenticateBy { get; init; }

    /// <summary>The first of its ends. Of two at once the one that AAA set.</summary>
    public (MonotonicTime At, SessionEndReason Reason, string Detail) End
    {
        get
        {
            (MonotonicTime At, SessionEndReason Reason, string Detail) end = (Until, SessionEndReason.PeerUnreachable, $"the client did not come back within {Until - Since}");
            if (IdleAt is { } idle && idle <= end.At)
                end = (idle, SessionEndReason.IdleTimeout, $"no inner packet for {Grant.IdleTimeout}, the client is silent");
            if (ExpiresAt is { } expires && expires <= end.At)
                end = (expires, SessionEndReason.SessionTimeout, "Session-Timeout ran out while the client was silent");
            return end;
        }
    }

    /// <summary>Calls once when it is over by this clock, unless it is disposed of before, or was already: a login may be quicker; whoever is called asks whether the session still waits for it.</summary>
    public void Watch(MonotonicClock clock, Action over)
    {
        lock (gate)
        {
            if (isDisposed)
                return;
            timer?.Dispose();
            // Rounded up: timers count whole milliseconds, and one that is early only has to be set again.
            var left = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, (End.At - clock.Now).TotalMilliseconds)));
            timer = clock.Time.CreateTimer(_ => Fired(clock, over), null, left < LongestTimer ? left : LongestTimer, Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            isDisposed = true;
            timer?.Dispose();
        }
    }

    /// <summary>What IKE is told when the client is back: the time that is left.</summary>
    public SessionGrant GrantAt(MonotonicTime now) =>
        ExpiresAt is { } expires ? Grant with { SessionTimeout = expires > now ? expires - now : TimeSpan.FromTicks(1) } : Grant;

    // A timer may be early, and is where the end is further away than timers reach.
    private void Fired(MonotonicClock clock, Action over)
    {
        if (End.At > clock.Now)
            Watch(clock, over);
        else
            over();
    }
}
