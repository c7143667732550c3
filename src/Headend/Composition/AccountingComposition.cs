using System.Net;
using Headend.Aaa.Accounting;
using Headend.Admin;
using Headend.Configuration;
using Headend.Sessions;
using Headend.Store;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>The accounting client on the embedded store; nothing of it where no accounting list is configured.</summary>
internal sealed partial class AccountingComposition : IAsyncDisposable
{
    private readonly HeadendConfiguration configuration;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly EmbeddedStore? store;
    private readonly AccountingLimits limits = new();
    private readonly IPAddress? nasAddress;
    private ITimer? checkpoints;

    /// <param name="configuration">Lists and limits.</param>
    /// <param name="radius">Carries the requests.</param>
    /// <param name="observer">Told what happens.</param>
    /// <param name="store">Disposed of after this; null where nothing is kept.</param>
    /// <param name="time">Clock and timers.</param>
    /// <param name="logger">Told what an earlier run left.</param>
    /// <param name="continuing">Acct-Session-Ids of an earlier run's sessions that go on.</param>
    public AccountingComposition(
        HeadendConfiguration configuration, RadiusComposition radius, IAccountingObserver observer, EmbeddedStore? store, TimeProvider time, ILogger logger,
        IReadOnlySet<string>? continuing = null)
    {
        this.configuration = configuration;
        this.store = store;
        this.time = time;
        this.logger = logger;
        nasAddress = radius.NasAddress;
        if (store is null)
            return;
        Epoch = TakeEpoch(store);
        if (radius.Client is null || radius.AccountingLists.Count == 0)
            return;
        limits = new AccountingLimits { MaximumRecords = configuration.Aaa.AccountingSpool.Records, MaximumOctets = configuration.Aaa.AccountingSpool.Size };
        Client = new AccountingClient(radius.Client, new EmbeddedAccountingSpool(store), radius.AccountingLists, time, limits, observer, continuing);
        var left = Client.GetStatistics();
        if (left.Waiting > 0 || left.Recovered > 0)
            LogRecovered(logger, left.Waiting, left.Recovered);
        if (left.Orphans > 0)
            LogOrphans(logger, left.Orphans);
    }

    /// <summary>Null where no accounting list is configured.</summary>
    public AccountingClient? Client { get; }

    /// <summary>The first half of every Acct-Session-Id: greater than that of every earlier process. Null without a store.</summary>
    public uint? Epoch { get; }

    /// <summary>Announces this start behind what the last process left, and begins to send.</summary>
    /// <param name="table">Whose counters are stored from time to time.</param>
    /// <param name="countersOf">Reads a session's counters.</param>
    public void Start(SessionTable table, Func<ClientSession, TrafficCounters> countersOf)
    {
        if (Client is null)
            return;
        // Servers end all sessions of a NAS that says so, also those that go on; whatever did not go on has its own Stop.
        if (Client.GetStatistics().OpenSessions == 0)
            Client.Announce(AcctStatusType.AccountingOn, $"{Epoch:X8}{0:X8}", configuration.NasIdentifier(), nasAddress);
        Client.Start();
        var interval = configuration.Aaa.AccountingSpool.CheckpointInterval;
        checkpoints = time.CreateTimer(_ => Client.Checkpoint(Reached(table, countersOf)), null, interval, interval);
    }

    /// <summary>Announces the end behind the Stops of all sessions and sends what the servers take within <paramref name="deadline"/>.</summary>
    /// <param name="deadline">The longest wait.</param>
    /// <param name="continues">Sessions go on in the next process: to servers nothing ends.</param>
    public async Task StopAsync(TimeSpan deadline, bool continues)
    {
        if (Client is null)
            return;
        if (!continues)
            Client.Announce(AcctStatusType.AccountingOff, $"{Epoch:X8}{0:X8}", configuration.NasIdentifier(), nasAddress);
        var left = await Client.FlushAsync(deadline);
        var unsaved = Client.GetStatistics().Unsaved;
        if (unsaved > 0)
            LogLost(logger, unsaved);
        else if (left > 0)
            LogUndelivered(logger, left);
    }

    public async ValueTask DisposeAsync()
    {
        if (checkpoints is not null)
            await checkpoints.DisposeAsync();
        if (Client is not null)
            await Client.DisposeAsync();
    }

    public AccountingSpoolRecord Describe()
    {
        if (Client is null)
            return new AccountingSpoolRecord { State = "ok" };
        var now = time.GetUtcNow();
        var statistics = Client.GetStatistics();
        return new AccountingSpoolRecord
        {
            File = store!.Path,
            State = statistics.SpoolFailure is null ? "ok" : "failed",
            Failure = statistics.SpoolFailure,
            Waiting = statistics.Waiting,
            WaitingOctets = statistics.WaitingOctets,
            Unsaved = statistics.Unsaved,
            OldestSeconds = Client.FindOldest() is { } oldest ? (long)(now - oldest).TotalSeconds : null,
            MaximumRecords = limits.MaximumRecords,
            MaximumOctets = limits.MaximumOctets,
            OpenSessions = statistics.OpenSessions,
            RecoveredSessions = statistics.Recovered,
            Delivered = statistics.Delivered,
            Spooled = statistics.CommittedRecords,
            Commits = statistics.Commits,
            SpoolFailures = statistics.SpoolFailures,
            DroppedInterims = statistics.DroppedInterims,
            Unsendable = statistics.Unsendable,
            Orphans = statistics.Orphans,
            Lists = [.. statistics.Lists.Select(l => new AccountingListRecord
            {
                Name = l.Name,
                State = l.SilentSince is null ? "up" : "silent",
                SilentForSeconds = l.SilentSince is { } since ? (long)(now - since).TotalSeconds : null,
                Waiting = l.Waiting,
                InFlight = l.InFlight,
                Stuck = l.Stuck,
                Delivered = l.Delivered,
                Failures = l.Failures,
            })],
        };
    }

    private static List<(string AcctSessionId, TimeSpan SessionTime, TrafficCounters Counters)> Reached(SessionTable table, Func<ClientSession, TrafficCounters> countersOf)
    {
        var reached = new List<(string, TimeSpan, TrafficCounters)>();
        foreach (var session in table.All)
        {
            if (session.Accounting is { } accounting)
                reached.Add((session.Names.AcctSessionId, accounting.Elapsed, countersOf(session)));
        }

        return reached;
    }

    private uint TakeEpoch(EmbeddedStore from)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        try
        {
            lock (from.Gate)
                return (uint)from.UpdateSetting("epoch", last => Math.Max(now, last + 1 ?? 0));
        }
        catch (StoreException error)
        {
            // A full disk: the clock alone has to tell this process from the one before.
            LogEpoch(logger, error.Message);
            return (uint)now;
        }
    }

    [LoggerMessage(EventId = 1242, EventName = "accounting-recovered", Level = LogLevel.Warning, Message = "records={Records} stops={Stops}: left by an earlier run; stops are of sessions that it did not end")]
    private static partial void LogRecovered(ILogger logger, int records, int stops);

    [LoggerMessage(EventId = 1243, EventName = "accounting-orphans", Level = LogLevel.Warning, Message = "records={Records}: of accounting lists that are no longer configured; they stay in the store")]
    private static partial void LogOrphans(ILogger logger, int records);

    [LoggerMessage(EventId = 1244, EventName = "accounting-undelivered", Level = LogLevel.Warning, Message = "records={Records}: no RADIUS server took them yet; the next start sends them")]
    private static partial void LogUndelivered(ILogger logger, int records);

    [LoggerMessage(EventId = 1245, EventName = "accounting-lost", Level = LogLevel.Error, Message = "records={Records}: neither a RADIUS server nor the disk took them")]
    private static partial void LogLost(ILogger logger, int records);

    [LoggerMessage(EventId = 1246, EventName = "store-failed", Level = LogLevel.Error, Message = "{Failure}")]
    private static partial void LogEpoch(ILogger logger, string failure);
}
