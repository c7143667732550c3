using Headend.Aaa.Radius;

namespace Headend.Aaa.Client;

/// <summary>
/// One server since the client was made (for `show aaa servers`; cf. RFC 4668, RFC 4670). Counters are of both services; Requests to Outstanding do not count Status-Server.
/// </summary>
public sealed record RadiusServerStatistics(
    string Server,
    long Requests,
    long Retransmissions,
    long Accepts,
    long Rejects,
    long Challenges,
    long AccountingResponses,
    long Timeouts,
    long BadAuthenticators,
    long MissingMessageAuthenticators,
    long MalformedReplies,
    long UnexpectedReplies,
    long Refused,
    int Outstanding,
    int SourcePorts,
    DateTimeOffset? DeadUntil,
    TimeSpan? SmoothedRoundTrip)
{
    public RadiusServerState Authentication { get; init; }

    public RadiusServerState Accounting { get; init; }

    public long Probes { get; init; }

    public long ProbesAnswered { get; init; }

    /// <summary>Longest time to an answer, logins that wait for a person left out.</summary>
    public TimeSpan? SlowestRoundTrip { get; init; }

    /// <summary>Why no TLS connection stands; null over UDP, or when one does.</summary>
    public string? ConnectionFailure { get; init; }

    /// <summary>Both services of a server as one.</summary>
    internal static RadiusServerStatistics Join(RadiusServerStatistics a, RadiusServerStatistics b) => new(
        a.Server, a.Requests + b.Requests, a.Retransmissions + b.Retransmissions, a.Accepts + b.Accepts, a.Rejects + b.Rejects, a.Challenges + b.Challenges,
        a.AccountingResponses + b.AccountingResponses, a.Timeouts + b.Timeouts, a.BadAuthenticators + b.BadAuthenticators,
        a.MissingMessageAuthenticators + b.MissingMessageAuthenticators, a.MalformedReplies + b.MalformedReplies, a.UnexpectedReplies + b.UnexpectedReplies,
        a.Refused + b.Refused, a.Outstanding + b.Outstanding, a.SourcePorts + b.SourcePorts, a.DeadUntil ?? b.DeadUntil, a.SmoothedRoundTrip ?? b.SmoothedRoundTrip)
    {
        Authentication = a.Authentication,
        Accounting = b.Accounting,
        Probes = a.Probes + b.Probes,
        ProbesAnswered = a.ProbesAnswered + b.ProbesAnswered,
        SlowestRoundTrip = a.SlowestRoundTrip > b.SlowestRoundTrip || b.SlowestRoundTrip is null ? a.SlowestRoundTrip : b.SlowestRoundTrip,
        ConnectionFailure = a.ConnectionFailure,
    };
}

/// <summary>The counters of one service. Changed under its server's lock.</summary>
internal sealed class RadiusServerCounters
{
    private long accepts, rejects, challenges, accountingResponses, badAuthenticators, missingMessageAuthenticators, malformed;
    private double smoothedSeconds = -1, slowestSeconds = -1;

    public long Requests { get; set; }

    public long Retransmissions { get; set; }

    public long Timeouts { get; set; }

    public long Unexpected { get; set; }

    public long Refused { get; set; }

    public long Probes { get; set; }

    public long ProbesAnswered { get; set; }

    public void CountReply(RadiusCode code)
    {
        if (code == RadiusCode.AccessAccept) accepts++;
        else if (code == RadiusCode.AccessReject) rejects++;
        else if (code == RadiusCode.AccessChallenge) challenges++;
        else accountingResponses++;
    }

    public void CountIgnored(RadiusExchange? exchange, RadiusError reason)
    {
        if (reason is RadiusError.BadAuthenticator or RadiusError.BadMessageAuthenticator)
        {
            badAuthenticators++;
            if (exchange is not null) exchange.BadAuthenticators++;
        }
        else if (reason is RadiusError.MissingMessageAuthenticator or RadiusError.UnsolicitedProxyState)
        {
            missingMessageAuthenticators++;
            if (exchange is not null) exchange.MissingMessageAuthenticators++;
        }
        else
        {
            if (reason == RadiusError.UnexpectedCode) Unexpected++;
            else malformed++;
            if (exchange is not null) exchange.Malformed++;
        }
    }

    /// <summary>RFC 6298 2 with alpha 1/8.</summary>
    public void AddRoundTrip(TimeSpan sample)
    {
        var seconds = sample.TotalSeconds;
        smoothedSeconds = smoothedSeconds < 0 ? seconds : smoothedSeconds + (seconds - smoothedSeconds) / 8;
        slowestSeconds = Math.Max(slowestSeconds, seconds);
    }

    public RadiusServerStatistics ToStatistics(string server, int outstanding, int ports, ServerHealth health, string? connectionFailure) => new(
        server, Requests, Retransmissions, accepts, rejects, challenges, accountingResponses, Timeouts, badAuthenticators, missingMessageAuthenticators,
        malformed, Unexpected, Refused, outstanding, ports, health.DeadUntil, Span(smoothedSeconds))
    {
        Authentication = health.State,
        Accounting = health.State,
        Probes = Probes,
        ProbesAnswered = ProbesAnswered,
        SlowestRoundTrip = Span(slowestSeconds),
        ConnectionFailure = connectionFailure,
    };

    private static TimeSpan? Span(double seconds) => seconds < 0 ? null : TimeSpan.FromSeconds(seconds);
}
