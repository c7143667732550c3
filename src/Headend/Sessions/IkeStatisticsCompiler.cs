using Headend.Admin;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Telemetry;

namespace Headend.Sessions;

/// <summary>Puts together what shards, session table, metrics and reconnect table count for `show crypto ikev2 stats`. Counts nothing itself.</summary>
internal static class IkeStatisticsCompiler
{
    public static IkeStatisticsRecord Compile(IReadOnlyList<IkeEndpointCounts> shards, SessionTable sessions, HeadendMetrics metrics, ReconnectStatisticsRecord reconnects) => new()
    {
        IkeSas = shards.Sum(s => s.IkeSas),
        HalfOpen = shards.Sum(s => s.HalfOpen),
        ChildSas = shards.Sum(s => s.ChildSas),
        ActiveSessions = sessions.UpCount,
        InactiveSessions = sessions.InactiveCount,
        Shards = shards.Count,
        ShardsDemandingCookies = shards.Count(s => s.CookiesDemanded),
        Logins = [.. metrics.Logins.All.Select(c => new LoginCountRecord(c.Word, c.Second.Length == 0 ? null : c.Second, c.Count))],
        SessionsEnded = [.. metrics.SessionsEnded.All.Select(c => new ReasonCountRecord(c.Word, c.Count))],
        Exchanges = ByInitiator(metrics.Exchanges),
        Rekeys = ByInitiator(metrics.Rekeys),
        RetransmissionsReceived = metrics.Retransmissions.Of(HeadendMetrics.Received),
        RetransmissionsSent = metrics.Retransmissions.Of(HeadendMetrics.Sent),
        Discards = [.. IkeEventObserver.DiscardWords.Select(word => new ReasonCountRecord(word, metrics.Discards.Of(word)))],
        Reconnects = reconnects,
    };

    private static IReadOnlyList<InitiatorCountRecord> ByInitiator(CounterTable counts) =>
        [.. counts.All.Select(c => c.Word).Distinct().Select(word => new InitiatorCountRecord(word, counts.Of(word, HeadendMetrics.Remote), counts.Of(word, HeadendMetrics.Local)))];
}
