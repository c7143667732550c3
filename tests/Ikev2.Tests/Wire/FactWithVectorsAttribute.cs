namespace Headend.Ikev2.Tests.Wire;

/// <summary>A fact that needs a folder of ../shared/vectors and is skipped with a reason where it is absent.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class FactWithVectorsAttribute : FactAttribute
{
    public FactWithVectorsAttribute(string folder)
    {
        if (!Directory.Exists(Path.Combine(RepositoryFolders.SharedVectors, folder))) Skip = $"../shared/vectors/{folder} is absent";
    }
}
