namespace Headend.Configuration;

/// <param name="Name">Name or number.</param>
/// <param name="Entries">Lines, each checked.</param>
internal sealed record AccessListOptions(string Name, IReadOnlyList<string> Entries);

/// <summary>The keys of access lists.</summary>
internal static class AccessListTable
{
    private const string Lines = "Lines in order: `permit` or `deny`, a protocol, source and destination as `any`, `host A`, `A/L` or `A WILDCARD`, ports with `eq`, `neq`, `lt`, "
        + "`gt`, `range`; or `permit A/L` alone.";

    public static ConfigurationKey Key { get; } = ConfigurationTable.Key("access-lists", new ListSyntax(new SectionSyntax(
        ConfigurationTable.NewName("access-lists", "access list"),
        ConfigurationTable.Required("entries", new ListSyntax(ScalarTable.Text, Minimum: 1, Maximum: 4096), Lines) with { Rule = r => r.AccessListEntry }), Maximum: 1000),
        "Access lists by name or number. `route-set=access-list NAME` tells clients the subnets of a list: the destination of each permit line, or its source where it names no destination.");

    public static IReadOnlyList<AccessListOptions> Compile(SectionValue root) =>
        [.. root.Sections("access-lists").Select(a => new AccessListOptions(a.Get<string>("name"), a.List<string>("entries")))];
}
