using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Rekey of the IKE SA by either side (RFC 7296 1.3.2, 2.8, 2.18, 2.25.2). The session and its CHILD_SAs move to the new IKE SA.</summary>
internal sealed class RekeyIkeExchange : LocalExchange
{
    private const int NonceOctets = 32;

    /// <summary>A client that rekeys and never deletes must not pile up IKE SAs.</summary>
    private const int MostRetired = 8;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(10);

    private readonly byte[] _nonceI = new byte[NonceOctets];
    private KeyExchangeMethod _group = null!;
    private IKeyExchange? _own;
    private IkeSpi _newSpi;
    private bool _retried;

    public override ExchangeType Type => ExchangeType.CreateChildSa;

    public override string Story => "waiting for the client to answer our rekey of the IKE SA";

    /// <summary>The peer rekeys the IKE SA.</summary>
    public static RequestOutcome Handle(IkeSa sa, IkeMessage message)
    {
        // RFC 7296 2.25.2: a peer that is creating, rekeying or closing a CHILD_SA SHOULD answer TEMPORARY_FAILURE.
        if (sa.ActiveLocal is RekeyIkeExchange)
            sa.CancelUnsent();
        if (sa.ActiveLocal is RekeyChildExchange or DeleteExchange)
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, "we are working on a CHILD_SA");
        if (sa.PeerRekey is not null)
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, "it was rekeyed already");

        // Made by a rekey of the peer that crossed one of ours: which of the two SAs stays is open until the answer to ours is here.
        var session = sa.Session!;
        if (session.Current != sa)
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, "the rekey that made this IKE SA is not settled");
        if (session.Retired >= MostRetired)
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, $"{session.Retired} earlier IKE SAs wait for the client's Delete");
        var offer = message.First<SaPayload>()!.Proposals;
        var ke = message.First<KeyExchangePayload>()!;
        if (!ProposalSelector.TrySelectIke(session.Profile.IkeProposals, offer, ke.Group, out var suite) || suite.PeerSpi.Length != 8)
        {
            var detail = $"offered {ProposalText.Describe(offer)}; configured {ProposalText.Describe(session.Profile.IkeProposals)}";
            return RequestOutcome.Fail(IkeFailure.NoProposalChosen, detail);
        }

        if (suite.KeyExchange.Id != ke.Group)
        {
            return RequestOutcome.Fail(
                IkeFailure.InvalidKeyExchange, $"KE payload in group {ke.Group}, wanted {suite.KeyExchange.Keyword}",
                notifyValue: SaInitExchange.GroupOctets(suite.KeyExchange));
        }

        var nonceI = message.First<NoncePayload>()!.Value.ToArray();
        var wantsTicket = TicketIssue.IsAsked(message);
        sa.PeerRekeysIke = true;
        return sa.Suspend<KeyAgreementCompletion>(
            new KeyAgreementEffect(sa.Endpoint.NextOperation(), true, suite.KeyExchange, null, ke.PublicValue),
            agreed => Answer(sa, suite, nonceI, agreed, wantsTicket));
    }

    public override void Start(IkeSa sa)
    {
        if (sa.Session is null || sa.PeerRekey is not null)
        {
            sa.FinishLocal();
            return;
        }

        // The peer is in the middle of a CREATE_CHILD_SA of its own: it would only answer TEMPORARY_FAILURE.
        if (sa.Window.InProgress)
        {
            sa.Endpoint.Timers.Set(sa, IkeTimer.IkeRekey, sa.Endpoint.Now + TimeSpan.FromSeconds(1));
            sa.FinishLocal();
            return;
        }

        _group ??= sa.Suite.KeyExchange;
        sa.Endpoint.Crypto.Fill(_nonceI);
        sa.SuspendLocal<KeyAgreementCompletion>(
            new KeyAgreementEffect(sa.Endpoint.NextOperation(), true, _group, null, default),
            made =>
            {
                _own = made.Exchange;
                _newSpi = sa.Endpoint.NewIkeSpi();
                sa.SendRequest(
                [
                    new SaPayload(ProposalSelector.ToProposals(sa.Session!.Profile.IkeProposals, SpiOctets(_newSpi))),
                    new NoncePayload(_nonceI),
                    new KeyExchangePayload(_group.Id, _own.PublicValue),
                ]);
            });
    }

    public override void OnResponse(IkeSa sa, IkeMessage response)
    {
        if (response.FirstError() is { } error)
        {
            Refused(sa, error);
            return;
        }

        var nonceR = response.First<NoncePayload>();
        var ke = response.First<KeyExchangePayload>();
        if (response.First<SaPayload>() is not { } chosen || nonceR is null || ke is null || ke.Group != _group.Id
            || !ProposalSelector.TryAcceptIke(sa.Session!.Profile.IkeProposals, chosen.Proposals, out var suite)
            || suite.KeyExchange.Id != _group.Id || suite.PeerSpi.Length != 8 || SpiOf(suite).IsZero)
        {
            sa.Endpoint.End(sa, SessionEndReason.ProtocolError, "the answer to our IKE SA rekey is not consistent with what we offered", sendDelete: true);
            return;
        }

        sa.SuspendLocal<KeyAgreementCompletion>(
            new KeyAgreementEffect(sa.Endpoint.NextOperation(), true, _group, _own, ke.PublicValue),
            agreed => Agreed(sa, suite, nonceR.Value.ToArray(), agreed));
    }

    private static RequestOutcome Answer(IkeSa sa, IkeSuite suite, byte[] nonceI, KeyAgreementCompletion agreed, bool wantsTicket)
    {
        using var exchange = agreed.Exchange;
        if (agreed.SharedSecret is not { } secret)
            return RequestOutcome.Fail(IkeFailure.BadPublicValue, $"public value not valid for {suite.KeyExchange.Keyword}");
        if (SpiOf(suite).IsZero)
            return RequestOutcome.Fail(IkeFailure.UnexpectedPayloads, "IKE SA rekey with a zero SPI");
        var nonceR = new byte[NonceOctets];
        sa.Endpoint.Crypto.Fill(nonceR);
        var made = sa.Endpoint.OpenRekeyed(sa, sa.Endpoint.NewIkeSpi(), SpiOf(suite), weAreInitiator: false);
        made.SetKeys(suite, Derive(sa, suite, secret, nonceI, nonceR, made));
        List<IkePayload> payloads =
        [
            new SaPayload([suite.ToProposal(SpiOctets(made.LocalSpi))]),
            new NoncePayload(nonceR),
            new KeyExchangePayload(suite.KeyExchange.Id, exchange.PublicValue.ToArray()),
        ];
        if (wantsTicket)
            payloads.Add(TicketIssue.Deferred(sa.Session!));
        return RequestOutcome.Respond(payloads, () =>
        {
            made.Enter(new IkeSaState.Established());
            if (sa.ActiveLocal is RekeyIkeExchange)
            {
                // Both sides at once: whose SA stays is settled when our own answer comes (RFC 7296 2.8.1).
                sa.PeerRekey = (made, Nonces.Lowest(nonceI, nonceR));
                return;
            }

            sa.Endpoint.MoveSession(sa, made);
            sa.Endpoint.Observer.Rekeyed(made.Session!.Id, ikeSa: true, byPeer: true);
        });
    }

    private void Refused(IkeSa sa, NotifyPayload error)
    {
        _own?.Dispose();
        _own = null;
        if (sa.PeerRekey is { New: { Closed: false, Phase: IkeSaPhase.Established } } crossed)
        {
            sa.PeerRekey = null;
            sa.Endpoint.MoveSession(sa, crossed.New);
            sa.Endpoint.Observer.Rekeyed(crossed.New.Session!.Id, ikeSa: true, byPeer: true);
            sa.FinishLocal();
            return;
        }

        sa.Endpoint.Observer.Failed(IkeFailure.PeerReported, sa.Session?.Id, sa.Path, $"IKE SA rekey refused: {error.NotifyType}");
        if (!_retried && sa.Phase == IkeSaPhase.Established && error.NotifyType == NotifyType.InvalidKePayload && error.Value.Length == 2
            && AlgorithmTable.TryFindKeyExchange(BinaryPrimitives.ReadUInt16BigEndian(error.Value.Span), out var group))
        {
            _retried = true;
            _group = group;
            Sent = false;
            Start(sa);
            return;
        }

        sa.Endpoint.Timers.Set(sa, IkeTimer.IkeRekey, sa.Endpoint.Now + RetryAfter);
        sa.FinishLocal();
    }

    private void Agreed(IkeSa sa, IkeSuite suite, byte[] nonceR, KeyAgreementCompletion agreed)
    {
        agreed.Exchange.Dispose();
        if (agreed.SharedSecret is not { } secret)
        {
            sa.Endpoint.End(sa, SessionEndReason.ProtocolError, "the public value in the answer to our IKE SA rekey is not valid", sendDelete: true);
            return;
        }

        var made = sa.Endpoint.OpenRekeyed(sa, _newSpi, SpiOf(suite), weAreInitiator: true);
        made.SetKeys(suite, Derive(sa, suite, secret, _nonceI, nonceR, made));
        made.Enter(new IkeSaState.Established());
        if (sa.Phase == IkeSaPhase.Deleting)
        {
            made.Session = null;
            made.Enqueue(new DeleteExchange(null));
            sa.FinishLocal();
            return;
        }

        var crossed = sa.PeerRekey;
        sa.PeerRekey = null;
        if (crossed is { New: { Closed: false, Phase: IkeSaPhase.Established } } theirs && Nonces.OursIsRedundant(Nonces.Lowest(_nonceI, nonceR), theirs.LowestNonce))
        {
            // Ours goes; the peer deletes the old one.
            sa.Endpoint.MoveSession(sa, theirs.New);
            sa.Endpoint.Observer.Rekeyed(theirs.New.Session!.Id, ikeSa: true, byPeer: true);
            sa.Endpoint.Linger(made);
            made.Enqueue(new DeleteExchange(null));
        }
        else
        {
            sa.Endpoint.MoveSession(sa, made);
            sa.Endpoint.Observer.Rekeyed(made.Session!.Id, ikeSa: true, byPeer: false);
            if (crossed is { New: { Closed: false, Phase: IkeSaPhase.Established } } redundant)
                sa.Endpoint.Linger(redundant.New);
            sa.Enqueue(new DeleteExchange(null));
        }

        sa.FinishLocal();
    }

    private static IkeKeys Derive(IkeSa old, IkeSuite suite, byte[] secret, byte[] nonceI, byte[] nonceR, IkeSa made)
    {
        var keys = KeySchedule.DeriveRekey(
            old.Endpoint.Crypto, suite, old.Suite.Prf, old.Keys.SkD, secret, nonceI, nonceR, made.InitiatorSpi, made.ResponderSpi);
        CryptographicOperations.ZeroMemory(secret);
        return keys;
    }

    private static IkeSpi SpiOf(IkeSuite suite) => new(BinaryPrimitives.ReadUInt64BigEndian(suite.PeerSpi.Span));

    private static byte[] SpiOctets(IkeSpi spi)
    {
        var octets = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(octets, spi.Value);
        return octets;
    }
}
