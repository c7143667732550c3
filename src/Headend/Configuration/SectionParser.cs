namespace Headend.Configuration;

/// <summary>Reads nodes by the table: syntax, unknown keys, required keys, defaults, names and references, everything in one pass each.</summary>
internal sealed class SectionParser(ConfigurationRules rules, DiagnosticStore diagnostics)
{
    private readonly Dictionary<(string Kind, string Name), SourcePosition> names = [];
    private readonly List<(string Kind, string Name, SourcePosition At)> references = [];

    /// <summary>Declares a name that is always there and may be declared anew.</summary>
    public void DeclareBuiltIn(string kind, string name) => builtIn.Add((kind, name));

    private readonly HashSet<(string Kind, string Name)> builtIn = [];

    public SectionValue ParseRoot(MappingNode root, SectionSyntax syntax)
    {
        var result = ParseSection(root, syntax, "");
        foreach (var (kind, name, at) in references)
            CheckReference(kind, name, at);
        return result;
    }

    private void CheckReference(string kind, string name, SourcePosition at)
    {
        if (names.ContainsKey((kind, name)) || builtIn.Contains((kind, name)))
            return;
        var declared = names.Keys.Concat(builtIn).Where(k => k.Kind == kind).Select(k => k.Name).Distinct().Order(StringComparer.Ordinal).ToList();
        var hint = Shown.Nearest(name, declared) is { } near
            ? $"did you mean '{near}'?"
            : declared.Count == 0 ? "none is configured" : "configured: " + string.Join(", ", declared.Take(10));
        diagnostics.Error(at, $"no '{Shown.Text(name)}' in {kind}; {hint}");
    }

    private SectionValue ParseSection(MappingNode node, SectionSyntax syntax, string path, bool written = true)
    {
        var section = new SectionValue(node.At, written);
        foreach (var (name, value) in node.Entries)
        {
            var key = Array.Find(syntax.Keys, k => k.Name == name.Text);
            if (key is null)
                diagnostics.Error(name.At, UnknownKey(name.Text, syntax, path));
            else if (ParseKey(value, key, path) is { } parsed)
                section.Set(key.Name, parsed);
            else
                section.Reject(key.Name);
        }
        foreach (var key in syntax.Keys)
            if (node.Find(key.Name) is null)
                FillAbsent(section, key, path);
        syntax.Check?.Invoke(section, diagnostics);
        return section;
    }

    private void FillAbsent(SectionValue section, ConfigurationKey key, string path)
    {
        if (key.Required)
        {
            diagnostics.Error(section.At, $"missing key '{key.Name}' in {Where(path)}");
            return;
        }
        if (key.Default is not null)
        {
            // A default is written in the table by the same syntax, and stands for messages where its section stands.
            var tree = YamlTreeParser.Parse($"v: {key.Default}", section.At.File, diagnostics);
            if (tree is not null && ParseKey(Moved(tree.Entries[0].Value, section.At), key, path) is { } value)
                section.Set(key.Name, value);
        }
        else if (key.Syntax is SectionSyntax inner && !inner.Keys.Any(k => k.Required))
        {
            var empty = ParseSection(new MappingNode(section.At, []), inner, Join(path, key.Name), written: false);
            section.Set(key.Name, new ConfigurationValue(empty, section.At));
        }
        else if (key.Syntax is ListSyntax)
        {
            section.Set(key.Name, new ConfigurationValue(Array.Empty<ConfigurationValue>(), section.At));
        }
    }

    private static ConfigurationNode Moved(ConfigurationNode node, SourcePosition at) => node switch
    {
        SequenceNode list => new SequenceNode(at, [.. list.Items.Select(i => Moved(i, at))]),
        _ => node with { At = at },
    };

    private ConfigurationValue? ParseKey(ConfigurationNode node, ConfigurationKey key, string path)
    {
        var value = ParseValue(node, key.Syntax, key, Join(path, key.Name));
        if (value?.Value is string or int && key.Declares is not null)
            Declare(key.Declares, Text(value.Value)!, value.At, key.MayRepeat);
        if (value is not null && key.RefersTo is not null)
            Refer(value, key.RefersTo);
        return value;
    }

    private void Declare(string kind, string name, SourcePosition at, bool mayRepeat)
    {
        if (!names.TryAdd((kind, name), at) && !mayRepeat)
            diagnostics.Error(at, $"'{Shown.Text(name)}' is already in {kind}, at {names[(kind, name)]}");
    }

    private void Refer(ConfigurationValue value, string kind)
    {
        if (value.Value is IReadOnlyList<ConfigurationValue> list)
        {
            foreach (var item in list)
                Refer(item, kind);
        }
        else if (Text(value.Value) is { } name)
        {
            references.Add((kind, name, value.At));
        }
    }

    private static string? Text(object value) => value switch
    {
        string text => text,
        int number => number.ToString(),
        AaaMethodOptions method => method.Group,
        _ => null,
    };

    private ConfigurationValue? ParseValue(ConfigurationNode node, ConfigurationSyntax syntax, ConfigurationKey key, string path)
    {
        if (node is ScalarNode { IsNull: true })
        {
            diagnostics.Error(node.At, $"'{path}' has no value");
            return null;
        }
        switch (syntax, node)
        {
            case (SectionSyntax section, MappingNode mapping):
                return new ConfigurationValue(ParseSection(mapping, section, path), node.At);
            case (ListSyntax list, SequenceNode sequence):
                return ParseList(sequence, list, key, path);
            case (ScalarSyntax scalar, ScalarNode text):
                return ParseScalar(text, scalar, key, path);
            default:
                diagnostics.Error(node.At, $"'{path}': expected {Article(syntax)}, found {Found(node)}");
                return null;
        }
    }

    private ConfigurationValue ParseList(SequenceNode node, ListSyntax syntax, ConfigurationKey key, string path)
    {
        if (node.Items.Count < syntax.Minimum)
            diagnostics.Error(node.At, $"'{path}' needs at least {syntax.Minimum} {(syntax.Minimum == 1 ? "entry" : "entries")}");
        if (node.Items.Count > syntax.Maximum)
            diagnostics.Error(node.At, $"'{path}' has {node.Items.Count} entries; the limit is {syntax.Maximum}");
        List<ConfigurationValue> items = [];
        foreach (var item in node.Items.Take(syntax.Maximum))
            if (ParseValue(item, syntax.Item, key, path + "[]") is { } value)
                items.Add(value);
        return new ConfigurationValue(items, node.At);
    }

    private ConfigurationValue? ParseScalar(ScalarNode node, ScalarSyntax syntax, ConfigurationKey key, string path)
    {
        var (value, problem) = syntax.Read(node.Text);
        if (problem is null && key.Rule is not null)
            problem = key.Rule(rules)(node.Text);
        if (problem is null)
            return new ConfigurationValue(value!, node.At);
        diagnostics.Error(node.At, $"'{path}': {problem}");
        return null;
    }

    private static string UnknownKey(string name, SectionSyntax syntax, string path)
    {
        var supported = syntax.Keys.Select(k => k.Name).ToList();
        var hint = Shown.Nearest(name, supported) is { } near
            ? $"did you mean '{near}'?"
            : "supported: " + string.Join(", ", supported.Order(StringComparer.Ordinal));
        return $"unknown key '{Shown.Text(name)}' in {Where(path)}; {hint}";
    }

    private static string Where(string path) => path.Length == 0 ? "the configuration" : $"'{path}'";

    private static string Join(string path, string name) => path.Length == 0 ? name : path + "." + name;

    private static string Article(ConfigurationSyntax syntax) => syntax is SectionSyntax ? "keys and values" : "a " + syntax.Name;

    private static string Found(ConfigurationNode node) => node switch
    {
        ScalarNode scalar => $"'{Shown.Text(scalar.Text)}'",
        SequenceNode => "a list",
        _ => "keys and values",
    };
}
