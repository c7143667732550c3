using System.Globalization;
using System.Text;

namespace Headend.Configuration;

/// <summary>Writes docs/configuration.md from the table.</summary>
internal static class ReferenceCompiler
{
    private const string Preface = """
        # Configuration reference

        Generated from the table that the parser reads by; a test fails when this file is stale. An editor can check a configuration against
        [headend.schema.json](headend.schema.json); `headend check-config FILE` prints every error at once as `FILE:LINE:COL: message`.

        - Unknown keys are errors. Lists are written `[a, b]` or one entry a line with `- `.
        - Durations: `90s`, `30m`, `8h`, `1d`. Sizes: `10MB`; B, kB, MB, GB, TB are powers of 1000.
        - Relative paths start at the directory of the file in which they stand.
        - A secret stands in the file itself, in the first line of another file, or in an environment variable.
        - YAML anchors and aliases work within one file; a document may hold 100000 nodes after aliases are expanded, 24 levels deep.

        """;

    public static string Compile()
    {
        var output = new StringBuilder(Preface.ReplaceLineEndings("\n"));
        Section(output, "", ConfigurationTable.Root);
        return output.ToString();
    }

    private static void Section(StringBuilder output, string path, SectionSyntax section)
    {
        output.Append(CultureInfo.InvariantCulture, $"\n## {(path.Length == 0 ? "Top level" : $"`{path}`")}\n\n");
        output.Append("| key | value | default | meaning |\n|---|---|---|---|\n");
        foreach (var key in section.Keys)
        {
            var standing = key.Required ? "required" : key.Default is null ? "" : $"`{key.Default}`";
            output.Append(CultureInfo.InvariantCulture, $"| `{key.Name}` | {Value(key.Syntax)} | {standing} | {key.Doc.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        }
        foreach (var key in section.Keys)
        {
            var (inner, suffix) = Inner(key.Syntax, "");
            if (inner is not null)
                Section(output, (path.Length == 0 ? "" : path + ".") + key.Name + suffix, inner);
        }
    }

    private static (SectionSyntax? Section, string Suffix) Inner(ConfigurationSyntax syntax, string suffix) => syntax switch
    {
        SectionSyntax section => (section, suffix),
        ListSyntax list => Inner(list.Item, suffix + "[]"),
        _ => (null, suffix),
    };

    private static string Value(ConfigurationSyntax syntax) => syntax switch
    {
        SectionSyntax => "section",
        ListSyntax { Item: SectionSyntax } => "list of sections",
        ListSyntax list => "list of " + Value(list.Item),
        ScalarSyntax { Words: { } words } => string.Join(", ", words.Select(w => $"`{w}`")),
        ScalarSyntax { Minimum: { } minimum, Maximum: { } maximum } => $"integer {minimum}..{maximum}",
        _ => syntax.Name,
    };
}
