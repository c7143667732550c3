using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>IKE_AUTH as the responder: the first request, and the last one, which makes the session (RFC 7296 1.2, 2.15, 2.16).</summary>
internal static class AuthExchange
{
    /// <summary>Identities are kept, logged and sent to AAA; distinguished names of several hundred octets exist.</summary>
    private const int MostIdentityOctets = 2048;

    /// <summary>Identity, profile, then EAP begins. Our certificate goes out only with the first EAP-Request, so that a profile that does not match costs no signature.</summary>
    public static RequestOutcome HandleFirst(IkeSa sa, IkeMessage message)
    {
        var octets = ((IkeSaState.ExpectAuth)sa.State).Octets;
        var endpoint = sa.Endpoint;
        var initiatorId = message.First<IdPayload>(PayloadType.IdInitiator)!;
        if (initiatorId.Value.Length > MostIdentityOctets)
            return RequestOutcome.Fail(IkeFailure.NoProfile, $"identity of {initiatorId.Value.Length} octets, the limit is {MostIdentityOctets}");
        var identity = new IkeIdentity(initiatorId.IdType, initiatorId.Value.Span);
        if (endpoint.SelectProfile(identity) is not { } profile)
            return RequestOutcome.Fail(IkeFailure.NoProfile, $"identity {identity.Type} {identity.Text} matches no profile");
        var session = endpoint.BeginLogin(sa, profile, identity);
        if (!profile.IkeProposals.Any(p => p.Allows(sa.Suite)))
            return RequestOutcome.Fail(IkeFailure.NoProfile, $"{sa.Suite} is not among the proposals of profile {profile.Name}");
        if (message.First<AuthenticationPayload>() is { } auth)
            return RequestOutcome.Fail(IkeFailure.MethodNotAllowed, $"client authenticates by {auth.Method}, profile {profile.Name} wants EAP");
        if (message.First<SaPayload>() is not { } offer)
            return RequestOutcome.Fail(IkeFailure.UnexpectedPayloads, "IKE_AUTH without a CHILD_SA (RFC 6023), which we did not offer");

        var request = new FirstAuthRequest(
            initiatorId,
            ResponderId(profile, message.First<IdPayload>(PayloadType.IdResponder)),
            offer,
            message.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorInitiator)!,
            message.First<TrafficSelectorPayload>(PayloadType.TrafficSelectorResponder)!,
            message.First<ConfigurationPayload>());
        session.Login.ClientSoftware = sa.Peer.Software ?? Configuration.ApplicationVersion(request.Configuration);
        var state = new IkeSaState.ExpectEapResponse(octets, request);
        sa.Enter(state);
        return sa.Suspend<EapStepCompletion>(
            new EapStepEffect(endpoint.NextOperation(), session.Login, default), begun => EapAuthentication.Begin(sa, state, begun.Outcome));
    }

    /// <summary>The client's AUTH over the key of EAP; then authorization, addresses, the CHILD_SA, and only then the answer.</summary>
    public static RequestOutcome HandleFinal(IkeSa sa, IkeMessage message)
    {
        var state = (IkeSaState.ExpectEapAuth)sa.State;
        var session = sa.Session!;
        var auth = message.First<AuthenticationPayload>()!;
        var crypto = sa.Endpoint.Crypto;
        var prf = sa.Suite.Prf;
        if (auth.Method != AuthenticationMethod.SharedKey)
            return RequestOutcome.Fail(IkeFailure.BadAuthValue, $"AUTH by {auth.Method} after EAP");
        var signed = AuthenticationOctets.ForInitiator(
            crypto, prf, state.Octets.Request, state.Octets.NonceR, sa.Keys.SkPi, state.Request.InitiatorId.Body.Span);
        var expected = AuthenticationOctets.SharedKeyMac(crypto, prf, state.Msk ?? sa.Keys.SkPi, signed);
        if (!CryptographicOperations.FixedTimeEquals(expected, auth.Value.Span))
            return RequestOutcome.Fail(IkeFailure.BadAuthValue, $"AUTH of {session.Login.User} does not match the key of {session.Login.Method}");

        var ours = AuthenticationOctets.ForResponder(
            crypto, prf, state.Octets.Response, state.Octets.NonceI, sa.Keys.SkPr, state.Request.ResponderId.Body.Span);
        var answer = new AuthenticationPayload(AuthenticationMethod.SharedKey, AuthenticationOctets.SharedKeyMac(crypto, prf, state.Msk ?? sa.Keys.SkPr, ours));
        if (state.Msk is { } msk)
            CryptographicOperations.ZeroMemory(msk);
        return sa.Suspend<AuthorizeCompletion>(
            new AuthorizeEffect(sa.Endpoint.NextOperation(), session.Login), answered => Authorized(sa, state, answer, answered));
    }

    private static RequestOutcome Authorized(IkeSa sa, IkeSaState.ExpectEapAuth state, AuthenticationPayload auth, AuthorizeCompletion answered)
    {
        var session = sa.Session!;
        if (answered.Grant is not { } grant)
            return RequestOutcome.Fail(answered.Unavailable ? IkeFailure.AaaUnavailable : IkeFailure.AuthorizationDenied, answered.Refusal ?? "refused");
        session.Grant = grant;
        if (state.Request.Configuration is not { } asked || asked.ConfigurationType != ConfigurationType.Request)
            return RequestOutcome.Fail(IkeFailure.ConfigurationRequired, "the client asked for no address", [auth]);
        var wantIPv4 = asked.Has(ConfigurationAttributeType.InternalIp4Address);
        var wantIPv6 = asked.Has(ConfigurationAttributeType.InternalIp6Address);
        if (!wantIPv4 && !wantIPv6)
            return RequestOutcome.Fail(IkeFailure.ConfigurationRequired, "the client asked for no address", [auth]);
        if (!ProposalSelector.TrySelectEsp(session.Profile.EspProposals, state.Request.Sa.Proposals, PfsPolicy.Disabled, false, out var suite))
        {
            var detail = $"offered {ProposalText.Describe(state.Request.Sa.Proposals)}; configured {ProposalText.Describe(session.Profile.EspProposals)}";
            return RequestOutcome.Fail(IkeFailure.NoChildProposal, detail, [auth]);
        }

        return sa.Suspend<AllocateAddressCompletion>(
            new AllocateAddressEffect(sa.Endpoint.NextOperation(), session.Login, wantIPv4, wantIPv6)
            {
                WishIPv4 = Configuration.Wish(asked, ConfigurationAttributeType.InternalIp4Address, 4),
                WishIPv6 = Configuration.Wish(asked, ConfigurationAttributeType.InternalIp6Address, 16),
            },
            allocated => Allocated(sa, state, auth, suite, allocated));
    }

    private static RequestOutcome Allocated(
        IkeSa sa, IkeSaState.ExpectEapAuth state, AuthenticationPayload auth, EspSuite suite, AllocateAddressCompletion allocated)
    {
        var session = sa.Session!;
        if (allocated.Addresses is not { } addresses || (addresses.IPv4 is null && addresses.IPv6 is null))
            return RequestOutcome.Fail(IkeFailure.NoAddress, allocated.Refusal ?? "no address", [auth]);
        session.Addresses = addresses;
        var remote = TrafficNarrowing.Remote(state.Request.InitiatorSelectors.Selectors, addresses);
        var local = TrafficNarrowing.Local(state.Request.ResponderSelectors.Selectors, session.Profile.LocalTraffic, remote);
        if (remote.Count == 0 || local.Count == 0)
        {
            var detail = TrafficNarrowing.Describe(state.Request.InitiatorSelectors, state.Request.ResponderSelectors, session);
            return RequestOutcome.Fail(IkeFailure.SelectorsUnacceptable, detail, [auth]);
        }

        using var keys = KeySchedule.DeriveChild(
            sa.Endpoint.Crypto, sa.Suite.Prf, sa.Keys.SkD, [], state.Octets.NonceI, state.Octets.NonceR, suite);
        var parameters = ChildInstallation.Parameters(sa, suite, keys, weAreInitiator: false, local, remote, outboundAtOnce: true);
        return sa.Suspend<InstallChildSaCompletion>(
            new InstallChildSaEffect(sa.Endpoint.NextOperation(), false, session.Id, parameters),
            installed => Installed(sa, state, auth, parameters, installed));
    }

    private static RequestOutcome Installed(
        IkeSa sa, IkeSaState.ExpectEapAuth state, AuthenticationPayload auth, ChildSaParameters parameters, InstallChildSaCompletion installed)
    {
        ChildInstallation.ZeroKeys(parameters);
        if (installed.Fault is { } fault)
            return RequestOutcome.Fail(IkeFailure.DataPlaneFailed, fault, [auth]);
        var session = sa.Session!;
        ChildInstallation.Add(sa, session, parameters);
        List<IkePayload> payloads =
        [
            auth,
            Configuration.Reply(state.Request.Configuration!, session.Addresses!, session.Grant),
            new SaPayload([parameters.Suite.ToProposal(parameters.InboundSpi)]),
            new TrafficSelectorPayload(isInitiator: true, parameters.RemoteSelectors),
            new TrafficSelectorPayload(isInitiator: false, parameters.LocalSelectors),
        ];
        return RequestOutcome.Respond(payloads, () => sa.Endpoint.Establish(sa, session, parameters));
    }

    /// <summary>We answer with the identity that the client asked for if it is one of ours (Apple compares it with its RemoteIdentifier).</summary>
    private static IdPayload ResponderId(IkeProfile profile, IdPayload? asked)
    {
        var identity = profile.LocalIdentity;
        if (asked is not null)
        {
            var wanted = new IkeIdentity(asked.IdType, asked.Value.Span);
            identity = profile.LocalIdentityAliases.FirstOrDefault(wanted.Equals) ?? identity;
        }

        return new IdPayload(isInitiator: false, identity.Type, identity.Value);
    }
}
