using Headend.Aaa.Authorization;
using Headend.Admin;
using Headend.Configuration;
using Headend.Runtime;

namespace Headend.Sessions;

/// <summary>Answers `show aaa user` from the sessions and the local users. Any thread.</summary>
internal sealed class AaaUserTable(SessionTable table, LocalAaa local, MonotonicClock clock, Func<ClientSession, string> statusOf)
{
    /// <summary>Users by name; names of sessions are compared without regard to case, as `unique` does.</summary>
    /// <param name="only">A user, or null for all.</param>
    public IReadOnlyList<AaaUserRecord> Describe(string? only)
    {
        var sessions = table.All.Where(s => s.UpAt is not null).ToLookup(s => s.User ?? s.IkeIdentity, StringComparer.OrdinalIgnoreCase);
        var users = local.Users.All.ToDictionary(u => u.Name, StringComparer.Ordinal);
        return
        [
            .. users.Keys.Concat(sessions.Select(g => g.Key).Where(name => !users.ContainsKey(name)))
                .Where(name => only is null || string.Equals(name, only, StringComparison.OrdinalIgnoreCase))
                .Order(StringComparer.Ordinal)
                .Select(name => new AaaUserRecord
                {
                    User = name,
                    Sessions = [.. sessions[name].OrderBy(s => s.Names.Number).Select(ToRecord)],
                    Local = users.TryGetValue(name, out var user) ? ToRecord(user) : null,
                }),
        ];
    }

    private static AaaOriginRecord ToRecord(AuthorizationOrigin origin, RemoteMethod method)
    {
        var (kind, request) = origin.Kind switch
        {
            AuthorizationKind.Group => ("group", "group-authorization"),
            AuthorizationKind.ImplicitUser => ("implicit-user", method == RemoteMethod.PreSharedKey ? "pre-shared-key" : "authentication"),
            AuthorizationKind.ExplicitUser => ("user", "user-authorization"),
            _ => ("change-of-authorization", "coa"),
        };
        return new AaaOriginRecord(kind, origin.Name, request, origin.Server, origin.List);
    }

    private AaaUserSessionRecord ToRecord(ClientSession session)
    {
        var (profile, sources) = (session.Profile, session.AuthorizationSources);
        return new AaaUserSessionRecord
        {
            Id = session.Names.Number.ToString(),
            Status = statusOf(session),
            Profile = session.Binding.Name,
            Authentication = session.Method,
            IkeIdentity = session.IkeIdentity,
            EapIdentity = session.EapIdentity,
            RemoteAddress = session.Path.Remote.Address.ToString(),
            AuditSessionId = session.Names.AuditSessionId,
            AcctSessionId = session.Names.AcctSessionId,
            AccountingList = session.Binding.Accounting.GetValueOrDefault(session.RemoteMethod)?.List,
            Sources = [.. sources.Select(s => ToRecord(s.Origin, session.RemoteMethod))],
            Attributes =
            [
                .. AttributeOrigins.Explain(profile, sources).Select(a => new AaaAttributeRecord(
                    a.Attribute.Name, a.Attribute.Value, a.Origin is null ? null : ToRecord(a.Origin, session.RemoteMethod))),
            ],
        };
    }

    private AaaLocalUserRecord ToRecord(LocalUserOptions user)
    {
        var lockout = local.Lockout.StateOf(user.Name);
        var (policy, list) = local.Users.PartsOf(user);
        var ordered = ProfileMerge.Order(
            [new(new AuthorizationOrigin(AuthorizationKind.Group, user.Policy ?? ""), policy), new(new AuthorizationOrigin(AuthorizationKind.ExplicitUser, user.AttributeList ?? ""), list)],
            groupOverrides: false);
        return new AaaLocalUserRecord
        {
            Policy = user.Policy,
            AttributeList = user.AttributeList,
            HasPassword = user.HasSecret,
            Failures = lockout.Failures,
            LockedForSeconds = (long?)(lockout.LockedUntil - clock.Time.GetUtcNow())?.TotalSeconds,
            Attributes =
            [
                .. AttributeOrigins.Explain(ProfileMerge.Merge(policy, list), ordered).Select(a => new AaaAttributeRecord(
                    a.Attribute.Name, a.Attribute.Value,
                    a.Origin is { } origin ? new AaaOriginRecord(origin.Kind == AuthorizationKind.Group ? "policy" : "attribute-list", origin.Name, null, null, null) : null)),
            ],
        };
    }
}
