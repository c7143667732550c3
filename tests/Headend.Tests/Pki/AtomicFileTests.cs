using Headend.Pki;

namespace Headend.Tests.Pki;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    /// <summary>Beside keys that would be a copy of the key, and one more with each attempt.</summary>
    [Fact]
    public void A_file_that_cannot_take_its_place_leaves_nothing_behind()
    {
        var target = directory.File("key");
        Directory.CreateDirectory(target);
        var refused = Record.Exception(() => AtomicFile.Write(target, "secret", AtomicFile.Private));
        Assert.True(refused is IOException or UnauthorizedAccessException, refused?.GetType().Name);
        Assert.Equal([target], Directory.GetFileSystemEntries(directory.Path));
    }
}
