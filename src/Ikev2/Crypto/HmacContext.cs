using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// HMAC under one key, for as many messages as wanted, through libcrypto's EVP_MAC: a context is copied from one whose algorithm is fetched already, which costs
/// half of what IncrementalHash does for a key and for a message. Not thread-safe.
/// </summary>
internal sealed class HmacContext : IDisposable
{
    private readonly MacContextHandle _context;
    private bool _finished;

    /// <param name="hash">SHA-1 or SHA-2.</param>
    /// <param name="key">Any length, also none.</param>
    /// <exception cref="CryptographicException">libcrypto lacks the hash.</exception>
    public HmacContext(HashAlgorithmName hash, ReadOnlySpan<byte> key)
    {
        var template = Templates.Of(hash);
        OutputOctets = template.Octets;
        _context = new MacContextHandle(LibCrypto.EVP_MAC_CTX_dup(template.Context));
        // A null key would keep the template's.
        Require(!_context.IsInvalid && LibCrypto.EVP_MAC_init(_context, key.IsEmpty ? stackalloc byte[1] : key, (nuint)key.Length, default) == 1);
    }

    public int OutputOctets { get; }

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
        throw new CryptographicException($"libcrypto: HMAC failed with error {code:x8}");
    }

    /// <summary>One initialised context per hash, fetched once and kept for the life of the process.</summary>
    private static class Templates
    {
        private static readonly nint s_hmac = LibCrypto.EVP_MAC_fetch(0, "HMAC", 0);
        private static readonly (nint Context, int Octets) s_sha1 = Create("SHA1", SHA1.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha256 = Create("SHA256", SHA256.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha384 = Create("SHA384", SHA384.HashSizeInBytes);
        private static readonly (nint Context, int Octets) s_sha512 = Create("SHA512", SHA512.HashSizeInBytes);

        public static (nint Context, int Octets) Of(HashAlgorithmName hash) => hash.Name switch
        {
            nameof(HashAlgorithmName.SHA1) => s_sha1,
            nameof(HashAlgorithmName.SHA256) => s_sha256,
            nameof(HashAlgorithmName.SHA384) => s_sha384,
            nameof(HashAlgorithmName.SHA512) => s_sha512,
            _ => throw new ArgumentOutOfRangeException(nameof(hash), hash.Name, "no such hash in IKEv2"),
        };

        private static (nint Context, int Octets) Create(string digest, int octets)
        {
            var context = LibCrypto.EVP_MAC_CTX_new(s_hmac);
            var name = Marshal.StringToCoTaskMemUTF8("digest");
            var value = Marshal.StringToCoTaskMemUTF8(digest);
            using var handle = new MacContextHandle(context, owned: false);
            // EVP_MAC_CTX_dup copies only what has a key.
            var done = LibCrypto.EVP_MAC_init(handle, stackalloc byte[1], 0, [OsslParameter.Utf8String(name, value, (nuint)digest.Length), default]);
            Marshal.FreeCoTaskMem(name);
            Marshal.FreeCoTaskMem(value);
            Require(done == 1);
            return (context, octets);
        }
    }
}
