namespace Headend.Admin;

/// <summary>A local user with wrong passwords.</summary>
internal sealed record LockoutRecord
{
    public required string User { get; init; }

    /// <summary>Wrong passwords that count towards a lockout; 0 while locked out.</summary>
    public required int Failures { get; init; }

    /// <summary>Null for a user who is not locked out.</summary>
    public long? LockedForSeconds { get; init; }
}

/// <summary>Body of the request that ends a lockout.</summary>
internal sealed record ClearLockoutRecord(string? User);

/// <param name="Cleared">False when the user was neither locked out nor counted.</param>
internal sealed record ClearedLockoutRecord(bool Cleared);
