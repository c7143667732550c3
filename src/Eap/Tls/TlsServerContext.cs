using System.Diagnostics.CodeAnalysis;

namespace Headend.Eap.Tls;

/// <summary>
/// The local EAP-TLS server's certificate, authorities and lists, loaded once for all logins. Thread-safe. Connections under way outlive its disposal.
/// No session is ever resumed: tickets and the cache are off, so that each login meets expiry and revocation anew (RFC 9190 5.7) and no
/// ticket key has to be guarded.
/// </summary>
public sealed class TlsServerContext : IDisposable
{
    // 112 bits and more everywhere in the chain: RSA from 2048, no SHA-1 signatures.
    private const int SecurityLevel = 2;
    private const int MaxChainDepth = 8;
    private const int MaxClientChainLength = 32 * 1024;

    private readonly SslContextHandle _handle;
    private int _open;

    private TlsServerContext(SslContextHandle handle, TlsServerOptions options)
    {
        _handle = handle;
        Options = options;
    }

    internal TlsServerOptions Options { get; }

    /// <summary>Handshakes under way.</summary>
    public int OpenHandshakes => Volatile.Read(ref _open);

    /// <summary>Loads everything; false with the part that cannot be used.</summary>
    public static bool TryCreate(TlsServerOptions options, [NotNullWhen(true)] out TlsServerContext? context, out string error)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.FragmentLength, 64, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.FragmentLength, 16384, nameof(options));
        context = null;
        LibSsl.ERR_clear_error();
        var handle = LibSsl.SSL_CTX_new(LibSsl.TLS_server_method());
        if (handle.IsInvalid)
        {
            error = $"libssl: {TlsConnection.TakeError(out _)}";
            handle.Dispose();
            return false;
        }

        Restrict(handle, options);
        if (!TryLoadOwn(handle, options, out error) || !TryLoadTrust(handle, options, out error))
        {
            handle.Dispose();
            return false;
        }

        context = new TlsServerContext(handle, options);
        return true;
    }

    public void Dispose() => _handle.Dispose();

    /// <summary>Begins a handshake; null when too many are under way, which bounds what strangers can make libssl hold.</summary>
    internal TlsConnection? TryOpen(string eapIdentity, DateTimeOffset now)
    {
        if (Interlocked.Increment(ref _open) > EapLimits.MaxTlsHandshakes)
        {
            Interlocked.Decrement(ref _open);
            return null;
        }

        return new TlsConnection(_handle, isServer: true, new VerificationScope(Options, eapIdentity, now), () => Interlocked.Decrement(ref _open));
    }

    private static unsafe void Restrict(SslContextHandle handle, TlsServerOptions options)
    {
        LibSsl.SSL_CTX_ctrl(handle, LibSsl.MinProtocolControl, options.MinimumVersion.Value, 0);
        LibSsl.SSL_CTX_ctrl(handle, LibSsl.MaxProtocolControl, TlsVersion.Tls13.Value, 0);
        LibSsl.SSL_CTX_ctrl(handle, LibSsl.SessionCacheControl, 0, 0);
        LibSsl.SSL_CTX_ctrl(handle, LibSsl.CertificateListControl, MaxClientChainLength, 0);
        LibSsl.SSL_CTX_set_options(handle, LibSsl.NoTicket | LibSsl.NoCompression | LibSsl.ServerPreference | LibSsl.NoRenegotiation);
        LibSsl.SSL_CTX_set_num_tickets(handle, 0);
        LibSsl.SSL_CTX_set_security_level(handle, SecurityLevel);
        // RFC 9325 4.2: forward secrecy and AEAD alone.
        LibSsl.SSL_CTX_set_cipher_list(handle, "ECDHE+AESGCM:ECDHE+CHACHA20");
        LibSsl.SSL_CTX_set_verify(handle, LibSsl.VerifyPeerAlways, 0);
        LibSsl.SSL_CTX_set_verify_depth(handle, MaxChainDepth);
        LibSsl.SSL_CTX_set_cert_verify_callback(handle, &VerificationScope.Verify, 0);
    }

    private static bool TryLoadOwn(SslContextHandle handle, TlsServerOptions options, out string error)
    {
        error = "";
        var certificate = options.Certificate.Span;
        if (LibSsl.SSL_CTX_use_certificate_ASN1(handle, certificate.Length, certificate) != 1)
            error = "the server's certificate";
        var key = Decode(options.PrivateKey.Span, LibSsl.d2i_AutoPrivateKey);
        if (error.Length == 0 && (key == 0 || LibSsl.SSL_CTX_use_PrivateKey(handle, key) != 1 || LibSsl.SSL_CTX_check_private_key(handle) != 1))
            error = "the server's private key";
        LibSsl.EVP_PKEY_free(key);
        foreach (var link in options.Chain)
        {
            // The context takes the certificate over.
            var decoded = Decode(link.Span, LibSsl.d2i_X509);
            if (error.Length == 0 && decoded != 0 && LibSsl.SSL_CTX_ctrl(handle, LibSsl.ExtraChainControl, 0, decoded) == 1)
                continue;
            LibSsl.X509_free(decoded);
            error = error.Length == 0 ? "an intermediate of the server's certificate" : error;
        }

        return IsUsable(ref error);
    }

    private static bool TryLoadTrust(SslContextHandle handle, TlsServerOptions options, out string error)
    {
        error = options.ClientAuthorities.Count == 0 ? "no authority of clients' certificates is given" : "";
        var store = LibSsl.SSL_CTX_get_cert_store(handle);
        var rootsOnly = true;
        foreach (var der in options.ClientAuthorities)
        {
            if (!AuthorityCertificate.TryRead(der, out var selfSigned, out var problem))
            {
                error = problem;
                return false;
            }

            rootsOnly &= selfSigned;
            var certificate = Decode(der.Span, LibSsl.d2i_X509);
            if (certificate == 0 || LibSsl.X509_STORE_add_cert(store, certificate) != 1 || LibSsl.SSL_CTX_add_client_CA(handle, certificate) != 1)
                error = "an authority of clients' certificates";
            LibSsl.X509_free(certificate);
        }

        foreach (var der in options.RevocationLists)
        {
            var list = Decode(der.Span, LibSsl.d2i_X509_CRL);
            if (list == 0 || LibSsl.X509_STORE_add_crl(store, list) != 1)
                error = "a revocation list";
            LibSsl.X509_CRL_free(list);
        }

        // An authority that is an intermediate is trusted as it is; only below roots can each intermediate be asked for.
        var revocation = options.RevocationLists.Count == 0 ? 0 : LibSsl.CrlCheck | (rootsOnly ? LibSsl.CrlCheckAll : 0);
        if (LibSsl.X509_STORE_set_flags(store, LibSsl.PartialChain | revocation) != 1)
            error = "the store of authorities";
        return IsUsable(ref error);
    }

    private static bool IsUsable(ref string error)
    {
        if (error.Length > 0 && TlsConnection.TakeError(out _) is { Length: > 0 } why)
            error = $"{error} cannot be used: {why}";
        LibSsl.ERR_clear_error();
        return error.Length == 0;
    }

    internal delegate nint Decoder(nint reuse, ref nint der, nint length);

    internal static unsafe nint Decode(ReadOnlySpan<byte> der, Decoder decoder)
    {
        fixed (byte* start = der)
        {
            var at = (nint)start;
            return decoder(0, ref at, der.Length);
        }
    }
}
