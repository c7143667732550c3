using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>EAP inside IKE_AUTH (RFC 7296 2.16): we authenticate by certificate with the first EAP-Request, the client by the EAP method.</summary>
internal static class EapAuthentication
{
    /// <summary>EAP-TLS with long chains in small fragments takes some forty; more is a client that keeps us busy.</summary>
    private const int MaxRounds = 100;

    /// <summary>
    /// Of the profile's EAP timeout, from IKE_SA_INIT to the last EAP-Response: forms, a new password and a push or two by the slowest of users. Without it somebody who always answers in
    /// the last second would hold a half-open place for hours.
    /// </summary>
    private const int MostTimeouts = 10;

    /// <summary>When EAP must be through, whatever the client answers.</summary>
    private static MonotonicTime EndBy(IkeSa sa) => sa.CreatedAt + (sa.Session!.Profile.EapTimeout * MostTimeouts);

    /// <summary>What the client let pass: the time for one answer, or that for all.</summary>
    public static string TimeoutDetail(IkeSa sa)
    {
        var story = ExchangeTable.StoryOf(sa.Phase);
        return sa.Phase != IkeSaPhase.ExpectEapResponse || sa.Endpoint.Now < EndBy(sa) ? story
            : $"EAP was not through {(sa.Endpoint.Now - sa.CreatedAt).TotalSeconds:0} s after the login began, the limit is {MostTimeouts} times the profile's EAP timeout; {story}";
    }

    /// <summary>The first EAP-Request is there: our IDr, CERT and AUTH go with it.</summary>
    public static RequestOutcome Begin(IkeSa sa, IkeSaState.ExpectEapResponse state, EapOutcome outcome)
    {
        if (outcome is not EapOutcome.Request request)
            return Continue(sa, state, outcome);
        return CertificateAuthentication.Prove(
            sa, state.Octets, state.Request.ResponderId, proof => Ask(sa, state, request.Packet, [.. proof, new EapPayload(request.Packet)]));
    }

    /// <summary>The client's EAP packet goes to the EAP authenticator, wherever that is.</summary>
    public static RequestOutcome HandleResponse(IkeSa sa, IkeMessage message)
    {
        var state = (IkeSaState.ExpectEapResponse)sa.State;
        if (++state.Rounds > MaxRounds)
            return RequestOutcome.Fail(IkeFailure.EapFailed, $"no end after {MaxRounds} rounds of EAP");
        // A copy: AAA may take minutes, and what else stood in the message need not wait with it.
        var packet = message.First<EapPayload>()!.Packet.ToArray();
        return sa.Suspend<EapStepCompletion>(
            new EapStepEffect(sa.Endpoint.NextOperation(), sa.Session!.Login, packet), answered => Continue(sa, state, answered.Outcome));
    }

    /// <summary>What an EAP step came to goes to the client.</summary>
    public static RequestOutcome Continue(IkeSa sa, IkeSaState.ExpectEapResponse state, EapOutcome outcome)
    {
        var login = sa.Session!.Login;
        switch (outcome)
        {
            case EapOutcome.Request request:
                return Ask(sa, state, request.Packet, [new EapPayload(request.Packet)]);
            case EapOutcome.Discarded:
                // RFC 3748 4.1: silently discarded, which IKE cannot: its request wants a response. The time for the answer goes on.
                return RequestOutcome.Respond([new EapPayload(state.LastEapPacket)], () => Await(sa, state));
            case EapOutcome.Success success:
                login.User = success.User;
                login.Method = MultipleAuthentication.MethodOf(login, success.Method);
                sa.Enter(new IkeSaState.ExpectEapAuth(state.Octets, state.Request, success.Msk));
                return RequestOutcome.Respond(
                    [new EapPayload(success.Packet)],
                    () => sa.Endpoint.Timers.Set(sa, IkeTimer.Handshake, sa.Endpoint.Now + sa.Endpoint.Options.HandshakeTimeout));
            case EapOutcome.Unavailable unavailable:
                login.User = unavailable.User;
                return RequestOutcome.Fail(IkeFailure.AaaUnavailable, unavailable.Reason);
            case EapOutcome.Unsendable unsendable:
                login.User = unsendable.User;
                return RequestOutcome.Fail(IkeFailure.AaaUnsendable, unsendable.Reason);
            case EapOutcome.Failure failure:
                login.User = failure.User;
                login.Method = MultipleAuthentication.MethodOf(login, failure.Method);
                return RequestOutcome.Fail(IkeFailure.EapFailed, failure.Reason, failure.Packet is { } packet ? [new EapPayload(packet)] : []);
            default:
                return RequestOutcome.Fail(IkeFailure.LocalFault, $"unknown EAP outcome {outcome.GetType().Name}");
        }
    }

    private static RequestOutcome Ask(IkeSa sa, IkeSaState.ExpectEapResponse state, byte[] packet, IReadOnlyList<IkePayload> payloads)
    {
        state.LastEapPacket = packet;
        return RequestOutcome.Respond(payloads, () =>
        {
            state.AnswerBy = sa.Endpoint.Now + sa.Session!.Profile.EapTimeout;
            Await(sa, state);
        });
    }

    private static void Await(IkeSa sa, IkeSaState.ExpectEapResponse state)
    {
        var (now, last) = (sa.Endpoint.Now, EndBy(sa));
        var at = state.AnswerBy < last ? state.AnswerBy : last;
        sa.Endpoint.Timers.Set(sa, IkeTimer.Handshake, at > now ? at : now);
    }
}
