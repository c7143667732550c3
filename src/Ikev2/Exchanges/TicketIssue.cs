using System.Buffers.Binary;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Tickets for clients that ask (RFC 5723 4.1, 4.2): in IKE_AUTH and in INFORMATIONAL. Whatever becomes of the ticket, the exchange that asked goes on.</summary>
internal static class TicketIssue
{
    public static bool IsAsked(IkeMessage message) => message.Notify(NotifyType.TicketRequest) is not null;

    /// <summary>In IKE_AUTH: the session is ready but for the answer.</summary>
    /// <param name="sa">Of the session.</param>
    /// <param name="proof">What proves us in the answer.</param>
    /// <param name="next">Answers with what became of the ticket.</param>
    public static RequestOutcome IssueAtLogin(IkeSa sa, IReadOnlyList<IkePayload> proof, Func<NotifyPayload, RequestOutcome> next)
    {
        // RFC 5723 4.2: TICKET_ACK where a ticket cannot be granted at once, "e.g., due to packet size limitations"; the client may ask again in an INFORMATIONAL.
        var isLarge = !sa.Peer.Fragmentation && proof.Any(p => p is CertificatePayload);
        return isLarge && sa.Session!.Profile.Resumption is not null ? next(new NotifyPayload(NotifyType.TicketAck)) : Issue(sa, next);
    }

    /// <summary>What a request for a ticket beside a rekey of the IKE SA is answered with: the client asks again on the new IKE SA, whose keys are then settled.</summary>
    public static NotifyPayload Deferred(IkeSession session) => new(session.Profile.Resumption is null ? NotifyType.TicketNack : NotifyType.TicketAck);

    /// <summary>Goes on with TICKET_LT_OPAQUE, or TICKET_NACK where there is none to be had.</summary>
    public static RequestOutcome Issue(IkeSa sa, Func<NotifyPayload, RequestOutcome> next)
    {
        var session = sa.Session!;
        var lifetime = LifetimeOf(session, sa.Endpoint.Now);
        if (lifetime < TimeSpan.FromSeconds(1) || StateOf(sa, session).TryEncode() is not { } state)
            return next(new NotifyPayload(NotifyType.TicketNack));
        return sa.Suspend<IssueTicketCompletion>(new IssueTicketEffect(sa.Endpoint.NextOperation(), session.Up, session.Login, state, lifetime), issued =>
        {
            if (issued.Ticket is not { } ticket)
                return next(new NotifyPayload(NotifyType.TicketNack));
            session.TicketUntil = sa.Endpoint.Now + lifetime;

            // RFC 5723 7: the lifetime in seconds, then the ticket.
            var value = new byte[sizeof(uint) + ticket.Length];
            BinaryPrimitives.WriteUInt32BigEndian(value, (uint)lifetime.TotalSeconds);
            ticket.CopyTo(value.AsSpan(sizeof(uint)));
            return next(new NotifyPayload(NotifyType.TicketLtOpaque, value));
        });
    }

    // RFC 5723 6.2: the minimum of the IKE SA's lifetime and the time to reauthentication.
    private static TimeSpan LifetimeOf(IkeSession session, MonotonicTime now)
    {
        if (session.Profile.Resumption is not { } policy)
            return TimeSpan.Zero;
        var lifetime = policy.Lifetime < session.Profile.IkeLifetime ? policy.Lifetime : session.Profile.IkeLifetime;
        var end = session.Up ? session.ExpiresAt - now : session.Grant.SessionTimeout is { Ticks: > 0 } timeout ? timeout : null;
        return end is { } left && left < lifetime ? left : lifetime;
    }

    private static TicketState StateOf(IkeSa sa, IkeSession session) => new()
    {
        Suite = sa.Suite,
        SkD = sa.Keys.SkD,
        Remote = session.Login.RemoteIdentity,
        Local = session.Login.LocalIdentity ?? session.Profile.LocalIdentity,
        Profile = session.Profile.Name,
        Method = session.Method ?? "",
        LocalMethod = session.Login.LocalMethod ?? "",
    };
}
