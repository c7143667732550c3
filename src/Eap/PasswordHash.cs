using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Headend.Eap;

/// <summary>
/// A password as PBKDF2-HMAC-SHA512 (RFC 8018 5.2) in modular crypt format, as passlib's <c>pbkdf2_sha512</c> writes it:
/// <c>$pbkdf2-sha512$ROUNDS$SALT$CHECKSUM</c>, base64 without padding and with '.' for '+'. Immutable. Serves methods that bring the password itself
/// (EAP-GTC), never a challenge-response method.
/// </summary>
public sealed class PasswordHash
{
    /// <summary>Rounds of new hashes: OWASP's figure for PBKDF2-HMAC-SHA512. Some 100 ms of a processor.</summary>
    public const int DefaultRounds = 210_000;

    public const int MinRounds = 1_000;

    /// <summary>Bounds what one line of a file may cost at every login.</summary>
    public const int MaxRounds = 10_000_000;

    private const string Prefix = "$pbkdf2-sha512$";
    private const int ChecksumLength = 64;
    private const int SaltLength = 16;
    private const int MinSaltLength = 8;
    private const int MaxSaltLength = 64;

    private readonly byte[] _salt;
    private readonly byte[] _checksum;

    private PasswordHash(int rounds, byte[] salt, byte[] checksum)
    {
        Rounds = rounds;
        _salt = salt;
        _checksum = checksum;
    }

    public int Rounds { get; }

    /// <summary>A hash that no password is known for: verifying against it costs what a real one costs.</summary>
    public static PasswordHash Unmatchable { get; } = new(DefaultRounds, new byte[SaltLength], RandomNumberGenerator.GetBytes(ChecksumLength));

    /// <summary>Hashes a password (UTF-8 octets) under a new salt.</summary>
    public static PasswordHash Create(ReadOnlySpan<byte> password, int rounds = DefaultRounds)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, MinRounds);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rounds, MaxRounds);
        var salt = RandomNumberGenerator.GetBytes(SaltLength);
        return new PasswordHash(rounds, salt, Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA512, ChecksumLength));
    }

    /// <summary>False with what is wrong in <paramref name="error"/>, which never repeats the hash.</summary>
    public static bool TryParse(string text, out PasswordHash? hash, out string error)
    {
        ArgumentNullException.ThrowIfNull(text);
        hash = null;
        error = $"not {Prefix}ROUNDS$SALT$CHECKSUM";
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        var parts = text[Prefix.Length..].Split('$');
        if (parts.Length != 3 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var rounds))
            return false;
        error = $"the rounds must be {MinRounds} to {MaxRounds}";
        if (rounds is < MinRounds or > MaxRounds)
            return false;
        error = $"the salt must be base64 of {MinSaltLength} to {MaxSaltLength} octets";
        if (!TryDecode(parts[1], out var salt) || salt.Length is < MinSaltLength or > MaxSaltLength)
            return false;
        error = $"the checksum must be base64 of {ChecksumLength} octets";
        if (!TryDecode(parts[2], out var checksum) || checksum.Length != ChecksumLength)
            return false;
        error = "";
        hash = new PasswordHash(rounds, salt, checksum);
        return true;
    }

    /// <summary>Costs <see cref="Rounds"/> rounds whatever the result: not for a thread that others wait for.</summary>
    public bool Verify(ReadOnlySpan<byte> password)
    {
        Span<byte> computed = stackalloc byte[ChecksumLength];
        Rfc2898DeriveBytes.Pbkdf2(password, _salt, computed, Rounds, HashAlgorithmName.SHA512);
        return CryptographicOperations.FixedTimeEquals(computed, _checksum);
    }

    /// <summary>The stored form. Secret: whoever has it can guess at leisure.</summary>
    public string ToModularCrypt() => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Rounds}${Encode(_salt)}${Encode(_checksum)}");

    /// <summary>Never the hash, which a log must not hold.</summary>
    public override string ToString() => "(password hash)";

    private static string Encode(byte[] octets) => Convert.ToBase64String(octets).TrimEnd('=').Replace('+', '.');

    private static bool TryDecode(string text, out byte[] octets)
    {
        octets = [];
        if (text.Length is 0 or > 128 || text.Contains('='))
            return false;
        var padded = new StringBuilder(text.Replace('.', '+')).Append('=', (4 - (text.Length % 4)) % 4).ToString();
        var buffer = new byte[padded.Length];
        if (!Convert.TryFromBase64String(padded, buffer, out var length))
            return false;
        octets = buffer[..length];
        return true;
    }
}
