namespace Headend.Configuration;

internal sealed record AaaOptions(
    IReadOnlyList<MethodListOptions> Authentication,
    IReadOnlyList<MethodListOptions> Authorization,
    IReadOnlyList<AccountingListOptions> Accounting,
    AccountingSpoolOptions AccountingSpool,
    IReadOnlyList<LocalUserOptions> LocalUsers)
{
    public LockoutOptions Lockout { get; init; } = new(0, 0, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));

    public IReadOnlyList<AttributeListOptions> AttributeLists { get; init; } = [];
}

internal sealed record MethodListOptions(string Name, IReadOnlyList<AaaMethodOptions> Methods);

/// <param name="Name">Name by which profiles refer to the list.</param>
/// <param name="Methods">Groups that receive the records.</param>
/// <param name="InterimInterval">Time between Interim-Updates where the Access-Accept names none; null sends none.</param>
/// <param name="EndSessionsAfter">How long a session may go on while its records wait; null: for ever.</param>
internal sealed record AccountingListOptions(string Name, IReadOnlyList<AaaMethodOptions> Methods, TimeSpan? InterimInterval, TimeSpan? EndSessionsAfter);

/// <param name="Records">Records that may wait.</param>
/// <param name="Size">Octets that they may take.</param>
/// <param name="CheckpointInterval">Time between the points at which the counters of open sessions are stored.</param>
internal sealed record AccountingSpoolOptions(int Records, long Size, TimeSpan CheckpointInterval);

internal enum AccountingFailureMode
{
    /// <summary>Sessions go on while no server takes their records.</summary>
    Keep,

    /// <summary>They end.</summary>
    EndSession,
}

/// <param name="KeyFile">Absolute path; null for the one in the state directory.</param>
/// <param name="KeepsSessionsAtStop">A stop of the headend is to sessions that clients may come back to what a crash is.</param>
internal sealed record StoreOptions(string? KeyFile, bool KeepsSessionsAtStop);

internal enum SessionsAtStop
{
    /// <summary>Delete to the client, Stop to accounting.</summary>
    End,

    /// <summary>Those that clients may come back to wait for the next start.</summary>
    Keep,
}

internal enum StoreKind
{
    /// <summary>SQLite in the state directory.</summary>
    Embedded,
}

/// <summary><c>local</c> (<paramref name="Group"/> is null) or <c>group NAME</c>.</summary>
internal sealed record AaaMethodOptions(string? Group)
{
    public bool IsLocal => Group is null;
}
