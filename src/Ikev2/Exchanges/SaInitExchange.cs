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
    public const int NonceOctets = 32;

    /// <summary>The cookie request and the IKE_SA_INIT errors are answered in clear and kept nowhere.</summary>
    public static void Handle(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram)
    {
        if (InitialAdmission.TryRead(endpoint, header, datagram) is not { } message || !InitialAdmission.Admit(endpoint, message, header, datagram))
            return;
        var offer = message.First<SaPayload>()!;
        var ke = message.First<KeyExchangePayload>()!;
        if (!ProposalSelector.TrySelectIke(endpoint.IkeProposals, offer.Proposals, ke.Group, out var suite))
        {
            var detail = $"offered {ProposalText.Describe(offer.Proposals)}; configured {ProposalText.Describe(endpoint.IkeProposals)}";
            endpoint.Observer.Failed(IkeFailure.NoProposalChosen, null, datagram.Path, detail);
            InitialAdmission.Refuse(endpoint, header, datagram, NotifyType.NoProposalChosen, []);
            return;
        }

        if (suite.KeyExchange.Id != ke.Group)
        {
            // RFC 7296 1.3: the notify's data is the group that we want.
            endpoint.Observer.Failed(IkeFailure.InvalidKeyExchange, null, datagram.Path, $"KE payload in group {ke.Group}, wanted {suite.KeyExchange.Keyword}");
            InitialAdmission.Refuse(endpoint, header, datagram, NotifyType.InvalidKePayload, GroupOctets(suite.KeyExchange));
            return;
        }

        Begin(endpoint, message, datagram, suite, ke);
    }

    /// <summary>A group as INVALID_KE_PAYLOAD carries it.</summary>
    public static byte[] GroupOctets(KeyExchangeMethod method)
    {
        var octets = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(octets, method.Id);
        return octets;
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

    public static PeerCapabilities Capabilities(IkeMessage message)
    {
        var hashes = message.Notify(NotifyType.SignatureHashAlgorithms);
        var software = VendorIds.Recognise(message);
        var isCisco = VendorIds.IsCisco(message);
        return new PeerCapabilities
        {
            Fragmentation = message.Notify(NotifyType.Ikev2FragmentationSupported) is not null,
            SignatureHashes = hashes is null ? null : SignatureHashes.Read(hashes.Value.Span),
            IsWindows = VendorIds.IsWindows(message),
            IsCisco = isCisco,
            AnyConnectEap = VendorIds.OffersAnyConnectEap(message),
            CiscoFragmentation = isCisco && VendorIds.OffersCiscoFragmentation(message),
            Software = software,
        };
    }
}
