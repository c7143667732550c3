using System.Collections.Frozen;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Sessions;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>What the core tells, as metrics and log lines; lines that strangers cause pass a limiter.</summary>
internal sealed class IkeEventObserver(HeadendMetrics metrics, SessionTable sessions, UnauthenticatedLogLimits limits, ILogger logger) : IIkeObserver
{
    private static readonly FrozenDictionary<DiscardReason, string> Words = Enum.GetValues<DiscardReason>().ToFrozenDictionary(r => r, r => Hyphenate(r.ToString()));
    private static readonly FrozenDictionary<IkeFailure, string> FailureWords = Enum.GetValues<IkeFailure>().ToFrozenDictionary(f => f, f => Hyphenate(f.ToString()));

    // Without a session: what the exchanges that begin an IKE SA are refused for.
    private static readonly IkeFailure[] Initial = [IkeFailure.NoProposalChosen, IkeFailure.InvalidKeyExchange, IkeFailure.BadPublicValue, IkeFailure.TicketRefused];

    // Limited apart from what strangers cause under the same address.
    private static readonly FrozenDictionary<IkeFailure, string> RefusalKeys = FailureWords.ToFrozenDictionary(f => f.Key, f => "session-" + f.Value);

    /// <summary>The reasons of discarded datagrams as metrics and log write them, with those for which the exchanges that begin an IKE SA are refused.</summary>
    public static IEnumerable<string> DiscardWords => Words.Values.Concat(Initial.Select(f => FailureWords[f])).Order(StringComparer.Ordinal);

    public void Discarded(DiscardReason reason, in IkePath path, string detail)
    {
        metrics.Discarded(Words[reason]);
        // A retransmission is everyday business: counted, not logged.
        if (reason is DiscardReason.Duplicate or DiscardReason.Busy)
        {
            metrics.Retransmitted(sent: false);
            return;
        }

        Log(Words[reason], path, detail);
    }

    public void Answered(ExchangeType exchange, SessionId? session, TimeSpan took) => metrics.ExchangeCompleted(WordOf(exchange), local: false);

    public void Requested(ExchangeType exchange, SessionId session, bool retransmission)
    {
        if (retransmission)
            metrics.Retransmitted(sent: true);
        else
            metrics.ExchangeCompleted(WordOf(exchange), local: true);
    }

    public void Rekeyed(SessionId session, bool ikeSa, bool byPeer) => metrics.Rekeyed(ikeSa ? "ike" : "child", !byPeer);

    // With a session the login's own line tells it; but what the client reports may be about a rekey.
    public void Failed(IkeFailure failure, SessionId? session, in IkePath path, string detail)
    {
        if (session is null)
        {
            if (Initial.Contains(failure))
                metrics.Discarded(FailureWords[failure]);
            Log(FailureWords[failure], path, detail);
        }
        else if (failure == IkeFailure.PeerReported)
            Refused(failure, session.Value, path, detail);
    }

    public void Refused(IkeFailure failure, SessionId session, in IkePath path, string detail)
    {
        if (!limits.TryAdmit(path.Remote.Address, RefusalKeys[failure], out var suppressed))
            return;
        sessions.TryFind(session, out var known);
        var name = known?.Names.AuditSessionId ?? session.ToString();
        var remote = path.Remote.ToString();
        logger.ExchangeFailed(known?.User, name, remote, FailureWords[failure], detail, suppressed);
    }

    private static string WordOf(ExchangeType exchange) => exchange.Value switch
    {
        34 => "IKE_SA_INIT",
        35 => "IKE_AUTH",
        36 => "CREATE_CHILD_SA",
        37 => "INFORMATIONAL",
        38 => "IKE_SESSION_RESUME",
        _ => "other",
    };

    private static string Hyphenate(string name) => string.Concat(name.Select((c, i) => char.IsUpper(c) ? (i == 0 ? "" : "-") + char.ToLowerInvariant(c) : c.ToString()));

    private void Log(string reason, in IkePath path, string detail)
    {
        if (!limits.TryAdmit(path.Remote.Address, reason, out var suppressed))
            return;
        var source = path.Remote.ToString();
        logger.Discarded(source, reason, detail, suppressed);
    }
}
