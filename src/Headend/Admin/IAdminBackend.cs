namespace Headend.Admin;

/// <summary>What the admin API asks of the running headend. Calls come from request threads, several at once; each answers a snapshot.</summary>
internal interface IAdminBackend
{
    ValueTask<IReadOnlyList<SessionRecord>> GetSessionsAsync(CancellationToken cancellation);

    ValueTask<IReadOnlyList<IkeSaDetailRecord>> GetIkeSasAsync(CancellationToken cancellation);

    ValueTask<IReadOnlyList<AaaServerRecord>> GetAaaServersAsync(CancellationToken cancellation);

    ValueTask<AccountingSpoolRecord> GetAccountingAsync(CancellationToken cancellation);

    ValueTask<IReadOnlyList<AddressPoolRecord>> GetPoolsAsync(CancellationToken cancellation);

    /// <summary>Users with sessions that are up, and local users.</summary>
    /// <param name="user">One of them, without regard to case, or null for all.</param>
    /// <param name="cancellation">Ends the wait.</param>
    ValueTask<IReadOnlyList<AaaUserRecord>> GetAaaUsersAsync(string? user, CancellationToken cancellation);

    ValueTask<IReadOnlyList<AccessListRecord>> GetAccessListsAsync(CancellationToken cancellation);

    /// <summary>Ends the sessions that fit, each with a Delete to the client, and answers how many.</summary>
    ValueTask<ClearedSessionsRecord> ClearSessionsAsync(ClearSessionsRecord which, CancellationToken cancellation);

    /// <summary>Users with wrong passwords that count, locked out or not yet.</summary>
    ValueTask<IReadOnlyList<LockoutRecord>> GetLockoutsAsync(CancellationToken cancellation);

    /// <summary>Ends a local user's lockout and forgets the count; false when there was neither.</summary>
    ValueTask<bool> ClearLockoutAsync(string user, CancellationToken cancellation);

    /// <summary>The virtual-access interface of this number; null without it.</summary>
    ValueTask<InterfaceRecord?> GetInterfaceAsync(int number, CancellationToken cancellation);

    ValueTask<IReadOnlyList<VirtualTemplateRecord>> GetTemplatesAsync(CancellationToken cancellation);

    /// <summary>The traffic policies of the virtual-access interface of this number; empty without an interface or a policy.</summary>
    ValueTask<IReadOnlyList<PolicyMapRecord>> GetPolicyMapsAsync(int number, CancellationToken cancellation);

    /// <summary>IKE SAs and sessions of now, and what was counted since the start of the process.</summary>
    ValueTask<IkeStatisticsRecord> GetIkeStatisticsAsync(CancellationToken cancellation);

    ValueTask<ReconnectStatisticsRecord> GetReconnectsAsync(CancellationToken cancellation);

    ValueTask<HealthRecord> GetHealthAsync(CancellationToken cancellation);
}
