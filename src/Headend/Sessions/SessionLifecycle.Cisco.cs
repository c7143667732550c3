using Headend.Telemetry;
using Microsoft.Extensions.Logging;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Sessions;

/// <summary>What clients of Cisco's ask for, in the log.</summary>
internal sealed partial class SessionLifecycle
{
    /// <summary>As many attributes as a CP payload may have, where they bear no values; a stranger may fill all of them.</summary>
    private const int MostLines = 8;

    private const string More = " and more";

    /// <summary>The same of a login that came to nothing: anybody can begin one.</summary>
    private void LogAskedInVain(ClientSession session, LoginRecord login)
    {
        if (login.IsCisco && services.LogLimits.TryAdmit(login.ProvenSource, "cisco-attributes", out _))
            LogAsked(session, login);
    }

    /// <summary>Each attribute once, in as many lines as the formatter's limit makes of them.</summary>
    private void LogAsked(ClientSession session, LoginRecord login)
    {
        if (login is not { IsCisco: true, RequestedConfiguration: { Length: > 0 } asked })
            return;
        var lines = 0;
        for (var rest = asked.AsSpan(); !rest.IsEmpty && lines < MostLines; lines++)
        {
            var (isLast, most) = (lines + 1 == MostLines, LogfmtFormatter.MaximumValue);
            var isCut = rest.Length > most;
            // With room for the words that say so. An attribute that is longer than a line is cut, too.
            if (isCut && rest[..(isLast ? most - More.Length : most)].LastIndexOf(' ') is > 0 and var end)
                most = end;
            var line = rest[..Math.Min(most, rest.Length)].ToString();
            rest = rest[line.Length..].TrimStart(' ');
            LogCiscoAttributes(services.Logger, session.Names.AuditSessionId, isCut && isLast ? line + More : line);
        }
    }

    [LoggerMessage(EventId = 1106, EventName = "cisco-attributes", Level = LogLevel.Information, Message = "session {Session}: the client asked for {Attributes}")]
    private static partial void LogCiscoAttributes(ILogger logger, string session, string attributes);
}
