using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Composition;

/// <summary>What the AAA parts tell, as metrics and log lines. Lines that every reply or record could cause pass the limiter.</summary>
internal sealed partial class AaaEventObserver(HeadendMetrics metrics, UnauthenticatedLogLimits limits, ILogger logger, RadiusDictionary dictionary)
    : IRadiusObserver, IAccountingObserver, IProfileObserver
{
    /// <summary>Ends sessions by their Acct-Session-Ids; set before the first record is sent.</summary>
    public Action<IReadOnlyList<string>>? EndOverdueSessions { get; set; }

    public void ReplyIgnored(string server, RadiusError reason)
    {
        if (limits.TryAdmit(System.Net.IPAddress.Any, $"radius-reply {server}", out var suppressed))
            LogIgnored(logger, server, reason, suppressed);
    }

    public void ServerSilent(string server, RadiusService service)
    {
        if (limits.TryAdmit(System.Net.IPAddress.Any, $"radius-silent {server}", out var suppressed))
            LogSilent(logger, server, service, suppressed);
    }

    public void ServerDead(string server, RadiusService service, DateTimeOffset? until)
    {
        var end = until?.ToString("O", System.Globalization.CultureInfo.InvariantCulture) ?? "it answers";
        LogDead(logger, server, service, end);
    }

    public void ServerAlive(string server, RadiusService service) => LogAlive(logger, server, service);

    public void ConnectionUp(string server, string protocol) => LogConnected(logger, server, protocol);

    public void ConnectionDown(string server, string reason, TimeSpan retryIn) => LogDisconnected(logger, server, reason, retryIn);

    public void RequestCompleted(string group, RadiusCode code, RadiusOutcome outcome, TimeSpan duration)
    {
        var kind = code == RadiusCode.AccountingRequest ? "accounting" : "access";
        var (server, word) = outcome switch
        {
            RadiusOutcome.Accept accept => (accept.Server.Name, "accept"),
            RadiusOutcome.Reject reject => (reject.Server.Name, "reject"),
            RadiusOutcome.Challenge challenge => (challenge.Server.Name, "challenge"),
            RadiusOutcome.AccountingResponse response => (response.Server.Name, "response"),
            RadiusOutcome.Unsendable => (group, "unsendable"),
            _ => (group, "unavailable"),
        };
        metrics.RadiusRequestEnded(server, kind, word, duration);
    }

    public void Delayed(SpooledRecord record, RadiusOutcome.Unavailable outcome, TimeSpan backoff)
    {
        if (limits.TryAdmit(System.Net.IPAddress.Any, "accounting-delayed", out var suppressed))
            LogDelayed(logger, record.List, outcome.Explain(), backoff, suppressed);
    }

    public void Dropped(SpooledRecord record, string reason)
    {
        metrics.AccountingDropped(record.Status == AcctStatusType.InterimUpdate ? "interim" : "unsendable");
        if (limits.TryAdmit(System.Net.IPAddress.Any, "accounting-dropped", out var suppressed))
            LogDropped(logger, record.SessionId, record.Status, reason, suppressed);
    }

    public void Stuck(SpooledRecord record) => LogStuck(logger, record.List, record.SessionId, record.Status);

    public void SpoolFailed(string failure, int unsaved)
    {
        if (limits.TryAdmit(System.Net.IPAddress.Any, "accounting-spool", out var suppressed))
            LogSpoolFailed(logger, unsaved, failure, suppressed);
    }

    public void SpoolRecovered() => LogSpoolRecovered(logger);

    public void SessionsOverdue(string list, IReadOnlyList<string> sessionIds)
    {
        LogOverdue(logger, list, sessionIds.Count);
        EndOverdueSessions?.Invoke(sessionIds);
    }

    public void UnknownPair(string name)
    {
        metrics.AttributeIgnored("unknown");
        if (limits.TryAdmit(System.Net.IPAddress.Any, $"unknown-pair {name}", out var suppressed))
            LogUnknownPair(logger, name, suppressed);
    }

    public void IgnoredValue(string name, string value)
    {
        metrics.AttributeIgnored("bad-value");
        if (limits.TryAdmit(System.Net.IPAddress.Any, $"ignored-value {name}", out var suppressed))
            LogIgnoredValue(logger, name, value, suppressed);
    }

    public void UnknownAttribute(RadiusVendor vendor, byte type)
    {
        if (!logger.IsEnabled(LogLevel.Debug))
            return;
        var name = dictionary.NameOf(vendor, type);
        LogUnknownAttribute(logger, name);
    }

    [LoggerMessage(EventId = 1201, EventName = "radius-reply-ignored", Level = LogLevel.Warning, Message = "server={Server} reason={Reason} suppressed={Suppressed}")]
    private static partial void LogIgnored(ILogger logger, string server, RadiusError reason, long suppressed);

    [LoggerMessage(EventId = 1202, EventName = "radius-server-dead", Level = LogLevel.Warning, Message = "server={Server} service={Service} until={Until}")]
    private static partial void LogDead(ILogger logger, string server, RadiusService service, string until);

    [LoggerMessage(EventId = 1203, EventName = "radius-server-alive", Level = LogLevel.Information, Message = "server={Server} service={Service}")]
    private static partial void LogAlive(ILogger logger, string server, RadiusService service);

    [LoggerMessage(EventId = 1204, EventName = "accounting-delayed", Level = LogLevel.Warning, Message = "list={List} reason={Reason} retry={Backoff} suppressed={Suppressed}")]
    private static partial void LogDelayed(ILogger logger, string list, string reason, TimeSpan backoff, long suppressed);

    [LoggerMessage(EventId = 1205, EventName = "accounting-dropped", Level = LogLevel.Error, Message = "session={Session} status={Status} reason={Reason} suppressed={Suppressed}")]
    private static partial void LogDropped(ILogger logger, string session, AcctStatusType status, string reason, long suppressed);

    [LoggerMessage(EventId = 1247, EventName = "accounting-stuck", Level = LogLevel.Error, Message = "list={List} session={Session} status={Status}: the servers take other records but not this one")]
    private static partial void LogStuck(ILogger logger, string list, string session, AcctStatusType status);

    [LoggerMessage(EventId = 1248, EventName = "accounting-spool-failed", Level = LogLevel.Error, Message = "unsaved={Unsaved} failure={Failure} suppressed={Suppressed}: records are held in memory")]
    private static partial void LogSpoolFailed(ILogger logger, int unsaved, string failure, long suppressed);

    [LoggerMessage(EventId = 1249, EventName = "accounting-spool-recovered", Level = LogLevel.Information, Message = "records are on disk again")]
    private static partial void LogSpoolRecovered(ILogger logger);

    [LoggerMessage(EventId = 1250, EventName = "accounting-overdue", Level = LogLevel.Warning, Message = "list={List} sessions={Sessions}: ended, because on-failure says so")]
    private static partial void LogOverdue(ILogger logger, string list, int sessions);

    [LoggerMessage(EventId = 1230, EventName = "ignored-value", Level = LogLevel.Warning, Message = "attribute={Attribute} value={Value} suppressed={Suppressed}")]
    private static partial void LogIgnoredValue(ILogger logger, string attribute, string value, long suppressed);

    [LoggerMessage(EventId = 1231, EventName = "unread-attribute", Level = LogLevel.Debug, Message = "attribute={Attribute}: nothing reads it")]
    private static partial void LogUnknownAttribute(ILogger logger, string attribute);

    [LoggerMessage(EventId = 1206, EventName = "unknown-attribute", Level = LogLevel.Warning, Message = "attribute={Attribute} suppressed={Suppressed}")]
    private static partial void LogUnknownPair(ILogger logger, string attribute, long suppressed);

    [LoggerMessage(EventId = 1207, EventName = "radius-server-silent", Level = LogLevel.Information, Message = "server={Server} service={Service}: asked by Status-Server suppressed={Suppressed}")]
    private static partial void LogSilent(ILogger logger, string server, RadiusService service, long suppressed);

    [LoggerMessage(EventId = 1208, EventName = "radius-connection-up", Level = LogLevel.Information, Message = "server={Server} tls={Protocol}")]
    private static partial void LogConnected(ILogger logger, string server, string protocol);

    [LoggerMessage(EventId = 1209, EventName = "radius-connection-down", Level = LogLevel.Warning, Message = "server={Server} reason={Reason} retry={RetryIn}")]
    private static partial void LogDisconnected(ILogger logger, string server, string reason, TimeSpan retryIn);
}
