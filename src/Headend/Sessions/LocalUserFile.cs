using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Headend.Configuration;
using Headend.Eap;
using Headend.Pki;

namespace Headend.Sessions;

/// <summary>
/// <c>local-users.json</c> in the state directory, mode 0600: the users that <c>headend user</c> keeps. Written whole or not at all, by one writer at a time; a file
/// of a newer format is refused, never overwritten.
/// </summary>
internal static class LocalUserFile
{
    private const string Name = "local-users.json";
    private const int FormatVersion = 1;
    private const int MaxLength = 64 << 20;
    private const int MaxUsers = 100_000;

    public static string PathIn(string stateDirectory) => Path.Combine(stateDirectory, Name);

    /// <summary>No file is no users. False with the reason when it is damaged, of a newer format or not readable.</summary>
    public static bool TryRead(string path, out IReadOnlyList<LocalUserOptions> users, out string error)
    {
        users = [];
        if (!TryReadRows(path, out var rows, out error))
            return false;
        var read = new List<LocalUserOptions>();
        foreach (var row in rows)
        {
            if (!TryTranslate(row, out var user, out var problem))
            {
                error = $"{path}: user {row.Name}: {problem}";
                return false;
            }

            read.Add(user!);
        }

        users = read;
        return true;
    }

    /// <summary>
    /// Changes the file under its lock: <paramref name="change"/> gets the rows and answers null to write them, or why not.
    /// </summary>
    /// <returns>Null when it was written, or why not.</returns>
    public static string? Update(string path, Func<List<LocalUserRecord>, string?> change)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var held = new FileStream(
                path + ".lock", new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = AtomicFile.Private });
            if (!TryReadRows(path, out var rows, out var error))
                return error;
            var list = rows.ToList();
            if (change(list) is { } refusal)
                return refusal;
            if (list.Count > MaxUsers)
                return $"more than {MaxUsers} users";
            var file = new LocalUserFileRecord(FormatVersion, [.. list.OrderBy(u => u.Name, StringComparer.Ordinal)]);
            AtomicFile.Write(path, JsonSerializer.Serialize(file, LocalUserJsonContext.Default.LocalUserFileRecord) + "\n", AtomicFile.Private);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure.Message;
        }
    }

    private static bool TryReadRows(string path, out IReadOnlyList<LocalUserRecord> rows, out string error)
    {
        rows = [];
        error = "";
        try
        {
            if (!File.Exists(path))
                return true;
            if (new FileInfo(path).Length > MaxLength)
            {
                error = $"{path}: longer than {MaxLength} octets";
                return false;
            }

            var octets = File.ReadAllBytes(path);
            var file = JsonSerializer.Deserialize(octets, LocalUserJsonContext.Default.LocalUserFileRecord);
            CryptographicOperations.ZeroMemory(octets);
            error = file switch
            {
                null or { Users: null } => $"{path}: no users in it",
                { Version: not FormatVersion } => $"{path}: format {file.Version}, this program knows {FormatVersion}",
                { Users.Count: > MaxUsers } => $"{path}: more than {MaxUsers} users",
                _ when file.Users.Any(u => u is null || !IsName(u.Name)) => $"{path}: a user's name is missing or longer than {EapLimits.MaxIdentityLength} octets",
                _ => "",
            };
            if (error.Length == 0)
                rows = file!.Users!;
            return error.Length == 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            // The parser's message may quote what stands there: a secret.
            error = failure is JsonException json ? $"{path}: no JSON of users, line {json.LineNumber + 1}" : $"{path}: {failure.Message}";
            return false;
        }
    }

    internal static bool IsName(string? name) =>
        name is { Length: > 0 } && !name.Any(char.IsControl) && System.Text.Encoding.UTF8.GetByteCount(name) <= EapLimits.MaxIdentityLength;

    private static bool TryTranslate(LocalUserRecord row, out LocalUserOptions? user, out string problem)
    {
        user = null;
        problem = "";
        PasswordHash? hash = null;
        if (row.PasswordHash is not null && !PasswordHash.TryParse(row.PasswordHash, out hash, out problem))
            return false;
        if (row.NtHash is not null && (row.NtHash.Length != 32 || !row.NtHash.All(char.IsAsciiHexDigit)))
        {
            problem = "an NT hash is 32 hexadecimal digits";
            return false;
        }

        if (row.Password is { Length: > LocalCredential.MaxPasswordLength } or "")
        {
            problem = $"a password has 1 to {LocalCredential.MaxPasswordLength} characters";
            return false;
        }

        user = new LocalUserOptions(row.Name, row.Password is null ? null : SecretOptions.FromText(row.Password), row.Policy)
        {
            NtHash = row.NtHash is null ? null : new SecretOptions(Convert.FromHexString(row.NtHash)),
            PasswordHash = hash,
            AttributeList = row.AttributeList,
        };
        return true;
    }
}

/// <summary>The file's content.</summary>
internal sealed record LocalUserFileRecord(int Version, IReadOnlyList<LocalUserRecord> Users);

/// <summary>One user of the file. <see cref="ToString"/> shows no secret.</summary>
internal sealed record LocalUserRecord
{
    public required string Name { get; init; }

    public string? Password { get; init; }

    public string? PasswordHash { get; init; }

    public string? NtHash { get; init; }

    public string? Policy { get; init; }

    public string? AttributeList { get; init; }

    public override string ToString() => Name;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(LocalUserFileRecord))]
internal sealed partial class LocalUserJsonContext : JsonSerializerContext;
