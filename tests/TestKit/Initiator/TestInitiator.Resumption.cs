using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>Tickets: asking for them, keeping them, and coming back by one (RFC 5723 4).</summary>
public sealed partial class TestInitiator
{
    /// <summary>The last ticket that came; null without one.</summary>
    public InitiatorTicket? Ticket { get; private set; }

    /// <summary>What the last request for a ticket was answered with: TICKET_LT_OPAQUE, TICKET_ACK or TICKET_NACK; null = nothing.</summary>
    public NotifyType? TicketAnswer { get; private set; }

    /// <summary>Keys of the current IKE SA, for tests that derive them anew.</summary>
    internal (byte[] Ni, byte[] Nr) Nonces => (_nonce, _peerNonce);

    /// <summary>Asks for a ticket in an INFORMATIONAL exchange.</summary>
    public void AskForTicket(MonotonicTime now) => Ask(new InitiatorRequest(InitiatorRequestKind.Ticket), now);

    private void SendResume(InitiatorTicket ticket)
    {
        if (_nonce.Length == 0)
            _nonce = NewNonce();
        var payloads = new List<IkePayload>();
        if (_cookie is not null)
            payloads.Add(new NotifyPayload(NotifyType.Cookie, _cookie));
        payloads.Add(new NoncePayload(_nonce));
        payloads.Add(new NotifyPayload(NotifyType.TicketOpaque, ticket.Octets));
        payloads.AddRange(NatNotifies());
        if (_options.Fragmentation)
            payloads.Add(new NotifyPayload(NotifyType.Ikev2FragmentationSupported));
        _initialRequest = UnprotectedMessage.Write(_current.Header(ExchangeType.IkeSessionResume, isResponse: false, 0), payloads);
        Send(_current, new InitiatorRequest(InitiatorRequestKind.Login) { Exchange = ExchangeType.IkeSessionResume }, [_initialRequest]);
    }

    private void HandleResume(in IkeHeader header, ReadOnlyMemory<byte> datagram, InitiatorTicket ticket)
    {
        if (Stage != InitiatorStage.InitialExchange || !header.IsResponse || header.IsFromInitiator || header.MessageId != 0 || header.InitiatorSpi != _current.LocalSpi
            || !UnprotectedMessage.TryParse(datagram, header, out var response, out _))
            return;
        if (response.Notify(NotifyType.Cookie) is { } cookie)
        {
            _cookie = cookie.Value.ToArray();
            if (++_restarts > MostRestarts)
                Fail(null, "cookies without end");
            else
                SendResume(ticket);
            return;
        }

        if (response.Notify(NotifyType.TicketNack) is not null || response.FirstError() is not null)
        {
            Fail(response.FirstError()?.NotifyType ?? NotifyType.TicketNack, "IKE_SESSION_RESUME was refused");
            return;
        }

        if (header.ResponderSpi.IsZero || response.First<NoncePayload>() is not { } nonce)
        {
            Fail(null, "the IKE_SESSION_RESUME response has no SPI or no nonce");
            return;
        }

        _initialResponse = datagram.ToArray();
        _peerNonce = nonce.Value.ToArray();
        _current.RemoteSpi = header.ResponderSpi;
        _current.SetKeys(_options.Crypto, ticket.Suite, ticket.Derive(_nonce, _peerNonce, _current.LocalSpi, _current.RemoteSpi));
        LearnOfPath(response);
        _current.NextOutbound = 1;
        Stage = InitiatorStage.FirstAuthentication;
        SendFirstAuthentication();
    }

    private byte[] ResumptionMac(InitiatorTicket ticket) =>
        ticket.Authenticate(_current.Keys.SkPi, _initialRequest, _peerNonce, InitiatorId.Body.Span);

    private void HandleResumed(InitiatorSa sa, IkeMessage response, InitiatorTicket ticket)
    {
        _responderId = response.First<IdPayload>(PayloadType.IdResponder);
        if (_responderId is null || response.First<AuthenticationPayload>() is not { } auth)
        {
            Fail(response.FirstError()?.NotifyType, $"resumption: {response.FirstError()?.NotifyType}");
            return;
        }

        var expected = ticket.Authenticate(sa.Keys.SkPr, _initialResponse, _nonce, _responderId.Body.Span);
        if (auth.Method != AuthenticationMethod.SharedKey || !CryptographicOperations.FixedTimeEquals(expected, auth.Value.Span)
            || !new IkeIdentity(_responderId.IdType, _responderId.Value.Span).Equals(ticket.ServerIdentity) || response.First<CertificatePayload>() is not null)
        {
            Fail(null, "the responder does not prove that it has the keys of the ticket");
            return;
        }

        Stage = InitiatorStage.FinalAuthentication;
        Finish(sa, response);
    }

    /// <summary>What a response says of a ticket that was asked for.</summary>
    private void KeepTicket(InitiatorSa sa, IkeMessage response)
    {
        foreach (var payload in response.Payloads)
        {
            if (payload is not NotifyPayload notify
                || (notify.NotifyType != NotifyType.TicketLtOpaque && notify.NotifyType != NotifyType.TicketAck && notify.NotifyType != NotifyType.TicketNack))
                continue;
            TicketAnswer = notify.NotifyType;
            if (notify.NotifyType != NotifyType.TicketLtOpaque || notify.Value.Length <= sizeof(uint))
                continue;
            var lifetime = TimeSpan.FromSeconds(BinaryPrimitives.ReadUInt32BigEndian(notify.Value.Span));
            Ticket = new InitiatorTicket(
                notify.Value[sizeof(uint)..].ToArray(), lifetime, sa.Suite, [.. sa.Keys.SkD], new IkeIdentity(_responderId!.IdType, _responderId.Value.Span));
        }
    }
}
