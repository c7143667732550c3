using Headend.Ikev2;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>Sessions over restarts: those of an earlier process go on asleep, and at a stop those that are kept fall asleep.</summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>Takes a session of an earlier process up: it waits for its client like any that went silent. Before the shards start.</summary>
    /// <param name="session">It has its addresses and its number.</param>
    /// <param name="waits">Not over yet.</param>
    /// <param name="kept">What its client has to come back with.</param>
    /// <param name="accounting">List and interval, or null for none.</param>
    public void Restore(ClientSession session, SessionInactivity waits, KeptSession kept, AccountingBinding? accounting)
    {
        if (accounting is not null && services.Accounting?.FindContinued(session.Names.AcctSessionId) is { } open)
        {
            var wall = services.Clock.Time.GetUtcNow();
            var before = open.SessionTime + (wall > open.SeenAt ? wall - open.SeenAt : TimeSpan.Zero);
            session.Carried = open.Counters;
            session.Accounting = new SessionAccounting(
                RecordsOf(session, open.StartedAt), services.Accounting, accounting.List, accounting.InterimInterval, services.Clock.Time, before);
        }

        services.Simultaneous.Restore(session);
        if (kept.Reconnect is { } reconnect)
            services.Reconnects.Restore(session, reconnect);
        services.Tickets.Restore(session, kept.Tickets);
        services.Table.Add(session);
        services.Table.MarkUp(session);
        session.TryWait(waits);
        services.Table.MarkInactive(true);
        if (session.Accounting is not null)
            services.Interims.Add(session);
        // Since when it is silent: a second crash must not give it its time again.
        _ = services.Kept.Keep(session);
        Watch(session, waits);
    }

    /// <summary>Makes the interfaces of sessions that were restored; one that cannot be made ends its session.</summary>
    public void RestoreInterfaces(IReadOnlyList<ClientSession> sessions) =>
        services.Interfaces.Restore(sessions, (session, why) => TryEndInactive(session, null, SessionEndReason.DataPlaneFailed, why));

    /// <summary>Before a stop: sessions that are kept lose IKE and ESP without a word, and accounting hears how far they have come.</summary>
    /// <returns>How many wait for the next process.</returns>
    public async Task<int> SuspendAllAsync()
    {
        List<ClientSession> kept = [.. services.Table.All.Where(s => s.Kept.IsStored)];
        foreach (var session in kept)
            session.Shard.Post(new SuspendSessionCommand(session.Id, "the headend stops"));
        // Behind what comes of that.
        foreach (var shard in kept.Select(s => s.Shard).Distinct().ToList())
        {
            await shard.InvokeAsync(static (_, _) => { }).ConfigureAwait(false);
            await shard.InvokeAsync(static (_, _) => { }).ConfigureAwait(false);
        }

        var now = services.Clock.Time.GetUtcNow();
        kept.RemoveAll(s => s.Inactivity is null);
        foreach (var session in kept)
            session.Accounting?.Interim(now, services.Interfaces.CountersOf(session));
        LogSuspended(services.Logger, kept.Count);
        return kept.Count;
    }

    [LoggerMessage(EventId = 1016, EventName = "sessions-suspended", Level = LogLevel.Information, Message = "sessions={Sessions}: they wait in the store for the next start")]
    private static partial void LogSuspended(ILogger logger, int sessions);
}
