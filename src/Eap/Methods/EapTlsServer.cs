using System.Security.Cryptography;
using Headend.Eap.Tls;

namespace Headend.Eap.Methods;

/// <summary>
/// Authenticator side of EAP-TLS with TLS 1.2 (RFC 5216) and TLS 1.3 (RFC 9190): framing around a <see cref="TlsConnection"/>. Success only behind a finished
/// handshake, a verified certificate and the client's acknowledgement of our last message; with TLS 1.3 that message is the commitment, one octet of application
/// data, without which a client must not take EAP-Success.
/// </summary>
internal sealed class EapTlsServer(EapServerOptions options, string identity) : IEapMethod
{
    private enum Expect
    {
        Flight,
        SuccessAcknowledgement,
        FailureAcknowledgement,
        Nothing,
    }

    private readonly TlsServerContext _context = options.Tls!;
    private readonly EapTlsReassembly _incoming = new();
    private TlsConnection? _tls;
    private Expect _expect = Expect.Flight;
    private byte[] _outgoing = [];
    private int _sent;
    private byte[]? _msk;
    private string _refusal = "";

    public EapType Type => EapType.Tls;

    /// <summary>Acknowledgements of fragments cost nothing; what may complete a flight makes signatures.</summary>
    public bool IsExpensive => _sent >= _outgoing.Length && _expect == Expect.Flight;

    private bool IsSending => _sent < _outgoing.Length;

    public byte[] Start(byte identifier) => [EapTlsCodec.StartFlag];

    public EapMethodStep Handle(ReadOnlySpan<byte> typeData, byte nextIdentifier)
    {
        if (_expect == Expect.Nothing)
            return new EapMethodStep.Discarded("the method has ended");
        if (!EapTlsCodec.TryRead(typeData, out var flags, out var total, out var data))
            return new EapMethodStep.Discarded("malformed EAP-TLS packet");
        if ((flags & EapTlsCodec.StartFlag) != 0)
            return new EapMethodStep.Discarded("EAP-TLS Start from the client");
        if (IsSending)
        {
            // RFC 5216 2.1.5: each fragment is answered by a packet without data before the next one goes.
            return data.IsEmpty && (flags & EapTlsCodec.MoreFragments) == 0
                ? SendNext()
                : new EapMethodStep.Discarded("EAP-TLS data instead of the acknowledgement of a fragment");
        }

        return _expect switch
        {
            Expect.Flight => OnFragment(flags, total, data),
            Expect.SuccessAcknowledgement => OnSuccessAcknowledgement(data),
            _ => End(_refusal),
        };
    }

    public void Dispose()
    {
        _tls?.Dispose();
        if (_msk is not null)
            CryptographicOperations.ZeroMemory(_msk);
        _msk = null;
    }

    private EapMethodStep OnFragment(byte flags, uint? total, ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty && !_incoming.IsPartial && (flags & EapTlsCodec.MoreFragments) == 0)
            return new EapMethodStep.Discarded("EAP-TLS packet without data");
        // Taken before the first octet is kept: the bound on handshakes is one on half flights too.
        _tls ??= _context.TryOpen(identity, options.Now);
        if (_tls is null)
            return End($"{EapLimits.MaxTlsHandshakes} EAP-TLS handshakes are under way");
        if (!_incoming.TryAdd(flags, total, data, out var complete, out var reason))
            return End(reason);
        return complete ? OnFlight(_incoming.Take()) : new EapMethodStep.Request(EapTlsCodec.Acknowledgement);
    }

    private EapMethodStep OnFlight(ReadOnlySpan<byte> flight)
    {
        switch (_tls!.Advance(flight, out var output))
        {
            case TlsProgress.NeedsPeer when output.Length > 0:
                return Send(output, Expect.Flight);
            case TlsProgress.NeedsPeer:
                return End("the client's TLS flight is incomplete");
            case TlsProgress.Finished when _tls.Verdict is { Identity: not null } && _tls.IsClean:
                return OnFinished(output);
            case TlsProgress.Finished:
                return End("the client sent more than its TLS flight");
            default:
                return Refuse(_tls.Failure, output);
        }
    }

    private EapMethodStep.Request OnFinished(byte[] output)
    {
        _msk = _tls!.ExportMsk();
        // RFC 9190 2.5: "the EAP-TLS server MUST ... send a protected success result indication": application data 0x00.
        byte[] message = _tls.Version == TlsVersion.Tls13 ? [.. output, .. _tls.Protect([0])] : output;
        return Send(message, Expect.SuccessAcknowledgement);
    }

    private EapMethodStep OnSuccessAcknowledgement(ReadOnlySpan<byte> data)
    {
        if (!data.IsEmpty)
        {
            // RFC 5216 2.1.3, RFC 9190 2.1.4: instead of acknowledging, the client may still refuse us with an alert.
            _tls!.Unprotect(data, out var reason);
            return End(reason.Length > 0 ? reason : "the client sent data instead of its acknowledgement");
        }

        var identityProven = _tls!.Verdict!.Identity!;
        var msk = _msk;
        _msk = null;
        _expect = Expect.Nothing;
        _tls.Dispose();
        return new EapMethodStep.Done(identityProven, msk);
    }

    // RFC 5216 2.1.3: the alert goes out in a Request, so that the client can say why; EAP-Failure follows its answer.
    private EapMethodStep Refuse(string reason, byte[] alert)
    {
        _refusal = reason;
        if (alert.Length == 0)
            return End(reason);
        return Send(alert, Expect.FailureAcknowledgement, reason);
    }

    private EapMethodStep.Request Send(byte[] message, Expect next, string? refusal = null)
    {
        _outgoing = message;
        _sent = 0;
        _expect = next;
        return SendNext(refusal);
    }

    private EapMethodStep.Request SendNext(string? refusal = null)
    {
        var fragment = EapTlsCodec.Fragment(_outgoing, _sent, _context.Options.FragmentLength);
        _sent = Math.Min(_outgoing.Length, _sent + _context.Options.FragmentLength);
        return new EapMethodStep.Request(fragment, refusal);
    }

    private EapMethodStep.Failed End(string reason)
    {
        _expect = Expect.Nothing;
        Dispose();
        return new EapMethodStep.Failed(reason);
    }
}
