namespace Headend.Configuration;

internal sealed record AaaOptions(
    IReadOnlyList<MethodListOptions> Authentication,
    IReadOnlyList<MethodListOptions> Authorization,
    IReadOnlyList<AccountingListOptions> Accounting,
    IReadOnlyList<LocalUserOptions> LocalUsers)
{
    public LockoutOptions Lockout { get; init; } = new(0, 0, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10));

    public IReadOnlyList<AttributeListOptions> AttributeLists { get; init; } = [];
}

internal sealed record MethodListOptions(string Name, IReadOnlyList<AaaMethodOptions> Methods);

/// <param name="Name">Name by which profiles refer to the list.</param>
/// <param name="Methods">Groups that receive the records.</param>
/// <param name="InterimInterval">Time between Interim-Updates where the Access-Accept names none; null sends none.</param>
internal sealed record AccountingListOptions(string Name, IReadOnlyList<AaaMethodOptions> Methods, TimeSpan? InterimInterval);

/// <summary><c>local</c> (<paramref name="Group"/> is null) or <c>group NAME</c>.</summary>
internal sealed record AaaMethodOptions(string? Group)
{
    public bool IsLocal => Group is null;
}
