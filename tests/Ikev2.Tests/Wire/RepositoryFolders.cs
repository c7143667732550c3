namespace Headend.Ikev2.Tests.Wire;

/// <summary>Finds test files from the place where the tests run.</summary>
internal static class RepositoryFolders
{
    public static string Root { get; } = FindRoot();

    public static string Corpus => Path.Combine(Root, "tests", "Ikev2.Tests", "Wire", "Corpus");

    /// <summary>Vectors that are not part of the repository; may be absent.</summary>
    public static string SharedVectors => Path.Combine(Root, "..", "shared", "vectors");

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Headend.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("No Headend.sln above the test assembly");
    }
}
