using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Headend.Tests.Architecture;

/// <summary>docs/architecture.md as tests: the star of projects, file lengths, names, broad catches, shells.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly string[] Leaves = ["Ikev2", "Eap", "Aaa", "VirtualAccess"];

    /// <summary>Where <c>catch (Exception)</c> may stand, each with its reason beside it in the code.</summary>
    private static readonly string[] BroadCatchPlaces =
    [
        "src/Headend/Runtime/IkeShard.cs", // one turn of a shard
        "src/Headend/Runtime/KernelWorker.cs", // one step of one session's interface
        "src/Headend/Sessions/SessionDynamicAuthorization.cs", // one dynamic authorization request
        "src/Eap/Tls/VerificationScope.cs", // a managed exception must not unwind through libssl; it is thrown on behind it
        "src/Headend/Sessions/SessionLifecycle.cs", // one asynchronous step of one login
    ];

    private static readonly string[] ForbiddenSuffixes = ["Manager", "Helper", "Util", "Utils", "Common", "Base", "Impl", "Info", "Data", "Processor", "Wrapper"];

    private static string Root { get; } = FindRoot();

    [Fact]
    public void Leaves_reference_no_project()
    {
        foreach (var leaf in Leaves)
            Assert.Empty(ReferencesOf(leaf));
    }

    [Fact]
    public void The_host_references_exactly_the_leaves()
    {
        Assert.Equal(Leaves.Order(StringComparer.Ordinal), ReferencesOf("Headend").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_leaf_bans_symbols()
    {
        foreach (var leaf in Leaves)
            Assert.NotEmpty(File.ReadAllLines(Path.Combine(Root, "src", leaf, "BannedSymbols.txt")));
    }

    [Fact]
    public void The_protocol_leaves_use_no_package()
    {
        foreach (var leaf in (string[])["Ikev2", "Eap"])
            Assert.Empty(XDocument.Load(ProjectOf(leaf)).Descendants("PackageReference"));
    }

    [Fact]
    public void Source_files_stay_under_400_lines()
    {
        var over = Sources().Concat(TestSources()).Where(f => File.ReadLines(f).Count() > 400).Select(Relative);
        Assert.Empty(over);
    }

    [Fact]
    public void Type_names_avoid_the_words_that_say_nothing()
    {
        var found = new List<string>();
        foreach (var file in Sources())
        {
            foreach (Match match in TypeDeclaration().Matches(File.ReadAllText(file)))
            {
                if (ForbiddenSuffixes.Any(s => match.Groups["name"].Value.EndsWith(s, StringComparison.Ordinal)))
                    found.Add($"{Relative(file)}: {match.Groups["name"].Value}");
            }
        }

        Assert.Empty(found);
    }

    [Fact]
    public void Broad_catches_stand_only_where_the_architecture_lists_them()
    {
        var found = Sources().Where(f => BroadCatch().IsMatch(File.ReadAllText(f))).Select(Relative).Where(f => !BroadCatchPlaces.Contains(f));
        Assert.Empty(found);
    }

    [Fact]
    public void The_product_starts_no_process()
    {
        var found = Sources().Where(f => File.ReadAllText(f).Contains("ProcessStartInfo", StringComparison.Ordinal)).Select(Relative);
        Assert.Empty(found);
    }

    /// <summary>xUnit 2 disposes of a test class by IDisposable or IAsyncLifetime alone: what IAsyncDisposable would give back stays, timers among it.</summary>
    [Fact]
    public void No_test_class_counts_on_a_disposal_that_never_comes()
    {
        var never = TestSources()
            .Where(f => AsyncDisposableTests().IsMatch(File.ReadAllText(f)))
            .Select(Relative);
        Assert.Empty(never);
    }

    [Fact]
    public void Every_line_of_the_log_has_an_event_id_of_its_own()
    {
        var ids = Sources().SelectMany(f => EventId().Matches(File.ReadAllText(f)).Select(m => m.Groups["id"].Value)).ToList();
        Assert.NotEmpty(ids);
        Assert.Empty(ids.GroupBy(i => i, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key));
    }

    private static string ProjectOf(string name) => Path.Combine(Root, "src", name, name + ".csproj");

    private static IEnumerable<string> ReferencesOf(string name) =>
        XDocument.Load(ProjectOf(name)).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));

    private static IEnumerable<string> Sources() => SourcesBelow("src");

    private static IEnumerable<string> TestSources() => SourcesBelow("tests");

    private static IEnumerable<string> SourcesBelow(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal));

    private static string Relative(string file) => Path.GetRelativePath(Root, file);

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Headend.sln")))
                return directory.FullName;
        }

        throw new InvalidOperationException("Headend.sln not found above the test assembly");
    }

    [GeneratedRegex(@"class \w+Tests\b[^{]*\bIAsyncDisposable\b", RegexOptions.None, 1000)]
    private static partial Regex AsyncDisposableTests();

    [GeneratedRegex(@"^\s*(?:(?:public|internal|private|file|static|sealed|abstract|readonly|partial|ref|unsafe) )*(?:class|struct|record struct|record class|record|interface|enum) (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"\bEventId(?: = |\()(?<id>\d+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EventId();

    [GeneratedRegex(@"catch\s*\(\s*Exception\b(?![^)]*\)\s*when\s*\(\s*\w+ is )|catch\s*(?:\{|$)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BroadCatch();
}
