namespace Headend.Aaa.Client;

/// <summary>Counters of one server since the client was made (for `show aaa servers`; cf. RFC 4668, RFC 4670).</summary>
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
    TimeSpan? SmoothedRoundTrip);
