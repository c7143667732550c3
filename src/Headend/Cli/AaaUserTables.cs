using Headend.Admin;
using Spectre.Console;

namespace Headend.Cli;

/// <summary>What <c>show aaa user</c> prints.</summary>
internal static class AaaUserTables
{
    public static void Print(IReadOnlyList<AaaUserRecord> users, CommandLineOptions options)
    {
        var console = AdminTables.Open(options);
        foreach (var user in users)
        {
            AdminTables.Lines(console, $"User {user.User}", user.Local is null ? [] : LocalLines(user.Local));
            if (user.Local is { Attributes.Count: > 0 } local && user.Sessions.Count == 0)
                Attributes(console, local.Attributes);
            foreach (var session in user.Sessions)
            {
                AdminTables.Lines(console, $" Session {session.Id}", SessionLines(session));
                Attributes(console, session.Attributes);
            }
        }
    }

    /// <summary>"group staff (list local-list)", "implicit-user alice (authentication, radius1, list eap-list)".</summary>
    internal static string Describe(AaaOriginRecord? origin)
    {
        if (origin is null)
            return "-";
        string?[] details = [origin.Request, origin.Server, origin.List is null ? null : $"list {origin.List}"];
        var known = details.OfType<string>().ToList();
        return known.Count == 0 ? $"{origin.Kind} {origin.Name}" : $"{origin.Kind} {origin.Name} ({string.Join(", ", known)})";
    }

    private static (string, string?)[] LocalLines(AaaLocalUserRecord local) =>
    [
        ("local user", local.HasPassword ? "with a password" : "certificate only"), ("policy", local.Policy), ("attribute list", local.AttributeList),
        ("wrong passwords", local.Failures == 0 ? null : AdminTables.Number(local.Failures)), ("locked out", local.LockedForSeconds is { } left ? $"for {AdminTables.Uptime(left)}" : "no"),
    ];

    private static (string, string?)[] SessionLines(AaaUserSessionRecord session) =>
    [
        ("status", session.Status), ("profile", session.Profile), ("authentication", session.Authentication), ("ike identity", session.IkeIdentity), ("eap identity", session.EapIdentity),
        ("remote", session.RemoteAddress), ("audit-session-id", session.AuditSessionId), ("acct-session-id", session.AcctSessionId), ("accounting list", session.AccountingList),
        .. session.Sources.Select(s => ("authorization", (string?)Describe(s))),
    ];

    private static void Attributes(IAnsiConsole console, IReadOnlyList<AaaAttributeRecord> attributes)
    {
        if (attributes.Count == 0)
            return;
        var table = AdminTables.Columns("  Attribute", "Value", "From");
        foreach (var attribute in attributes)
            AdminTables.Row(table, $"  {attribute.Name}", attribute.Value, Describe(attribute.Origin));
        console.Write(table);
    }
}
