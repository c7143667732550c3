namespace Headend.Admin;

/// <summary>What <c>show crypto ikev2 stats</c> prints: what there is now, and what was counted since the start of the process.</summary>
internal sealed record IkeStatisticsRecord
{
    /// <summary>Every IKE SA, those included that are being negotiated or deleted.</summary>
    public required int IkeSas { get; init; }

    /// <summary>Of these: not authenticated yet.</summary>
    public required int HalfOpen { get; init; }

    public required int ChildSas { get; init; }

    /// <summary>Sessions that are up.</summary>
    public required int ActiveSessions { get; init; }

    /// <summary>Sessions whose client is silent, kept for its return.</summary>
    public required int InactiveSessions { get; init; }

    public required int Shards { get; init; }

    /// <summary>Shards in which every IKE_SA_INIT must bring a cookie at present.</summary>
    public required int ShardsDemandingCookies { get; init; }

    /// <summary>Returns by token and ticket count as logins that succeeded.</summary>
    public required IReadOnlyList<LoginCountRecord> Logins { get; init; }

    public required IReadOnlyList<ReasonCountRecord> SessionsEnded { get; init; }

    public required IReadOnlyList<InitiatorCountRecord> Exchanges { get; init; }

    /// <summary>By kind of SA: <c>child</c>, <c>ike</c>.</summary>
    public required IReadOnlyList<InitiatorCountRecord> Rekeys { get; init; }

    /// <summary>Requests of clients that came again.</summary>
    public required long RetransmissionsReceived { get; init; }

    /// <summary>Requests of the headend that went out again.</summary>
    public required long RetransmissionsSent { get; init; }

    /// <summary>Datagrams that led to nothing, or to a stateless answer; each reason is there, counted or not.</summary>
    public required IReadOnlyList<ReasonCountRecord> Discards { get; init; }

    public required ReconnectStatisticsRecord Reconnects { get; init; }
}

/// <param name="Outcome"><c>success</c>, <c>rejected</c> or <c>failed</c>.</param>
/// <param name="Reason">As in the log; null with success.</param>
/// <param name="Count">Logins.</param>
internal sealed record LoginCountRecord(string Outcome, string? Reason, long Count);

/// <param name="Reason">As in the log.</param>
/// <param name="Count">How often.</param>
internal sealed record ReasonCountRecord(string Reason, long Count);

/// <param name="Type">The RFC's name of the exchange, <c>other</c> for what has none; or the kind of SA.</param>
/// <param name="Remote">Begun by clients.</param>
/// <param name="Local">Begun by the headend.</param>
internal sealed record InitiatorCountRecord(string Type, long Remote, long Local);
