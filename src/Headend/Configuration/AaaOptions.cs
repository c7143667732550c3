using System.Net;

namespace Headend.Configuration;

internal sealed record RadiusOptions(
    IReadOnlyList<RadiusServerOptions> Servers, IReadOnlyList<RadiusGroupOptions> Groups, string? NasIdentifier,
    DynamicAuthorOptions? DynamicAuthor);

/// <param name="Name">Name by which groups refer to the server.</param>
/// <param name="Address">Address of the server.</param>
/// <param name="AuthPort">UDP port of Access-Request.</param>
/// <param name="AcctPort">UDP port of Accounting-Request.</param>
/// <param name="Secret">Shared secret of RFC 2865 section 3.</param>
/// <param name="Timeout">Time to the next transmission of the same request.</param>
/// <param name="Retransmit">Transmissions after the first one.</param>
internal sealed record RadiusServerOptions(
    string Name, IPAddress Address, int AuthPort, int AcctPort, SecretOptions Secret, TimeSpan Timeout, int Retransmit);

/// <param name="Name">Name by which method lists refer to the group.</param>
/// <param name="Servers">Names of servers, in order of preference.</param>
/// <param name="DeadTime">How long a server that did not answer is passed over.</param>
/// <param name="LoadBalance">Spread logins over the servers instead of preferring the first.</param>
internal sealed record RadiusGroupOptions(string Name, IReadOnlyList<string> Servers, TimeSpan DeadTime, bool LoadBalance);

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
