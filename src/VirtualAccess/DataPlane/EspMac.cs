using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The MACs of ESP's integrity transforms.</summary>
internal enum EspMacFunction
{
    HmacSha256,
    HmacSha384,
    HmacSha512,
    HmacSha1,
    HmacMd5,

    /// <summary>RFC 4494.</summary>
    AesCmac,

    /// <summary>RFC 3566.</summary>
    AesXcbc,
}

/// <summary>The kept MAC context of one direction of one SA (EVP_MAC(3)). Not thread-safe.</summary>
internal sealed unsafe class EspMac : IDisposable
{
    /// <summary>Octets of the longest value, untruncated.</summary>
    public const int MaximumLength = 64;

    private const int Block = 16;

    /// <summary>What XCBC adds to a whole and to a padded last block (32 octets); null for the others.</summary>
    private readonly byte[]? lastBlockKeys;
    private nint context;

    /// <exception cref="CryptographicException">OpenSSL does not have the function (for example MD5 in FIPS mode).</exception>
    public EspMac(EspMacFunction function, ReadOnlySpan<byte> key)
    {
        Span<byte> chainKey = stackalloc byte[Block];
        if (function == EspMacFunction.AesXcbc)
        {
            lastBlockKeys = new byte[2 * Block];
            DeriveXcbc(key, chainKey, lastBlockKeys);
            context = Open(function, chainKey);
        }
        else
        {
            context = Open(function, key);
        }

        CryptographicOperations.ZeroMemory(chainKey);
        if (context == 0) throw new CryptographicException($"OpenSSL has no {function}");
    }

    /// <summary>Writes the value over two parts into <paramref name="output"/> (<see cref="MaximumLength"/> octets).</summary>
    public bool Compute(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, Span<byte> output)
    {
        nuint written;
        fixed (byte* one = first, two = second, to = output)
        {
            if (LibCrypto.InitializeMac(context, null, 0, null) != 1) return false;
            if (lastBlockKeys is not null && !AppendXcbc(first, second)) return false;
            if (lastBlockKeys is null && LibCrypto.UpdateMac(context, one, (nuint)first.Length) != 1) return false;
            if (lastBlockKeys is null && second.Length > 0 && LibCrypto.UpdateMac(context, two, (nuint)second.Length) != 1) return false;
            return LibCrypto.FinalMac(context, to, &written, (nuint)output.Length) == 1;
        }
    }

    /// <summary>OpenSSL zeroes the key.</summary>
    public void Dispose()
    {
        if (context == 0) return;
        LibCrypto.FreeMacContext(context);
        context = 0;
        CryptographicOperations.ZeroMemory(lastBlockKeys);
    }

    /// <summary>
    /// XCBC on top of CMAC: both are CBC-MACs that differ in what is added to the last block. CMAC under K1 adds its own subkey, so that subkey is added here once
    /// more, which cancels it, together with K2 (whole last block) or K3 (padded one) (RFC 3566 4, RFC 4493 2.4).
    /// </summary>
    private bool AppendXcbc(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        // The second part is shorter than a block: the sequence number's high half.
        var whole = Math.Max(0, (first.Length - 1) / Block * Block);
        Span<byte> tail = stackalloc byte[2 * Block];
        tail.Clear();
        first[whole..].CopyTo(tail);
        second.CopyTo(tail[(first.Length - whole)..]);
        var rest = first.Length - whole + second.Length;
        var last = rest > Block ? Block : 0;
        var padded = rest - last < Block;
        if (padded) tail[rest] = 0x80;
        var key = lastBlockKeys.AsSpan(padded ? Block : 0, Block);
        for (var i = 0; i < Block; i++) tail[last + i] ^= key[i];
        fixed (byte* one = first, end = tail)
        {
            return (whole == 0 || LibCrypto.UpdateMac(context, one, (nuint)whole) == 1) && LibCrypto.UpdateMac(context, end, (nuint)(last + Block)) == 1;
        }
    }

    private static void DeriveXcbc(ReadOnlySpan<byte> key, Span<byte> chainKey, Span<byte> lastBlockKeys)
    {
        Span<byte> subkey = stackalloc byte[Block];
        using var aes = Aes.Create();
        aes.SetKey(key);
        Encrypt(aes, 1, chainKey);
        Encrypt(aes, 2, lastBlockKeys[..Block]);
        Encrypt(aes, 3, lastBlockKeys[Block..]);
        aes.SetKey(chainKey);
        Encrypt(aes, 0, subkey);
        // RFC 4493 2.3: multiplied by x in GF(2^128).
        var carry = subkey[0] >> 7;
        for (var i = 0; i < Block - 1; i++) subkey[i] = (byte)((subkey[i] << 1) | (subkey[i + 1] >> 7));
        subkey[^1] = (byte)((subkey[^1] << 1) ^ (0x87 * carry));
        for (var i = 0; i < 2 * Block; i++) lastBlockKeys[i] ^= subkey[i % Block];
        CryptographicOperations.ZeroMemory(subkey);
    }

    private static void Encrypt(Aes aes, byte constant, Span<byte> block)
    {
        Span<byte> input = stackalloc byte[Block];
        input.Fill(constant);
        aes.EncryptEcb(input, block, PaddingMode.None);
    }

    private static nint Open(EspMacFunction function, ReadOnlySpan<byte> key)
    {
        var (mac, parameter, algorithm) = function switch
        {
            EspMacFunction.HmacSha256 => ("HMAC", "digest", "SHA256"),
            EspMacFunction.HmacSha384 => ("HMAC", "digest", "SHA384"),
            EspMacFunction.HmacSha512 => ("HMAC", "digest", "SHA512"),
            EspMacFunction.HmacSha1 => ("HMAC", "digest", "SHA1"),
            EspMacFunction.HmacMd5 => ("HMAC", "digest", "MD5"),
            _ => ("CMAC", "cipher", "AES-128-CBC"),
        };
        var fetched = LibCrypto.FetchMac(0, mac, 0);
        var opened = LibCrypto.NewMacContext(fetched);
        LibCrypto.FreeMac(fetched);
        if (opened == 0) return 0;
        var name = Marshal.StringToCoTaskMemUTF8(parameter);
        var value = Marshal.StringToCoTaskMemUTF8(algorithm);
        var parameters = stackalloc MacParameter[2];
        parameters[0] = new MacParameter { Key = name, Type = MacParameter.Utf8String, Value = value, Size = (nuint)algorithm.Length, Returned = nuint.MaxValue };
        int done;
        fixed (byte* pointer = key) done = LibCrypto.InitializeMac(opened, pointer, (nuint)key.Length, parameters);
        Marshal.FreeCoTaskMem(name);
        Marshal.FreeCoTaskMem(value);
        if (done == 1) return opened;
        LibCrypto.FreeMacContext(opened);
        return 0;
    }
}

/// <summary>OSSL_PARAM of openssl/core.h; a zeroed one ends an array.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MacParameter
{
    public const uint Utf8String = 4;
    public nint Key;
    public uint Type;
    public nint Value;
    public nuint Size;
    public nuint Returned;
}
