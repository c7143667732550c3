using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Headend.Configuration;

/// <summary>
/// Makes a tree of one YAML document from YamlDotNet's events. YamlDotNet's own representation model stops at the first duplicate key and recurses
/// without a bound; here every duplicate is reported, depth and expanded size are limited, and a recursive or multiplying alias is refused.
/// </summary>
internal sealed class YamlTreeParser
{
    /// <summary>Characters of one file.</summary>
    internal const int MaximumLength = 1 << 20;

    /// <summary>Collections within each other; the deepest key of the table stands at 9.</summary>
    internal const int MaximumDepth = 24;

    /// <summary>Nodes of one document after aliases are expanded.</summary>
    internal const int MaximumNodes = 100_000;

    private readonly string file;
    private readonly DiagnosticStore diagnostics;
    private readonly Parser events;

    // A null value marks an anchor whose node is not complete yet.
    private readonly Dictionary<string, ConfigurationNode?> anchors = [];
    private long nodes;

    private YamlTreeParser(string text, string file, DiagnosticStore diagnostics)
    {
        this.file = file;
        this.diagnostics = diagnostics;
        events = new Parser(new StringReader(text));
    }

    /// <summary>The document's mapping; an empty one for an empty document; null after an error that leaves no tree.</summary>
    public static MappingNode? Parse(string text, string file, DiagnosticStore diagnostics)
    {
        var start = new SourcePosition(file, 1, 1);
        if (text.Length > MaximumLength)
        {
            diagnostics.Error(start, $"the file is longer than {MaximumLength} characters");
            return null;
        }
        try
        {
            return new YamlTreeParser(text, file, diagnostics).ReadDocument(start);
        }
        catch (YamlException error)
        {
            diagnostics.Error(new SourcePosition(file, (int)error.Start.Line, (int)error.Start.Column), "not YAML: " + Reason(error));
            return null;
        }
        catch (RefusedDocumentException)
        {
            return null;
        }
        catch (InvalidOperationException)
        {
            // YamlDotNet 16.3.0's scanner falls over its own key table on some broken flow mappings instead of reporting them.
            diagnostics.Error(start, "not YAML: the file breaks YAML's rules in a way that has no single place");
            return null;
        }
    }

    // YamlDotNet's message begins with the marks, which the diagnostic already gives.
    private static string Reason(YamlException error)
    {
        var text = error.InnerException?.Message ?? error.Message;
        var end = text.StartsWith('(') ? text.IndexOf("): ", StringComparison.Ordinal) : -1;
        return end < 0 ? text : text[(end + 3)..];
    }

    private MappingNode ReadDocument(SourcePosition start)
    {
        events.Consume<StreamStart>();
        if (events.Accept<StreamEnd>(out _))
            return new MappingNode(start, []);
        events.Consume<DocumentStart>();
        var root = ReadNode(0);
        events.Consume<DocumentEnd>();
        if (events.Accept<DocumentStart>(out var second))
            diagnostics.Error(At(second), "a second document; one file holds one");
        switch (root)
        {
            case MappingNode mapping:
                return mapping;
            case ScalarNode { IsNull: true }:
                return new MappingNode(start, []);
            default:
                diagnostics.Error(root.At, "expected keys and values at the top");
                return new MappingNode(start, []);
        }
    }

    private ConfigurationNode ReadNode(int depth)
    {
        if (events.Current is not { } current)
            throw new RefusedDocumentException();
        events.MoveNext();
        if (depth > MaximumDepth)
            throw Refuse(current, $"nested deeper than {MaximumDepth}");
        Count(current, 1);
        if (current is AnchorAlias alias)
            return Resolve(alias);
        if (current is not NodeEvent node)
            throw Refuse(current, "unexpected content");
        if (!node.Tag.IsEmpty && !node.Tag.IsNonSpecific)
            diagnostics.Error(At(current), "a tag has no meaning here");
        var anchor = node.Anchor.IsEmpty ? null : node.Anchor.Value;
        if (anchor is not null)
            anchors[anchor] = null;
        ConfigurationNode result = current switch
        {
            Scalar scalar => new ScalarNode(At(scalar), scalar.Value, scalar.Style == ScalarStyle.Plain),
            SequenceStart => ReadSequence(At(current), depth),
            MappingStart => ReadMapping(At(current), depth),
            _ => throw Refuse(current, "unexpected content"),
        };
        if (anchor is not null)
            anchors[anchor] = result;
        return result;
    }

    private ConfigurationNode Resolve(AnchorAlias alias)
    {
        if (!anchors.TryGetValue(alias.Value.Value, out var target))
            throw Refuse(alias, $"no anchor '{alias.Value.Value}' before this alias");
        if (target is null)
            throw Refuse(alias, $"the alias '{alias.Value.Value}' stands within its own anchor");
        Count(alias, target.Weight);
        return target;
    }

    private SequenceNode ReadSequence(SourcePosition at, int depth)
    {
        List<ConfigurationNode> items = [];
        while (!events.TryConsume<SequenceEnd>(out _))
            items.Add(ReadNode(depth + 1));
        return new SequenceNode(at, items);
    }

    private MappingNode ReadMapping(SourcePosition at, int depth)
    {
        List<KeyValuePair<ScalarNode, ConfigurationNode>> entries = [];
        Dictionary<string, SourcePosition> seen = [];
        while (!events.TryConsume<MappingEnd>(out _))
        {
            var key = ReadNode(depth + 1);
            var value = ReadNode(depth + 1);
            if (key is not ScalarNode name)
                diagnostics.Error(key.At, "a key must be a word");
            else if (!seen.TryAdd(name.Text, name.At))
                diagnostics.Error(name.At, $"duplicate key '{Shown.Text(name.Text)}', first at line {seen[name.Text].Line}");
            else
                entries.Add(new(name, value));
        }
        return new MappingNode(at, entries);
    }

    private void Count(ParsingEvent current, long weight)
    {
        nodes += weight;
        if (nodes > MaximumNodes)
            throw Refuse(current, $"more than {MaximumNodes} nodes (aliases count with all that they repeat)");
    }

    private SourcePosition At(ParsingEvent current) => new(file, (int)current.Start.Line, (int)current.Start.Column);

    private RefusedDocumentException Refuse(ParsingEvent current, string message)
    {
        diagnostics.Error(At(current), message);
        return new RefusedDocumentException();
    }

    // Ends the reading of one start-up file from the depth of the recursion; the diagnostic is already stored.
    private sealed class RefusedDocumentException : Exception;
}
