using Headend.Ikev2.Sa;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// Holds the NAT in front of us open. RFC 7296 2.23: NAT_DETECTION_DESTINATION_IP that does not fit means that we are behind a NAT and "SHOULD start sending keepalive packets";
/// a client that is behind one does so itself.
/// </summary>
internal static class NatKeepalive
{
    /// <summary>RFC 3948 4: "if no other packet to the peer has been sent in M seconds ... with a default value of 20 seconds".</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    /// <summary>For the session that this IKE SA speaks for.</summary>
    public static void Arm(IkeSa sa)
    {
        if (sa.Peer.WeAreBehindNat && sa.Path.NonEspMarker)
            sa.Endpoint.Timers.Set(sa, IkeTimer.NatKeepalive, sa.LastSent + Interval);
    }

    /// <summary>ESP of the data plane is not asked about: one octet in vain costs less than the question.</summary>
    public static void OnTimer(IkeSa sa)
    {
        if (sa.Session is not { Up: true, Ended: false } session || session.Current != sa)
            return;
        var (now, due) = (sa.Endpoint.Now, sa.LastSent + Interval);
        if (due <= now)
        {
            sa.Endpoint.Emit(new NatKeepaliveEffect(sa.Path));
            due = now + Interval;
        }

        sa.Endpoint.Timers.Set(sa, IkeTimer.NatKeepalive, due);
    }
}
