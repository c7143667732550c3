using Headend.VirtualAccess.Policy;

namespace Headend.Configuration;

/// <param name="Name">Name or number.</param>
/// <param name="Entries">Lines, each checked.</param>
internal sealed record AccessListOptions(string Name, IReadOnlyList<string> Entries);

/// <summary>The keys of access lists.</summary>
internal static class AccessListTable
{
    private const string Lines = "Lines in order, perhaps with numbers: `permit` or `deny`, a protocol, source and destination as `any`, `host A`, `A/L`, `range A B` or `A WILDCARD`, ports "
        + "with `eq`, `neq`, `lt`, `gt`, `range`; `established`, `dscp`, `fragments`, `log`; or `permit A/L` alone. [All of it](access-lists.md).";

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("access-lists", new ListSyntax(new SectionSyntax(
        ConfigurationTable.NewName("access-lists", "access list"),
        ConfigurationTable.Required("entries", new ListSyntax(ScalarTable.Text, Minimum: 1, Maximum: 4096), Lines) with { Rule = r => r.AccessListEntry }), Maximum: 1000),
        "Access lists by name or number. `route-set=access-list NAME` tells clients the subnets of a list: the destination of each permit line, or its source where it names no destination. `ip:inacl=NAME`, `ip:outacl=NAME` and Filter-Id filter sessions by them.");

    /// <summary>Numbers that stand twice, lines of the wrong kind for a numbered list.</summary>
    public static void Check(SectionValue root, DiagnosticStore diagnostics)
    {
        foreach (var list in root.Sections("access-lists").Where(l => l.Has("name") && l.Has("entries")))
        {
            var entries = list.Items("entries");
            if (AccessListParser.TryParse(list.Get<string>("name"), list.List<string>("entries"), out _, out var index, out var error))
                continue;
            // What is wrong with a line by itself has been said.
            if (AccessListParser.TryParse(list.List<string>("entries")[index], out _, out _))
                diagnostics.Error(entries[index].At, error);
        }
    }

    /// <summary>The access lists by name; every list has been checked.</summary>
    public static IReadOnlyDictionary<string, AccessList> ToLists(IReadOnlyList<AccessListOptions> options) => options.ToDictionary(list => list.Name, Parse, StringComparer.Ordinal);

    private static AccessList Parse(AccessListOptions options) =>
        AccessListParser.TryParse(options.Name, options.Entries, out var list, out var error) ? list : throw new InvalidOperationException($"checked before: {error}");

    public static IReadOnlyList<AccessListOptions> Compile(SectionValue root) =>
        [.. root.Sections("access-lists").Select(a => new AccessListOptions(a.Get<string>("name"), a.List<string>("entries")))];
}
