namespace Headend.Admin;

/// <summary>What AAA knows of a user: sessions with the origin of each attribute, and the local user.</summary>
internal sealed record AaaUserRecord
{
    public required string User { get; init; }

    /// <summary>Sessions that are up, in order of their numbers.</summary>
    public IReadOnlyList<AaaUserSessionRecord> Sessions { get; init; } = [];

    /// <summary>Null for a user of RADIUS alone.</summary>
    public AaaLocalUserRecord? Local { get; init; }
}

/// <summary>One session of a user.</summary>
internal sealed record AaaUserSessionRecord
{
    public required string Id { get; init; }

    /// <summary>One of <see cref="SessionStatus"/>.</summary>
    public required string Status { get; init; }

    public required string Profile { get; init; }

    /// <summary>How the client proved itself.</summary>
    public string? Authentication { get; init; }

    public string? IkeIdentity { get; init; }

    public string? EapIdentity { get; init; }

    public string? RemoteAddress { get; init; }

    public string? AuditSessionId { get; init; }

    public string? AcctSessionId { get; init; }

    /// <summary>Null without accounting.</summary>
    public string? AccountingList { get; init; }

    /// <summary>In order of application: what comes later wins.</summary>
    public IReadOnlyList<AaaOriginRecord> Sources { get; init; } = [];

    /// <summary>What holds, after the merge. Keys and passwords are in no profile.</summary>
    public IReadOnlyList<AaaAttributeRecord> Attributes { get; init; } = [];
}

/// <param name="Kind"><c>group</c>, <c>implicit-user</c>, <c>user</c>, <c>change-of-authorization</c>; of a local user <c>policy</c>, <c>attribute-list</c>.</param>
/// <param name="Name">The group, or the user name that was asked for.</param>
/// <param name="Request">What brought it: <c>authentication</c>, <c>pre-shared-key</c>, <c>group-authorization</c>, <c>user-authorization</c>, <c>coa</c>; null where nothing was asked.</param>
/// <param name="Server">The RADIUS server; null where the configuration answered.</param>
/// <param name="List">The method list.</param>
internal sealed record AaaOriginRecord(string Kind, string Name, string? Request, string? Server, string? List);

/// <param name="Name">As in docs/attributes.md.</param>
/// <param name="Value">As text.</param>
/// <param name="Origin">Null where no source says it.</param>
internal sealed record AaaAttributeRecord(string Name, string Value, AaaOriginRecord? Origin);

/// <summary>A user of the configuration or of the user file.</summary>
internal sealed record AaaLocalUserRecord
{
    public string? Policy { get; init; }

    public string? AttributeList { get; init; }

    /// <summary>False: the user can log in by certificate only.</summary>
    public bool HasPassword { get; init; }

    /// <summary>Wrong passwords that count towards a lockout; 0 while locked out.</summary>
    public int Failures { get; init; }

    /// <summary>Null for a user who is not locked out.</summary>
    public long? LockedForSeconds { get; init; }

    /// <summary>What a login would bring.</summary>
    public IReadOnlyList<AaaAttributeRecord> Attributes { get; init; } = [];
}
