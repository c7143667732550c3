using System.Diagnostics.CodeAnalysis;

namespace Headend.Aaa.Accounting;

/// <summary>
/// Where accounting outlives the process. Calls come from one thread at a time and may block. What a committed batch says is on disk, all of it or nothing.
/// </summary>
public interface IAccountingSpool
{
    /// <summary>What an earlier process left. Called once, before the first commit.</summary>
    SpoolContent Load();

    /// <summary>Writes a batch. A batch that failed comes again with what was added to it, so that parts of it may be there already.</summary>
    /// <param name="batch">What has changed.</param>
    /// <param name="failure">What the operating system or the file said, for the operator.</param>
    bool TryCommit(SpoolBatch batch, [NotNullWhen(false)] out string? failure);
}

/// <summary>One Accounting-Request that waits for its answer.</summary>
/// <param name="Id">Grows with every record, over restarts too; the order of delivery.</param>
/// <param name="List">The accounting list that it belongs to.</param>
/// <param name="SessionId">Acct-Session-Id. With the status it is the identity of a Start and of a Stop.</param>
/// <param name="Status">Acct-Status-Type.</param>
/// <param name="EventAt">When it happened, in whole milliseconds.</param>
/// <param name="Attributes">The request's attributes as they go onto the wire; each transmission only sets Acct-Delay-Time.</param>
public sealed record SpooledRecord(
    long Id, string List, string SessionId, AcctStatusType Status, DateTimeOffset EventAt, ReadOnlyMemory<byte> Attributes);

/// <summary>A session that has had its Start and not its Stop.</summary>
/// <param name="SessionId">Acct-Session-Id.</param>
/// <param name="List">The accounting list.</param>
/// <param name="StartedAt">When it was established.</param>
/// <param name="SeenAt">When the counters were read.</param>
/// <param name="SessionTime">How long the session had lasted at <paramref name="SeenAt"/>, in whole milliseconds.</param>
/// <param name="Counters">As last read; at least what any record of the session said.</param>
/// <param name="Description">The attributes that all its records share.</param>
public sealed record OpenSessionRecord(
    string SessionId, string List, DateTimeOffset StartedAt, DateTimeOffset SeenAt, TimeSpan SessionTime, TrafficCounters Counters, ReadOnlyMemory<byte> Description);

/// <summary>What changes together.</summary>
/// <param name="Added">New records. One that is there already stays as it is.</param>
/// <param name="Removed">Ids of records that are done with.</param>
/// <param name="Opened">Sessions that are open, or whose counters are newer; each replaces what was stored under its name.</param>
/// <param name="Closed">Acct-Session-Ids of sessions that have had their Stop.</param>
/// <param name="AliveAt">When the process was last known to run, or null for no news.</param>
public sealed record SpoolBatch(
    IReadOnlyList<SpooledRecord> Added, IReadOnlyList<long> Removed, IReadOnlyList<OpenSessionRecord> Opened, IReadOnlyList<string> Closed, DateTimeOffset? AliveAt);

/// <summary>What the spool held when it was opened.</summary>
/// <param name="Records">In order of their ids.</param>
/// <param name="OpenSessions">Sessions that the earlier process did not end.</param>
/// <param name="AliveAt">When it was last known to run; null for a new spool.</param>
public sealed record SpoolContent(IReadOnlyList<SpooledRecord> Records, IReadOnlyList<OpenSessionRecord> OpenSessions, DateTimeOffset? AliveAt)
{
    public static SpoolContent Empty { get; } = new([], [], null);
}
