using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>INFORMATIONAL requests of the peer: liveness (empty), Delete, reports of errors (RFC 7296 1.4), requests for a ticket (RFC 5723 4.1).</summary>
internal static class InformationalExchange
{
    public static RequestOutcome Handle(IkeSa sa, IkeMessage message)
    {
        foreach (var payload in message.Payloads)
        {
            if (payload is DeletePayload delete && delete.Protocol == ProtocolId.Ike)
                return PeerDeletes(sa, SessionEndReason.PeerDeleted, "the client sent Delete");
        }

        // RFC 7296 2.21.2: AUTHENTICATION_FAILED in a separate INFORMATIONAL, and INVALID_SYNTAX: the peer has deleted the IKE SA.
        if (message.FirstError() is { } error && (error.NotifyType == NotifyType.AuthenticationFailed || error.NotifyType == NotifyType.InvalidSyntax))
        {
            sa.Endpoint.Observer.Failed(IkeFailure.PeerReported, sa.Session?.Id, sa.Path, $"the client reports {error.NotifyType}");
            return PeerDeletes(sa, SessionEndReason.PeerReportedError, $"the client reports {error.NotifyType}");
        }

        var answered = new List<uint>();
        foreach (var payload in message.Payloads)
        {
            if (payload is DeletePayload delete && delete.Protocol == ProtocolId.Esp)
                DeleteChildren(sa, delete, answered);
        }

        List<IkePayload> payloads = answered.Count > 0 ? [DeletePayload.ForEsp(answered)] : [];
        // While our own Delete is under way there is nothing left that a ticket could be for.
        return TicketIssue.IsAsked(message) && sa.Session is { Up: true, Ended: false } session && session.Current == sa
            ? TicketIssue.Issue(sa, ticket => RequestOutcome.Respond([.. payloads, ticket]))
            : RequestOutcome.Respond(payloads);
    }

    private static RequestOutcome PeerDeletes(IkeSa sa, SessionEndReason reason, string detail) => RequestOutcome.Respond([], () =>
    {
        // RFC 7296 2.25.2: an IKE SA that we are rekeying is deleted all the same; if the peer's own rekey crossed ours, the session lives on in that one.
        if (sa.PeerRekey is { New: { Closed: false, Phase: IkeSaPhase.Established } } crossed)
        {
            sa.PeerRekey = null;
            sa.Endpoint.MoveSession(sa, crossed.New);
            sa.Endpoint.Observer.Rekeyed(crossed.New.Session!.Id, ikeSa: true, byPeer: true);
        }

        if (sa.Session is null || sa.Session.Current != sa)
            sa.Endpoint.Drop(sa);
        else
            sa.Endpoint.End(sa, reason, detail, sendDelete: false);
    });

    /// <summary>RFC 7296 1.4.1: the answer names the other halves; not those that we are deleting ourselves, for they are named in our own request.</summary>
    private static void DeleteChildren(IkeSa sa, DeletePayload delete, List<uint> answered)
    {
        if (sa.Session is not { } session)
            return;
        foreach (var spi in delete.EspSpis)
        {
            if (session.FindByOutboundSpi(spi) is not { } child)
            {
                if (sa.ActiveLocal is RekeyChildExchange { Sent: true } rekey)
                    rekey.DeletedEarly(spi);
                continue;
            }

            if (!child.Deleting)
                answered.Add(child.InboundSpi);
            DeleteExchange.RemoveChild(sa, session, child);
        }
    }
}
