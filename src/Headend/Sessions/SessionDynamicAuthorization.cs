using Headend.Aaa.Authentication;
using Headend.Aaa.Client;
using Headend.Aaa.DynamicAuthorization;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;

namespace Headend.Sessions;

/// <summary>
/// Performs Disconnect- and CoA-Requests on sessions: what touches IKE on the session's shard, what touches the kernel on the kernel worker. Every request leaves
/// one line in the audit log. Any thread; blocks none.
/// </summary>
internal sealed partial class SessionDynamicAuthorization(
    SessionLookup lookup, SessionReauthorization reauthorization, RadiusClient? radius, MonotonicClock clock, HeadendMetrics metrics, ILogger logger)
    : IDynamicAuthorizationHandler
{
    /// <summary>Within what RADIUS clients wait before they ask again.</summary>
    private static readonly TimeSpan EndTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a client may take to authenticate anew.</summary>
    private static readonly TimeSpan ReauthenticationTime = TimeSpan.FromSeconds(60);

    public async ValueTask<DynamicAuthorizationOutcome> HandleAsync(DynamicAuthorizationRequest request)
    {
        var line = new AuditLine { Client = request.Source.Address.ToString(), Code = request.Packet.Code.ToString(), BeganAt = clock.Now };
        DynamicAuthorizationOutcome outcome;
        try
        {
            outcome = await PerformAsync(request, line).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            // One request's fault is not the next one's: it is refused, and nothing is left half done by the parts that it went through.
            LogFault(logger, fault);
            outcome = DynamicAuthorizationOutcome.Nak(ErrorCause.ResourcesUnavailable, $"{fault.GetType().Name}: {fault.Message}");
        }

        Audit(line, outcome);
        return outcome;
    }

    private static DynamicAuthorizationOutcome Nak(DynamicRequestFailure failure) => DynamicAuthorizationOutcome.Nak(failure.Cause, failure.Detail);

    private async ValueTask<DynamicAuthorizationOutcome> PerformAsync(DynamicAuthorizationRequest request, AuditLine line)
    {
        var understood = DynamicRequestParser.TryParse(request.Packet, out var content, out var failure);
        line.Keys = content.Keys.ToString();
        line.Changes = string.Join(',', content.Change.Names.Values);
        if (!understood)
            return Nak(failure!);
        if (lookup.Find(content.Keys, request.Local, out failure) is not { } session)
            return Nak(failure!);
        line.Session = session.Names.AuditSessionId;
        line.User = session.User;
        if (request.IsDisconnect)
            return await EndAsync(session, $"Disconnect-Request of {line.Client}").ConfigureAwait(false);
        if (content.AuthorizeOnly)
            return BeginAuthorizeOnly(session, request, content.State.ToArray());
        switch (content.Command)
        {
            case SubscriberCommand.Reauthenticate:
                return await reauthorization.ReauthenticateAsync(session, ReauthenticationTime).ConfigureAwait(false) is { } notAsked
                    ? Nak(notAsked)
                    : DynamicAuthorizationOutcome.Ack($"the client has {ReauthenticationTime.TotalSeconds:0} s to authenticate anew");
            case SubscriberCommand.DisableHostPort:
                return await EndAsync(session, $"subscriber:command=disable-host-port of {line.Client}").ConfigureAwait(false);
            case SubscriberCommand.BounceHostPort:
                return await EndAsync(session, $"subscriber:command=bounce-host-port of {line.Client}").ConfigureAwait(false);
            default:
                return await reauthorization.ApplyAsync(session, content.Change, line.Client).ConfigureAwait(false) is { } refused
                    ? Nak(refused)
                    : DynamicAuthorizationOutcome.Ack("changed");
        }
    }

    // The ACK says that the session is gone: interface, leases and all.
    private async ValueTask<DynamicAuthorizationOutcome> EndAsync(ClientSession session, string why)
    {
        session.Shard.Post(new EndSessionCommand(session.Id, SessionEndReason.AdminCleared, why));
        try
        {
            await session.Gone.Task.WaitAsync(EndTimeout, clock.Time).ConfigureAwait(false);
            return session.IsRevoked
                ? DynamicAuthorizationOutcome.Ack("ended")
                : DynamicAuthorizationOutcome.Nak(ErrorCause.ResourcesUnavailable, "the session ended, but neither the store nor its key file could be written: a restart could bring it back");
        }
        catch (TimeoutException)
        {
            return DynamicAuthorizationOutcome.Nak(ErrorCause.SessionContextNotRemovable, "the session did not end in time");
        }
    }

    private DynamicAuthorizationOutcome BeginAuthorizeOnly(ClientSession session, DynamicAuthorizationRequest request, byte[] state)
    {
        if (radius is null || session.Binding.Authentication.FirstOrDefault(m => !m.IsLocal).Group is not { } group)
            return DynamicAuthorizationOutcome.Nak(ErrorCause.UnsupportedService, "the session's authentication list names no RADIUS group");
        // The State means something to whoever gave it; where that one is a server of the group, it is asked.
        var asker = group.Options.Servers.FirstOrDefault(s => s.Address.Equals(request.Source.Address));
        _ = AuthorizeOnlyAsync(session, group, state, asker?.Name, request.Source.Address.ToString());
        return DynamicAuthorizationOutcome.Nak(ErrorCause.RequestInitiated, $"asking {asker?.Name ?? group.Options.Name}");
    }

    private async Task AuthorizeOnlyAsync(ClientSession session, RadiusServerGroup group, byte[] state, string? server, string client)
    {
        var line = new AuditLine { Client = client, Code = "Authorize-Only", BeganAt = clock.Now, Session = session.Names.AuditSessionId, User = session.User };
        DynamicAuthorizationOutcome outcome;
        try
        {
            var asked = AccessRequestCodec.BuildAuthorizeOnly(session.ToNasRecord(session.User ?? session.IkeIdentity), state, server);
            outcome = await radius!.SendAsync(group, asked, CancellationToken.None).ConfigureAwait(false) switch
            {
                RadiusOutcome.Accept accept => await ApplyAcceptAsync(session, accept, line).ConfigureAwait(false),
                RadiusOutcome.Reject => await EndAsync(session, "RADIUS rejected its authorization").ConfigureAwait(false),
                RadiusOutcome.Unsendable unsendable => DynamicAuthorizationOutcome.Nak(ErrorCause.ResourcesUnavailable, unsendable.Explain()),
                RadiusOutcome.Unavailable failed => DynamicAuthorizationOutcome.Nak(ErrorCause.ResourcesUnavailable, failed.Explain()),
                _ => DynamicAuthorizationOutcome.Nak(ErrorCause.InvalidRequest, "the RADIUS server answered neither Access-Accept nor Access-Reject"),
            };
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            LogFault(logger, fault);
            outcome = DynamicAuthorizationOutcome.Nak(ErrorCause.ResourcesUnavailable, $"{fault.GetType().Name}: {fault.Message}");
        }

        Audit(line, outcome);
    }

    private async ValueTask<DynamicAuthorizationOutcome> ApplyAcceptAsync(ClientSession session, RadiusOutcome.Accept accept, AuditLine line)
    {
        if (!DynamicRequestParser.TryParseAccept(accept.Packet, out var change, out var failure))
            return Nak(failure);
        line.Changes = string.Join(',', change.Names.Values);
        return await reauthorization.ApplyAsync(session, change, accept.Server.Name).ConfigureAwait(false) is { } refused
            ? Nak(refused)
            : DynamicAuthorizationOutcome.Ack("the Access-Accept was applied");
    }

    private void Audit(AuditLine line, DynamicAuthorizationOutcome outcome)
    {
        var took = clock.Now - line.BeganAt;
        var level = outcome.Cause is null || outcome.Cause == ErrorCause.RequestInitiated ? LogLevel.Information : LogLevel.Warning;
        var word = outcome.Cause is null ? "ack" : "nak";
        var error = outcome.Cause?.ToString();
        LogAudit(logger, level, line.Client, line.Code, line.Keys, line.Session, line.User, line.Changes, word, outcome.Cause?.Value, error, outcome.Detail, took);
        metrics.DynamicAuthorizationAnswered(line.Code, word, outcome.Cause?.Value ?? 0, took);
    }

    [LoggerMessage(
        EventId = 1401,
        EventName = "dynamic-authorization",
        Message = "client={Client} code={Code} keys={Keys} session={Session} user={User} changes={Changes} outcome={Outcome} errorCause={ErrorCause} error={Error} detail={Detail} duration={Duration}")]
    private static partial void LogAudit(
        ILogger logger, LogLevel level, string client, string code, string? keys, string? session, string? user, string? changes, string outcome, uint? errorCause, string? error,
        string detail, TimeSpan duration);

    [LoggerMessage(EventId = 1402, EventName = "dynamic-authorization-fault", Level = LogLevel.Error, Message = "a dynamic authorization request failed unexpectedly; it is refused")]
    private static partial void LogFault(ILogger logger, Exception fault);

    /// <summary>What the audit log says of one request; absent values are left out of the line.</summary>
    private sealed class AuditLine
    {
        public required string Client { get; init; }

        public required string Code { get; init; }

        public required MonotonicTime BeganAt { get; init; }

        public string? Keys { get; set; }

        public string? Session { get; set; }

        public string? User { get; set; }

        public string? Changes { get; set; }
    }
}
