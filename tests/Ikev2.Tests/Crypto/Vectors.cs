using System.Text.Json;

namespace Headend.Ikev2.Tests.Crypto;

/// <summary>Finds recorded data: beside these tests, or in the folder shared with the repository.</summary>
internal static class Vectors
{
    private static readonly string s_root = FindRoot();

    public static string Shared(string name) => Path.GetFullPath(Path.Combine(s_root, "..", "shared", "vectors", name));

    public static string Local(string name) => Path.Combine(s_root, "tests", "Ikev2.Tests", "Crypto", "Vectors", name);

    public static JsonElement Json(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }

    public static string Text(this JsonElement element, string name) => element.GetProperty(name).GetString()!;

    public static byte[] Hex(this JsonElement element, string name) => Convert.FromHexString(element.Text(name));

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Headend.sln")))
            folder = Path.GetDirectoryName(folder.TrimEnd(Path.DirectorySeparatorChar)) ?? throw new DirectoryNotFoundException("Headend.sln");
        return folder;
    }
}

/// <summary>A fact that needs a folder of ../shared/vectors and is a counted skip without it.</summary>
public sealed class FactWithVectorsAttribute : FactAttribute
{
    public FactWithVectorsAttribute(string folder)
    {
        if (!Directory.Exists(Vectors.Shared(folder)))
            Skip = $"../shared/vectors/{folder} is not there";
    }
}

/// <summary>A theory that needs a folder of ../shared/vectors and is a counted skip without it.</summary>
public sealed class TheoryWithVectorsAttribute : TheoryAttribute
{
    public TheoryWithVectorsAttribute(string folder)
    {
        if (!Directory.Exists(Vectors.Shared(folder)))
            Skip = $"../shared/vectors/{folder} is not there";
    }
}
