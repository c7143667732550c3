using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>CREATE_CHILD_SA as the responder, for a further CHILD_SA or for the rekey of one (RFC 7296 1.3.1, 1.3.3).</summary>
internal static class CreateChildExchange
{
    private const int NonceOctets = 32;

    public static RequestOutcome Handle(IkeSa sa, IkeMessage message)
    {
        var session = sa.Session!;
        if (IsIkeRekeying(sa))
            return RequestOutcome.Fail(IkeFailure.TemporaryFailure, "we are rekeying the IKE SA");
        var flows = session.Children.Count(c => !c.Deleting && c.PeerRekey is null);
        if (flows >= session.Grant.FlowLimit)
            return RequestOutcome.Fail(IkeFailure.NoAdditionalSas, $"{flows} CHILD_SAs, the limit is {session.Grant.FlowLimit}");
        return Negotiate(sa, message, old: null);
    }

    /// <summary>RFC 7296 2.25.2: while we rekey the IKE SA, requests for CHILD_SAs get TEMPORARY_FAILURE. A rekey that is not yet out gives way instead.</summary>
    public static bool IsIkeRekeying(IkeSa sa) => sa.ActiveLocal is RekeyIkeExchange { Sent: true };

    /// <summary>Selects, agrees, installs, answers. <paramref name="old"/> is the CHILD_SA that is rekeyed, if any.</summary>
    public static RequestOutcome Negotiate(IkeSa sa, IkeMessage message, ChildSa? old)
    {
        var session = sa.Session!;

        // Rekeyed SAs do not count towards the flow limit, but a client that never deletes them must not pile them up.
        if (session.Children.Count > 2 * (long)session.Grant.FlowLimit)
            return RequestOutcome.Fail(IkeFailure.NoAdditionalSas, $"{session.Children.Count} CHILD_SAs, rekeyed ones that the client did not delete among them");
        var offer = message.First<SaPayload>()!.Proposals;
        var ke = message.First<KeyExchangePayload>();
        if (!ProposalSelector.TrySelectEsp(session.Profile.EspProposals, offer, session.Profile.Pfs, ke?.Group, out var suite))
        {
            var detail = $"offered {ProposalText.Describe(offer)}; configured {ProposalText.Describe(session.Profile.EspProposals)}";
            return RequestOutcome.Fail(IkeFailure.NoChildProposal, detail);
        }

        if (suite.KeyExchange is { } group && group.Id != ke?.Group)
        {
            return RequestOutcome.Fail(
                IkeFailure.InvalidKeyExchange, $"KE payload in group {ke?.Group}, wanted {group.Keyword}", notifyValue: SaInitExchange.GroupOctets(group));
        }

        if (!ChildTraffic.TrySelect(sa, TrafficOffer.Of(message), session.Encapsulation, out var traffic, out var refusal))
            return RequestOutcome.Fail(IkeFailure.SelectorsUnacceptable, $"a further CHILD_SA: {refusal}");

        var nonceI = message.First<NoncePayload>()!.Value.ToArray();
        var work = new Negotiation(sa, old, suite, traffic, nonceI);
        if (suite.KeyExchange is null)
            return work.Install(null, []);
        return sa.Suspend<KeyAgreementCompletion>(
            new KeyAgreementEffect(sa.Endpoint.NextOperation(), true, suite.KeyExchange, null, ke!.PublicValue),
            work.Agreed);
    }

    private sealed record Negotiation(IkeSa Sa, ChildSa? Old, EspSuite Suite, ChildTraffic Traffic, byte[] NonceI)
    {
        private readonly byte[] _nonceR = new byte[NonceOctets];

        public RequestOutcome Agreed(KeyAgreementCompletion agreed)
        {
            using var exchange = agreed.Exchange;
            if (agreed.SharedSecret is not { } secret)
                return RequestOutcome.Fail(IkeFailure.BadPublicValue, $"public value not valid for {Suite.KeyExchange!.Keyword}");
            var outcome = Install(new KeyExchangePayload(Suite.KeyExchange!.Id, exchange.PublicValue.ToArray()), secret);
            CryptographicOperations.ZeroMemory(secret);
            return outcome;
        }

        public RequestOutcome Install(KeyExchangePayload? ke, byte[] secret)
        {
            if (Old is not null && !Sa.Session!.Children.Contains(Old))
                return RequestOutcome.Fail(IkeFailure.ChildSaNotFound, "it was deleted meanwhile");
            Sa.Endpoint.Crypto.Fill(_nonceR);
            using var keys = KeySchedule.DeriveChild(Sa.Endpoint.Crypto, Sa.Suite.Prf, Sa.Keys.SkD, secret, NonceI, _nonceR, Suite);
            var parameters = ChildInstallation.Parameters(Sa, Suite, keys, weAreInitiator: false, Traffic, outboundAtOnce: Old is null);
            var id = Sa.Endpoint.NextOperation();
            IkeOperation effect = Old is null
                ? new InstallChildSaEffect(id, true, Sa.Session!.Id, parameters)
                : new RekeyChildSaEffect(id, Sa.Session!.Id, Old.InboundSpi, parameters);
            return Sa.Suspend<InstallChildSaCompletion>(effect, installed => Answer(ke, parameters, installed));
        }

        private RequestOutcome Answer(KeyExchangePayload? ke, ChildSaParameters parameters, InstallChildSaCompletion installed)
        {
            ChildInstallation.ZeroKeys(parameters);
            if (installed.Fault is { } fault)
                return RequestOutcome.Fail(IkeFailure.DataPlaneFailed, fault);

            // Our own rekey of it finished meanwhile, or its Delete came: a second new SA would be one that neither side deletes.
            if (Old is { Deleting: true } || (Old is not null && !Sa.Session!.Children.Contains(Old)))
            {
                Sa.Endpoint.Emit(new RemoveChildSaEffect(Sa.Session!.Id, parameters.InboundSpi, parameters.OutboundSpi));
                return RequestOutcome.Fail(IkeFailure.TemporaryFailure, "it was rekeyed or deleted meanwhile");
            }

            var child = ChildInstallation.Add(Sa, Sa.Session!, parameters);
            if (Old is not null)
            {
                Old.PeerRekey = (child, Nonces.Lowest(NonceI, _nonceR));
                ChildLifetime.Arm(Sa.Session!.Current);
                Sa.Endpoint.Observer.Rekeyed(Sa.Session!.Id, ikeSa: false, byPeer: true);
            }

            List<IkePayload> payloads = [new SaPayload([Suite.ToProposal(parameters.InboundSpi)]), new NoncePayload(_nonceR)];
            if (ke is not null)
                payloads.Add(ke);
            payloads.Add(new TrafficSelectorPayload(isInitiator: true, Traffic.Remote));
            payloads.Add(new TrafficSelectorPayload(isInitiator: false, Traffic.Local));
            if (Traffic.IsTransportMode)
                payloads.Add(new NotifyPayload(NotifyType.UseTransportMode));
            return RequestOutcome.Respond(payloads);
        }
    }
}
