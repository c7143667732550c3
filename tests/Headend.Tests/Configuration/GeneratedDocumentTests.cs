using System.Text.Json.Nodes;
using Headend.Configuration;

namespace Headend.Tests.Configuration;

/// <summary>The committed documents are what the table gives. HEADEND_WRITE_DOCS=1 writes them instead.</summary>
public sealed class GeneratedDocumentTests
{
    [Fact]
    public void The_schema_is_fresh() => IsFresh("docs/headend.schema.json", SchemaCompiler.Compile());

    [Fact]
    public void The_reference_is_fresh() => IsFresh("docs/configuration.md", ReferenceCompiler.Compile());

    [Fact]
    public void The_schema_knows_every_section_and_refuses_the_rest()
    {
        var schema = JsonNode.Parse(SchemaCompiler.Compile())!;
        Assert.False(schema["additionalProperties"]!.GetValue<bool>());
        Assert.Equal("24h", schema["properties"]!["ikev2"]!["properties"]!["profiles"]!["items"]!["properties"]!["ike-lifetime"]!["default"]!.GetValue<string>());
        Assert.Equal(500, schema["properties"]!["listen"]!["properties"]!["ike-port"]!["default"]!.GetValue<int>());
    }

    [Fact]
    public void The_configuration_in_the_README_is_accepted()
    {
        var readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        var start = readme.IndexOf("```yaml\n", StringComparison.Ordinal) + "```yaml\n".Length;
        using var fixture = new ConfigurationFixture();
        Assert.Empty(fixture.Findings(readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)]));
    }

    [Fact]
    public void The_configuration_attributes_in_the_documentation_are_accepted_beside_reconnect()
    {
        var text = File.ReadAllText(Path.Combine(Root(), "docs/anyconnect.md"));
        var start = text.IndexOf("      cisco-attributes:\n", StringComparison.Ordinal);
        var example = text[start..text.IndexOf("```", start, StringComparison.Ordinal)];
        using var fixture = new ConfigurationFixture();
        Assert.Empty(fixture.Findings(ConfigurationFixture.Complete.Replace(
            "      virtual-template: 1\n", $"      virtual-template: 1\n      reconnect: {{}}\n{example}", StringComparison.Ordinal)));
    }

    private static void IsFresh(string name, string expected)
    {
        var path = Path.Combine(Root(), name);
        if (Environment.GetEnvironmentVariable("HEADEND_WRITE_DOCS") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, expected);
        }
        Assert.True(File.Exists(path), $"{name} is missing; run these tests with HEADEND_WRITE_DOCS=1 and commit it");
        Assert.True(File.ReadAllText(path) == expected, $"{name} is stale; run these tests with HEADEND_WRITE_DOCS=1 and commit it");
    }

    private static string Root()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Headend.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("Headend.sln is above no directory of the tests");
    }
}
