using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>Dead peer detection: an empty INFORMATIONAL request (RFC 7296 2.4). Any authentic message, and any inner packet, is proof of life.</summary>
internal sealed class LivenessExchange : LocalExchange
{
    public override ExchangeType Type => ExchangeType.Informational;

    public override string Story => "waiting for the client to answer whether it lives";

    /// <summary>The interval ran out without an IKE message: did the data plane hear anything?</summary>
    public static void OnTimer(IkeSa sa)
    {
        if (sa.Session is not { Up: true } session || sa.Phase != IkeSaPhase.Established)
            return;
        sa.Endpoint.Await(sa, new QueryTrafficEffect(sa.Endpoint.NextOperation(), session.Id), completion => Judge(sa, session, (QueryTrafficCompletion)completion));
    }

    /// <summary>Asks now; a request of ours that is under way asks as well.</summary>
    public static void Probe(IkeSa sa)
    {
        if (sa.Phase == IkeSaPhase.Established && sa.ActiveLocal is null)
            sa.Enqueue(new LivenessExchange());
    }

    public override void Start(IkeSa sa) => sa.SendRequest([]);

    public override void OnResponse(IkeSa sa, IkeMessage response) => sa.FinishLocal();

    private static void Judge(IkeSa sa, IkeSession session, QueryTrafficCompletion traffic)
    {
        if (sa.Phase != IkeSaPhase.Established || session.Current != sa)
            return;
        var interval = session.Profile.DpdInterval;
        var heard = traffic.LastInbound is { } inner && inner > sa.LastHeard ? inner : sa.LastHeard;
        var quietUntil = heard + session.Profile.QuietTime;
        var nothingSent = session.Profile.DpdMode == DpdMode.OnDemand && (traffic.LastOutbound is not { } sent || sent <= heard);
        if (quietUntil > sa.Endpoint.Now || nothingSent)
        {
            sa.Endpoint.Timers.Set(sa, IkeTimer.Liveness, quietUntil > sa.Endpoint.Now ? quietUntil : sa.Endpoint.Now + interval);
            return;
        }

        // Any request of ours is as good a probe as this one.
        if (sa.ActiveLocal is null)
            sa.Enqueue(new LivenessExchange());
        sa.Endpoint.Timers.Set(sa, IkeTimer.Liveness, sa.Endpoint.Now + interval);
    }
}
