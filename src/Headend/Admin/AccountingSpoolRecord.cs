namespace Headend.Admin;

/// <summary>The accounting spool as <c>show aaa accounting</c> shows it. Counters since the start of the process.</summary>
internal sealed record AccountingSpoolRecord
{
    /// <summary>The store's file; null where no accounting list is configured.</summary>
    public string? File { get; init; }

    /// <summary><c>ok</c>, or <c>failed</c> while new records are only in memory.</summary>
    public required string State { get; init; }

    /// <summary>What the disk or the file said; null while it is ok.</summary>
    public string? Failure { get; init; }

    /// <summary>Records that no server has acknowledged.</summary>
    public int Waiting { get; init; }

    public long WaitingOctets { get; init; }

    /// <summary>Of them, those that are only in memory.</summary>
    public int Unsaved { get; init; }

    /// <summary>Age of the oldest that waits for a server; null when none does.</summary>
    public long? OldestSeconds { get; init; }

    public int MaximumRecords { get; init; }

    public long MaximumOctets { get; init; }

    public int OpenSessions { get; init; }

    /// <summary>Sessions of an earlier run that got their Stop at this start.</summary>
    public int RecoveredSessions { get; init; }

    public long Delivered { get; init; }

    public long Spooled { get; init; }

    public long Commits { get; init; }

    public long SpoolFailures { get; init; }

    /// <summary>Interim-Updates that were given up for want of room.</summary>
    public long DroppedInterims { get; init; }

    public long Unsendable { get; init; }

    /// <summary>Records of lists that are no longer configured.</summary>
    public int Orphans { get; init; }

    public IReadOnlyList<AccountingListRecord> Lists { get; init; } = [];
}

/// <summary>One accounting list.</summary>
internal sealed record AccountingListRecord
{
    public required string Name { get; init; }

    /// <summary><c>up</c>, or <c>silent</c> while no server of the list answers.</summary>
    public required string State { get; init; }

    public long? SilentForSeconds { get; init; }

    public int Waiting { get; init; }

    public int InFlight { get; init; }

    /// <summary>Sessions whose next record is refused although others are taken.</summary>
    public int Stuck { get; init; }

    public long Delivered { get; init; }

    /// <summary>Attempts that no server answered.</summary>
    public long Failures { get; init; }
}
