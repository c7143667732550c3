using System.Net;
using Headend.Ikev2;
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

    private int Lines(string detail) => log.Text.Split('\n').Count(l => l.Contains($"detail={detail}", StringComparison.Ordinal));
}
