using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>Diffie-Hellman by libcrypto. Private exponents of MODP groups that it has a name for are short, as it chooses them for safe primes (RFC 7919 5.2).</summary>
internal sealed class LibCryptoKeyExchange : IKeyExchange
{
    private const byte UncompressedPoint = 4;

    // OSSL selection EVP_PKEY_KEYPAIR: parameters, private and public key.
    private const int SelectKeyPair = 0x87;

    // OSSL selection EVP_PKEY_KEY_PARAMETERS.
    private const int SelectParameters = 0x84;

    // Parsed group parameters are shared: building them costs more than an agreement on the small curves.
    private static readonly ConcurrentDictionary<ushort, PkeyHandle> s_groups = new();
    private static readonly ConcurrentDictionary<ushort, byte[]> s_primes = new();

    private readonly PkeyHandle _key;

    private LibCryptoKeyExchange(KeyExchangeMethod method, PkeyHandle key, byte[] publicValue)
    {
        Method = method;
        _key = key;
        PublicValue = publicValue;
    }

    public KeyExchangeMethod Method { get; }

    public ReadOnlyMemory<byte> PublicValue { get; }

    /// <exception cref="CryptographicException">libcrypto refused; a defect of the installation.</exception>
    public static LibCryptoKeyExchange Generate(KeyExchangeMethod method)
    {
        using var context = new PkeyContextHandle(
            method.Family == KeyExchangeFamily.Montgomery
                ? LibCrypto.EVP_PKEY_CTX_new_from_name(0, method.GroupName, 0)
                : LibCrypto.EVP_PKEY_CTX_new_from_pkey(0, Group(method), 0));
        nint raw = 0;
        Require(!context.IsInvalid && LibCrypto.EVP_PKEY_keygen_init(context) == 1 && LibCrypto.EVP_PKEY_keygen(context, ref raw) == 1, method);
        var key = new PkeyHandle(raw);
        return new LibCryptoKeyExchange(method, key, EncodedPublic(method, key));
    }

    /// <summary>Imports a known private key (ECP: big-endian scalar with its public value; Curve25519: 32 octets), for published vectors.</summary>
    internal static LibCryptoKeyExchange Import(KeyExchangeMethod method, ReadOnlySpan<byte> privateKey)
    {
        var key = method.Family == KeyExchangeFamily.Montgomery
            ? new PkeyHandle(LibCrypto.EVP_PKEY_new_raw_private_key_ex(0, method.GroupName, 0, privateKey, (nuint)privateKey.Length))
            : ImportNumber(method, privateKey);
        Require(!key.IsInvalid, method);
        return new LibCryptoKeyExchange(method, key, method.Family == KeyExchangeFamily.Montgomery ? EncodedPublic(method, key) : []);
    }

    public bool TryAgree(ReadOnlySpan<byte> peerPublic, [NotNullWhen(true)] out byte[]? sharedSecret)
    {
        sharedSecret = null;
        if (peerPublic.Length != Method.PublicOctets || !IsAcceptable(peerPublic))
            return false;

        using var peer = ReadPeer(peerPublic);
        if (peer is null)
            return false;

        var secret = new byte[Method.SecretOctets];
        var length = (nuint)secret.Length;
        using var context = new PkeyContextHandle(LibCrypto.EVP_PKEY_CTX_new_from_pkey(0, _key, 0));

        // Validated by libcrypto only where the value may lie in another subgroup: a point was checked to be on its curve when read, and the MODP value above; the curves
        // have cofactor 1.
        var agreed = !context.IsInvalid
            && LibCrypto.EVP_PKEY_derive_init(context) == 1
            && (Method.Family != KeyExchangeFamily.Modp || LibCrypto.EVP_PKEY_CTX_set_dh_pad(context, 1) == 1)
            && LibCrypto.EVP_PKEY_derive_set_peer_ex(context, peer, Method.HasSmallSubgroups ? 1 : 0) == 1
            && LibCrypto.EVP_PKEY_derive(context, secret, ref length) == 1
            && length == (nuint)secret.Length;

        // RFC 8031 3.1 lets the all-zero result of a low-order point be refused; libcrypto does so too, this does not depend on it.
        if (!agreed || (Method.Family == KeyExchangeFamily.Montgomery && CryptographicOperations.FixedTimeEquals(secret, new byte[secret.Length])))
        {
            CryptographicOperations.ZeroMemory(secret);
            LibCrypto.ERR_clear_error();
            return false;
        }

        sharedSecret = secret;
        return true;
    }

    public void Dispose() => _key.Dispose();

    // RFC 6989 2.1: for the safe-prime groups it is enough that 1 < r < p-1.
    private bool IsAcceptable(ReadOnlySpan<byte> value)
    {
        if (Method.Family != KeyExchangeFamily.Modp)
            return true;

        ReadOnlySpan<byte> prime = s_primes.GetOrAdd(Method.Id, static (_, method) => Prime(method), Method);
        var aboveOne = value[..^1].IndexOfAnyExcept((byte)0) >= 0 || value[^1] > 1;

        // p is odd, so p-1 differs from p in the last octet only.
        var order = value[..^1].SequenceCompareTo(prime[..^1]);
        return aboveOne && (order < 0 || (order == 0 && value[^1] < prime[^1] - 1));
    }

    private PkeyHandle? ReadPeer(ReadOnlySpan<byte> value)
    {
        PkeyHandle peer;
        bool read;
        if (Method.Family == KeyExchangeFamily.Montgomery)
        {
            peer = new PkeyHandle(LibCrypto.EVP_PKEY_new_raw_public_key_ex(0, Method.GroupName, 0, value, (nuint)value.Length));
            read = !peer.IsInvalid;
        }
        else
        {
            peer = new PkeyHandle(LibCrypto.EVP_PKEY_new());
            read = LibCrypto.EVP_PKEY_copy_parameters(peer, Group(Method)) == 1 && SetPublic(peer, value);
        }

        if (read)
            return peer;

        peer.Dispose();
        LibCrypto.ERR_clear_error();
        return null;
    }

    private bool SetPublic(PkeyHandle peer, ReadOnlySpan<byte> value)
    {
        if (Method.Family == KeyExchangeFamily.Modp)
            return LibCrypto.EVP_PKEY_set1_encoded_public_key(peer, value, (nuint)value.Length) == 1;

        // RFC 5903 7: the KE payload holds x and y without the leading octet of the X9.62 form.
        Span<byte> point = stackalloc byte[1 + value.Length];
        point[0] = UncompressedPoint;
        value.CopyTo(point[1..]);
        return LibCrypto.EVP_PKEY_set1_encoded_public_key(peer, point, (nuint)point.Length) == 1;
    }

    private static PkeyHandle Group(KeyExchangeMethod method) =>
        s_groups.GetOrAdd(method.Id, static (_, wanted) => wanted.Prime.IsEmpty ? NamedGroup(wanted) : PrimeGroup(wanted), method);

    private static PkeyHandle NamedGroup(KeyExchangeMethod method)
    {
        using var context = new PkeyContextHandle(LibCrypto.EVP_PKEY_CTX_new_from_name(0, KeyType(method), 0));
        nint raw = 0;
        Require(
            !context.IsInvalid
            && LibCrypto.EVP_PKEY_paramgen_init(context) == 1
            && LibCrypto.EVP_PKEY_CTX_set_group_name(context, method.GroupName) == 1
            && LibCrypto.EVP_PKEY_paramgen(context, ref raw) == 1,
            method);
        return new PkeyHandle(raw);
    }

    private static PkeyHandle PrimeGroup(KeyExchangeMethod method)
    {
        var (p, g) = (Marshal.StringToCoTaskMemUTF8("p"), Marshal.StringToCoTaskMemUTF8("g"));
        var prime = LibCrypto.BN_bin2bn(method.Prime.Span, method.Prime.Length, 0);
        var generator = LibCrypto.BN_bin2bn([2], 1, 0);
        var builder = LibCrypto.OSSL_PARAM_BLD_new();
        nint parameters = 0;
        nint raw = 0;
        try
        {
            using var context = new PkeyContextHandle(LibCrypto.EVP_PKEY_CTX_new_from_name(0, KeyType(method), 0));
            Require(
                LibCrypto.OSSL_PARAM_BLD_push_BN(builder, p, prime) == 1
                && LibCrypto.OSSL_PARAM_BLD_push_BN(builder, g, generator) == 1
                && (parameters = LibCrypto.OSSL_PARAM_BLD_to_param(builder)) != 0
                && LibCrypto.EVP_PKEY_fromdata_init(context) == 1
                && LibCrypto.EVP_PKEY_fromdata(context, ref raw, SelectParameters, parameters) == 1,
                method);
            return new PkeyHandle(raw);
        }
        finally
        {
            LibCrypto.OSSL_PARAM_free(parameters);
            LibCrypto.OSSL_PARAM_BLD_free(builder);
            LibCrypto.BN_clear_free(prime);
            LibCrypto.BN_clear_free(generator);
            Marshal.FreeCoTaskMem(p);
            Marshal.FreeCoTaskMem(g);
        }
    }

    private static string KeyType(KeyExchangeMethod method) => method.Family != KeyExchangeFamily.Modp ? "EC" : method.HasSmallSubgroups ? "DHX" : "DH";

    private static byte[] Prime(KeyExchangeMethod method)
    {
        var prime = new byte[method.PublicOctets];
        nint number = 0;
        Require(LibCrypto.EVP_PKEY_get_bn_param(Group(method), "p", ref number) == 1, method);
        var written = LibCrypto.BN_bn2binpad(number, prime, prime.Length);
        LibCrypto.BN_clear_free(number);
        Require(written == prime.Length, method);
        return prime;
    }

    private static byte[] EncodedPublic(KeyExchangeMethod method, PkeyHandle key)
    {
        var length = (int)LibCrypto.EVP_PKEY_get1_encoded_public_key(key, out var encoded);
        var octets = new byte[length];
        if (length > 0)
            Marshal.Copy(encoded, octets, 0, length);
        LibCrypto.CRYPTO_free(encoded, string.Empty, 0);
        var value = method.Family == KeyExchangeFamily.Ecp ? octets[1..] : octets;
        Require(value.Length == method.PublicOctets, method);
        return value;
    }

    private static PkeyHandle ImportNumber(KeyExchangeMethod method, ReadOnlySpan<byte> privateKey)
    {
        var group = Marshal.StringToCoTaskMemUTF8("group");
        var groupName = Marshal.StringToCoTaskMemUTF8(method.GroupName);
        var priv = Marshal.StringToCoTaskMemUTF8("priv");
        var builder = LibCrypto.OSSL_PARAM_BLD_new();
        var number = LibCrypto.BN_bin2bn(privateKey, privateKey.Length, 0);
        nint parameters = 0;
        nint raw = 0;
        try
        {
            using var context = new PkeyContextHandle(LibCrypto.EVP_PKEY_CTX_new_from_name(0, KeyType(method), 0));
            Require(
                LibCrypto.OSSL_PARAM_BLD_push_utf8_string(builder, group, groupName, 0) == 1
                && LibCrypto.OSSL_PARAM_BLD_push_BN(builder, priv, number) == 1
                && (parameters = LibCrypto.OSSL_PARAM_BLD_to_param(builder)) != 0
                && LibCrypto.EVP_PKEY_fromdata_init(context) == 1
                && LibCrypto.EVP_PKEY_fromdata(context, ref raw, SelectKeyPair, parameters) == 1,
                method);
            return new PkeyHandle(raw);
        }
        finally
        {
            LibCrypto.OSSL_PARAM_free(parameters);
            LibCrypto.OSSL_PARAM_BLD_free(builder);
            LibCrypto.BN_clear_free(number);
            Marshal.FreeCoTaskMem(group);
            Marshal.FreeCoTaskMem(groupName);
            Marshal.FreeCoTaskMem(priv);
        }
    }

    private static void Require(bool succeeded, KeyExchangeMethod method)
    {
        if (succeeded)
            return;

        var code = LibCrypto.ERR_get_error();
        LibCrypto.ERR_clear_error();
        throw new CryptographicException($"libcrypto: {method.Keyword} failed with error {code:x8}");
    }
}
