using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// RFC 4739: the certificate has proven the device, now EAP proves the user. After the first authentication the client sends the identity of the second, without
/// AUTH; EAP then runs as ever, except that we have proven ourselves already.
/// </summary>
internal static class MultipleAuthentication
{
    /// <summary>Whether MULTIPLE_AUTH_SUPPORTED is announced: some profile has something to come second.</summary>
    public static bool IsOffered(IReadOnlyList<IkeProfile> profiles) =>
        profiles.Any(p => p.RemoteCertificate && p.RemoteEap && p.CertificateThenEap != SecondAuthentication.Refused);

    /// <summary>What show and log call the methods of a login.</summary>
    public static string? MethodOf(LoginRecord login, string? eap) =>
        login.CertificateProven ? eap is null ? ClientCertificateAuthentication.MethodName : $"{ClientCertificateAuthentication.MethodName}+{eap}" : eap;

    /// <summary>Whether a method that show names is one of EAP, or has EAP behind a certificate: all are but the two that the core knows by itself.</summary>
    public static bool EndsWithEap(string? method) => !string.IsNullOrEmpty(method) && method != ClientCertificateAuthentication.MethodName && method != "PSK";

    /// <summary>Why a further authentication may not follow; null where none is asked for.</summary>
    public static string? WhyNoFurther(IkeMessage message, string after) =>
        message.Notify(NotifyType.AnotherAuthFollows) is null ? null : $"client wants to authenticate once more after {after}; only EAP after a certificate is served";

    /// <summary>The first authentication is good: we prove ourselves and wait for the second identity.</summary>
    public static RequestOutcome Await(IkeSa sa, InitialOctets octets, FirstAuthRequest request, IReadOnlyList<IkePayload> proof)
    {
        sa.Enter(new IkeSaState.ExpectSecondIdentity(octets, request));
        return RequestOutcome.Respond(proof, () => sa.Endpoint.Timers.Set(sa, IkeTimer.Handshake, sa.Endpoint.Now + sa.Endpoint.Options.HandshakeTimeout));
    }

    /// <summary>The second identity. RFC 4739 2: its IDi is what the AUTH payload after EAP covers.</summary>
    public static RequestOutcome HandleIdentity(IkeSa sa, IkeMessage message)
    {
        var state = (IkeSaState.ExpectSecondIdentity)sa.State;
        var login = sa.Session!.Login;
        var initiatorId = message.First<IdPayload>(PayloadType.IdInitiator)!;
        if (initiatorId.Value.Length > AuthExchange.MostIdentityOctets)
            return RequestOutcome.Fail(IkeFailure.MethodNotAllowed, $"second identity of {initiatorId.Value.Length} octets, the limit is {AuthExchange.MostIdentityOctets}");
        if (message.First<AuthenticationPayload>() is { } auth)
            return RequestOutcome.Fail(IkeFailure.MethodNotAllowed, $"client authenticates by {auth.Method} after its certificate, profile {login.Profile.Name} wants EAP");
        login.SecondIdentity = new IkeIdentity(initiatorId.IdType, initiatorId.Value.Span);
        var next = new IkeSaState.ExpectEapResponse(state.Octets, state.Request with { InitiatorId = initiatorId.Copy() });
        sa.Enter(next);
        return sa.Suspend<EapStepCompletion>(
            new EapStepEffect(sa.Endpoint.NextOperation(), login, default), begun => EapAuthentication.Continue(sa, next, begun.Outcome));
    }
}
