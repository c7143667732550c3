using System.Runtime.InteropServices;

namespace Headend.Eap.Tls;

/// <summary>
/// The part of OpenSSL 3 that EAP-TLS needs: a handshake over memory BIOs, which is arithmetic (docs/adr/0003). A result of 1 is success unless said otherwise.
/// </summary>
internal static partial class LibSsl
{
    public const int MinProtocolControl = 123; // SSL_CTRL_SET_MIN_PROTO_VERSION
    public const int MaxProtocolControl = 124; // SSL_CTRL_SET_MAX_PROTO_VERSION
    public const int ExtraChainControl = 14; // SSL_CTRL_EXTRA_CHAIN_CERT
    public const int SessionCacheControl = 44; // SSL_CTRL_SET_SESS_CACHE_MODE
    public const int CertificateListControl = 50; // SSL_CTRL_SET_MAX_CERT_LIST
    public const int VerifyPeerAlways = 3; // SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
    public const int WantRead = 2; // SSL_ERROR_WANT_READ

    public const ulong NoTicket = 1UL << 14;
    public const ulong NoCompression = 1UL << 17;
    public const ulong ServerPreference = 1UL << 22;
    public const ulong NoRenegotiation = 1UL << 30;

    public const ulong CrlCheck = 0x4; // X509_V_FLAG_CRL_CHECK
    public const ulong CrlCheckAll = 0x8; // X509_V_FLAG_CRL_CHECK_ALL
    public const ulong PartialChain = 0x80000; // X509_V_FLAG_PARTIAL_CHAIN

    private const string Ssl = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    [LibraryImport(Ssl)]
    public static partial nint TLS_server_method();

    [LibraryImport(Ssl)]
    public static partial nint TLS_client_method();

    [LibraryImport(Ssl)]
    public static partial SslContextHandle SSL_CTX_new(nint method);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_free(nint context);

    /// <summary>The result's meaning is the command's.</summary>
    [LibraryImport(Ssl)]
    public static partial nint SSL_CTX_ctrl(SslContextHandle context, int command, nint number, nint pointer);

    [LibraryImport(Ssl)]
    public static partial ulong SSL_CTX_set_options(SslContextHandle context, ulong options);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_set_num_tickets(SslContextHandle context, nuint tickets);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_security_level(SslContextHandle context, int level);

    [LibraryImport(Ssl, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SSL_CTX_set_cipher_list(SslContextHandle context, string ciphers);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_use_certificate_ASN1(SslContextHandle context, int length, ReadOnlySpan<byte> der);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_use_PrivateKey(SslContextHandle context, nint key);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_check_private_key(SslContextHandle context);

    [LibraryImport(Ssl)]
    public static partial int SSL_CTX_add_client_CA(SslContextHandle context, nint certificate);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_verify(SslContextHandle context, int mode, nint callback);

    [LibraryImport(Ssl)]
    public static partial void SSL_CTX_set_verify_depth(SslContextHandle context, int depth);

    [LibraryImport(Ssl)]
    public static unsafe partial void SSL_CTX_set_cert_verify_callback(
        SslContextHandle context, delegate* unmanaged[Cdecl]<nint, nint, int> callback, nint argument);

    /// <summary>The store stays the context's.</summary>
    [LibraryImport(Ssl)]
    public static partial nint SSL_CTX_get_cert_store(SslContextHandle context);

    [LibraryImport(Ssl)]
    public static partial SslHandle SSL_new(SslContextHandle context);

    [LibraryImport(Ssl)]
    public static partial void SSL_free(nint ssl);

    /// <summary>Both BIOs become the SSL's.</summary>
    [LibraryImport(Ssl)]
    public static partial void SSL_set_bio(SslHandle ssl, nint read, nint write);

    [LibraryImport(Ssl)]
    public static partial void SSL_set_accept_state(SslHandle ssl);

    [LibraryImport(Ssl)]
    public static partial void SSL_set_connect_state(SslHandle ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_do_handshake(SslHandle ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_get_error(SslHandle ssl, int result);

    [LibraryImport(Ssl)]
    public static partial int SSL_write(SslHandle ssl, ReadOnlySpan<byte> octets, int length);

    [LibraryImport(Ssl)]
    public static partial int SSL_read(SslHandle ssl, Span<byte> octets, int length);

    /// <summary>0 is X509_V_OK.</summary>
    [LibraryImport(Ssl)]
    public static partial nint SSL_get_verify_result(SslHandle ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_version(SslHandle ssl);

    [LibraryImport(Ssl)]
    public static partial int SSL_export_keying_material(
        SslHandle ssl, Span<byte> output, nuint length, ReadOnlySpan<byte> label, nuint labelLength, ReadOnlySpan<byte> context, nuint contextLength, int useContext);

    [LibraryImport(Crypto)]
    public static partial nint BIO_s_mem();

    [LibraryImport(Crypto)]
    public static partial nint BIO_new(nint type);

    [LibraryImport(Crypto)]
    public static partial int BIO_free(nint bio);

    [LibraryImport(Crypto)]
    public static partial int BIO_write(nint bio, ReadOnlySpan<byte> octets, int length);

    [LibraryImport(Crypto)]
    public static partial int BIO_read(nint bio, Span<byte> octets, int length);

    [LibraryImport(Crypto)]
    public static partial nuint BIO_ctrl_pending(nint bio);

    [LibraryImport(Crypto)]
    public static partial void ERR_clear_error();

    [LibraryImport(Crypto)]
    public static partial nuint ERR_get_error();

    /// <summary>A static string, or null.</summary>
    [LibraryImport(Crypto)]
    public static partial nint ERR_reason_error_string(nuint error);

    [LibraryImport(Crypto)]
    public static partial nint d2i_AutoPrivateKey(nint reuse, ref nint der, nint length);

    [LibraryImport(Crypto)]
    public static partial void EVP_PKEY_free(nint key);

    [LibraryImport(Crypto)]
    public static partial nint d2i_X509(nint reuse, ref nint der, nint length);

    [LibraryImport(Crypto)]
    public static partial int i2d_X509(nint certificate, ref nint output);

    /// <summary>Length alone: <paramref name="none"/> is null.</summary>
    [LibraryImport(Crypto)]
    public static partial int i2d_X509(nint certificate, nint none);

    [LibraryImport(Crypto)]
    public static partial void X509_free(nint certificate);

    [LibraryImport(Crypto)]
    public static partial nint d2i_X509_CRL(nint reuse, ref nint der, nint length);

    [LibraryImport(Crypto)]
    public static partial void X509_CRL_free(nint list);

    [LibraryImport(Crypto)]
    public static partial int X509_STORE_add_cert(nint store, nint certificate);

    [LibraryImport(Crypto)]
    public static partial int X509_STORE_add_crl(nint store, nint list);

    [LibraryImport(Crypto)]
    public static partial int X509_STORE_set_flags(nint store, ulong flags);

    [LibraryImport(Crypto)]
    public static partial int X509_verify_cert(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial nint X509_STORE_CTX_get0_param(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial void X509_VERIFY_PARAM_set_time(nint parameters, long time);

    [LibraryImport(Crypto)]
    public static partial int X509_STORE_CTX_get_error(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial void X509_STORE_CTX_set_error(nint storeContext, int error);

    [LibraryImport(Crypto)]
    public static partial nint X509_STORE_CTX_get0_cert(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial nint X509_STORE_CTX_get_current_cert(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial nint X509_STORE_CTX_get0_chain(nint storeContext);

    [LibraryImport(Crypto)]
    public static partial int OPENSSL_sk_num(nint stack);

    [LibraryImport(Crypto)]
    public static partial nint OPENSSL_sk_value(nint stack, int index);

    /// <summary>A static string.</summary>
    [LibraryImport(Crypto)]
    public static partial nint X509_verify_cert_error_string(nint error);
}
