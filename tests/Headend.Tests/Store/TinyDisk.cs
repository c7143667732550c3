using System.Diagnostics;

namespace Headend.Tests.Store;

/// <summary>A file system of its own that a test may fill up; it goes away with the test.</summary>
internal sealed class TinyDisk : IDisposable
{
    public const string Filler = "filler";

    public TinyDisk(int octets)
    {
        if (!TryMount(Path, octets))
            throw new InvalidOperationException($"{Path}: not mounted");
    }

    /// <summary>Why there can be none here; null where there can.</summary>
    public static string? Obstacle { get; } = FindObstacle();

    public string Path { get; } = Directory.CreateTempSubdirectory("headend-disk-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Until it takes nothing more.</summary>
    public void Fill()
    {
        using var filler = new FileStream(File(Filler), FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
                filler.Write(new byte[4096]);
        }
        catch (IOException)
        {
        }
    }

    public void Free() => System.IO.File.Delete(File(Filler));

    public void Dispose()
    {
        Run("umount", "-l", Path);
        Directory.Delete(Path);
    }

    private static string? FindObstacle()
    {
        if (!Environment.IsPrivilegedProcess)
            return "needs root for a file system of its own";
        var path = Directory.CreateTempSubdirectory("headend-disk-").FullName;
        var isMounted = TryMount(path, 1 << 16);
        if (isMounted)
            Run("umount", "-l", path);
        Directory.Delete(path);
        return isMounted ? null : "no tmpfs can be mounted here";
    }

    private static bool TryMount(string path, int octets) => Run("mount", "-t", "tmpfs", "-o", $"size={octets}", "tmpfs", path);

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

/// <summary>A fact that fills a disk up; skipped with a reason where it can have none of its own.</summary>
public sealed class FactOnTinyDiskAttribute : FactAttribute
{
    public FactOnTinyDiskAttribute() => Skip = TinyDisk.Obstacle!;
}
