using Microsoft.Extensions.Logging;

namespace Headend.Telemetry;

/// <summary>The log lines of logins and sessions. The event's name is the line's <c>event</c>; the formatter escapes what peers wrote.</summary>
internal static partial class LoginLog
{
    /// <summary>One line per login attempt, successful or not.</summary>
    public static void LoginEnded(this ILogger logger, in LoginRecord login)
    {
        var level = login.Outcome == LoginOutcome.Success ? LogLevel.Information : LogLevel.Warning;
        LoginEnded(
            logger, level, login.User, login.Address, login.Port, login.Profile, login.Method, login.Outcome, login.Reason, login.Duration,
            login.Identity, login.ProfileMatch, login.LocalMethod, login.KeyEntry, login.Session, login.Assigned, login.Detail, login.Trace);
    }

    [LoggerMessage(
        EventId = 1001,
        EventName = "login",
        Message = "user={User} address={Address} port={Port} profile={Profile} method={Method} outcome={Outcome} reason={Reason} duration={Duration} "
            + "identity={Identity} match={Match} localMethod={LocalMethod} key={Key} session={Session} assigned={Assigned} detail={Detail} trace={Trace}")]
    private static partial void LoginEnded(
        ILogger logger, LogLevel level, string? user, string address, int port, string? profile, string? method, string outcome, string reason,
        TimeSpan duration, string? identity, string? match, string? localMethod, string? key, string? session, string? assigned, string? detail, string? trace);

    /// <summary>One line per session end; octets and packets are those of inner packets.</summary>
    [LoggerMessage(
        EventId = 1002,
        EventName = "session-end",
        Level = LogLevel.Information,
        Message = "user={User} address={Address} session={Session} interface={Interface} reason={Reason} duration={Duration} "
            + "inOctets={InOctets} outOctets={OutOctets} inPackets={InPackets} outPackets={OutPackets}")]
    public static partial void SessionEnded(
        this ILogger logger, string? user, string address, string session, string? @interface, string reason, TimeSpan duration,
        ulong inOctets, ulong outOctets, ulong inPackets, ulong outPackets);

    /// <summary>Something from an unauthenticated source was thrown away; call only when <see cref="UnauthenticatedLogLimits"/> admits it.</summary>
    [LoggerMessage(
        EventId = 1003,
        EventName = "discard",
        Level = LogLevel.Information,
        Message = "address={Address} reason={Reason} detail={Detail} suppressed={Suppressed}")]
    public static partial void Discarded(this ILogger logger, string address, string reason, string? detail, long suppressed);

    /// <summary>A request within a session came to nothing and the session goes on; call only when <see cref="UnauthenticatedLogLimits"/> admits it.</summary>
    [LoggerMessage(
        EventId = 1004,
        EventName = "exchange-failed",
        Level = LogLevel.Information,
        Message = "user={User} session={Session} address={Address} reason={Reason} detail={Detail} suppressed={Suppressed}")]
    public static partial void ExchangeFailed(this ILogger logger, string? user, string session, string address, string reason, string? detail, long suppressed);
}

/// <summary>What one login line says.</summary>
internal readonly record struct LoginRecord
{
    /// <summary>The name that RADIUS or the local user list knows; null where no identity was learned.</summary>
    public string? User { get; init; }

    public required string Address { get; init; }

    public required int Port { get; init; }

    public string? Profile { get; init; }

    /// <summary>Such as <c>EAP-MSCHAPv2</c>.</summary>
    public string? Method { get; init; }

    /// <summary>A word of <see cref="LoginOutcome"/>.</summary>
    public required string Outcome { get; init; }

    /// <summary>The name of the end reason; empty on success.</summary>
    public required string Reason { get; init; }

    public required TimeSpan Duration { get; init; }

    /// <summary>The IKE identity of the client.</summary>
    public string? Identity { get; init; }

    /// <summary>Which lines of the profile fitted the client.</summary>
    public string? ProfileMatch { get; init; }

    /// <summary>How the headend proved itself, such as <c>RSA</c>.</summary>
    public string? LocalMethod { get; init; }

    /// <summary>Which entry of which keyring gave the pre-shared key; never the key.</summary>
    public string? KeyEntry { get; init; }

    public string? Session { get; init; }

    public string? Assigned { get; init; }

    /// <summary>What an operator should know beyond the reason.</summary>
    public string? Detail { get; init; }

    public string? Trace { get; init; }
}
