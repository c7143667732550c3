using System.Globalization;
using Headend.Admin;
using Headend.Configuration;

namespace Headend.Cli;

/// <summary><c>show access-lists</c>: as IOS prints them, no count where nothing has fitted.</summary>
internal static class AccessListTable
{
    public static void Print(IReadOnlyList<AccessListRecord> lists, bool detail, CommandLineOptions options)
    {
        foreach (var list in lists)
        {
            options.Output.WriteLine($"{list.Type} access list {Shown.Text(list.Name)}");
            foreach (var entry in list.Entries)
                options.Output.WriteLine(Counted($"    {entry.Number} {Shown.Text(entry.Text)}", entry.Matches));
            if (!detail)
                continue;
            options.Output.WriteLine(Counted($"    {(list.PermitsRest ? "permit" : "deny")} everything else", list.RestMatches));
            foreach (var use in list.AppliedTo)
                options.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {use.Interface} {use.Direction}: {use.Packets} packets, {use.Denied} denied"));
            if (list.Interfaces > list.AppliedTo.Count)
                options.Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    counted together with equal lists: {list.Interfaces} interfaces"));
        }
    }

    private static string Counted(string line, long matches) =>
        matches == 0 ? line : string.Create(CultureInfo.InvariantCulture, $"{line} ({matches} match{(matches == 1 ? "" : "es")})");
}
