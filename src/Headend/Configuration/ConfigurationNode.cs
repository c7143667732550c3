using System.Runtime.InteropServices;

namespace Headend.Configuration;

/// <summary>Where a text stands; line and column count from 1.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SourcePosition(string File, int Line, int Column)
{
    public override string ToString() => $"{File}:{Line}:{Column}";
}

/// <summary>One node of a YAML document with its place. An aliased node stands at its anchor's place.</summary>
/// <param name="At">Place of the first character.</param>
/// <param name="Weight">Nodes below and including this one, aliases expanded.</param>
internal abstract record ConfigurationNode(SourcePosition At, long Weight);

/// <param name="At">Place of the first character.</param>
/// <param name="Text">The value after YAML's quoting is undone.</param>
/// <param name="IsPlain">Written without quotes, so that an empty text or <c>null</c> means "no value".</param>
internal sealed record ScalarNode(SourcePosition At, string Text, bool IsPlain) : ConfigurationNode(At, 1)
{
    public bool IsNull => IsPlain && Text is "" or "~" or "null";
}

internal sealed record SequenceNode(SourcePosition At, IReadOnlyList<ConfigurationNode> Items)
    : ConfigurationNode(At, 1 + Items.Sum(i => i.Weight));

internal sealed record MappingNode(SourcePosition At, IReadOnlyList<KeyValuePair<ScalarNode, ConfigurationNode>> Entries)
    : ConfigurationNode(At, 1 + Entries.Sum(e => 1 + e.Value.Weight))
{
    public ConfigurationNode? Find(string key)
    {
        foreach (var (name, value) in Entries)
            if (name.Text == key)
                return value;
        return null;
    }
}

/// <summary>Collects findings in the order in which they are met; the same finding through two aliases counts once.</summary>
internal sealed class DiagnosticStore
{
    private readonly List<ConfigurationDiagnostic> found = [];
    private readonly HashSet<ConfigurationDiagnostic> seen = [];

    public bool HasErrors { get; private set; }

    /// <summary>Sorted by place within each file; files in the order of their first finding.</summary>
    public IReadOnlyList<ConfigurationDiagnostic> ToSorted()
    {
        var files = found.Select(d => d.File).Distinct().ToList();
        return [.. found.OrderBy(d => files.IndexOf(d.File)).ThenBy(d => d.Line).ThenBy(d => d.Column)];
    }

    public void Error(SourcePosition at, string message)
    {
        HasErrors = true;
        Add(new ConfigurationDiagnostic(DiagnosticSeverity.Error, at.File, at.Line, at.Column, message));
    }

    public void Warning(SourcePosition at, string message) =>
        Add(new ConfigurationDiagnostic(DiagnosticSeverity.Warning, at.File, at.Line, at.Column, message));

    private void Add(ConfigurationDiagnostic diagnostic)
    {
        if (seen.Add(diagnostic))
            found.Add(diagnostic);
    }
}
