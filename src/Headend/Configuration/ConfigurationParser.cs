using System.Text;

namespace Headend.Configuration;

/// <summary>Reads a configuration with its includes: every error at once, each at its place. Reads files, secrets and environment variables.</summary>
internal static class ConfigurationParser
{
    private const int MaximumIncludedFiles = 256;

    // Throws on octets that are no UTF-8 instead of putting U+FFFD into a password.
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the file at <paramref name="path"/>; messages name it as given.</summary>
    public static ConfigurationOutcome Load(string path, ConfigurationRules rules)
    {
        var diagnostics = new DiagnosticStore();
        var text = ReadFile(path, new SourcePosition(path, 1, 1), diagnostics);
        return text is null ? new ConfigurationOutcome(null, diagnostics.ToSorted()) : Parse(text, path, rules, diagnostics);
    }

    /// <summary>Reads a text as if it stood in <paramref name="file"/>, whose directory relative paths start from.</summary>
    public static ConfigurationOutcome ParseText(string text, string file, ConfigurationRules rules) =>
        Parse(text, file, rules, new DiagnosticStore());

    private static ConfigurationOutcome Parse(string text, string file, ConfigurationRules rules, DiagnosticStore diagnostics)
    {
        var root = YamlTreeParser.Parse(text, file, diagnostics);
        if (root is null)
            return new ConfigurationOutcome(null, diagnostics.ToSorted());
        foreach (var (path, at) in IncludedFiles(root, diagnostics))
        {
            if (ReadFile(path, at, diagnostics) is not { } included || YamlTreeParser.Parse(included, path, diagnostics) is not { } tree)
                continue;
            foreach (var (name, _) in tree.Entries.Where(e => e.Key.Text == "include"))
                diagnostics.Error(name.At, "an included file cannot include");
            root = Merge(root, tree with { Entries = [.. tree.Entries.Where(e => e.Key.Text != "include")] }, diagnostics);
        }
        var parser = new SectionParser(rules, diagnostics);
        parser.DeclareBuiltIn(ConfigurationTable.Proposals, ConfigurationTable.DefaultProposal);
        parser.DeclareBuiltIn(QosTable.BuiltIn.Kind, QosTable.BuiltIn.Name);
        var section = parser.ParseRoot(root, ConfigurationTable.Root);
        return new ConfigurationOutcome(diagnostics.HasErrors ? null : ConfigurationCompiler.Compile(section), diagnostics.ToSorted());
    }

    private static string? ReadFile(string path, SourcePosition at, DiagnosticStore diagnostics)
    {
        try
        {
            // Four octets a character at most: what is longer cannot pass the character limit, and is not read.
            if (new FileInfo(path).Length > 4L * YamlTreeParser.MaximumLength)
            {
                diagnostics.Error(at, $"'{Shown.Text(path)}' is longer than {YamlTreeParser.MaximumLength} characters");
                return null;
            }
            return File.ReadAllText(path, StrictUtf8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DecoderFallbackException or ArgumentException)
        {
            diagnostics.Error(at, error is DecoderFallbackException ? "the file is not UTF-8" : $"cannot read the file: {error.Message}");
            return null;
        }
    }

    private static List<(string Path, SourcePosition At)> IncludedFiles(MappingNode root, DiagnosticStore diagnostics)
    {
        List<(string Path, SourcePosition At)> files = [];
        if (root.Find("include") is not SequenceNode list)
            return files;
        foreach (var entry in list.Items.OfType<ScalarNode>().Where(e => e.Text.Length > 0 && !e.Text.Contains('\0')))
        {
            // Shown and opened relative to the including file, as an editor would.
            var path = Path.Combine(Path.GetDirectoryName(entry.At.File) ?? "", entry.Text);
            var (directory, pattern) = (Path.GetDirectoryName(path) ?? "", Path.GetFileName(path));
            if (pattern.AsSpan().IndexOfAny('*', '?') < 0)
                files.Add((path, entry.At));
            else if (Directory.Exists(directory.Length == 0 ? "." : directory))
                files.AddRange(Directory.GetFiles(directory.Length == 0 ? "." : directory, pattern).Order(StringComparer.Ordinal).Select(f => (f, entry.At)));
            if (files.Count > MaximumIncludedFiles)
            {
                diagnostics.Error(entry.At, $"more than {MaximumIncludedFiles} included files");
                return [];
            }
        }
        return files;
    }

    // Mappings merge, lists join, everything else may stand once.
    private static MappingNode Merge(MappingNode into, MappingNode from, DiagnosticStore diagnostics)
    {
        List<KeyValuePair<ScalarNode, ConfigurationNode>> entries = [.. into.Entries];
        foreach (var (name, value) in from.Entries)
        {
            var index = entries.FindIndex(e => e.Key.Text == name.Text);
            if (index < 0)
                entries.Add(new(name, value));
            else if (entries[index].Value is MappingNode a && value is MappingNode b)
                entries[index] = new(entries[index].Key, Merge(a, b, diagnostics));
            else if (entries[index].Value is SequenceNode first && value is SequenceNode second)
                entries[index] = new(entries[index].Key, first with { Items = [.. first.Items, .. second.Items] });
            else
                diagnostics.Error(name.At, $"'{Shown.Text(name.Text)}' is already set at {entries[index].Key.At}");
        }
        return into with { Entries = entries };
    }
}
