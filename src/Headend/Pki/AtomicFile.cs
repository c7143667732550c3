using System.Security.Cryptography;
using System.Text;

namespace Headend.Pki;

/// <summary>Files of the state directory: written whole or not at all, with their mode from the first octet on.</summary>
public static class AtomicFile
{
    public const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    public const UnixFileMode Public = Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;

    /// <summary>
    /// Writes UTF-8 text beside the target and renames it over it; all of that is on the disk afterwards. The directory is made (0700) if it is missing. IOException when the target exists and
    /// <paramref name="overwrite"/> is false; it is then as it was.
    /// </summary>
    public static void Write(string path, string text, UnixFileMode mode, bool overwrite = true)
    {
        if (OperatingSystem.IsWindows())
            throw new PlatformNotSupportedException("The headend runs on Linux.");
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!, PrivateDirectory);
        var temporary = $"{path}.{RandomNumberGenerator.GetHexString(8, lowercase: true)}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode };
        try
        {
            using (var stream = new FileStream(temporary, options))
            {
                var octets = Encoding.UTF8.GetBytes(text);
                stream.Write(octets);
                stream.Flush(flushToDisk: true);
                CryptographicOperations.ZeroMemory(octets);
            }

            File.Move(temporary, path, overwrite);
            DirectoryEntries.FlushAround(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            File.Delete(temporary);
            throw;
        }
    }
}
