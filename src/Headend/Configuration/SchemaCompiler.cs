using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Headend.Configuration;

/// <summary>Writes docs/headend.schema.json from the table, for editors that complete and check YAML.</summary>
internal static partial class SchemaCompiler
{
    private static readonly JsonSerializerOptions Style = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Compile()
    {
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Headend configuration",
        };
        foreach (var (name, value) in Section(ConfigurationTable.Root).ToList())
            schema[name] = value?.DeepClone();
        return schema.ToJsonString(Style) + "\n";
    }

    private static JsonObject Syntax(ConfigurationSyntax syntax) => syntax switch
    {
        SectionSyntax section => Section(section),
        ListSyntax list => List(list),
        ScalarSyntax scalar => Scalar(scalar),
        _ => throw new InvalidOperationException($"no schema for {syntax.Name}"),
    };

    private static JsonObject Section(SectionSyntax section)
    {
        var properties = new JsonObject();
        foreach (var key in section.Keys)
        {
            var property = Syntax(key.Syntax);
            property["description"] = key.Doc;
            if (key.Default is not null)
                property["default"] = Default(key);
            properties[key.Name] = property;
        }
        var schema = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        var required = section.Keys.Where(k => k.Required).Select(k => (JsonNode)JsonValue.Create(k.Name)).ToArray();
        if (required.Length > 0)
            schema["required"] = new JsonArray(required);
        return schema;
    }

    private static JsonObject List(ListSyntax list)
    {
        var schema = new JsonObject { ["type"] = "array", ["items"] = Syntax(list.Item), ["maxItems"] = list.Maximum };
        if (list.Minimum > 0)
            schema["minItems"] = list.Minimum;
        return schema;
    }

    private static JsonObject Scalar(ScalarSyntax scalar)
    {
        // A YAML text such as 12345678 is a number to a schema; we take it as written.
        var schema = new JsonObject
        {
            ["type"] = scalar is { JsonType: "string", Pattern: null, Words: null } ? new JsonArray("string", "number") : JsonValue.Create(scalar.JsonType),
        };
        if (scalar.Pattern is not null)
            schema["pattern"] = NamedGroupRegex().Replace(scalar.Pattern, "(");
        if (scalar.Minimum is { } minimum)
            schema["minimum"] = minimum;
        if (scalar.Maximum is { } maximum)
            schema["maximum"] = maximum;
        if (scalar.Words is { } words)
            schema["enum"] = new JsonArray([.. words.Select(w => (JsonNode)JsonValue.Create(w))]);
        return schema;
    }

    private static JsonNode? Default(ConfigurationKey key)
    {
        var tree = YamlTreeParser.Parse($"v: {key.Default}", "default", new DiagnosticStore())!;
        return Node(tree.Entries[0].Value, key.Syntax);
    }

    private static JsonNode? Node(ConfigurationNode node, ConfigurationSyntax syntax) => (node, syntax) switch
    {
        (SequenceNode list, ListSyntax items) => new JsonArray([.. list.Items.Select(i => Node(i, items.Item))]),
        (ScalarNode scalar, ScalarSyntax { JsonType: "integer" or "boolean" }) => JsonNode.Parse(scalar.Text),
        (ScalarNode scalar, _) => JsonValue.Create(scalar.Text),
        _ => null,
    };

    [GeneratedRegex("\\(\\?<[a-z]+>", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex NamedGroupRegex();
}
