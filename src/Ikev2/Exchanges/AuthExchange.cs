using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>IKE_AUTH as the responder: the first request, and the last one, which makes the session (RFC 7296 1.2, 2.15, 2.16).</summary>
internal static class AuthExchange
{
    /// <summary>Identities are kept, logged and sent to AAA; distinguished names of several hundred octets exist.</summary>
    public const int MostIdentityOctets = 2048;

    /// <summary>
    /// Identity, profile, then the method that the client chose. Our certificate goes out only with the first EAP-Request or after the client's AUTH, so that
    /// neither a profile that does not match nor a wrong key costs a signature.
    /// </summary>
    public static RequestOutcome HandleFirst(IkeSa sa, IkeMessage message)
    {
        var octets = ((IkeSaState.ExpectAuth)sa.State).Octets;
        var endpoint = sa.Endpoint;
        var initiatorId = message.First<IdPayload>(PayloadType.IdInitiator)!;
        if (initiatorId.Value.Length > MostIdentityOctets)
            return RequestOutcome.Fail(IkeFailure.NoProfile, $"identity of {initiatorId.Value.Length} octets, the limit is {MostIdentityOctets}");
        var identity = new IkeIdentity(initiatorId.IdType, initiatorId.Value.Span);
        var asked = message.First<IdPayload>(PayloadType.IdResponder);
        if (asked?.Value.Length > MostIdentityOctets)
            return RequestOutcome.Fail(IkeFailure.NoProfile, $"IDr of {asked.Value.Length} octets, the limit is {MostIdentityOctets}");
        var wanted = asked is null ? null : new IkeIdentity(asked.IdType, asked.Value.Span);
        var claim = new PeerClaim(identity, wanted);
        return AutoReconnect.IsAttempt(endpoint, message) ? AutoReconnect.Begin(sa, octets, message, claim) : HandleClaim(sa, octets, message, claim);
    }

    /// <summary>The first IKE_AUTH request of a login that is no return: its profile, then its method.</summary>
    public static RequestOutcome HandleClaim(IkeSa sa, InitialOctets octets, IkeMessage message, PeerClaim claim)
    {
        if (!sa.Endpoint.TrySelectProfile(claim, out var selection, out var complaint))
            return RefuseAsAWrongKey(sa, message, RequestOutcome.Fail(IkeFailure.NoProfile, complaint));
        var profile = selection.Profile;
        if (!TryBeginLogin(sa, message, selection, claim, out var request, out var refusal))
            return RefuseAsAWrongKey(sa, message, refusal);
        var session = sa.Session!;
        if (message.First<AuthenticationPayload>() is not { } auth)
            return BeginEap(sa, octets, request);
        if (profile.RemoteCertificate && ClientCertificateAuthentication.IsSignature(auth.Method))
            return ClientCertificateAuthentication.Begin(sa, octets, request, message, auth);
        if (auth.Method != AuthenticationMethod.SharedKey || !profile.RemotePreSharedKey)
        {
            var detail = $"client authenticates by {auth.Method}, profile {profile.Name} wants {Wanted(profile)}";
            return RefuseAsAWrongKey(sa, message, RequestOutcome.Fail(IkeFailure.MethodNotAllowed, detail));
        }

        if (MultipleAuthentication.WhyNoFurther(message, "a pre-shared key") is { } further)
            return RefuseAsAWrongKey(sa, message, RequestOutcome.Fail(IkeFailure.MethodNotAllowed, further));
        session.Login.Method = "PSK";
        return PskAuthentication.Begin(sa, octets, request, auth);
    }

    /// <summary>The outside learns of the login; what the client asks for is kept until it is proven.</summary>
    /// <param name="sa">Without a session yet.</param>
    /// <param name="message">The first IKE_AUTH request.</param>
    /// <param name="selection">The profile.</param>
    /// <param name="claim">Its remote identity names the login.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="refusal">Why not.</param>
    public static bool TryBeginLogin(
        IkeSa sa, IkeMessage message, ProfileSelection selection, PeerClaim claim, [NotNullWhen(true)] out FirstAuthRequest? request, out RequestOutcome refusal)
    {
        var profile = selection.Profile;
        var session = sa.Endpoint.BeginLogin(sa, profile, claim.Remote);
        var ours = LocalIdentity(profile, claim.Local);
        session.Login.ProfileMatch = selection.Why;
        session.Login.LocalIdentity = ours;
        session.Login.InitialContact = message.Notify(NotifyType.InitialContact) is not null;
        CiscoClient.Describe(sa, message);
        request = null;
        refusal = default;
        if (!profile.IkeProposals.Any(p => p.Allows(sa.Suite)))
        {
            refusal = RequestOutcome.Fail(IkeFailure.NoProfile, $"{sa.Suite} is not among the proposals of profile {profile.Name}");
            return false;
        }

        if (message.First<SaPayload>() is not { } offer)
        {
            refusal = RequestOutcome.Fail(IkeFailure.UnexpectedPayloads, "IKE_AUTH without a CHILD_SA (RFC 6023), which we did not offer");
            return false;
        }

        request = new FirstAuthRequest(message, offer, new IdPayload(isInitiator: false, ours.Type, ours.Value), profile);
        session.Login.ClientSoftware = sa.Peer.Software ?? Configuration.ApplicationVersion(message.First<ConfigurationPayload>());
        return true;
    }

    // Profiles may name exact identities: a refusal at once would tell those that are served from those that are not.
    private static RequestOutcome RefuseAsAWrongKey(IkeSa sa, IkeMessage message, RequestOutcome refusal) =>
        message.First<AuthenticationPayload>() is null ? refusal : sa.Postpone(refusal, sa.Endpoint.Now + sa.Endpoint.PskRefusalDelay);

    // RFC 7296 2.16: "An initiator indicates a desire to use EAP by leaving out the AUTH payload from the first message"
    private static RequestOutcome BeginEap(IkeSa sa, InitialOctets octets, FirstAuthRequest request)
    {
        var login = sa.Session!.Login;
        if (!login.Profile.RemoteEap || login.Profile.Credential is null || login.Profile.CertificateThenEap == SecondAuthentication.Required)
            return RequestOutcome.Fail(IkeFailure.MethodNotAllowed, $"client wants EAP, profile {login.Profile.Name} wants {Wanted(login.Profile)}");
        CiscoClient.DescribeForEap(sa, octets, request);
        var state = new IkeSaState.ExpectEapResponse(octets, request);
        sa.Enter(state);
        return sa.Suspend<EapStepCompletion>(
            new EapStepEffect(sa.Endpoint.NextOperation(), login, default), begun => EapAuthentication.Begin(sa, state, begun.Outcome));
    }

    private static string Wanted(IkeProfile profile)
    {
        var then = profile.CertificateThenEap == SecondAuthentication.Required;
        var wanted = new List<string>(3);
        if (profile.RemoteEap && !then)
            wanted.Add("EAP");
        if (profile.RemoteCertificate)
            wanted.Add(then ? "a certificate and then EAP" : "a certificate");
        if (profile.RemotePreSharedKey)
            wanted.Add("a pre-shared key");
        return string.Join(" or ", wanted);
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
        if (MultipleAuthentication.WhyNoFurther(message, "EAP") is { } further)
            return RequestOutcome.Fail(IkeFailure.MethodNotAllowed, further);
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
        var request = TicketIssue.IsAsked(message) ? state.Request with { WantsTicket = true } : state.Request;
        return Authorize(sa, state.Octets, request, [answer]);
    }

    /// <summary>Both sides are proven: authorization, addresses, the CHILD_SA, and only then the answer.</summary>
    /// <param name="sa">The IKE SA.</param>
    /// <param name="octets">Of IKE_SA_INIT, for its nonces.</param>
    /// <param name="request">What the client asked for.</param>
    /// <param name="proof">The payloads that stand first in the answer: IDr and CERT where they are still owed, and AUTH.</param>
    public static RequestOutcome Authorize(IkeSa sa, InitialOctets octets, FirstAuthRequest request, IReadOnlyList<IkePayload> proof)
    {
        var login = new ProvenLogin(octets, request, proof);
        return sa.Suspend<AuthorizeCompletion>(
            new AuthorizeEffect(sa.Endpoint.NextOperation(), sa.Session!.Login), answered => Authorized(sa, login, answered));
    }

    private static RequestOutcome Authorized(IkeSa sa, ProvenLogin login, AuthorizeCompletion answered)
    {
        var session = sa.Session!;
        if (answered.Grant is not { } grant)
        {
            var failure = answered.Unsendable ? IkeFailure.AaaUnsendable : answered.Unavailable ? IkeFailure.AaaUnavailable : IkeFailure.AuthorizationDenied;
            return RequestOutcome.Fail(failure, answered.Refusal ?? "refused");
        }

        session.Grant = grant;
        session.Encapsulation = grant.Encapsulation;
        session.Login.User = answered.User ?? session.Login.User;
        if (answered.Taken is { } taken)
            session.TakeOver(taken, sa.Endpoint.Now);
        var asked = login.Request.Asked;
        var wantIPv4 = asked is not null && asked.Has(ConfigurationAttributeType.InternalIp4Address);
        var wantIPv6 = asked is not null && asked.Has(ConfigurationAttributeType.InternalIp6Address);
        var wantsNone = !wantIPv4 && !wantIPv6;
        if (wantsNone && RefuseWithoutAddress(sa, login) is { } refusal)
            return refusal;
        if (login.Request.Suite is not { } suite)
            return RequestOutcome.Fail(IkeFailure.NoChildProposal, login.Request.SuiteRefusal, login.Proof);
        if (wantsNone)
            return Addressed(sa, login, suite, new AssignedAddresses(null, null, null, 0));
        return sa.Suspend<AllocateAddressCompletion>(
            new AllocateAddressEffect(sa.Endpoint.NextOperation(), session.Login, wantIPv4, wantIPv6)
            {
                WishIPv4 = Configuration.Wish(asked!, ConfigurationAttributeType.InternalIp4Address, 4),
                WishIPv6 = Configuration.Wish(asked!, ConfigurationAttributeType.InternalIp6Address, 16),
            },
            allocated => Allocated(sa, login, suite, allocated));
    }

    /// <summary>The addresses of a GRE tunnel may be set at both its ends; every other client needs one of ours.</summary>
    private static RequestOutcome? RefuseWithoutAddress(IkeSa sa, ProvenLogin login)
    {
        if (!ChildTraffic.OffersGre(sa, login.Request.Traffic))
            return RequestOutcome.Fail(IkeFailure.ConfigurationRequired, "the client asked for no address", login.Proof);
        return sa.Session!.Encapsulation == EncapsulationRule.Tunnel
            ? RequestOutcome.Fail(IkeFailure.SelectorsUnacceptable, ChildTraffic.GreRefusal(login.Request.Traffic), login.Proof)
            : null;
    }

    private static RequestOutcome Allocated(
        IkeSa sa, ProvenLogin login, EspSuite suite, AllocateAddressCompletion allocated)
    {
        if (allocated.Addresses is not { } addresses || (addresses.IPv4 is null && addresses.IPv6 is null))
            return RequestOutcome.Fail(IkeFailure.NoAddress, allocated.Refusal ?? "no address", login.Proof);
        return Addressed(sa, login, suite, addresses);
    }

    private static RequestOutcome Addressed(IkeSa sa, ProvenLogin login, EspSuite suite, AssignedAddresses addresses)
    {
        var session = sa.Session!;
        session.Addresses = addresses;
        if (!ChildTraffic.TrySelect(sa, login.Request.Traffic, session.Encapsulation, out var traffic, out var refusal))
            return RequestOutcome.Fail(IkeFailure.SelectorsUnacceptable, refusal, login.Proof);
        using var keys = KeySchedule.DeriveChild(
            sa.Endpoint.Crypto, sa.Suite.Prf, sa.Keys.SkD, [], login.Octets.NonceI, login.Octets.NonceR, suite);
        var parameters = ChildInstallation.Parameters(sa, suite, keys, weAreInitiator: false, traffic, outboundAtOnce: true);
        return sa.Suspend<InstallChildSaCompletion>(
            new InstallChildSaEffect(sa.Endpoint.NextOperation(), false, session.Id, parameters),
            installed => Installed(sa, login, parameters, installed));
    }

    private static RequestOutcome Installed(
        IkeSa sa, ProvenLogin login, ChildSaParameters parameters, InstallChildSaCompletion installed)
    {
        ChildInstallation.ZeroKeys(parameters);
        if (installed.Fault is { } fault)
            return RequestOutcome.Fail(IkeFailure.DataPlaneFailed, fault, login.Proof);
        if (installed.Unaccountable is { } attribute)
            return RequestOutcome.Fail(IkeFailure.AaaUnsendable, $"accounting: {attribute}");
        return login.Request.WantsTicket
            ? TicketIssue.IssueAtLogin(sa, login.Proof, ticket => Answer(sa, login, parameters, ticket))
            : Answer(sa, login, parameters, null);
    }

    private static RequestOutcome Answer(IkeSa sa, ProvenLogin login, ChildSaParameters parameters, NotifyPayload? ticket)
    {
        var session = sa.Session!;
        ChildInstallation.Add(sa, session, parameters);
        List<IkePayload> payloads =
        [
            .. login.Proof,
            .. login.Request.Asked is { } asked
                ? [AutoReconnect.Offer(sa, asked, Configuration.Reply(asked, session.Addresses!, session.Grant, sa.Peer.IsCisco))]
                : Array.Empty<IkePayload>(),
            new SaPayload([parameters.Suite.ToProposal(parameters.InboundSpi)]),
            new TrafficSelectorPayload(isInitiator: true, parameters.RemoteSelectors),
            new TrafficSelectorPayload(isInitiator: false, parameters.LocalSelectors),
        ];
        if (parameters.IsTransportMode)
            payloads.Add(new NotifyPayload(NotifyType.UseTransportMode));
        if (session.Grant is { ReauthenticateAtTimeout: true, SessionTimeout: { } lifetime } && lifetime > TimeSpan.Zero)
        {
            // RFC 4478 3: AUTH_LIFETIME, "a four-octet (unsigned) ... number of seconds".
            var seconds = new byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(seconds, (uint)Math.Min(lifetime.TotalSeconds, uint.MaxValue));
            payloads.Add(new NotifyPayload(NotifyType.AuthLifetime, seconds));
        }

        if (ticket is not null)
            payloads.Add(ticket);
        // The outside knows of the session, its token and its ticket before the client does, which may come back, and of which AAA may speak, at once.
        return RequestOutcome.RespondBehind(() => sa.Endpoint.Establish(sa, session, parameters), payloads);
    }

    /// <summary>We answer with the identity that the client asked for if it is one of ours (Apple compares it with its RemoteIdentifier).</summary>
    private static IkeIdentity LocalIdentity(IkeProfile profile, IkeIdentity? wanted) =>
        wanted is null ? profile.LocalIdentity : profile.LocalIdentityAliases.FirstOrDefault(wanted.Equals) ?? profile.LocalIdentity;

    /// <summary>A login whose peer is authenticated, on its way to an answer.</summary>
    private sealed record ProvenLogin(InitialOctets Octets, FirstAuthRequest Request, IReadOnlyList<IkePayload> Proof);
}
