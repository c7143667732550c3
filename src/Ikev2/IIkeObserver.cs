using Headend.Ikev2.Wire;

namespace Headend.Ikev2;

/// <summary>Told what happens, on the shard's thread; for metrics, traces and log. Must return at once and call nothing of the endpoint.</summary>
public interface IIkeObserver
{
    /// <summary>A datagram was dropped without an answer, or with a stateless one. Callers log it through a limiter: strangers cause it.</summary>
    void Discarded(DiscardReason reason, in IkePath path, string detail);

    /// <summary>A request of the peer was answered (session is null for IKE_SA_INIT).</summary>
    void Answered(ExchangeType exchange, SessionId? session, TimeSpan took);

    /// <summary>A request of ours went out, or went out again.</summary>
    void Requested(ExchangeType exchange, SessionId session, bool retransmission);

    /// <summary>An IKE or CHILD_SA was rekeyed.</summary>
    void Rekeyed(SessionId session, bool ikeSa, bool byPeer);

    /// <summary>
    /// A negotiation failed; <paramref name="detail"/> says what was received and what was wanted. Without a session there was none yet: IKE_SA_INIT or IKE_SESSION_RESUME was
    /// refused, and nothing else tells of it.
    /// </summary>
    void Failed(IkeFailure failure, SessionId? session, in IkePath path, string detail);

    /// <summary>
    /// A request of an authenticated peer came to nothing while its session stands and goes on: a further CHILD_SA, a rekey, a message that does not parse. No end of a
    /// login or of a session will tell <paramref name="detail"/>.
    /// </summary>
    void Refused(IkeFailure failure, SessionId session, in IkePath path, string detail);
}

/// <summary>Why a datagram led to nothing.</summary>
public enum DiscardReason
{
    Malformed,
    UnknownSpi,
    Version,
    NotAuthentic,
    OutsideWindow,
    Busy,
    Duplicate,
    NotExpectedHere,
    HalfOpenLimit,
    SourceLimit,
    CookieDemanded,
    FragmentLimit,

    /// <summary>More octets than a stranger may send in one datagram.</summary>
    TooLarge,
    ShuttingDown,
}
