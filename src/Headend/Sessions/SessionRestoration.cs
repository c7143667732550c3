using Headend.Aaa.Accounting;
using Headend.Aaa.Client;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Store;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>
/// Decides at the start, of each session that an earlier process kept, whether it goes on. Those whose time ran out meanwhile, and those that the configuration has no place for any more, get
/// the Stop that they never had.
/// </summary>
internal sealed partial class SessionRestoration
{
    /// <summary>Far above what the core counts to: no login of this process gets such an id.</summary>
    private const ulong FirstId = 1UL << 55;

    private readonly SessionServices services;
    private readonly SessionLifecycle lifecycle;
    private readonly IReadOnlyList<IkeProfile> profiles;
    private readonly IReadOnlyList<IkeShard> shards;
    private readonly Func<string, RadiusServerGroup?> groupOf;
    private readonly MonotonicTime now;
    private readonly DateTimeOffset wall;

    /// <summary>As the process before marked it: in the future where the clock was set back.</summary>
    private readonly DateTimeOffset marked;

    /// <summary>The same, but never in the future.</summary>
    private readonly DateTimeOffset lastAlive;

    /// <param name="services">Those of the sessions.</param>
    /// <param name="lifecycle">Takes them.</param>
    /// <param name="profiles">Of the configuration.</param>
    /// <param name="shards">Not started yet.</param>
    /// <param name="groupOf">Finds a group of RADIUS servers.</param>
    /// <param name="lastAlive">When the process before was last known to run; null: now.</param>
    public SessionRestoration(
        SessionServices services, SessionLifecycle lifecycle, IReadOnlyList<IkeProfile> profiles, IReadOnlyList<IkeShard> shards, Func<string, RadiusServerGroup?> groupOf, DateTimeOffset? lastAlive)
    {
        (this.services, this.lifecycle, this.profiles, this.shards, this.groupOf) = (services, lifecycle, profiles, shards, groupOf);
        now = services.Clock.Now;
        wall = services.Clock.Time.GetUtcNow();
        marked = lastAlive ?? wall;
        this.lastAlive = marked < wall ? marked : wall;
    }

    /// <summary>What the store has. Accounting must know before its start which sessions get no Stop.</summary>
    public static IReadOnlyList<KeptSession> Read(SealedStore? store, ILogger logger)
    {
        var sessions = new List<KeptSession>();
        foreach (var record in store?.Take(KeptSessionTable.Kind) ?? [])
        {
            if (KeptSessionCodec.TryDecode(record.Content, out var session) && session.Names.AcctSessionId == record.Id)
            {
                sessions.Add(session);
            }
            else
            {
                LogUnreadable(logger, record.Id);
                _ = store!.RemoveAsync(record.Kind, record.Id);
            }

            System.Security.Cryptography.CryptographicOperations.ZeroMemory(record.Content);
        }

        return sessions;
    }

    /// <summary>All that can go on do; their interfaces are made behind this.</summary>
    public void Restore(IReadOnlyList<KeptSession> sessions)
    {
        var restored = new List<ClientSession>();
        foreach (var kept in sessions.Select(ByThisClock))
        {
            if (TryRestore(kept, (ulong)restored.Count, out var session, out var why))
            {
                restored.Add(session!);
                continue;
            }

            if (why is not null)
                LogEnded(services.Logger, kept.Login.User, kept.Names.AuditSessionId, why);
            services.Kept.Forget(kept);
        }

        if (restored.Count == 0)
            return;
        LogRestored(services.Logger, restored.Count);
        lifecycle.RestoreInterfaces(restored);
    }

    private bool TryRestore(KeptSession kept, ulong number, out ClientSession? session, out string? why)
    {
        (session, why) = (null, null);
        // The Stop is written behind the removal, but both may have been under way.
        if (kept.AccountingList is not null && services.Accounting?.FindContinued(kept.Names.AcctSessionId) is null)
            return false;
        var waits = WaitOf(kept);
        if (waits.End.At <= now)
        {
            var (at, reason, detail) = waits.End;
            why = detail;
            End(kept, wall + (at - now), EndReasonTable.Of(reason).TerminateCause);
            return false;
        }

        why = TakeUp(kept, number, out session);
        if (why is not null)
        {
            End(kept, lastAlive, AcctTerminateCause.NasReboot);
            return false;
        }

        lifecycle.Restore(session!, waits, kept, kept.AccountingList is { } list ? new AccountingBinding(list, kept.InterimInterval) : null);
        return true;
    }

    /// <summary>Answers what stands in the way, or null.</summary>
    private string? TakeUp(KeptSession kept, ulong number, out ClientSession? session)
    {
        session = null;
        if (profiles.FirstOrDefault(p => p.Name == kept.Profile) is not { } profile)
            return $"there is no profile {kept.Profile} any more";
        if (profile.Reconnect is null && profile.ClientResume is null && profile.Resumption is null)
            return $"profile {kept.Profile} lets nobody come back any more";
        if (!services.Numbers.TryKeep(kept.Names))
            return $"another session has its number {kept.Names.Number}";
        var shard = shards[(int)(number % (ulong)shards.Count)];
        var id = new SessionId(((ulong)shard.Index << 56) | (FirstId + number));
        var made = new ClientSession(kept, profile, new SessionHome(id, shard), now + (kept.UpAt - wall)) { AuthorizedBy = kept.AuthorizedBy is { } group ? groupOf(group) : null };
        if (!services.Addressing.TryRestore(made, kept.Leases))
        {
            services.Numbers.Return(kept.Names);
            return "another session has its address";
        }

        session = made;
        return null;
    }

    /// <summary>
    /// A record of the future was written before the wall clock was set back. Its moments are moved back alike, to where the record is of the moment at which the process before was last alive: a session keeps what
    /// it had left then, and has no more of it.
    /// </summary>
    private KeptSession ByThisClock(KeptSession kept)
    {
        // A record that does not say when it was written is no older than what it tells of.
        var written = kept.AsOf ?? (kept.SilentSince > kept.UpAt ? kept.SilentSince.Value : kept.UpAt);
        // Each commit marks life: what is newer than the mark is of a clock that was set back while the process ran, and the mark is of the one behind that.
        var ahead = written > marked ? written - lastAlive : written > wall ? marked - wall : TimeSpan.Zero;
        return ahead == TimeSpan.Zero ? kept : kept with { AsOf = written - ahead, UpAt = kept.UpAt - ahead, SilentSince = kept.SilentSince - ahead, ExpiresAt = kept.ExpiresAt - ahead, IdleAt = kept.IdleAt - ahead };
    }

    private SessionInactivity WaitOf(KeptSession kept)
    {
        // A session that nobody missed yet is silent since nobody answered it any more.
        var since = kept.SilentSince ?? lastAlive;
        var idleAt = kept.IdleAt ?? (kept.Grant.IdleTimeout is { Ticks: > 0 } idle ? since + idle : null);
        return new SessionInactivity
        {
            Grant = kept.Grant,
            Since = At(since)!.Value,
            Until = At(since + kept.KeptFor)!.Value,
            ExpiresAt = Within(kept.Grant.SessionTimeout, At(kept.ExpiresAt)),
            IdleAt = Within(kept.Grant.IdleTimeout, At(idleAt)),
        };
    }

    /// <summary>Whatever the clocks were: nobody has more left than the whole of the limit.</summary>
    private MonotonicTime? Within(TimeSpan? limit, MonotonicTime? end) => limit is { Ticks: > 0 } whole && end > now + whole ? now + whole : end;

    private MonotonicTime? At(DateTimeOffset? time) => time is { } moment ? now + (moment - wall) : null;

    private void End(KeptSession kept, DateTimeOffset at, AcctTerminateCause cause) => services.Accounting?.EndContinued(kept.Names.AcctSessionId, at, cause);

    [LoggerMessage(EventId = 1017, EventName = "sessions-restored", Level = LogLevel.Information, Message = "sessions={Sessions}: of an earlier run, their clients may come back")]
    private static partial void LogRestored(ILogger logger, int sessions);

    [LoggerMessage(EventId = 1018, EventName = "session-not-restored", Level = LogLevel.Warning, Message = "user={User} session={Session}: a session of an earlier run ends ({Why})")]
    private static partial void LogEnded(ILogger logger, string? user, string session, string why);

    [LoggerMessage(EventId = 1019, EventName = "session-unreadable", Level = LogLevel.Warning, Message = "acctSession={Session}: a session of another version of the headend is not taken up")]
    private static partial void LogUnreadable(ILogger logger, string session);
}
