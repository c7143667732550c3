using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>EAP inside IKE_AUTH (RFC 7296 2.16): we authenticate by certificate with the first EAP-Request, the client by the EAP method.</summary>
internal static class EapAuthentication
{
    /// <summary>EAP-TLS with long chains in small fragments takes some forty; more is a client that keeps us busy.</summary>
    private const int MaxRounds = 100;

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
                return Ask(sa, state, state.LastEapPacket, [new EapPayload(state.LastEapPacket)]);
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
        return RequestOutcome.Respond(
            payloads, () => sa.Endpoint.Timers.Set(sa, IkeTimer.Handshake, sa.Endpoint.Now + sa.Session!.Profile.EapTimeout));
    }
}
