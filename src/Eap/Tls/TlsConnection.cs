using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Headend.Eap.Tls;

/// <summary>Where a handshake stands.</summary>
internal enum TlsProgress
{
    /// <summary>The peer has the turn, what <see cref="TlsConnection"/> wrote goes to it.</summary>
    NeedsPeer,

    Finished,

    /// <summary>Over; an alert may have been written.</summary>
    Failed,
}

/// <summary>
/// One TLS handshake over two memory BIOs: octets in, octets out. Either role; tests play the client. Not thread-safe, but safe to dispose while it runs: libssl's object
/// lives until the call ends.
/// </summary>
internal sealed class TlsConnection : IDisposable
{
    private const int AlertReasonOffset = 1000; // SSL_AD_REASON_OFFSET
    private const int ReasonMask = 0x7f_ffff; // ERR_REASON_MASK
    private const int KeyMaterialLength = 128;
    private const int MskLength = 64;
    private const byte EapTlsType = 13;

    private readonly SslHandle _ssl;
    private readonly VerificationScope? _scope;
    private readonly nint _read;
    private readonly nint _write;
    private Action? _closed;

    public TlsConnection(SslContextHandle context, bool isServer, VerificationScope? scope, Action closed)
    {
        _scope = scope;
        _closed = closed;
        _ssl = LibSsl.SSL_new(context);
        _read = LibSsl.BIO_new(LibSsl.BIO_s_mem());
        _write = LibSsl.BIO_new(LibSsl.BIO_s_mem());
        if (_ssl.IsInvalid || _read == 0 || _write == 0)
        {
            _ = LibSsl.BIO_free(_read);
            _ = LibSsl.BIO_free(_write);
            Dispose();
            throw new CryptographicException("libssl has no memory for a connection");
        }

        LibSsl.SSL_set_bio(_ssl, _read, _write);
        if (isServer)
            LibSsl.SSL_set_accept_state(_ssl);
        else
            LibSsl.SSL_set_connect_state(_ssl);
    }

    /// <summary>Why <see cref="Advance"/> failed; for the log.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>The verdict on the peer's certificate; null before it was seen.</summary>
    public CertificateVerdict? Verdict => _scope?.Verdict;

    public TlsVersion Version => new((ushort)LibSsl.SSL_version(_ssl));

    /// <summary>Takes the peer's octets and goes as far as they lead; <paramref name="output"/> is what to send, maybe nothing, maybe an alert.</summary>
    public TlsProgress Advance(ReadOnlySpan<byte> input, out byte[] output)
    {
        var held = false;
        try
        {
            _ssl.DangerousAddRef(ref held);
            LibSsl.ERR_clear_error();
            if (!input.IsEmpty && LibSsl.BIO_write(_read, input, input.Length) != input.Length)
                throw new CryptographicException("libssl has no memory for the peer's octets");
            var result = Drive();
            var progress = result == 1 ? TlsProgress.Finished
                : LibSsl.SSL_get_error(_ssl, result) == LibSsl.WantRead ? TlsProgress.NeedsPeer
                : TlsProgress.Failed;
            if (progress == TlsProgress.Failed)
                Failure = Verdict?.Refusal ?? DescribeError();
            output = Drain();
            return progress;
        }
        finally
        {
            if (held)
                _ssl.DangerousRelease();
        }
    }

    /// <summary>Whether the certificate was verified and nothing came behind the handshake's last message.</summary>
    public bool IsClean => LibSsl.SSL_get_verify_result(_ssl) == 0 && Pending(_read) == 0;

    /// <summary>Protects application data; the result is what to send. Only when finished.</summary>
    public byte[] Protect(ReadOnlySpan<byte> octets)
    {
        LibSsl.ERR_clear_error();
        if (LibSsl.SSL_write(_ssl, octets, octets.Length) != octets.Length)
            throw new CryptographicException($"libssl cannot write: {TakeError(out _)}");
        return Drain();
    }

    /// <summary>Takes octets that follow the handshake: application data of at most 256 octets, or null with the reason (an alert, nothing whole).</summary>
    public byte[]? Unprotect(ReadOnlySpan<byte> input, out string reason)
    {
        LibSsl.ERR_clear_error();
        _ = LibSsl.BIO_write(_read, input, input.Length);
        Span<byte> buffer = stackalloc byte[256];
        var length = LibSsl.SSL_read(_ssl, buffer, buffer.Length);
        reason = length > 0 ? "" : DescribeError();
        return length > 0 ? buffer[..length].ToArray() : null;
    }

    /// <summary>
    /// The MSK, 64 octets, which the caller zeroes. RFC 5216 2.3: the first half of TLS-PRF-128(master secret, "client EAP encryption", randoms); RFC 9190 2.3: of
    /// TLS-Exporter("EXPORTER_EAP_TLS_Key_Material", Type, 128).
    /// </summary>
    public byte[] ExportMsk()
    {
        Span<byte> material = stackalloc byte[KeyMaterialLength];
        var is13 = Version == TlsVersion.Tls13;
        var label = is13 ? "EXPORTER_EAP_TLS_Key_Material"u8 : "client EAP encryption"u8;
        ReadOnlySpan<byte> context = is13 ? [EapTlsType] : [];
        var result = LibSsl.SSL_export_keying_material(
            _ssl, material, KeyMaterialLength, label, (nuint)label.Length, context, (nuint)context.Length, is13 ? 1 : 0);
        if (result != 1)
            throw new CryptographicException($"libssl exports no keys: {TakeError(out _)}");
        var msk = material[..MskLength].ToArray();
        CryptographicOperations.ZeroMemory(material);
        return msk;
    }

    public void Dispose()
    {
        _ssl.Dispose();
        Interlocked.Exchange(ref _closed, null)?.Invoke();
    }

    /// <summary>The oldest error of this thread's queue, which is emptied; "" when there is none.</summary>
    internal static string TakeError(out int reason)
    {
        var first = LibSsl.ERR_get_error();
        reason = (int)(first & ReasonMask);
        LibSsl.ERR_clear_error();
        return first == 0 ? "" : Marshal.PtrToStringUTF8(LibSsl.ERR_reason_error_string(first)) ?? $"error {first:x}";
    }

    private int Drive()
    {
        _scope?.Enter();
        try
        {
            return LibSsl.SSL_do_handshake(_ssl);
        }
        finally
        {
            _scope?.Leave();
        }
    }

    private static string DescribeError()
    {
        var text = TakeError(out var reason);
        if (text.Length == 0)
            return "the client ended TLS";
        return reason is >= AlertReasonOffset and < AlertReasonOffset + 256 ? $"the client sent a TLS alert: {text}" : $"TLS: {text}";
    }

    private byte[] Drain()
    {
        var pending = Pending(_write);
        var output = new byte[pending];
        if (pending > 0 && LibSsl.BIO_read(_write, output, pending) != pending)
            throw new CryptographicException("libssl's buffer holds less than it says");
        return output;
    }

    private static int Pending(nint bio) => (int)LibSsl.BIO_ctrl_pending(bio);
}
