using Headend.Pki;

namespace Headend.Tests.Pki;

public sealed class DirectoryEntriesTests : IDisposable
{
    private readonly TemporaryDirectory directory = new();

    public void Dispose() => directory.Dispose();

    [Fact]
    public void A_directory_is_flushed_whether_the_file_is_there_or_not()
    {
        var file = directory.Write("there", "");
        DirectoryEntries.FlushAround(file);
        File.Delete(file);
        DirectoryEntries.FlushAround(file);
    }

    [Fact]
    public void What_is_no_directory_is_a_failure()
    {
        Assert.Throws<IOException>(() => DirectoryEntries.FlushAround(directory.File("missing", "file")));
        Assert.Throws<IOException>(() => DirectoryEntries.FlushAround(directory.File(directory.Write("file", ""), "below")));
    }
}
