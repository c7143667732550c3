using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Eap;
using Headend.Eap.Methods;
using Headend.Eap.Tls;

namespace Headend.TestKit.Eap;

/// <summary>What an <see cref="EapTlsPeer"/> shows. Null where it has none.</summary>
public sealed record EapTlsPeerOptions
{
    public required string Identity { get; init; }

    /// <summary>With its private key; null sends an empty Certificate message.</summary>
    public X509Certificate2? Certificate { get; init; }

    public IReadOnlyList<X509Certificate2> Chain { get; init; } = [];

    public TlsVersion Version { get; init; } = TlsVersion.Tls13;

    public int FragmentLength { get; init; } = 500;
}

/// <summary>
/// Client side of EAP-Identity and EAP-TLS over libssl; trusts any server. TLS 1.3 succeeds only behind the commitment message (RFC 9190 2.5). One login each.
/// </summary>
public sealed class EapTlsPeer : IDisposable
{
    private readonly EapTlsPeerOptions _options;
    private readonly SslContextHandle _context;
    private readonly TlsConnection _tls;
    private readonly EapTlsReassembly _incoming = new();
    private byte[] _outgoing = [];
    private int _sent;
    private bool _finished;
    private bool _committed;
    private string? _alert;

    public EapTlsPeer(EapTlsPeerOptions options)
    {
        _options = options;
        _context = LibSsl.SSL_CTX_new(LibSsl.TLS_client_method());
        LibSsl.SSL_CTX_ctrl(_context, LibSsl.MinProtocolControl, options.Version.Value, 0);
        LibSsl.SSL_CTX_ctrl(_context, LibSsl.MaxProtocolControl, options.Version.Value, 0);
        // The peer under test may hold keys that a sane client would refuse to use.
        LibSsl.SSL_CTX_set_security_level(_context, 0);
        if (options.Certificate is { } certificate)
            Load(certificate, options.Chain);
        _tls = new TlsConnection(_context, isServer: false, scope: null, () => { });
    }

    /// <summary>Every TLS flight that was sent, whole.</summary>
    public IList<byte[]> Flights { get; } = [];

    /// <summary>Changes a flight before it goes out.</summary>
    public Func<byte[], byte[]> Mutate { get; init; } = flight => flight;

    public TlsVersion Negotiated => _tls.Version;

    public EapPeerStep Handle(ReadOnlyMemory<byte> request)
    {
        if (!EapPacket.TryParse(request, out var packet))
            return Fail("malformed EAP packet");
        if (packet.Code == EapCode.Success)
            return _finished && _committed ? new EapPeerStep(null, _tls.ExportMsk(), null) : Fail("EAP-Success before the server's proof");
        if (packet.Code == EapCode.Failure)
            return Fail(_alert ?? "EAP-Failure");
        if (packet.Type == EapType.Identity)
            return Answer(EapPacket.Response(packet.Identifier, EapType.Identity, Encoding.UTF8.GetBytes(_options.Identity)));
        if (packet.Type != EapType.Tls)
            return Answer(EapPacket.Response(packet.Identifier, EapType.Nak, [EapType.Tls.Value]));
        if (!EapTlsCodec.TryRead(packet.TypeData.Span, out var flags, out var total, out var data))
            return Fail("malformed EAP-TLS packet");
        return Answer(EapPacket.Response(packet.Identifier, EapType.Tls, Next(flags, total, data)));
    }

    public void Dispose()
    {
        _tls.Dispose();
        _context.Dispose();
    }

    private byte[] Next(byte flags, uint? total, ReadOnlySpan<byte> data)
    {
        if ((flags & EapTlsCodec.StartFlag) != 0)
            return Advance([]);
        if (_sent < _outgoing.Length)
            return SendNext();
        if (!_incoming.TryAdd(flags, total, data, out var complete, out var reason))
            throw new InvalidOperationException(reason);
        return complete ? Advance(_incoming.Take()) : EapTlsCodec.Acknowledgement;
    }

    private byte[] Advance(ReadOnlySpan<byte> message)
    {
        if (_finished)
        {
            Commit(message);
            return EapTlsCodec.Acknowledgement;
        }

        switch (_tls.Advance(message, out var output))
        {
            case TlsProgress.Finished:
                _finished = true;
                _committed = _tls.Version == TlsVersion.Tls12;
                break;
            case TlsProgress.Failed:
                _alert = _tls.Failure;
                break;
        }

        if (output.Length == 0)
            return EapTlsCodec.Acknowledgement;
        Flights.Add(output);
        _outgoing = Mutate(output);
        _sent = 0;
        return SendNext();
    }

    // RFC 9190 2.5: the commitment is one octet of application data, 0x00.
    private void Commit(ReadOnlySpan<byte> message)
    {
        if (_tls.Unprotect(message, out var reason) is [0])
            _committed = true;
        else
            _alert = reason;
    }

    private byte[] SendNext()
    {
        var fragment = EapTlsCodec.Fragment(_outgoing, _sent, _options.FragmentLength);
        _sent = Math.Min(_outgoing.Length, _sent + _options.FragmentLength);
        return fragment;
    }

    private void Load(X509Certificate2 certificate, IReadOnlyList<X509Certificate2> chain)
    {
        using var key = (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey();
        var pkcs8 = key!.ExportPkcs8PrivateKey();
        var native = TlsServerContext.Decode(pkcs8, LibSsl.d2i_AutoPrivateKey);
        if (LibSsl.SSL_CTX_use_certificate_ASN1(_context, certificate.RawData.Length, certificate.RawData) != 1 || LibSsl.SSL_CTX_use_PrivateKey(_context, native) != 1)
            throw new CryptographicException("the peer's certificate");
        LibSsl.EVP_PKEY_free(native);
        foreach (var link in chain)
            LibSsl.SSL_CTX_ctrl(_context, LibSsl.ExtraChainControl, 0, TlsServerContext.Decode(link.RawData, LibSsl.d2i_X509));
    }

    private static EapPeerStep Answer(byte[] response) => new(response, null, null);

    private static EapPeerStep Fail(string reason) => new(null, null, reason);
}
