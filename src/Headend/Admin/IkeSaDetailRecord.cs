using System.Net;
using System.Text.Json.Serialization;

namespace Headend.Admin;

/// <summary>One IKE SA as <c>show crypto ikev2 sa</c> shows it, also while it is negotiating and belongs to no session yet.</summary>
internal sealed record IkeSaDetailRecord
{
    /// <summary>The state of the exchange table, such as <c>ESTABLISHED</c>.</summary>
    public required string State { get; init; }

    /// <summary>What the SA waits for, in one line, where it waits.</summary>
    public string? Story { get; init; }

    public string? SessionId { get; init; }

    public string? Profile { get; init; }

    /// <summary>Which lines of the profile fit the client, in the words of the configuration.</summary>
    public string? ProfileMatch { get; init; }

    /// <summary>How the headend proved itself, such as <c>RSA</c>.</summary>
    public string? AuthSign { get; init; }

    /// <summary>How the client proved itself, such as <c>EAP-MSCHAPv2</c>; <c>PSK</c> too where it came back by a token.</summary>
    public string? AuthVerify { get; init; }

    public string? RemoteIdentity { get; init; }

    /// <summary>What the client called itself within EAP; clients of AnyConnect-EAP all have the same <see cref="RemoteIdentity"/>. Null without EAP, and before its first answer.</summary>
    public string? EapIdentity { get; init; }

    /// <summary>Whom the client proved to be; null before.</summary>
    public string? User { get; init; }

    public required string RemoteAddress { get; init; }

    public required int RemotePort { get; init; }

    public required string LocalAddress { get; init; }

    public required int LocalPort { get; init; }

    public required long AgeSeconds { get; init; }

    /// <summary>Seconds until this side rekeys; null before the SA is established.</summary>
    public long? RekeyInSeconds { get; init; }

    public required IkeSaRecord IkeSa { get; init; }

    public IReadOnlyList<ChildSaRecord> ChildSas { get; init; } = [];
}

/// <summary>One RADIUS server as <c>show aaa servers</c> shows it. Counters since the start of the process.</summary>
internal sealed record AaaServerRecord
{
    public required string Name { get; init; }

    public required string Address { get; init; }

    public required int AuthPort { get; init; }

    public required int AcctPort { get; init; }

    /// <summary><c>udp</c> or <c>tls</c>.</summary>
    public string Transport { get; init; } = "udp";

    /// <summary>Of authentication (over TLS of both services): <c>up</c>, <c>silent</c> (an answer is missing, Status-Server asks) or <c>dead</c>.</summary>
    public required string State { get; init; }

    /// <summary>Of accounting, in the same words.</summary>
    public string AccountingState { get; init; } = "up";

    public long? DeadForSeconds { get; init; }

    public long Requests { get; init; }

    public long Accepts { get; init; }

    public long Rejects { get; init; }

    public long Challenges { get; init; }

    public long AccountingResponses { get; init; }

    public long Timeouts { get; init; }

    public long Retransmissions { get; init; }

    /// <summary>Replies that failed a check and were ignored.</summary>
    public long BadReplies { get; init; }

    public long Pending { get; init; }

    /// <summary>Smoothed time to an answer, milliseconds; null before the first answer.</summary>
    public double? LatencyMilliseconds { get; init; }

    /// <summary>Longest time to an answer, logins that wait for a person left out, milliseconds.</summary>
    public double? SlowestMilliseconds { get; init; }

    /// <summary>Status-Server requests sent, and answered.</summary>
    public long Probes { get; init; }

    public long ProbesAnswered { get; init; }

    /// <summary>Source ports, or TLS connections.</summary>
    public long Sockets { get; init; }

    /// <summary>Why no TLS connection stands; null otherwise.</summary>
    public string? ConnectionFailure { get; init; }
}

/// <summary>Which sessions to clear; exactly one member is set.</summary>
internal sealed record ClearSessionsRecord
{
    public string? Id { get; init; }

    public string? User { get; init; }

    /// <summary>IP address of clients as the headend sees it.</summary>
    public string? Remote { get; init; }

    public bool All { get; init; }

    /// <summary>Whether exactly one member is set, and well-formed.</summary>
    [JsonIgnore]
    public bool NamesOne =>
        (Id is null ? 0 : 1) + (User is null ? 0 : 1) + (Remote is null ? 0 : 1) + (All ? 1 : 0) == 1
        && (Remote is null || IPAddress.TryParse(Remote, out _));
}

/// <param name="Cleared">Sessions that ended for good.</param>
/// <param name="NotRevoked">Further ones that end, but that a restart could bring back: their end is not on the disk.</param>
internal sealed record ClearedSessionsRecord(int Cleared, int NotRevoked = 0);

/// <summary>What <c>GET /healthz</c> answers.</summary>
internal sealed record HealthRecord(string Status, string Version, long UptimeSeconds, int Sessions);

/// <summary>The body of every answer outside 2xx.</summary>
internal sealed record AdminFailure(string Error);
