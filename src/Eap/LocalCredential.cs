using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Headend.Eap.Methods;

namespace Headend.Eap;

/// <summary>
/// The secret of one local user in the forms that are stored: a password (serves every method), its NT hash (serves MSCHAPv2 and GTC), its
/// <see cref="PasswordHash"/> (serves GTC). A copy that is zeroed on Dispose.
/// </summary>
public sealed class LocalCredential : IDisposable
{
    /// <summary>Characters of a password (RFC 2759 8.3).</summary>
    public const int MaxPasswordLength = MsChapV2.MaxPasswordChars;

    private readonly char[]? _password;
    private readonly byte[]? _ntHash;
    private readonly PasswordHash? _passwordHash;

    private LocalCredential(char[]? password, byte[]? ntHash, PasswordHash? passwordHash)
    {
        _password = password;
        _ntHash = ntHash;
        _passwordHash = passwordHash;
    }

    /// <summary>From a password of at most 256 characters (RFC 2759 8.3).</summary>
    public static LocalCredential FromPassword(ReadOnlySpan<char> password)
    {
        if (password.Length > MsChapV2.MaxPasswordChars)
            throw new ArgumentException($"A password has at most {MsChapV2.MaxPasswordChars} characters.", nameof(password));
        return new LocalCredential(password.ToArray(), null, null);
    }

    /// <summary>From NtPasswordHash (RFC 2759 8.3), 16 octets.</summary>
    public static LocalCredential FromNtHash(ReadOnlySpan<byte> ntHash) => FromHashes(ntHash, null);

    /// <summary>From either hash or both of one password; an empty NT hash is none.</summary>
    public static LocalCredential FromHashes(ReadOnlySpan<byte> ntHash, PasswordHash? passwordHash)
    {
        if (ntHash.Length != MsChapV2.HashLength && !(ntHash.IsEmpty && passwordHash is not null))
            throw new ArgumentException("An NT hash has 16 octets.", nameof(ntHash));
        return new LocalCredential(null, ntHash.IsEmpty ? null : ntHash.ToArray(), passwordHash);
    }

    /// <summary>Which methods a user can log in by whose stored forms are these.</summary>
    public static bool Serves(EapType method, bool hasPassword, bool hasNtHash, bool hasPasswordHash) =>
        (method == EapType.MsChapV2 && (hasPassword || hasNtHash))
        || (method == EapType.Gtc && (hasPassword || hasNtHash || hasPasswordHash))
        || (method == EapType.Md5 && hasPassword);

    /// <summary>The NT hash of a password of at most 256 characters, 16 octets.</summary>
    public static byte[] ComputeNtHash(ReadOnlySpan<char> password)
    {
        var hash = new byte[MsChapV2.HashLength];
        MsChapV2.NtPasswordHash(password, hash);
        return hash;
    }

    /// <summary>Whether this credential can serve the method.</summary>
    public bool Serves(EapType method) => Serves(method, _password is not null, _ntHash is not null, _passwordHash is not null);

    /// <summary>The password's characters, valid until Dispose; false when only hashes are known.</summary>
    public bool TryGetPassword(out ReadOnlySpan<char> password)
    {
        password = _password;
        return _password is not null;
    }

    /// <summary>Writes NtPasswordHash (RFC 2759 8.3) into 16 octets; false when neither it nor the password is known.</summary>
    public bool TryGetNtHash(Span<byte> ntHash)
    {
        if (_ntHash is not null)
            _ntHash.CopyTo(ntHash);
        else if (_password is not null)
            MsChapV2.NtPasswordHash(_password, ntHash);
        return _ntHash is not null || _password is not null;
    }

    /// <summary>
    /// Whether these UTF-8 octets are the password. Costs one <see cref="PasswordHash"/> in every case, so that the time does not tell in which form it is
    /// stored, or whether there is one.
    /// </summary>
    public static bool Verify(LocalCredential? credential, ReadOnlySpan<byte> given)
    {
        var stretched = (credential?._passwordHash ?? PasswordHash.Unmatchable).Verify(given);
        if (credential is null)
            return false;
        if (credential._passwordHash is not null)
            return stretched;
        Span<byte> expected = stackalloc byte[MsChapV2.HashLength];
        Span<byte> actual = stackalloc byte[MsChapV2.HashLength];
        Span<char> characters = stackalloc char[MsChapV2.MaxPasswordChars];
        // Decoding is one to one only for valid UTF-8; U+FFFD of two wrong passwords must not be the same.
        var decodable = Utf8.IsValid(given) && Encoding.UTF8.GetCharCount(given) <= characters.Length;
        var length = decodable ? Encoding.UTF8.GetChars(given, characters) : 0;
        MsChapV2.NtPasswordHash(characters[..length], actual);
        var known = credential.TryGetNtHash(expected);
        CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(characters));
        var same = CryptographicOperations.FixedTimeEquals(expected, actual);
        CryptographicOperations.ZeroMemory(expected);
        return decodable & known & same;
    }

    public void Dispose()
    {
        if (_ntHash is not null)
            CryptographicOperations.ZeroMemory(_ntHash);
        if (_password is not null)
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_password.AsSpan()));
    }
}
