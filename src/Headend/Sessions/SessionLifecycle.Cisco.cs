using Headend.Telemetry;
using Microsoft.Extensions.Logging;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Sessions;

/// <summary>What clients of Cisco's ask for, in the log.</summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>As many attributes as a CP payload may have, where they bear no values; a stranger may fill all of them.</summary>
    private const int MostLines = 8;

    /// <summary>Each attribute once, in as many lines as the formatter's limit makes of them.</summary>
    private void LogAsked(ClientSession session, LoginRecord login)
    {
        if (login is not { IsCisco: true, RequestedConfiguration: { Length: > 0 } asked })
            return;
        var lines = 0;
        for (var rest = asked.AsSpan(); !rest.IsEmpty && lines < MostLines; lines++)
        {
            var end = rest.Length <= LogfmtFormatter.MaximumValue ? rest.Length : rest[..LogfmtFormatter.MaximumValue].LastIndexOf(' ');
            var line = rest[..end].ToString();
            rest = rest[end..].TrimStart(' ');
            LogCiscoAttributes(services.Logger, session.Names.AuditSessionId, rest.IsEmpty || lines + 1 < MostLines ? line : line[..line.LastIndexOf(' ')] + " and more");
        }
    }

    [LoggerMessage(EventId = 1105, EventName = "cisco-attributes", Level = LogLevel.Information, Message = "session {Session}: the client asked for {Attributes}")]
    private static partial void LogCiscoAttributes(ILogger logger, string session, string attributes);
}
