using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Rekey of a CHILD_SA by either side, make before break (RFC 7296 1.3.3, 2.8, 2.25.1).</summary>
internal sealed class RekeyChildExchange(ChildSa old) : LocalExchange
{
    private const int NonceOctets = 32;

    private const int MostDeletedEarly = 64;

    private readonly byte[] _nonceI = new byte[NonceOctets];
    private readonly HashSet<uint> _deletedEarly = [];
    private KeyExchangeMethod? _group = old.Suite.KeyExchange;
    private IKeyExchange? _own;
    private uint _inboundSpi;
    private IReadOnlyList<EspProposal> _offered = [];
    private bool _retried;

    public override ExchangeType Type => ExchangeType.CreateChildSa;

    public override string Story => "waiting for the client to answer our rekey of a CHILD_SA";

    /// <summary>The peer rekeys a CHILD_SA of ours.</summary>
    public static RequestOutcome Handle(IkeSa sa, IkeMessage message)
    {
        var notify = message.Notify(NotifyType.RekeySa)!;
        if (notify.Spi.Length != sizeof(uint))
            return RequestOutcome.Fail(IkeFailure.UnexpectedPayloads, "REKEY_SA without an ESP SPI");
        var spi = BinaryPrimitives.ReadUInt32BigEndian(notify.Spi.Span);
        if (sa.Session!.FindByOutboundSpi(spi) is not { } child)
        {
            // Perhaps the SA that the answer to our own rekey, still on its way, tells of: CHILD_SA_NOT_FOUND would make the peer delete it.
            if (sa.ActiveLocal is RekeyChildExchange { Sent: true })
                return RequestOutcome.Fail(IkeFailure.TemporaryFailure, $"no CHILD_SA with SPI {spi:x8} yet");
            return RequestOutcome.Fail(IkeFailure.ChildSaNotFound, $"no CHILD_SA with SPI {spi:x8}");
        }

        // RFC 7296 2.25.1: "If a peer receives a request to rekey a Child SA that it is currently trying to close, it SHOULD reply with TEMPORARY_FAILURE."
        if (child.Deleting || child.PeerRekey is not null)
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, $"CHILD_SA {spi:x8} is being deleted or was rekeyed");
        if (CreateChildExchange.IsIkeRekeying(sa))
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, "we are rekeying the IKE SA");
        return CreateChildExchange.Negotiate(sa, message, child);
    }

    public override void Start(IkeSa sa)
    {
        if (!sa.Session!.Children.Contains(old) || old.Deleting || old.PeerRekey is not null)
        {
            old.Rekeying = false;
            sa.FinishLocal();
            return;
        }

        sa.Endpoint.Crypto.Fill(_nonceI);
        var profile = sa.Session.Profile;
        if (profile.Pfs == PfsPolicy.Required)
            _group ??= sa.Suite.KeyExchange;
        if (profile.Pfs == PfsPolicy.Disabled || sa.Peer.IsWindows)
            _group = null; // Windows fails with 13816 on a KE payload that it does not expect.
        Prepare(sa);
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
        var remote = response.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorResponder);
        var local = response.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorInitiator);
        if (response.First<SaPayload>() is not { } chosen || nonceR is null || remote is null || local is null || (ke is null) != (_group is null)
            || ke?.Group != _group?.Id
            || !ProposalSelector.TryAcceptEsp(_offered, chosen.Proposals, _group, out var suite)
            || Accepted(sa, response, local.Selectors, remote.Selectors) is not { } traffic)
        {
            Break(sa, "the answer to our CHILD_SA rekey is not consistent with what we offered");
            return;
        }

        if (ke is null)
        {
            Install(sa, suite, [], nonceR, traffic);
            return;
        }

        sa.SuspendLocal<KeyAgreementCompletion>(
            new KeyAgreementEffect(sa.Endpoint.NextOperation(), true, _group!, _own, ke.PublicValue),
            agreed =>
            {
                agreed.Exchange.Dispose();
                if (agreed.SharedSecret is not { } secret)
                {
                    Break(sa, "the public value in the answer to our CHILD_SA rekey is not valid");
                    return;
                }

                Install(sa, suite, secret, nonceR, traffic);
                CryptographicOperations.ZeroMemory(secret);
            });
    }

    private void Prepare(IkeSa sa)
    {
        if (_group is null)
        {
            Send(sa);
            return;
        }

        sa.SuspendLocal<KeyAgreementCompletion>(
            new KeyAgreementEffect(sa.Endpoint.NextOperation(), true, _group, null, default),
            made =>
            {
                _own = made.Exchange;
                Send(sa);
            });
    }

    private void Send(IkeSa sa)
    {
        _inboundSpi = sa.Endpoint.NewEspSpi();
        _offered = [.. sa.Session!.Profile.EspProposals.Select(LikeOld)];
        var rekeyed = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(rekeyed, old.InboundSpi);
        List<IkePayload> payloads =
        [
            new NotifyPayload(ProtocolId.Esp, rekeyed, NotifyType.RekeySa, default),
            new SaPayload(ProposalSelector.ToProposals(_offered, _inboundSpi, _group)),
            new NoncePayload(_nonceI),
        ];
        if (_own is not null)
            payloads.Add(new KeyExchangePayload(_group!.Id, _own.PublicValue));
        var traffic = old.IsTransportMode ? ChildTraffic.Gre(sa) : new ChildTraffic(old.LocalSelectors, old.RemoteSelectors, IsTransportMode: false);
        payloads.Add(new TrafficSelectorPayload(isInitiator: true, traffic.Local));
        payloads.Add(new TrafficSelectorPayload(isInitiator: false, traffic.Remote));
        if (traffic.IsTransportMode)
            payloads.Add(new NotifyPayload(NotifyType.UseTransportMode));
        sa.SendRequest(payloads);
    }

    /// <summary>The mode stays, and the selectors are no wider. A peer that declines transport mode has an SA that nothing can use (RFC 7296 1.3.1).</summary>
    private ChildTraffic? Accepted(IkeSa sa, IkeMessage response, IReadOnlyList<TrafficSelector> local, IReadOnlyList<TrafficSelector> remote)
    {
        if (old.IsTransportMode)
            return response.Notify(NotifyType.UseTransportMode) is not null && ChildTraffic.IsGre(sa, local, remote) ? ChildTraffic.Gre(sa) : null;
        return AllWithin(local, old.LocalSelectors) && AllWithin(remote, old.RemoteSelectors) ? new ChildTraffic(local, remote, IsTransportMode: false) : null;
    }

    /// <summary>What the SA has of extended sequence numbers stays: the client has chosen, and some offer one form only to themselves.</summary>
    private EspProposal LikeOld(EspProposal proposal) => proposal.Esn.Contains(old.Suite.Esn) ? proposal with { Esn = [old.Suite.Esn] } : proposal;

    private void Refused(IkeSa sa, NotifyPayload error)
    {
        _own?.Dispose();
        _own = null;
        sa.Endpoint.Observer.Failed(IkeFailure.PeerReported, sa.Session!.Id, sa.Path, $"CHILD_SA rekey refused: {error.NotifyType}");
        if (error.NotifyType == NotifyType.ChildSaNotFound)
        {
            // RFC 7296 2.25.1: "the requesting peer SHOULD ... silently delete the Child SA": it is gone at the other end.
            DeleteExchange.RemoveChild(sa, sa.Session, old);
            sa.FinishLocal();
            return;
        }

        if (!_retried && sa.Session.Children.Contains(old) && TryOtherGroup(sa, error))
        {
            _retried = true;
            Sent = false;
            Prepare(sa);
            return;
        }

        ChildLifetime.RetryLater(sa, old);
        sa.FinishLocal();
    }

    /// <summary>INVALID_KE_PAYLOAD names the group; NO_PROPOSAL_CHOSEN without PFS may mean that the peer insists on it.</summary>
    private bool TryOtherGroup(IkeSa sa, NotifyPayload error)
    {
        if (sa.Session!.Profile.Pfs == PfsPolicy.Disabled)
            return false;
        if (error.NotifyType == NotifyType.InvalidKePayload && error.Value.Length == 2)
            return AlgorithmTable.TryFindKeyExchange(BinaryPrimitives.ReadUInt16BigEndian(error.Value.Span), out _group);
        if (error.NotifyType != NotifyType.NoProposalChosen || _group is not null || sa.Peer.IsWindows)
            return false;
        _group = sa.Suite.KeyExchange;
        return true;
    }

    private void Install(IkeSa sa, EspSuite suite, byte[] secret, NoncePayload nonceR, ChildTraffic traffic)
    {
        using var keys = KeySchedule.DeriveChild(sa.Endpoint.Crypto, sa.Suite.Prf, sa.Keys.SkD, secret, _nonceI, nonceR.Value.Span, suite);
        var parameters = ChildInstallation.Parameters(sa, suite, keys, weAreInitiator: true, traffic, outboundAtOnce: true, _inboundSpi);
        var lowest = Nonces.Lowest(_nonceI, nonceR.Value.ToArray());
        sa.SuspendLocal<InstallChildSaCompletion>(
            new RekeyChildSaEffect(sa.Endpoint.NextOperation(), sa.Session!.Id, old.InboundSpi, parameters),
            installed => Installed(sa, parameters, lowest, installed));
    }

    private void Installed(IkeSa sa, ChildSaParameters parameters, byte[] lowest, InstallChildSaCompletion installed)
    {
        ChildInstallation.ZeroKeys(parameters);
        if (installed.Fault is { } fault)
        {
            Break(sa, $"a rekeyed CHILD_SA could not be installed: {fault}");
            return;
        }

        var session = sa.Session!;
        var made = ChildInstallation.Add(sa, session, parameters);
        old.Rekeying = false;
        if (_deletedEarly.Remove(made.OutboundSpi))
            DeleteExchange.RemoveChild(sa, session, made);
        sa.Endpoint.Observer.Rekeyed(session.Id, ikeSa: false, byPeer: false);
        if (old.PeerRekey is { } crossed && Nonces.OursIsRedundant(lowest, crossed.LowestNonce))
            DeleteIfThere(sa, session, made);
        else if (session.Children.Contains(old))
            DeleteExchange.DeleteChild(sa, old);
        sa.FinishLocal();
    }

    /// <summary>The peer deletes an SA that we do not know: perhaps the one that the answer to this rekey, still on its way, tells of.</summary>
    public void DeletedEarly(uint outboundSpi)
    {
        if (_deletedEarly.Count < MostDeletedEarly)
            _deletedEarly.Add(outboundSpi);
    }

    private static void DeleteIfThere(IkeSa sa, IkeSession session, ChildSa child)
    {
        if (session.Children.Contains(child))
            DeleteExchange.DeleteChild(sa, child);
    }

    /// <summary>The peer has an SA that we do not have: only a new start brings both sides to the same view.</summary>
    private static void Break(IkeSa sa, string detail) => sa.Endpoint.End(sa, SessionEndReason.ProtocolError, detail, sendDelete: true);

    private static bool AllWithin(IReadOnlyList<TrafficSelector> narrowed, IReadOnlyList<TrafficSelector> offered) =>
        narrowed.Count > 0 && narrowed.All(n => offered.Any(o => o.Contains(n)));
}
