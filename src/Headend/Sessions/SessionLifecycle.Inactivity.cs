using Headend.Ikev2;
using Headend.Runtime;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>
/// Sessions whose client is silent: no IKE SA and no ESP, but the interface with its filters and policies, addresses, the accounting session and the place among the
/// user's sessions. They end by their own deadlines, by an operator or AAA, or go on with another login.
/// </summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>A stop has begun, and who waits then does so for the next process.</summary>
    private volatile bool keptForNext;

    public void Inactive(SessionInactiveEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        var now = services.Clock.Now;
        var waits = new SessionInactivity
        {
            Grant = effect.Grant,
            Since = now,
            Until = now + effect.Timeout,
            ExpiresAt = effect.ExpiresAt,
            IdleAt = IdleEnd(session, effect.Grant.IdleTimeout, now),
            IsPassing = session.IsClaimed,
        };
        if (!session.TryWait(waits))
            return;
        // A pair whose completion is still in the mailbox: the core does not know it yet, and would not put it back for a session that it knows no more.
        services.Interfaces.RemoveSas(session);
        services.Table.MarkInactive(true);
        if (!waits.IsPassing)
            Announce(session, waits, effect.Detail);
        Watch(session, waits);
    }

    /// <summary>The session does not go on at once: the store and whoever reads the log are told.</summary>
    private void Announce(ClientSession session, SessionInactivity waits, string detail)
    {
        _ = services.Kept.Keep(session);
        var seconds = (long)Math.Ceiling((waits.Until - services.Clock.Now).TotalSeconds);
        LogInactive(services.Logger, session.User, session.Names.AuditSessionId, session.InterfaceName, seconds, detail);
    }

    /// <summary>A command found no IKE SA: the session waits, or it has moved on. What it finds may change under it; then it is for what stands next.</summary>
    public void Unclaimed(UnclaimedCommandEffect effect, IkeShard shard)
    {
        if (!services.Table.TryFindMoved(effect.Session, out var session))
            return;
        var home = session!.Home;
        if (home.Id != effect.Session || home.Shard != shard)
        {
            home.Shard.Post(Redirect(effect.Command, home.Id));
            return;
        }

        switch (effect.Command)
        {
            case EndSessionCommand end when session is { Returning: not null, Inactivity: null }:
                // The login that took it over is over, and the kernel's thread is on the way to letting it wait again. Whoever has taken it by then is asked in its place.
                services.Interfaces.Behind(() =>
                {
                    EndInactive(session, null, end.Reason, end.Detail);
                    if (!session.IsClosed)
                        session.Home.Shard.Post(end with { Session = session.Home.Id });
                });
                break;
            case EndSessionCommand end:
                EndInactive(session, null, end.Reason, end.Detail);
                break;
            case ChangeTimeoutsCommand change when session.Inactivity is { } waits:
                if (!TryChangeLimits(session, waits, change))
                    Unclaimed(effect, shard);
                break;
            case ReauthenticateCommand ask when session.Inactivity is { } waits:
                var limit = services.Clock.Now + ask.Within;
                if (!TryReplace(session, waits, waits.Grant, waits.ExpiresAt < limit ? waits.ExpiresAt : limit, waits.IdleAt))
                    Unclaimed(effect, shard);
                break;
            case ChangeTimeoutsCommand change when session.Returning is { } returns:
                if (!TryReplaceReturning(session, returns, change))
                    Unclaimed(effect, shard);
                break;
            case ReauthenticateCommand ask when session.Returning is { } returns:
                var latest = services.Clock.Now + ask.Within;
                var sooner = returns.ExpiresAt < latest ? returns.ExpiresAt : latest;
                if (!TryReplaceReturning(session, returns, new SessionInactivity(returns) { ExpiresAt = sooner, ReauthenticateBy = latest }))
                    Unclaimed(effect, shard);
                break;
        }
    }

    /// <summary>At shutdown: whoever waits does so no longer.</summary>
    /// <param name="keeps">But those of which the store has a picture wait for the next process.</param>
    public void EndAllInactive(bool keeps)
    {
        keptForNext = keeps;
        foreach (var session in services.Table.All.Where(s => !keeps || !s.Kept.IsStored))
            EndInactive(session, null, SessionEndReason.Shutdown, "the headend shuts down");
    }

    private static IkeCommand Redirect(IkeCommand command, SessionId to) => command switch
    {
        EndSessionCommand end => end with { Session = to },
        ChangeTimeoutsCommand change => change with { Session = to },
        ReauthenticateCommand ask => ask with { Session = to },
        _ => command,
    };

    private bool TryChangeLimits(ClientSession session, SessionInactivity waits, ChangeTimeoutsCommand change)
    {
        var (grant, expires, idle) = Changed(session, waits, change);
        return TryReplace(session, waits, grant, expires, idle);
    }

    private (SessionGrant Grant, MonotonicTime? ExpiresAt, MonotonicTime? IdleAt) Changed(ClientSession session, SessionInactivity waits, ChangeTimeoutsCommand change)
    {
        var now = services.Clock.Now;
        var grant = waits.Grant;
        var (expires, idle) = (waits.ExpiresAt, waits.IdleAt);
        if (change.SessionTimeout is { } total)
        {
            grant = grant with { SessionTimeout = total > TimeSpan.Zero ? total : null };
            expires = total > TimeSpan.Zero ? now + total : null;
        }

        if (change.IdleTimeout is { } quiet)
        {
            grant = grant with { IdleTimeout = quiet > TimeSpan.Zero ? quiet : null };
            idle = IdleEnd(session, grant.IdleTimeout, now);
        }

        return (grant, expires, idle);
    }

    private bool TryReplaceReturning(ClientSession session, SessionInactivity returns, ChangeTimeoutsCommand change)
    {
        var (grant, expires, idle) = Changed(session, returns, change);
        return TryReplaceReturning(session, returns, new SessionInactivity(returns)
        {
            Grant = grant,
            ExpiresAt = expires,
            IdleAt = idle,
            IsTotalChanged = returns.IsTotalChanged || change.SessionTimeout is not null,
            IsIdleChanged = returns.IsIdleChanged || change.IdleTimeout is not null,
        });
    }

    // A login is taking the session over. Its limits of before are on their way to IKE, which hears of these when it is up.
    private bool TryReplaceReturning(ClientSession session, SessionInactivity returns, SessionInactivity changed)
    {
        if (!session.TryChangeReturning(returns, changed))
            return false;
        _ = services.Kept.Keep(session);
        return true;
    }

    /// <summary>What was changed while the login took the session over, and nothing else: a whole login has brought limits of its own.</summary>
    internal static void CatchUp(ClientSession session, SessionInactivity returned, IkeShard shard, MonotonicTime now)
    {
        if (returned.IsTotalChanged || returned.IsIdleChanged)
        {
            var left = returned.ExpiresAt - now;
            TimeSpan? total = !returned.IsTotalChanged ? null : left is null ? TimeSpan.Zero : left > TimeSpan.Zero ? left.Value : TimeSpan.FromTicks(1);
            TimeSpan? idle = returned.IsIdleChanged ? returned.Grant.IdleTimeout ?? TimeSpan.Zero : null;
            shard.Post(new ChangeTimeoutsCommand(session.Id, total, idle));
            session.Kept.Change(total, idle, now);
        }

        if (returned.ReauthenticateBy is not { } latest)
            return;
        shard.Post(new ReauthenticateCommand(session.Id, latest > now ? latest - now : TimeSpan.FromSeconds(1)));
        if (session.Kept.ExpiresAt is not { } end || end > latest)
            session.Kept.ExpiresAt = latest;
    }

    private bool TryReplace(ClientSession session, SessionInactivity waits, SessionGrant grant, MonotonicTime? expires, MonotonicTime? idle)
    {
        var changed = new SessionInactivity(waits) { Grant = grant, ExpiresAt = expires, IdleAt = idle };
        if (!session.TryChangeWait(waits, changed))
            return false;
        Watch(session, changed);
        _ = services.Kept.Keep(session);
        return true;
    }

    private MonotonicTime? IdleEnd(ClientSession session, TimeSpan? timeout, MonotonicTime now)
    {
        if (timeout is not { Ticks: > 0 } limit)
            return null;
        var (inbound, outbound) = services.Interfaces.LastTraffic(session);
        var last = inbound is { } i && outbound is { } o ? (i > o ? i : o) : inbound ?? outbound ?? session.UpAt ?? now;
        return last + limit;
    }

    private void Watch(ClientSession session, SessionInactivity waits) => waits.Watch(services.Clock, () =>
    {
        // The next process ends it, with the right cause.
        if (keptForNext)
            return;
        var (_, reason, detail) = waits.End;
        EndInactive(session, waits, reason, detail);
    });

    private void EndInactive(ClientSession session, SessionInactivity? waits, SessionEndReason reason, string detail)
    {
        if (!session.TryEndWait(waits))
            return;
        LogInactiveEnded(services.Logger, session.User, session.Names.AuditSessionId, session.InterfaceName, detail);
        End(session, EndReasonTable.Of(reason), wasInactive: true);
    }

    private void TunnelChanged(ClientSession session, bool isUp)
    {
        if (isUp)
            LogTunnelUp(services.Logger, session.User, session.Names.AuditSessionId, session.InterfaceName);
        else
            LogTunnelDown(services.Logger, session.User, session.Names.AuditSessionId, session.InterfaceName);
        services.Metrics.TunnelChanged(isUp);
    }

    [LoggerMessage(EventId = 1011, EventName = "session-inactive", Level = LogLevel.Information, Message = "user={User} session={Session} interface={Interface} for={Seconds}s: the client is silent, its session sleeps ({Detail})")]
    private static partial void LogInactive(ILogger logger, string? user, string session, string @interface, long seconds, string detail);

    [LoggerMessage(EventId = 1012, EventName = "session-returned", Level = LogLevel.Information, Message = "user={User} session={Session} interface={Interface} slept={Slept} remote={Remote}: the client has resumed")]
    private static partial void LogReturned(ILogger logger, string? user, string session, string @interface, TimeSpan slept, string remote);

    [LoggerMessage(EventId = 1013, EventName = "session-sleep-ended", Level = LogLevel.Information, Message = "user={User} session={Session} interface={Interface}: the sleeping session ends ({Detail})")]
    private static partial void LogInactiveEnded(ILogger logger, string? user, string session, string @interface, string detail);

    [LoggerMessage(EventId = 1014, EventName = "tunnel-up", Level = LogLevel.Information, Message = "user={User} session={Session} interface={Interface}")]
    private static partial void LogTunnelUp(ILogger logger, string? user, string session, string @interface);

    [LoggerMessage(EventId = 1015, EventName = "tunnel-down", Level = LogLevel.Information, Message = "user={User} session={Session} interface={Interface}")]
    private static partial void LogTunnelDown(ILogger logger, string? user, string session, string @interface);
}
