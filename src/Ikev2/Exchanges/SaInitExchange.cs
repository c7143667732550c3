using System.Buffers.Binary;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// IKE_SA_INIT as the responder (RFC 7296 1.2, 2.6, 2.7). Nothing is authentic here: every answer is stateless until the key agreement is done, and no failure
/// leaves anything behind.
/// </summary>
internal static class SaInitExchange
{
    private const int NonceOctets = 32;

    /// <summary>The cookie request and the IKE_SA_INIT errors are answered in clear and kept nowhere.</summary>
    public static void Handle(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram)
    {
        if (TryRead(endpoint, header, datagram) is not { } message || !Admit(endpoint, message, header, datagram))
            return;
        var offer = message.First<SaPayload>()!;
        var ke = message.First<KeyExchangePayload>()!;
        if (!ProposalSelector.TrySelectIke(endpoint.IkeProposals, offer.Proposals, ke.Group, out var suite))
        {
            var detail = $"offered {ProposalText.Describe(offer.Proposals)}; configured {ProposalText.Describe(endpoint.IkeProposals)}";
            endpoint.Observer.Failed(IkeFailure.NoProposalChosen, null, datagram.Path, detail);
            Refuse(endpoint, header, datagram, NotifyType.NoProposalChosen, []);
            return;
        }

        if (suite.KeyExchange.Id != ke.Group)
        {
            // RFC 7296 1.3: the notify's data is the group that we want.
            endpoint.Observer.Failed(IkeFailure.InvalidKeyExchange, null, datagram.Path, $"KE payload in group {ke.Group}, wanted {suite.KeyExchange.Keyword}");
            Refuse(endpoint, header, datagram, NotifyType.InvalidKePayload, GroupOctets(suite.KeyExchange));
            return;
        }

        Begin(endpoint, message, datagram, suite, ke);
    }

    /// <summary>Demands a cookie whatever the load; true when the message brings a good one. Nothing is kept.</summary>
    public static bool HandleAtDoor(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram) =>
        TryRead(endpoint, header, datagram) is { } message && HasGoodCookie(endpoint, message, header, datagram);

    private static IkeMessage? TryRead(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram)
    {
        if (!UnprotectedMessage.TryParse(datagram.Octets, header, out var message, out var error))
        {
            if (error.Code == WireErrorCode.UnsupportedCriticalPayload)
                Refuse(endpoint, header, datagram, NotifyType.UnsupportedCriticalPayload, [error.Payload.Value]);
            endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, error.ToString());
            return null;
        }

        var errors = MessageRules.Check(ExchangeType.IkeSaInit, isResponse: false, MessagePhase.Only, message.Payloads);
        if (errors.Any)
        {
            endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, $"IKE_SA_INIT: {errors}");
            return null;
        }

        return message;
    }

    /// <summary>A group as INVALID_KE_PAYLOAD carries it.</summary>
    public static byte[] GroupOctets(KeyExchangeMethod method)
    {
        var octets = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(octets, method.Id);
        return octets;
    }

    /// <summary>An answer outside any SA; never larger than what provoked it.</summary>
    public static void Refuse(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram, NotifyType type, byte[] value)
    {
        var answer = UnprotectedMessage.Write(
            new IkeHeader(header.InitiatorSpi, default, PayloadType.None, 2, 0, header.ExchangeType, IkeHeaderFlags.Response, header.MessageId, 0),
            [new NotifyPayload(type, value)]);
        if (answer.Length <= datagram.Octets.Length && endpoint.Admission.TryTakeStatelessReply(endpoint.Now))
            endpoint.Emit(new TransmitEffect(answer, datagram.Path));
    }

    private static bool Admit(IkeEndpoint endpoint, IkeMessage message, in IkeHeader header, in IkeDatagram datagram)
    {
        if (endpoint.Admission.CookieDemanded && !HasGoodCookie(endpoint, message, header, datagram))
            return false;
        if (endpoint.Admission.Judge(datagram.Path.Remote.Address) is not { } refusal)
            return true;
        endpoint.Observer.Discarded(refusal, datagram.Path, $"{endpoint.Admission.HalfOpen} half-open");
        return false;
    }

    /// <summary>Answers with a COOKIE notify where there is none or a wrong one.</summary>
    private static bool HasGoodCookie(IkeEndpoint endpoint, IkeMessage message, in IkeHeader header, in IkeDatagram datagram)
    {
        var nonce = message.First<NoncePayload>()!.Value.Span;
        var cookie = message.Notify(NotifyType.Cookie);
        var remote = datagram.Path.Remote;
        if (cookie is not null && endpoint.Admission.IsGoodCookie(cookie.Value.Span, nonce, remote, header.InitiatorSpi, endpoint.Now))
            return true;
        endpoint.Observer.Discarded(DiscardReason.CookieDemanded, datagram.Path, "");
        Refuse(endpoint, header, datagram, NotifyType.Cookie, endpoint.Admission.MakeCookie(nonce, remote, header.InitiatorSpi, endpoint.Now));
        return false;
    }

    private static void Begin(IkeEndpoint endpoint, IkeMessage message, in IkeDatagram datagram, IkeSuite suite, KeyExchangePayload ke)
    {
        var sa = endpoint.OpenHalf(message.Header.InitiatorSpi, datagram.Path);
        var nat = NatDetection.Check(message, datagram.Path);
        sa.Peer = Capabilities(message) with { BehindNat = nat.PeerBehindNat, WeAreBehindNat = nat.WeAreBehindNat };
        var request = datagram.Octets.ToArray();
        var nonceI = message.First<NoncePayload>()!.Value.ToArray();
        var effect = new KeyAgreementEffect(endpoint.NextOperation(), false, suite.KeyExchange, null, ke.PublicValue.ToArray());
        endpoint.Await(sa, effect, completion => Finish(sa, suite, request, nonceI, (KeyAgreementCompletion)completion));
    }

    private static void Finish(IkeSa sa, IkeSuite suite, byte[] request, byte[] nonceI, KeyAgreementCompletion agreed)
    {
        var endpoint = sa.Endpoint;
        using var exchange = agreed.Exchange;
        if (agreed.SharedSecret is null)
        {
            endpoint.Observer.Failed(IkeFailure.BadPublicValue, null, sa.Path, $"public value not valid for {suite.KeyExchange.Keyword}");
            endpoint.End(sa, SessionEndReason.ProtocolError, "bad public value", sendDelete: false);
            return;
        }

        var nonceR = new byte[NonceOctets];
        endpoint.Crypto.Fill(nonceR);
        sa.SetKeys(suite, KeySchedule.DeriveInitial(endpoint.Crypto, suite, nonceI, nonceR, agreed.SharedSecret, sa.InitiatorSpi, sa.ResponderSpi));
        System.Security.Cryptography.CryptographicOperations.ZeroMemory(agreed.SharedSecret);
        List<IkePayload> payloads =
        [
            new SaPayload([suite.ToProposal(default)]),
            new KeyExchangePayload(suite.KeyExchange.Id, exchange.PublicValue),
            new NoncePayload(nonceR),
            .. endpoint.CertificateRequests,
            .. NatDetection.Notifies(sa.InitiatorSpi, sa.ResponderSpi, sa.Path),
        ];
        if (sa.Peer.Fragmentation)
            payloads.Add(new NotifyPayload(NotifyType.Ikev2FragmentationSupported));
        payloads.Add(new NotifyPayload(NotifyType.SignatureHashAlgorithms, SignatureHashes.Supported));
        payloads.AddRange(VendorIds.Answer(sa.Peer));
        if (endpoint.OffersSecondAuthentication)
            payloads.Add(new NotifyPayload(NotifyType.MultipleAuthSupported));
        var response = UnprotectedMessage.Write(
            new IkeHeader(sa.InitiatorSpi, sa.ResponderSpi, PayloadType.None, 2, 0, ExchangeType.IkeSaInit, IkeHeaderFlags.Response, 0, 0), payloads);
        sa.Enter(new IkeSaState.ExpectAuth(new InitialOctets(request, response, nonceI, nonceR)));
        sa.CompleteInit(request, response);
        endpoint.Timers.Set(sa, IkeTimer.Handshake, endpoint.Now + endpoint.Options.HandshakeTimeout);
        endpoint.Observer.Answered(ExchangeType.IkeSaInit, null, endpoint.Now - sa.CreatedAt);
    }

    private static PeerCapabilities Capabilities(IkeMessage message)
    {
        var hashes = message.Notify(NotifyType.SignatureHashAlgorithms);
        var software = VendorIds.Recognise(message);
        return new PeerCapabilities
        {
            Fragmentation = message.Notify(NotifyType.Ikev2FragmentationSupported) is not null,
            SignatureHashes = hashes is null ? null : SignatureHashes.Read(hashes.Value.Span),
            IsWindows = VendorIds.IsWindows(message),
            IsCisco = VendorIds.IsCisco(message),
            AnyConnectEap = VendorIds.OffersAnyConnectEap(message),
            CiscoFragmentation = VendorIds.OffersCiscoFragmentation(message),
            Software = software,
        };
    }
}
