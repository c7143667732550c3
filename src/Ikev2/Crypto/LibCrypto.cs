using System.Runtime.InteropServices;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// The part of OpenSSL 3's libcrypto that .NET does not wrap, or wraps with a context per message. A result of 1 is success everywhere. Functions that create return a raw
/// pointer for a handle's constructor: the marshaller makes handles by reflection.
/// </summary>
internal static partial class LibCrypto
{
    private const string Library = "libcrypto.so.3";

    [LibraryImport(Library)]
    public static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Library)]
    public static partial void EVP_PKEY_CTX_free(nint context);

    [LibraryImport(Library)]
    public static partial nint EVP_PKEY_new();

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint EVP_PKEY_CTX_new_from_name(nint libraryContext, string name, nint properties);

    [LibraryImport(Library)]
    public static partial nint EVP_PKEY_CTX_new_from_pkey(nint libraryContext, PkeyHandle key, nint properties);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_paramgen_init(PkeyContextHandle context);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_paramgen(PkeyContextHandle context, ref nint key);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_keygen_init(PkeyContextHandle context);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_keygen(PkeyContextHandle context, ref nint key);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int EVP_PKEY_CTX_set_group_name(PkeyContextHandle context, string name);

    [LibraryImport(Library)]
    public static partial nuint EVP_PKEY_get1_encoded_public_key(PkeyHandle key, out nint encoded);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_set1_encoded_public_key(PkeyHandle key, ReadOnlySpan<byte> encoded, nuint length);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_copy_parameters(PkeyHandle to, PkeyHandle from);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint EVP_PKEY_new_raw_public_key_ex(nint libraryContext, string type, nint properties, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint EVP_PKEY_new_raw_private_key_ex(nint libraryContext, string type, nint properties, ReadOnlySpan<byte> key, nuint length);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_derive_init(PkeyContextHandle context);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_derive_set_peer_ex(PkeyContextHandle context, PkeyHandle peer, int validate);

    [LibraryImport(Library)]
    public static partial nint EVP_MD_CTX_new();

    [LibraryImport(Library)]
    public static partial void EVP_MD_CTX_free(nint context);

    /// <summary>Without digest and engine, as EdDSA wants it.</summary>
    [LibraryImport(Library)]
    public static partial int EVP_DigestVerifyInit(nint context, nint keyContext, nint digest, nint engine, PkeyHandle key);

    [LibraryImport(Library)]
    public static partial int EVP_DigestVerify(nint context, ReadOnlySpan<byte> signature, nuint signatureLength, ReadOnlySpan<byte> octets, nuint length);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_CTX_set_dh_pad(PkeyContextHandle context, int pad);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_derive(PkeyContextHandle context, Span<byte> secret, ref nuint length);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial void CRYPTO_free(nint memory, string file, int line);

    [LibraryImport(Library)]
    public static partial void ERR_clear_error();

    [LibraryImport(Library)]
    public static partial nuint ERR_get_error();

    [LibraryImport(Library)]
    public static partial nint BN_bin2bn(ReadOnlySpan<byte> number, int length, nint result);

    [LibraryImport(Library)]
    public static partial int BN_bn2binpad(nint number, Span<byte> destination, int length);

    [LibraryImport(Library)]
    public static partial void BN_clear_free(nint number);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int EVP_PKEY_get_bn_param(PkeyHandle key, string name, ref nint number);

    [LibraryImport(Library)]
    public static partial nint OSSL_PARAM_BLD_new();

    [LibraryImport(Library)]
    public static partial void OSSL_PARAM_BLD_free(nint builder);

    // The builder keeps the pointers until OSSL_PARAM_BLD_to_param, so no marshalled strings here.
    [LibraryImport(Library)]
    public static partial int OSSL_PARAM_BLD_push_utf8_string(nint builder, nint key, nint value, nuint length);

    [LibraryImport(Library)]
    public static partial int OSSL_PARAM_BLD_push_BN(nint builder, nint key, nint number);

    [LibraryImport(Library)]
    public static partial nint OSSL_PARAM_BLD_to_param(nint builder);

    [LibraryImport(Library)]
    public static partial void OSSL_PARAM_free(nint parameters);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_fromdata_init(PkeyContextHandle context);

    [LibraryImport(Library)]
    public static partial int EVP_PKEY_fromdata(PkeyContextHandle context, ref nint key, int selection, nint parameters);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint EVP_CIPHER_fetch(nint libraryContext, string name, nint properties);

    [LibraryImport(Library)]
    public static partial nint EVP_CIPHER_CTX_new();

    [LibraryImport(Library)]
    public static partial void EVP_CIPHER_CTX_free(nint context);

    [LibraryImport(Library)]
    public static partial int EVP_CIPHER_CTX_set_padding(CipherContextHandle context, int pad);

    [LibraryImport(Library)]
    public static partial int EVP_CIPHER_CTX_ctrl(CipherContextHandle context, int type, int argument, Span<byte> pointer);

    /// <summary>Null arguments (empty spans) keep what was set before.</summary>
    [LibraryImport(Library)]
    public static partial int EVP_CipherInit_ex2(
        CipherContextHandle context, nint cipher, ReadOnlySpan<byte> key, ReadOnlySpan<byte> iv, int encrypt, nint parameters);

    [LibraryImport(Library)]
    public static partial int EVP_CipherUpdate(
        CipherContextHandle context, Span<byte> output, out int outputLength, ReadOnlySpan<byte> input, int inputLength);

    [LibraryImport(Library)]
    public static partial int EVP_CipherFinal_ex(CipherContextHandle context, Span<byte> output, out int outputLength);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint EVP_MAC_fetch(nint libraryContext, string name, nint properties);

    [LibraryImport(Library)]
    public static partial nint EVP_MAC_CTX_new(nint mac);

    [LibraryImport(Library)]
    public static partial nint EVP_MAC_CTX_dup(nint context);

    [LibraryImport(Library)]
    public static partial void EVP_MAC_CTX_free(nint context);

    /// <summary>An empty key span whose pointer is null keeps the key and begins a new message.</summary>
    [LibraryImport(Library)]
    public static partial int EVP_MAC_init(MacContextHandle context, ReadOnlySpan<byte> key, nuint length, ReadOnlySpan<OsslParameter> parameters);

    [LibraryImport(Library)]
    public static partial int EVP_MAC_update(MacContextHandle context, ReadOnlySpan<byte> part, nuint length);

    [LibraryImport(Library)]
    public static partial int EVP_MAC_final(MacContextHandle context, Span<byte> output, out nuint written, nuint size);
}
