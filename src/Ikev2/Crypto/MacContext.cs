using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// HMAC or CMAC under one key, for as many messages as wanted, through libcrypto's EVP_MAC: a context is copied from one whose algorithm is fetched already, which
/// costs half of what IncrementalHash does for a key and for a message. Not thread-safe.
/// </summary>
internal sealed class MacContext : IPrf
{
    private readonly MacContextHandle _context;
    private bool _finished;

    /// <param name="function">Any but XCBC.</param>
    /// <param name="key">Any length, also none; CMAC takes 16 octets.</param>
    /// <exception cref="CryptographicException">libcrypto lacks the function.</exception>
    public MacContext(MacFunction function, ReadOnlySpan<byte> key)
    {
        var template = Templates.Of(function);
        OutputOctets = template.Octets;
        _context = new MacContextHandle(template.Context == 0 ? 0 : LibCrypto.EVP_MAC_CTX_dup(template.Context));
        // A null key would keep the template's.
        Require(!_context.IsInvalid && LibCrypto.EVP_MAC_init(_context, key.IsEmpty ? stackalloc byte[1] : key, (nuint)key.Length, default) == 1);
    }

    public int OutputOctets { get; }

    public void Compute(ReadOnlySpan<byte> data, Span<byte> output)
    {
        Append(data);
        Finish(output);
    }

    public void Append(ReadOnlySpan<byte> part)
    {
        if (_finished)
        {
            Require(LibCrypto.EVP_MAC_init(_context, default, 0, default) == 1);
            _finished = false;
        }

        if (!part.IsEmpty)
            Require(LibCrypto.EVP_MAC_update(_context, part, (nuint)part.Length) == 1);
    }

    /// <summary>Writes the value over all appended parts into the first <see cref="OutputOctets"/> and starts anew.</summary>
    public void Finish(Span<byte> output)
    {
        if (_finished)
            Append(default);
        Require(LibCrypto.EVP_MAC_final(_context, output, out var written, (nuint)output.Length) == 1 && written == (nuint)OutputOctets);
        _finished = true;
    }

    /// <summary>libcrypto zeroes the key.</summary>
    public void Dispose() => _context.Dispose();

    private static void Require(bool succeeded)
    {
        if (succeeded)
            return;
        var code = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        throw new CryptographicException($"libcrypto: MAC failed with error {code:x8}");
    }

    /// <summary>One initialised context per function, fetched once and kept for the life of the process.</summary>
    private static class Templates
    {
        private const int AesBlock = 16;
        private static readonly nint s_hmac = LibCrypto.EVP_MAC_fetch(0, "HMAC", 0);
        private static readonly (nint Context, int Octets) s_md5 = Create(s_hmac, "digest", "MD5", MD5.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha1 = Create(s_hmac, "digest", "SHA1", SHA1.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha256 = Create(s_hmac, "digest", "SHA256", SHA256.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha384 = Create(s_hmac, "digest", "SHA384", SHA384.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha512 = Create(s_hmac, "digest", "SHA512", SHA512.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_cmac = Create(LibCrypto.EVP_MAC_fetch(0, "CMAC", 0), "cipher", "AES-128-CBC", AesBlock);

        public static (nint Context, int Octets) Of(MacFunction function) => function switch
        {
            MacFunction.HmacMd5 => s_md5,
            MacFunction.HmacSha1 => s_sha1,
            MacFunction.HmacSha256 => s_sha256,
            MacFunction.HmacSha384 => s_sha384,
            MacFunction.HmacSha512 => s_sha512,
            MacFunction.AesCmac => s_cmac,
            _ => throw new ArgumentOutOfRangeException(nameof(function), function, "not made by EVP_MAC"),
        };

        /// <summary>Without context where the library lacks the algorithm (MD5 in FIPS mode): that fails when it is used.</summary>
        private static (nint Context, int Octets) Create(nint mac, string parameter, string algorithm, int octets)
        {
            var context = LibCrypto.EVP_MAC_CTX_new(mac);
            var name = Marshal.StringToCoTaskMemUTF8(parameter);
            var value = Marshal.StringToCoTaskMemUTF8(algorithm);
            using var handle = new MacContextHandle(context, owned: false);
            // EVP_MAC_CTX_dup copies only what has a key; that of CMAC has the cipher's length.
            var keyOctets = parameter == "cipher" ? AesBlock : 0;
            var done = LibCrypto.EVP_MAC_init(
                handle, stackalloc byte[AesBlock], (nuint)keyOctets, [OsslParameter.Utf8String(name, value, (nuint)algorithm.Length), default]);
            Marshal.FreeCoTaskMem(name);
            Marshal.FreeCoTaskMem(value);
            LibCrypto.ERR_clear_error();
            return (done == 1 ? context : 0, octets);
        }
    }
}
