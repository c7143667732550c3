using System.Buffers.Binary;
using Headend.Ikev2.Sa;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Exchanges;

/// <summary>
/// AUTH_LIFETIME in an INFORMATIONAL request (RFC 4478 3): the client has so long to authenticate anew, which makes a new session. A client that does not know the
/// notify loses this one when the time is over.
/// </summary>
internal sealed class ReauthenticationExchange(TimeSpan within) : LocalExchange
{
    public override ExchangeType Type => ExchangeType.Informational;

    public override string Story => "waiting for the client to acknowledge that it is to authenticate anew";

    public static void Ask(IkeSession session, TimeSpan within)
    {
        var sa = session.Current;
        session.ReauthenticationAsked = true;
        var latest = sa.Endpoint.Now + within;
        if (session.ExpiresAt is not { } expiresAt || expiresAt > latest)
        {
            session.ExpiresAt = latest;
            sa.Endpoint.Timers.Set(sa, IkeTimer.SessionTimeout, latest);
        }

        if (sa.Phase == IkeSaPhase.Established)
            sa.Enqueue(new ReauthenticationExchange(within));
    }

    public override void Start(IkeSa sa)
    {
        var seconds = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(seconds, (uint)within.TotalSeconds);
        sa.SendRequest([new NotifyPayload(NotifyType.AuthLifetime, seconds)]);
    }

    public override void OnResponse(IkeSa sa, IkeMessage response) => sa.FinishLocal();
}
