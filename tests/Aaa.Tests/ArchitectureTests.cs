using System.Text.RegularExpressions;

namespace Headend.Aaa.Tests;

public sealed partial class ArchitectureTests
{
    private static string Sources => Path.Combine(VectorFiles.RepositoryRoot, "src", "Aaa");

    [Theory]
    [InlineData("Radius")]
    [InlineData("Authentication")]
    [InlineData("Authorization")]
    [InlineData("Accounting")]
    [InlineData("DynamicAuthorization")]
    [InlineData("Addresses")]
    [InlineData("Dhcp")]
    public void Pure_folders_open_no_sockets(string folder)
    {
        var files = Directory.GetFiles(Path.Combine(Sources, folder), "*.cs");
        Assert.NotEmpty(files);
        foreach (var file in files) Assert.DoesNotContain("System.Net.Sockets", File.ReadAllText(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Types_carry_no_suffix_that_says_nothing_and_files_stay_short()
    {
        foreach (var file in Directory.GetFiles(Sources, "*.cs", SearchOption.AllDirectories))
        {
            if (file.Contains("/obj/", StringComparison.Ordinal) || file.Contains("/bin/", StringComparison.Ordinal)) continue;
            var text = File.ReadAllText(file);
            Assert.False(EmptySuffix().IsMatch(text), file);
            Assert.True(text.Split('\n').Length <= 400, $"{file} has more than 400 lines");
        }
    }

    [GeneratedRegex(@"(class|struct|record|interface|enum) \w+(Manager|Helper|Util|Common|Base|Impl|Info|Data|Processor|Wrapper)\b", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex EmptySuffix();
}
