using System.Security.Cryptography;

namespace Headend.Configuration;

/// <summary>Fetches a secret from the file, another file or the environment.</summary>
internal static class SecretParser
{
    /// <summary>RFC 2865 3: a secret should be at least 16 octets.</summary>
    public const int SharedSecretLength = 16;

    public const int PasswordLength = 8;

    private const int MaximumLength = 4096;

    /// <summary>Key under which the fetched <see cref="SecretOptions"/> stands; no YAML key has it, for it holds a space.</summary>
    public static string ValueKey(string prefix) => prefix + " value";

    /// <summary>Fetches it into <see cref="ValueKey"/>; reports what is missing, doubled, unreadable, too open or too short.</summary>
    public static void Read(SectionValue section, string prefix, int advisedLength, DiagnosticStore diagnostics)
    {
        string[] keys = [prefix, prefix + "-file", prefix + "-env"];
        var given = keys.Where(section.Has).ToList();
        if (given.Count != 1)
        {
            var at = given.Count == 0 ? section.At : section.PlaceOf(given[1]);
            diagnostics.Error(at, $"exactly one of {string.Join(", ", keys)} is needed, found {(given.Count == 0 ? "none" : string.Join(" and ", given))}");
            return;
        }
        var place = section.PlaceOf(given[0]);
        var text = section.Get<string>(given[0]);
        var secret = given[0] == prefix ? SecretOptions.FromText(text)
            : given[0] == keys[1] ? FromFile(text, place, diagnostics)
            : FromEnvironment(text, place, diagnostics);
        if (secret is null)
            return;
        if (secret.Length < advisedLength)
            diagnostics.Warning(place, $"a {prefix} of {secret.Length} octets is weak; use at least {advisedLength}");
        section.Set(ValueKey(prefix), new ConfigurationValue(secret, place));
    }

    private static SecretOptions? FromEnvironment(string name, SourcePosition at, DiagnosticStore diagnostics)
    {
        var value = Environment.GetEnvironmentVariable(name);
        if (!string.IsNullOrEmpty(value))
            return SecretOptions.FromText(value);
        diagnostics.Error(at, $"the environment variable '{Shown.Text(name)}' is not set");
        return null;
    }

    private static SecretOptions? FromFile(string name, SourcePosition at, DiagnosticStore diagnostics)
    {
        var path = ConfigurationPaths.Resolve(name, at);
        if (!ConfigurationPaths.TryCheckFile(path, isSecret: true, at, diagnostics))
            return null;
        byte[] octets;
        try
        {
            octets = File.ReadAllBytes(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            diagnostics.Error(at, $"cannot read '{Shown.Text(path)}': {error.Message}");
            return null;
        }
        try
        {
            ReadOnlySpan<byte> line = octets;
            var end = line.IndexOf((byte)'\n');
            if (end >= 0)
                line = line[..end];
            line = line.TrimEnd((byte)'\r');
            if (line.Length is > 0 and <= MaximumLength)
                return new SecretOptions(line);
            diagnostics.Error(at, $"the first line of '{Shown.Text(path)}' must hold 1 to {MaximumLength} octets");
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(octets);
        }
    }
}

/// <summary>Paths written in a configuration.</summary>
internal static class ConfigurationPaths
{
    // A secret or certificate chain of a megabyte is a mistake, such as /dev/zero.
    private const long MaximumFile = 1 << 20;

    /// <summary>Absolute; relative ones start at the directory of the file in which they stand.</summary>
    public static string Resolve(string path, SourcePosition at) =>
        Path.GetFullPath(path, Path.GetDirectoryName(Path.GetFullPath(at.File)) ?? "/");

    /// <summary>Whether a regular file is there; for secrets also warns when group or others may read it.</summary>
    public static bool TryCheckFile(string path, bool isSecret, SourcePosition at, DiagnosticStore diagnostics)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
        {
            diagnostics.Error(at, $"no file '{Shown.Text(path)}'");
            return false;
        }
        // Devices and FIFOs have no length either; to read one may take for ever.
        if (file.Length == 0)
        {
            diagnostics.Error(at, $"'{Shown.Text(path)}' is empty or no regular file");
            return false;
        }
        if (file.Length > MaximumFile)
        {
            diagnostics.Error(at, $"the file '{Shown.Text(path)}' is longer than {MaximumFile} octets");
            return false;
        }
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
        if (isSecret && (file.UnixFileMode & others) != UnixFileMode.None)
            diagnostics.Warning(at, $"'{Shown.Text(path)}' may be read by others; chmod 600 it");
        return true;
    }
}
