using Headend.Admin;

namespace Headend.Cli;

/// <summary>The table of <c>show aaa accounting</c>.</summary>
internal static class AccountingTable
{
    public static void Print(AccountingSpoolRecord spool, CommandLineOptions options)
    {
        var console = AdminTables.Open(options);
        AdminTables.Lines(console, "Accounting spool", [
            ("file", spool.File ?? "none: no accounting list is configured"),
            ("state", spool.Failure is null ? spool.State : $"{spool.State}: {spool.Failure}"),
            ("waiting", $"{spool.Waiting} of {spool.MaximumRecords} records, {AdminTables.Octets((ulong)spool.WaitingOctets)} of {AdminTables.Octets((ulong)spool.MaximumOctets)}"),
            ("only in memory", spool.Unsaved > 0 ? $"{spool.Unsaved} records" : null),
            ("oldest", spool.OldestSeconds is { } age ? AdminTables.Uptime(age) : null),
            ("open sessions", AdminTables.Number(spool.OpenSessions)),
            ("recovered", spool.RecoveredSessions > 0 ? $"{spool.RecoveredSessions} sessions of an earlier run" : null),
            ("delivered", AdminTables.Number(spool.Delivered)),
            ("spooled", $"{spool.Spooled} records in {spool.Commits} commits, {spool.SpoolFailures} failed"),
            ("dropped", $"{spool.DroppedInterims} Interim-Updates, {spool.Unsendable} unsendable"),
            ("orphans", spool.Orphans > 0 ? $"{spool.Orphans} records of lists that are not configured" : null)]);
        var table = AdminTables.Columns("List", "State", "Waiting", "In flight", "Stuck", "Delivered", "Failures");
        foreach (var list in spool.Lists)
        {
            AdminTables.Row(table, list.Name, list.SilentForSeconds is { } silent ? $"{list.State} for {AdminTables.Uptime(silent)}" : list.State,
                AdminTables.Number(list.Waiting), AdminTables.Number(list.InFlight), AdminTables.Number(list.Stuck), AdminTables.Number(list.Delivered),
                AdminTables.Number(list.Failures));
        }
        if (spool.Lists.Count > 0)
            console.Write(table);
    }
}
