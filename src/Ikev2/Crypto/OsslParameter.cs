using System.Runtime.InteropServices;

namespace Headend.Ikev2.Crypto;

/// <summary>OSSL_PARAM of openssl/core.h; a default one ends an array.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct OsslParameter
{
    private const uint TypeUtf8String = 4;

    private readonly nint _key;
    private readonly uint _type;
    private readonly nint _value;
    private readonly nuint _size;
    private readonly nuint _returned;

    private OsslParameter(nint key, uint type, nint value, nuint size)
    {
        (_key, _type, _value, _size) = (key, type, value, size);
        _returned = nuint.MaxValue; // OSSL_PARAM_UNMODIFIED
    }

    /// <summary>Pointers to NUL-terminated strings, which the caller keeps alive for the call.</summary>
    public static OsslParameter Utf8String(nint key, nint value, nuint octets) => new(key, TypeUtf8String, value, octets);
}
