using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Headend.Pki;

namespace Headend.Store;

/// <summary>
/// The file of the keys that records of the embedded store are sealed with: 64 hexadecimal digits a line, the newest first, mode 0600. It is written anew at every start
/// with a new key, so that a copy of the store, taken with or without its key, is no longer accepted beside the next one. A start that broke off, or whose disk took nothing, leaves the
/// new one and those that records are still sealed with.
/// </summary>
internal static class SealingKeyFile
{
    /// <summary>Octets of a key: AES-256.</summary>
    public const int KeyLength = 32;

    /// <summary>Of the file: far more keys than any sequence of broken starts leaves.</summary>
    private const int MostOctets = 4096;

    /// <summary>False, with the reason, where there is no file or none of this form. The caller zeroes the keys.</summary>
    public static bool TryRead(string path, out IReadOnlyList<byte[]> keys, [NotNullWhen(false)] out string? why)
    {
        keys = [];
        byte[] text;
        try
        {
            if (new FileInfo(path) is { Exists: true, Length: > MostOctets })
            {
                why = "it is no key file";
                return false;
            }

            text = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            why = error.Message;
            return false;
        }

        var found = new List<byte[]>();
        var isSound = true;
        foreach (var line in text.AsSpan().TrimEnd((byte)'\n').Split((byte)'\n'))
        {
            var key = new byte[KeyLength];
            isSound &= Convert.FromHexString(text.AsSpan()[line], key, out _, out var written) == System.Buffers.OperationStatus.Done && written == KeyLength;
            found.Add(key);
        }

        CryptographicOperations.ZeroMemory(text);
        if (!isSound)
        {
            found.ForEach(static k => CryptographicOperations.ZeroMemory(k));
            why = "it is no key file";
            return false;
        }

        keys = found;
        why = null;
        return true;
    }

    /// <summary>Whether anybody but the owner can read or write it.</summary>
    public static bool IsOpenToOthers(string path) => File.Exists(path) && (File.GetUnixFileMode(path) & ~(AtomicFile.Private | UnixFileMode.UserExecute)) != 0;

    /// <summary>Does what can be done about that without room on the disk.</summary>
    public static void CloseToOthers(string path)
    {
        try
        {
            File.SetUnixFileMode(path, AtomicFile.Private);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The new file is the owner's alone.
        }
    }

    /// <exception cref="StoreException">The disk does not allow it; <see cref="StoreException.IsOfTheDisk"/> where it may do so later.</exception>
    public static void Write(string path, params ReadOnlySpan<byte[]> keys)
    {
        var text = new StringBuilder();
        foreach (var key in keys)
            text.Append(Convert.ToHexStringLower(key)).Append('\n');
        try
        {
            AtomicFile.Write(path, text.ToString(), AtomicFile.Private);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw StoreException.Of(error, $"key file {path}");
        }
    }

    /// <summary>
    /// Makes everything that was sealed with it unreadable for the next start; possible on a full disk, too. False where the disk refuses even that, or does not say that it is
    /// done for good: the file may be there then or not.
    /// </summary>
    public static bool TryDestroy(string path)
    {
        try
        {
            File.Delete(path);
            DirectoryEntries.FlushAround(path);
            return true;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
