using Headend.Aaa.Client;

namespace Headend.Aaa.Accounting;

/// <summary>Limits and pauses of an <see cref="AccountingClient"/>.</summary>
public sealed record AccountingLimits
{
    /// <summary>Records that wait at once. Beyond it the oldest Interim-Updates are dropped; all others never are.</summary>
    public int MaximumRecords { get; init; } = 100_000;

    /// <summary>Octets of records that wait at once, in memory and on disk; beyond it the same.</summary>
    public long MaximumOctets { get; init; } = 256_000_000;

    /// <summary>
    /// Records of one list under way at once. A commit releases its records together: so many datagrams find room in a receive buffer of Linux's default size (208 KiB, of which
    /// each takes about 1 KiB) while the server is not running.
    /// </summary>
    public int MaximumConcurrent { get; init; } = 128;

    /// <summary>Pause after no server answered; doubled each time up to <see cref="MaximumBackoff"/>.</summary>
    public TimeSpan InitialBackoff { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MaximumBackoff { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Pause after the spool refused a batch.</summary>
    public TimeSpan SpoolRetry { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long delivered records may stay in the spool, so that they leave it many at a time. A crash meanwhile sends them again.</summary>
    public TimeSpan RemovalDelay { get; init; } = TimeSpan.FromMilliseconds(250);
}

/// <summary>Where the records of one accounting list go.</summary>
/// <param name="Name">As in the configuration, and in the spool.</param>
/// <param name="Groups">The next one is asked when no server of those before it answers. At least one.</param>
public sealed record AccountingListOptions(string Name, IReadOnlyList<RadiusServerGroup> Groups)
{
    /// <summary>Null: an outage never ends a session. Otherwise a session is reported as overdue when its Start or an Interim-Update waits for longer than this.</summary>
    public TimeSpan? EndSessionsAfter { get; init; }
}

/// <summary>What an <see cref="AccountingClient"/> tells its host. From any thread; must not block or throw.</summary>
public interface IAccountingObserver
{
    void Delivered(SpooledRecord record)
    {
    }

    /// <summary>No server answered; the record stays in the spool.</summary>
    void Delayed(SpooledRecord record, RadiusOutcome.Unavailable outcome, TimeSpan backoff)
    {
    }

    /// <summary>The record is lost: an Interim-Update for want of room, one that cannot be encoded, or an Accounting-On or -Off that servers ignore.</summary>
    void Dropped(SpooledRecord record, string reason)
    {
    }

    /// <summary>The servers take other records but not this one, again and again. It stays in the spool and is tried at long intervals.</summary>
    void Stuck(SpooledRecord record)
    {
    }

    /// <summary>The spool refused a batch: what is new is only in memory until it is taken.</summary>
    void SpoolFailed(string failure, int unsaved)
    {
    }

    /// <summary>The spool takes batches again.</summary>
    void SpoolRecovered()
    {
    }

    /// <summary>Acct-Session-Ids of sessions that their list says must not go on without accounting.</summary>
    void SessionsOverdue(string list, IReadOnlyList<string> sessionIds)
    {
    }
}

/// <summary>Counters of an <see cref="AccountingClient"/> since the start of the process, and what it holds.</summary>
/// <param name="Waiting">Records not acknowledged.</param>
/// <param name="WaitingOctets">Their size.</param>
/// <param name="Unsaved">Of them, those that are only in memory.</param>
/// <param name="OpenSessions">Sessions between Start and Stop.</param>
/// <param name="Recovered">Sessions of an earlier process that got their Stop at this start.</param>
/// <param name="Delivered">Records acknowledged.</param>
/// <param name="Commits">Batches written.</param>
/// <param name="CommittedRecords">Records written.</param>
/// <param name="SpoolFailures">Batches refused.</param>
/// <param name="SpoolFailure">Why the last batch was refused, or null when it was taken.</param>
/// <param name="DroppedInterims">Interim-Updates dropped for want of room.</param>
/// <param name="Unsendable">Records that could not be sent at all.</param>
/// <param name="Orphans">Records in the spool whose list is no longer configured: they stay there.</param>
/// <param name="Lists">Each list.</param>
public sealed record AccountingStatistics(
    int Waiting, long WaitingOctets, int Unsaved, int OpenSessions, int Recovered, long Delivered, long Commits, long CommittedRecords,
    long SpoolFailures, string? SpoolFailure, long DroppedInterims, long Unsendable, int Orphans, IReadOnlyList<AccountingListStatistics> Lists);

/// <param name="Name">As in the configuration.</param>
/// <param name="Waiting">Records released for sending and not acknowledged.</param>
/// <param name="InFlight">Of them, those sent and not answered.</param>
/// <param name="Stuck">Sessions whose next record is refused although others are taken.</param>
/// <param name="Delivered">Records acknowledged.</param>
/// <param name="Failures">Attempts that no server answered.</param>
/// <param name="SilentSince">Since when no server answers, or null.</param>
public sealed record AccountingListStatistics(
    string Name, int Waiting, int InFlight, int Stuck, long Delivered, long Failures, DateTimeOffset? SilentSince);
