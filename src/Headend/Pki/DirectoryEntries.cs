using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Headend.Pki;

/// <summary>What a directory says of its files. A file that was made, renamed or deleted is so after a power cut only once its directory is on the disk.</summary>
internal static partial class DirectoryEntries
{
    private const int O_DIRECTORY = 0x1_0000;
    private const int O_CLOEXEC = 0x8_0000;

    /// <summary>Waits until the entries of the directory that holds this file are on the disk; nothing to wait for on file systems that know no such thing.</summary>
    /// <exception cref="IOException">The directory is not there, or the disk does not take them.</exception>
    public static void FlushAround(string file)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(file))!;
        // The framework opens no directories.
        using var handle = Open(directory, O_DIRECTORY | O_CLOEXEC);
        if (handle.IsInvalid)
            throw new IOException($"{directory}: {Marshal.GetLastPInvokeErrorMessage()}");
        RandomAccess.FlushToDisk(handle);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);
}
