using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>What an established client asks: liveness, Delete, rekeys. Queued, one at a time.</summary>
public sealed partial class TestInitiator
{
    public void CheckLiveness(MonotonicTime now) => Ask(new InitiatorRequest(InitiatorRequestKind.Liveness), now);

    /// <summary>Deletes the IKE SA and with it the session.</summary>
    public void Delete(MonotonicTime now) => Ask(new InitiatorRequest(InitiatorRequestKind.DeleteIke), now);

    public void DeleteChild(InitiatorChildSa child, MonotonicTime now) => Ask(new InitiatorRequest(InitiatorRequestKind.DeleteChild, child), now);

    public void RekeyChild(InitiatorChildSa child, MonotonicTime now) => RekeyChild(child, now, child.IsTransportMode, null);

    /// <summary>Rekeys into perhaps another mode, with one selector of ours in place of those that the SA has.</summary>
    public void RekeyChild(InitiatorChildSa child, MonotonicTime now, bool transportMode, TrafficSelector? local) =>
        Ask(new InitiatorRequest(InitiatorRequestKind.RekeyChild, child) { TransportMode = transportMode, Local = local }, now);

    public void RekeyIke(MonotonicTime now) => Ask(new InitiatorRequest(InitiatorRequestKind.RekeyIke), now);

    private void Ask(InitiatorRequest request, MonotonicTime now)
    {
        _now = now;
        if (Stage != InitiatorStage.Established)
            return;
        _requests.Enqueue(request);
        StartNext();
    }

    private void StartNext()
    {
        while (Stage == InitiatorStage.Established && _current.Active is null && _requests.TryDequeue(out var request))
            Begin(_current, request);
    }

    private void Begin(InitiatorSa sa, InitiatorRequest request)
    {
        switch (request.Kind)
        {
            case InitiatorRequestKind.Liveness:
                SendRequest(sa, request, []);
                break;
            case InitiatorRequestKind.Ticket:
                SendRequest(sa, request, [new NotifyPayload(NotifyType.TicketRequest)]);
                break;
            case InitiatorRequestKind.DeleteIke:
                SendRequest(sa, request, [DeletePayload.ForIkeSa()]);
                break;
            case InitiatorRequestKind.DeleteChild when _children.Contains(request.Child!):
                SendRequest(sa, request, [DeletePayload.ForEsp(request.Child!.InboundSpi)]);
                break;
            case InitiatorRequestKind.RekeyChild when _children.Contains(request.Child!):
                BeginRekeyChild(sa, request, request.Child!);
                break;
            case InitiatorRequestKind.RekeyIke:
                BeginRekeyIke(sa, request);
                break;
        }
    }

    private void BeginRekeyChild(InitiatorSa sa, InitiatorRequest request, InitiatorChildSa child)
    {
        request.Nonce = NewNonce();
        request.NewInboundSpi = NewEspSpi();
        var spi = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(spi, child.InboundSpi);
        List<IkePayload> payloads =
        [
            new NotifyPayload(ProtocolId.Esp, spi, NotifyType.RekeySa, default),
            new SaPayload(ProposalSelector.ToProposals(_options.EspProposals, request.NewInboundSpi, _options.PfsGroup)),
            new NoncePayload(request.Nonce),
        ];
        if (_options.PfsGroup is { } group)
        {
            request.Own = _options.Crypto.CreateKeyExchange(group);
            payloads.Add(new KeyExchangePayload(group.Id, request.Own.PublicValue));
        }

        payloads.Add(new TrafficSelectorPayload(isInitiator: true, request.Local is { } local ? [local] : child.LocalSelectors));
        payloads.Add(new TrafficSelectorPayload(isInitiator: false, child.RemoteSelectors));
        if (request.TransportMode)
            payloads.Add(new NotifyPayload(NotifyType.UseTransportMode));
        SendRequest(sa, request, payloads);
    }

    private void BeginRekeyIke(InitiatorSa sa, InitiatorRequest request)
    {
        request.Nonce = NewNonce();
        request.NewIkeSpi = NewIkeSpi();
        request.Own = _options.Crypto.CreateKeyExchange(sa.Suite.KeyExchange);
        SendRequest(
            sa,
            request,
            [
                new SaPayload(ProposalSelector.ToProposals(_options.IkeProposals, Octets(request.NewIkeSpi))),
                new NoncePayload(request.Nonce),
                new KeyExchangePayload(sa.Suite.KeyExchange.Id, request.Own.PublicValue),
                .. _options.RequestTicket ? [new NotifyPayload(NotifyType.TicketRequest)] : Array.Empty<IkePayload>(),
            ]);
    }

    private void HandleAnswer(InitiatorSa sa, InitiatorRequest request, IkeMessage response)
    {
        switch (request.Kind)
        {
            case InitiatorRequestKind.Ticket:
                KeepTicket(sa, response);
                break;
            case InitiatorRequestKind.DeleteIke:
                Remove(sa);
                break;
            case InitiatorRequestKind.DeleteChild:
                _children.Remove(request.Child!);
                break;
            case InitiatorRequestKind.RekeyChild when response.FirstError() is null:
                FinishRekeyChild(sa, request, response);
                break;
            case InitiatorRequestKind.RekeyIke when response.FirstError() is null:
                FinishRekeyIke(sa, request, response);
                break;
        }

        request.Own?.Dispose();
        StartNext();
    }

    private void FinishRekeyChild(InitiatorSa sa, InitiatorRequest request, IkeMessage response)
    {
        byte[] secret = [];
        if (response.First<NoncePayload>() is not { } nonce || response.First<SaPayload>() is not { } chosen
            || response.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorInitiator) is not { } local
            || response.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorResponder) is not { } remote
            || !ProposalSelector.TryAcceptEsp(_options.EspProposals, chosen.Proposals, _options.PfsGroup, out var suite)
            || (request.Own is { } own && !(response.First<KeyExchangePayload>() is { } ke && own.TryAgree(ke.PublicValue.Span, out secret!))))
        {
            Fail(null, "the answer to our CHILD_SA rekey does not fit");
            return;
        }

        using var keys = KeySchedule.DeriveChild(_options.Crypto, sa.Suite.Prf, sa.Keys.SkD, secret, request.Nonce, nonce.Value.Span, suite);
        _children.Add(NewChild(request.NewInboundSpi, suite, keys, weBegan: true, local.Selectors, remote.Selectors, response.Notify(NotifyType.UseTransportMode) is not null));

        // RFC 7296 2.8: who rekeyed deletes the old one.
        PutFirst(new InitiatorRequest(InitiatorRequestKind.DeleteChild, request.Child));
    }

    private void FinishRekeyIke(InitiatorSa sa, InitiatorRequest request, IkeMessage response)
    {
        if (response.First<NoncePayload>() is not { } nonce || response.First<SaPayload>() is not { } chosen
            || response.First<KeyExchangePayload>() is not { } ke
            || !ProposalSelector.TryAcceptIke(_options.IkeProposals, chosen.Proposals, out var suite) || suite.PeerSpi.Length != 8
            || !request.Own!.TryAgree(ke.PublicValue.Span, out var secret))
        {
            Fail(null, "the answer to our IKE SA rekey does not fit");
            return;
        }

        var made = new InitiatorSa(request.NewIkeSpi, weAreInitiator: true) { RemoteSpi = new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(suite.PeerSpi.Span)) };
        Succeed(sa, made, suite, secret, request.Nonce, nonce.Value.Span);
        KeepTicket(made, response);
        var goodbye = new InitiatorRequest(InitiatorRequestKind.DeleteIke);
        SendRequest(sa, goodbye, [DeletePayload.ForIkeSa()]);
    }

    private void Succeed(InitiatorSa old, InitiatorSa made, IkeSuite suite, byte[] secret, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr)
    {
        made.SetKeys(
            _options.Crypto,
            suite,
            KeySchedule.DeriveRekey(_options.Crypto, suite, old.Suite.Prf, old.Keys.SkD, secret, ni, nr, made.InitiatorSpi, made.ResponderSpi));
        CryptographicOperations.ZeroMemory(secret);
        old.Replaced = true;
        _sas.Add(made);
        _current = made;
    }

    private void PutFirst(InitiatorRequest request)
    {
        var rest = _requests.ToArray();
        _requests.Clear();
        _requests.Enqueue(request);
        foreach (var one in rest)
            _requests.Enqueue(one);
    }

    private static byte[] Octets(IkeSpi spi)
    {
        var octets = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(octets, spi.Value);
        return octets;
    }
}
