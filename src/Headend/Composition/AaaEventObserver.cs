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
            _ => (group, "unavailable"),
        };
        metrics.RadiusRequestEnded(server, kind, word, duration);
    }

    public void Delayed(AccountingRecord record, RadiusOutcome.Unavailable outcome, TimeSpan backoff)
    {
        if (limits.TryAdmit(System.Net.IPAddress.Any, "accounting-delayed", out var suppressed))
            LogDelayed(logger, outcome.Explain(), backoff, suppressed);
    }

    public void Dropped(AccountingRecord record, string reason)
    {
        metrics.AccountingDropped(record.Status == AcctStatusType.InterimUpdate ? "interim" : "unsendable");
        LogDropped(logger, record.Session.AcctSessionId, record.Status, reason);
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

    [LoggerMessage(EventId = 1204, EventName = "accounting-delayed", Level = LogLevel.Warning, Message = "reason={Reason} retry={Backoff} suppressed={Suppressed}")]
    private static partial void LogDelayed(ILogger logger, string reason, TimeSpan backoff, long suppressed);

    [LoggerMessage(EventId = 1205, EventName = "accounting-dropped", Level = LogLevel.Error, Message = "session={Session} status={Status} reason={Reason}")]
    private static partial void LogDropped(ILogger logger, string session, AcctStatusType status, string reason);

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
