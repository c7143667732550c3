using Headend.Aaa.Authorization;
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
            // A client that was to authenticate anew and slept before it heard is told when it is back (RFC 4478 3).
            Grant = session.Kept.Grant.ReauthenticateAtTimeout ? effect.Grant with { ReauthenticateAtTimeout = true } : effect.Grant,
            Since = now,
            Until = now + effect.Timeout,
            ExpiresAt = effect.ExpiresAt,
            IdleAt = IdleEnd(session, effect.Grant.IdleTimeout, now),
            IsPassing = session.IsClaimed,
        };
        // A pair whose completion is still in the mailbox: the core does not know it yet, and would not put it back for a session that it knows no more. Before the session waits: from then
        // on another login may take it and have a pair of its own. Of a session that is over the whole interface goes.
        services.Interfaces.RemoveSas(session);
        if (!session.TryWait(waits))
            return;
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
        while (!TryPerform(effect, shard))
        {
        }
    }

    // False where the session has changed since it was looked at.
    private bool TryPerform(UnclaimedCommandEffect effect, IkeShard shard)
    {
        if (!services.Table.TryFindMoved(effect.Session, out var found))
            return true;
        // A session that has just taken a login's place is found by the login's id at once, though the table still has the login.
        var session = found!.Current;
        var (home, waits, returns) = session.Standing;
        if (home.Id != effect.Session || home.Shard != shard)
        {
            Redirect(session, effect.Command, home);
            return true;
        }

        switch (effect.Command)
        {
            case EndSessionCommand end when returns is not null:
                // The login that took it over is over, and the kernel's thread is on the way to letting it wait again. Whoever has taken it by then is asked in its place.
                services.Interfaces.Behind(() =>
                {
                    if (!TryEndInactive(session, null, end.Reason, end.Detail) && !session.IsClosed)
                        Redirect(session, end, session.Home);
                });
                return true;
            case EndSessionCommand end when waits is not null:
                return TryEndInactive(session, null, end.Reason, end.Detail);
            case ChangeTimeoutsCommand change when waits is not null:
                return TryChangeLimits(session, waits, change);
            case ReauthenticateCommand ask when waits is not null:
                var limit = services.Clock.Now + ask.Within;
                return TryReplace(session, waits, Reauthenticating(waits), waits.ExpiresAt < limit ? waits.ExpiresAt : limit, waits.IdleAt);
            case ChangeTimeoutsCommand change when returns is not null:
                return TryReplaceReturning(session, returns, change);
            case ReauthenticateCommand ask when returns is not null:
                var latest = services.Clock.Now + ask.Within;
                var sooner = returns.ExpiresAt < latest ? returns.ExpiresAt : latest;
                return TryReplaceReturning(session, returns, new SessionInactivity(returns) { Grant = Reauthenticating(returns), ExpiresAt = sooner, ReauthenticateBy = latest });
            default:
                // It is over, or was never up.
                return true;
        }
    }

    /// <summary>At shutdown: whoever waits does so no longer.</summary>
    /// <param name="keeps">But those of which the store has a picture wait for the next process.</param>
    public void EndAllInactive(bool keeps)
    {
        keptForNext = keeps;
        foreach (var session in services.Table.All.Where(s => !keeps || !s.Kept.IsStored))
            TryEndInactive(session, null, SessionEndReason.Shutdown, "the headend shuts down");
    }

    /// <summary>Sends a command after a session that has moved. What is kept of its limits is changed in the same turn: the login that it moved to has brought those of before.</summary>
    private static void Redirect(ClientSession session, IkeCommand command, SessionHome to)
    {
        switch (command)
        {
            case EndSessionCommand end:
                to.Shard.Post(end with { Session = to.Id });
                break;
            case ChangeTimeoutsCommand change:
                HandOver(to, change with { Session = to.Id }, now => session.Kept.Change(change, now));
                break;
            case ReauthenticateCommand ask:
                HandOver(to, ask with { Session = to.Id }, now => session.Kept.Change(ask, now));
                break;
        }
    }

    // What is kept of the session changes in the same turn as its IKE SA.
    private static void HandOver(SessionHome to, IkeCommand command, Action<MonotonicTime> keep) =>
        _ = to.Shard.InvokeAsync((endpoint, now) =>
        {
            endpoint.Handle(command, now);
            keep(now);
        });

    // IKE_AUTH tells the client that comes back what is left (RFC 4478 3); a whole login has a grant of its own.
    private static SessionGrant Reauthenticating(SessionInactivity waits) => waits.Grant with { ReauthenticateAtTimeout = true };

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
            // The new end takes the place of one by which the client was to authenticate anew.
            grant = grant with { SessionTimeout = total > TimeSpan.Zero ? total : null, ReauthenticateAtTimeout = session.Profile.TerminationAction == TerminationAction.RadiusRequest };
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
            var change = new ChangeTimeoutsCommand(session.Id, total, idle);
            shard.Post(change);
            session.Kept.Change(change, now);
        }

        if (returned.ReauthenticateBy is not { } latest)
            return;
        var ask = new ReauthenticateCommand(session.Id, latest > now ? latest - now : TimeSpan.FromSeconds(1));
        shard.Post(ask);
        session.Kept.Change(ask, now);
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
        // As IKE counts while the session is up: anew from each return.
        var last = session.ReturnedAt ?? session.UpAt ?? now;
        foreach (var packet in new[] { inbound, outbound })
            last = packet > last ? packet.Value : last;
        return last + limit;
    }

    private void Watch(ClientSession session, SessionInactivity waits) => waits.Watch(services.Clock, () =>
    {
        // The next process ends it, with the right cause.
        if (keptForNext)
            return;
        var (_, reason, detail) = waits.End;
        TryEndInactive(session, waits, reason, detail);
    });

    /// <summary>False where the session does not wait so, or not any more.</summary>
    private bool TryEndInactive(ClientSession session, SessionInactivity? waits, SessionEndReason reason, string detail)
    {
        if (!session.TryEndWait(waits))
            return false;
        LogInactiveEnded(services.Logger, session.User, session.Names.AuditSessionId, session.InterfaceName, detail);
        End(session, EndReasonTable.Of(reason), wasInactive: true);
        return true;
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
