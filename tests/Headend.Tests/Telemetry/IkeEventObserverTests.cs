using System.Net;
using Headend.Admin;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Telemetry;
using Headend.Tests.Runtime;
using Headend.Tests.Sessions;

namespace Headend.Tests.Telemetry;

[Collection("one meter")]
public sealed class IkeEventObserverTests : IDisposable
{
    private static readonly IkePath Path = new(new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500), new IPEndPoint(IPAddress.Parse("203.0.113.7"), 1024), NonEspMarker: true);

    private readonly HeadendMetrics metrics = new();
    private readonly SessionTable sessions = new();
    private readonly LineLog log = new();
    private readonly IkeEventObserver observer;

    public IkeEventObserverTests() => observer = new IkeEventObserver(metrics, sessions, new UnauthenticatedLogLimits(TimeProvider.System, burst: 2), log);

    public void Dispose()
    {
        log.Dispose();
        metrics.Dispose();
    }

    [Fact]
    public void What_is_refused_within_a_session_is_told_with_user_session_and_detail()
    {
        var session = TestSession.Create("alice");
        sessions.Add(session);
        observer.Refused(IkeFailure.SelectorsUnacceptable, session.Id, Path, "10.9.0.0/16 === 10.8.0.0/16");
        Assert.Equal(
            $"user=alice session={session.Names.AuditSessionId} address=203.0.113.7:1024 reason=selectors-unacceptable detail=10.9.0.0/16 === 10.8.0.0/16 suppressed=0",
            log.Text.TrimEnd());
    }

    [Fact]
    public void What_the_client_reports_of_a_rekey_is_told_too()
    {
        observer.Failed(IkeFailure.PeerReported, new SessionId(7), Path, "CHILD_SA rekey refused: NoAdditionalSas");
        Assert.Contains("session=0000000000000007 address=203.0.113.7:1024 reason=peer-reported detail=CHILD_SA rekey refused: NoAdditionalSas", log.Text, StringComparison.Ordinal);
    }

    /// <summary>The line of the login says it.</summary>
    [Fact]
    public void A_login_that_fails_has_no_line_of_its_own_here()
    {
        observer.Failed(IkeFailure.BadAuthValue, new SessionId(7), Path, "wrong");
        Assert.Empty(log.Text);
    }

    /// <summary>A client that asks again and again does not fill the log, and strangers who forge its address do not silence it.</summary>
    [Fact]
    public void Lines_are_limited_apart_from_those_of_strangers()
    {
        for (var i = 0; i < 9; i++)
            observer.Failed(IkeFailure.NoProposalChosen, null, Path, "stranger");
        for (var i = 0; i < 9; i++)
            observer.Refused(IkeFailure.NoProposalChosen, new SessionId(7), Path, "rekey");
        Assert.Equal(2, Lines("stranger"));
        Assert.Equal(2, Lines("rekey"));
    }

    /// <summary>`show crypto ikev2 stats` and the collector read the same numbers, whether or not anybody collects.</summary>
    [Fact]
    public void What_was_counted_is_there_to_be_shown()
    {
        observer.Discarded(DiscardReason.CookieDemanded, Path, "");
        observer.Discarded(DiscardReason.Busy, Path, "");
        observer.Failed(IkeFailure.NoProposalChosen, null, Path, "stranger");
        observer.Failed(IkeFailure.NoProposalChosen, null, Path, "stranger");
        observer.Failed(IkeFailure.BadPublicValue, null, Path, "stranger");
        // A session's own failures are told by its end.
        observer.Failed(IkeFailure.NoProposalChosen, new SessionId(7), Path, "rekey");
        observer.Answered(ExchangeType.IkeAuth, null, TimeSpan.Zero);
        observer.Answered(ExchangeType.IkeSessionResume, null, TimeSpan.Zero);
        observer.Requested(ExchangeType.Informational, new SessionId(7), retransmission: false);
        observer.Requested(ExchangeType.Informational, new SessionId(7), retransmission: true);
        observer.Rekeyed(new SessionId(7), ikeSa: true, byPeer: true);
        metrics.LoginEnded(LoginOutcome.Success, "", TimeSpan.Zero);
        metrics.LoginEnded(LoginOutcome.Failed, "eap-timeout", TimeSpan.Zero);
        metrics.SessionEnded("peer-deleted");

        var shown = IkeStatisticsCompiler.Compile(
            [new IkeEndpointCounts(3, 1, 2, 2, true), new IkeEndpointCounts(4, 0, 4, 5, false)], sessions, metrics, new ReconnectStatisticsRecord(0, 0, 0, 0, 0));
        Assert.Equal((7, 1, 7, 2, 1), (shown.IkeSas, shown.HalfOpen, shown.ChildSas, shown.Shards, shown.ShardsDemandingCookies));
        Assert.Equal([new("failed", "eap-timeout", 1), new("success", null, 1)], shown.Logins);
        Assert.Equal([new ReasonCountRecord("peer-deleted", 1)], shown.SessionsEnded);
        Assert.Equal([new("IKE_AUTH", 1, 0), new("IKE_SESSION_RESUME", 1, 0), new("INFORMATIONAL", 0, 1)], shown.Exchanges);
        Assert.Equal([new InitiatorCountRecord("ike", 1, 0)], shown.Rekeys);
        Assert.Equal((1, 1), (shown.RetransmissionsReceived, shown.RetransmissionsSent));
        Assert.Equal([new("bad-public-value", 1), new("busy", 1), new("cookie-demanded", 1), new("no-proposal-chosen", 2)], shown.Discards.Where(d => d.Count > 0));
        Assert.Contains(new("half-open-limit", 0), shown.Discards);
        Assert.Contains(new("ticket-refused", 0), shown.Discards);
    }

    private int Lines(string detail) => log.Text.Split('\n').Count(l => l.Contains($"detail={detail}", StringComparison.Ordinal));
}
