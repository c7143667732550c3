using Headend.Ikev2.Sa;

namespace Headend.Ikev2.Exchanges;

/// <summary>Idle-Timeout (RFC 2865 5.28): ends a session in which no inner packet passed either way for that long.</summary>
internal static class IdleTimeout
{
    public static void OnTimer(IkeSa sa)
    {
        if (sa.Session is { Up: true } session)
            sa.Endpoint.Await(sa, new QueryTrafficEffect(sa.Endpoint.NextOperation(), session.Id), completion => Judge(sa, session, (QueryTrafficCompletion)completion));
    }

    private static void Judge(IkeSa sa, IkeSession session, QueryTrafficCompletion traffic)
    {
        if (session.Ended || session.Current != sa || session.Grant.IdleTimeout is not { } timeout)
            return;
        var last = session.UpAt!.Value;
        if (traffic.LastInbound is { } inbound && inbound > last)
            last = inbound;
        if (traffic.LastOutbound is { } outbound && outbound > last)
            last = outbound;
        if (last + timeout > sa.Endpoint.Now)
            sa.Endpoint.Timers.Set(sa, IkeTimer.IdleTimeout, last + timeout);
        else
            sa.Endpoint.End(sa, SessionEndReason.IdleTimeout, $"no inner packet for {timeout}", sendDelete: true);
    }
}
