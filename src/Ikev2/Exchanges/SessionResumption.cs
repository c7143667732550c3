using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// IKE_SESSION_RESUME and the IKE_AUTH that follows it (RFC 5723 4.3). The ticket travels in the clear, so that anybody on the way can present it: until AUTH proves that the
/// client has the keys of it, it costs one AEAD and a half-open IKE SA, and nothing happens to the session or to the ticket.
/// </summary>
internal static class SessionResumption
{
    public static void Handle(IkeEndpoint endpoint, in IkeHeader header, in IkeDatagram datagram)
    {
        if (InitialAdmission.TryRead(endpoint, header, datagram) is not { } message || !InitialAdmission.Admit(endpoint, message, header, datagram))
            return;
        if (message.Notify(NotifyType.TicketOpaque) is not { } ticket)
        {
            endpoint.Observer.Discarded(DiscardReason.Malformed, datagram.Path, $"{header.ExchangeType} without a ticket");
            return;
        }

        if (!endpoint.ServesTickets)
        {
            endpoint.Observer.Failed(IkeFailure.TicketRefused, null, datagram.Path, "no profile has session-resumption");
            InitialAdmission.Refuse(endpoint, header, datagram, NotifyType.TicketNack, []);
            return;
        }

        var sa = endpoint.OpenHalf(header.InitiatorSpi, datagram.Path);
        var nat = NatDetection.Check(message, datagram.Path);
        sa.Peer = SaInitExchange.Capabilities(message) with { BehindNat = nat.PeerBehindNat, WeAreBehindNat = nat.WeAreBehindNat };
        var request = datagram.Octets.ToArray();
        var nonceI = message.First<NoncePayload>()!.Value.ToArray();
        var effect = new OpenTicketEffect(endpoint.NextOperation(), ticket.Value.ToArray(), datagram.Path);
        endpoint.Await(sa, effect, completion => Finish(sa, request, nonceI, (OpenTicketCompletion)completion));
    }

    /// <summary>
    /// The client proves that it has the keys of the ticket, we the same. RFC 5723 4.3.3: "The IDi value sent in the IKE_AUTH exchange MUST be identical to the value included in
    /// the ticket", and so must IDr.
    /// </summary>
    public static RequestOutcome HandleAuth(IkeSa sa, IkeMessage message)
    {
        var (octets, ticket, ticketId) = (IkeSaState.ExpectResumedAuth)sa.State;
        var (crypto, prf) = (sa.Endpoint.Crypto, sa.Suite.Prf);
        var auth = message.First<AuthenticationPayload>()!;
        var initiatorId = message.First<IdPayload>(PayloadType.IdInitiator)!;
        var signed = AuthenticationOctets.ForInitiator(crypto, prf, octets.Request, octets.NonceR, sa.Keys.SkPi, initiatorId.Body.Span);
        var expected = AuthenticationOctets.ResumptionMac(crypto, prf, sa.Keys.SkPi, signed);
        if (auth.Method != AuthenticationMethod.SharedKey || !CryptographicOperations.FixedTimeEquals(expected, auth.Value.Span))
            return RequestOutcome.Fail(IkeFailure.BadAuthValue, $"AUTH of whoever brought the ticket of {ticket.Remote.Text} is not by the keys of that ticket");
        if (!IsOf(initiatorId, ticket.Remote) || (message.First<IdPayload>(PayloadType.IdResponder) is { } asked && !IsOf(asked, ticket.Local)))
            return RequestOutcome.Fail(IkeFailure.BadAuthValue, $"the identities of IKE_AUTH are not those of the ticket: {ticket.Remote.Text}, {ticket.Local.Text}");
        if (sa.Endpoint.FindResumptionProfile(ticket.Profile) is not { } profile)
            return RequestOutcome.Fail(IkeFailure.NoProfile, $"profile {ticket.Profile} lets nobody resume any more");
        var claim = new PeerClaim(ticket.Remote, ticket.Local);
        if (!AuthExchange.TryBeginLogin(sa, message, new ProfileSelection(profile, "session-resumption"), claim, out var request, out var refusal))
            return refusal;

        // What the certificate of today bears does not matter: the client compares with what it resumes.
        request = request with { ResponderId = new IdPayload(isInitiator: false, ticket.Local.Type, ticket.Local.Value) };
        var login = sa.Session!.Login;
        (login.LocalIdentity, login.Method, login.LocalMethod, login.TicketId) = (ticket.Local, ticket.Method, ticket.LocalMethod, ticketId);
        var ours = AuthenticationOctets.ForResponder(crypto, prf, octets.Response, octets.NonceI, sa.Keys.SkPr, request.ResponderId.Body.Span);
        var proof = new AuthenticationPayload(AuthenticationMethod.SharedKey, AuthenticationOctets.ResumptionMac(crypto, prf, sa.Keys.SkPr, ours));
        return AuthExchange.Authorize(sa, octets, request, [request.ResponderId, proof]);
    }

    private static bool IsOf(IdPayload payload, IkeIdentity identity) => payload.IdType == identity.Type && payload.Value.Span.SequenceEqual(identity.Value.Span);

    private static void Finish(IkeSa sa, byte[] request, byte[] nonceI, OpenTicketCompletion opened)
    {
        var endpoint = sa.Endpoint;
        if (Read(endpoint, opened, out var refusal) is not { } ticket)
        {
            endpoint.Observer.Failed(IkeFailure.TicketRefused, null, sa.Path, refusal);
            if (IkeHeader.TryRead(request, out var header, out _))
                InitialAdmission.Refuse(endpoint, header, new IkeDatagram(request, sa.Path), NotifyType.TicketNack, []);
            endpoint.End(sa, SessionEndReason.AuthenticationFailed, refusal, sendDelete: false);
            return;
        }

        var nonceR = new byte[SaInitExchange.NonceOctets];
        endpoint.Crypto.Fill(nonceR);

        // RFC 5723 5: the algorithms are those of the ticket, SPIs and nonces are new.
        sa.SetKeys(ticket.Suite, KeySchedule.DeriveResumed(endpoint.Crypto, ticket.Suite, ticket.SkD, nonceI, nonceR, sa.InitiatorSpi, sa.ResponderSpi));
        CryptographicOperations.ZeroMemory(ticket.SkD);
        List<IkePayload> payloads = [new NoncePayload(nonceR), .. NatDetection.Notifies(sa.InitiatorSpi, sa.ResponderSpi, sa.Path)];
        if (sa.Peer.Fragmentation)
            payloads.Add(new NotifyPayload(NotifyType.Ikev2FragmentationSupported));
        payloads.AddRange(VendorIds.Answer(sa.Peer));
        var response = UnprotectedMessage.Write(
            new IkeHeader(sa.InitiatorSpi, sa.ResponderSpi, PayloadType.None, 2, 0, ExchangeType.IkeSessionResume, IkeHeaderFlags.Response, 0, 0), payloads);
        sa.Enter(new IkeSaState.ExpectResumedAuth(new InitialOctets(request, response, nonceI, nonceR), ticket, opened.TicketId));
        sa.CompleteInit(request, response);
        endpoint.Timers.Set(sa, IkeTimer.Handshake, endpoint.Now + endpoint.Options.HandshakeTimeout);
        endpoint.Observer.Answered(ExchangeType.IkeSessionResume, null, endpoint.Now - sa.CreatedAt);
    }

    private static TicketState? Read(IkeEndpoint endpoint, OpenTicketCompletion opened, out string refusal)
    {
        refusal = opened.Refusal ?? "";
        if (opened.State is not { } octets)
            return null;
        var decoded = TicketState.TryDecode(octets, out var ticket);
        CryptographicOperations.ZeroMemory(octets);
        refusal = !decoded ? "a ticket of another version of this program"
            : endpoint.FindResumptionProfile(ticket!.Profile) is not { } profile ? $"profile {ticket.Profile} lets nobody resume any more"
            : !profile.IkeProposals.Any(p => p.Allows(ticket.Suite)) ? $"{ticket.Suite} is not among the proposals of profile {profile.Name} any more"
            : "";
        if (refusal.Length == 0)
            return ticket;
        if (ticket is not null)
            CryptographicOperations.ZeroMemory(ticket.SkD);
        return null;
    }
}
