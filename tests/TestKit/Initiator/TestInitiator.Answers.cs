using System.Buffers.Binary;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>Requests of the headend. A rekey that meets one of ours gets TEMPORARY_FAILURE (RFC 7296 2.25); real collisions are for pairs of endpoints.</summary>
public sealed partial class TestInitiator
{
    private List<IkePayload> Answer(InitiatorSa sa, IkeMessage request, out Action? after)
    {
        after = null;
        if (request.Header.ExchangeType == ExchangeType.Informational)
            return AnswerInformational(sa, request, out after);
        if (request.Header.ExchangeType != ExchangeType.CreateChildSa)
            return Refuse(NotifyType.InvalidSyntax, out after);
        if (sa.Replaced || sa.Active is { Kind: InitiatorRequestKind.RekeyIke or InitiatorRequestKind.RekeyChild or InitiatorRequestKind.DeleteIke })
            return Refuse(NotifyType.TemporaryFailure, out after);
        return MessageRules.CreateChildPhase(request) switch
        {
            MessagePhase.RekeyChild => AnswerRekeyChild(sa, request),
            MessagePhase.RekeyIke => AnswerRekeyIke(sa, request, out after),
            _ => Refuse(NotifyType.NoAdditionalSas, out after),
        };
    }

    private List<IkePayload> AnswerInformational(InitiatorSa sa, IkeMessage request, out Action? after)
    {
        after = null;
        var answered = new List<uint>();
        foreach (var payload in request.Payloads)
        {
            if (payload is not DeletePayload delete)
                continue;
            if (delete.Protocol == ProtocolId.Ike)
            {
                after = () => Remove(sa);
                return [];
            }

            foreach (var spi in delete.EspSpis)
            {
                if (_children.Find(c => c.OutboundSpi == spi) is not { } child)
                    continue;
                answered.Add(child.InboundSpi);
                _children.Remove(child);
            }
        }

        return answered.Count > 0 ? [DeletePayload.ForEsp(answered)] : [];
    }

    private List<IkePayload> AnswerRekeyChild(InitiatorSa sa, IkeMessage request)
    {
        var notify = request.Notify(NotifyType.RekeySa)!;
        var old = notify.Spi.Length == 4 ? _children.Find(c => c.OutboundSpi == BinaryPrimitives.ReadUInt32BigEndian(notify.Spi.Span)) : null;
        if (old is null)
            return Refuse(NotifyType.ChildSaNotFound, out _);
        var ke = request.First<KeyExchangePayload>();
        var nonce = request.First<NoncePayload>();
        if (nonce is null || request.First<SaPayload>() is not { } offer
            || !ProposalSelector.TrySelectEsp(_options.EspProposals, offer.Proposals, PfsPolicy.Optional, ke?.Group, out var suite))
            return Refuse(NotifyType.NoProposalChosen, out _);

        byte[] secret = [];
        using var own = suite.KeyExchange is { } group ? _options.Crypto.CreateKeyExchange(group) : null;
        if (own is not null && !(ke is not null && ke.Group == own.Method.Id && own.TryAgree(ke.PublicValue.Span, out secret!)))
            return Refuse(NotifyType.InvalidSyntax, out _);
        var asks = request.Notify(NotifyType.UseTransportMode) is not null && !DeclinesTransportMode;
        var ours = NewNonce();
        var spi = NewEspSpi();
        using var keys = KeySchedule.DeriveChild(_options.Crypto, sa.Suite.Prf, sa.Keys.SkD, secret, nonce.Value.Span, ours, suite);
        _children.Add(NewChild(spi, suite, keys, weBegan: false, old.LocalSelectors, old.RemoteSelectors, old.IsTransportMode && asks));
        List<IkePayload> payloads = [new SaPayload([suite.ToProposal(spi)]), new NoncePayload(ours)];
        if (own is not null)
            payloads.Add(new KeyExchangePayload(own.Method.Id, own.PublicValue.ToArray()));
        payloads.Add(new TrafficSelectorPayload(isInitiator: true, old.RemoteSelectors));
        payloads.Add(new TrafficSelectorPayload(isInitiator: false, old.LocalSelectors));
        if (old.IsTransportMode && asks)
            payloads.Add(new NotifyPayload(NotifyType.UseTransportMode));
        return payloads;
    }

    private List<IkePayload> AnswerRekeyIke(InitiatorSa sa, IkeMessage request, out Action? after)
    {
        after = null;
        var ke = request.First<KeyExchangePayload>();
        var nonce = request.First<NoncePayload>();
        if (nonce is null || ke is null || request.First<SaPayload>() is not { } offer
            || !ProposalSelector.TrySelectIke(_options.IkeProposals, offer.Proposals, ke.Group, out var suite) || suite.PeerSpi.Length != 8
            || suite.KeyExchange.Id != ke.Group)
            return Refuse(NotifyType.NoProposalChosen, out after);
        using var own = _options.Crypto.CreateKeyExchange(suite.KeyExchange);
        if (!own.TryAgree(ke.PublicValue.Span, out var secret))
            return Refuse(NotifyType.InvalidSyntax, out after);
        var ours = NewNonce();
        var theirs = nonce.Value.ToArray();
        var made = new InitiatorSa(NewIkeSpi(), weAreInitiator: false) { RemoteSpi = new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(suite.PeerSpi.Span)) };
        after = () => Succeed(sa, made, suite, secret, theirs, ours);
        return
        [
            new SaPayload([suite.ToProposal(Octets(made.LocalSpi))]),
            new NoncePayload(ours),
            new KeyExchangePayload(suite.KeyExchange.Id, own.PublicValue.ToArray()),
        ];
    }

    private static List<IkePayload> Refuse(NotifyType notify, out Action? after)
    {
        after = null;
        return [new NotifyPayload(ProtocolId.None, default, notify, default)];
    }
}
