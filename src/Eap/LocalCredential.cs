using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Headend.Eap.Methods;

namespace Headend.Eap;

/// <summary>
/// The secret of one local user: a password (serves every method) or only its NT hash (serves MSCHAPv2). A copy that is
/// zeroed on Dispose.
/// </summary>
public sealed class LocalCredential : IDisposable
{
    private readonly char[]? _password;
    private readonly byte[]? _ntHash;

    private LocalCredential(char[]? password, byte[]? ntHash)
    {
        _password = password;
        _ntHash = ntHash;
    }

    /// <summary>From a password of at most 256 characters (RFC 2759 8.3).</summary>
    public static LocalCredential FromPassword(ReadOnlySpan<char> password)
    {
        if (password.Length > MsChapV2.MaxPasswordChars)
            throw new ArgumentException($"A password has at most {MsChapV2.MaxPasswordChars} characters.", nameof(password));
        return new LocalCredential(password.ToArray(), null);
    }

    /// <summary>From NtPasswordHash (RFC 2759 8.3), 16 octets.</summary>
    public static LocalCredential FromNtHash(ReadOnlySpan<byte> ntHash)
    {
        if (ntHash.Length != MsChapV2.HashLength)
            throw new ArgumentException("An NT hash has 16 octets.", nameof(ntHash));
        return new LocalCredential(null, ntHash.ToArray());
    }

    /// <summary>The password's characters, valid until Dispose; false when only the NT hash is known.</summary>
    public bool TryGetPassword(out ReadOnlySpan<char> password)
    {
        password = _password;
        return _password is not null;
    }

    /// <summary>Writes NtPasswordHash (RFC 2759 8.3) into 16 octets.</summary>
    public void GetNtHash(Span<byte> ntHash)
    {
        if (_ntHash is not null)
            _ntHash.CopyTo(ntHash);
        else
            MsChapV2.NtPasswordHash(_password, ntHash);
    }

    public void Dispose()
    {
        if (_ntHash is not null)
            CryptographicOperations.ZeroMemory(_ntHash);
        if (_password is not null)
            CryptographicOperations.ZeroMemory(MemoryMarshal.AsBytes(_password.AsSpan()));
    }
}
