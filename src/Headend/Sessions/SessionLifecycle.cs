using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Ikev2;
using Headend.Pki.Verification;
using Headend.Runtime;
using Headend.Telemetry;
using Microsoft.Extensions.Logging;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Sessions;

/// <summary>The parts that sessions are made with; one set for all shards, each thread-safe.</summary>
internal sealed record SessionServices
{
    public required MonotonicClock Clock { get; init; }

    public required SessionTable Table { get; init; }

    public required SessionNumbers Numbers { get; init; }

    public required SessionAddressing Addressing { get; init; }

    public required SessionInterfaces Interfaces { get; init; }

    public required SessionAuthorizer Authorizer { get; init; }

    public required CertificateVerifier Certificates { get; init; }

    public required SimultaneousSessionTable Simultaneous { get; init; }

    public required InterimSchedule Interims { get; init; }

    public required ReconnectTable Reconnects { get; init; }

    public required TicketTable Tickets { get; init; }

    public required KeptSessionTable Kept { get; init; }

    public required LocalAaa Local { get; init; }

    public required IProfileObserver ProfileObserver { get; init; }

    /// <summary>Null where no RADIUS server is configured.</summary>
    public required RadiusClient? Radius { get; init; }

    /// <summary>Null where no accounting list is configured.</summary>
    public required AccountingClient? Accounting { get; init; }

    public required HeadendMetrics Metrics { get; init; }

    public required ILogger Logger { get; init; }

    /// <summary>For what logins leave in the log that prove nothing.</summary>
    public required UnauthenticatedLogLimits LogLimits { get; init; }
}

/// <summary>
/// Leads each login through AAA, addresses, interface and accounting to its end. Every method is called on the session's shard and returns at once;
/// answers go back to the shard as completions. What a session holds is given back by <see cref="Down"/> alone, whatever completes later.
/// </summary>
internal sealed partial class SessionLifecycle(SessionServices services)
{
    public void EapStep(EapStepEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        session.Eap ??= session.Binding.UsesAnyConnect(effect.Login.OffersAnyConnectEap)
            ? new AnyConnectConversation(session, effect.Login, services)
            : new EapConversation(session, services.Radius, services.Local, services.ProfileObserver);
        // The core's octets live only as long as this turn.
        var response = effect.Response.ToArray();
        Answer(session, session.Eap.StepAsync(response), outcome => new EapStepCompletion(effect.Id, outcome));
    }

    public void LookUpPsk(LookUpPskEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        Answer(session, LookUpPskAsync(session, effect.Id), found => found);
    }

    public void Authorize(AuthorizeEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        var authorization = effect.Login.ReconnectId is { } id ? ReconnectAsync(session, id)
            : effect.Login.TicketId is { } ticket ? ResumeByTicketAsync(session, ticket)
            : AuthorizeAsync(session);
        var byToken = effect.Login.ReconnectId is not null;
        Answer(
            session,
            authorization,
            outcome => new AuthorizeCompletion(effect.Id, outcome.Grant, outcome.Refusal, outcome.Unavailable) { Unsendable = outcome.Unsendable, User = outcome.User, Taken = TakenBy(session, byToken) });
    }

    public void AllocateAddress(AllocateAddressEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        if (session.Addresses is { } kept)
        {
            shard.Post(new AllocateAddressCompletion(effect.Id, kept, null), established: false);
            return;
        }

        Answer(
            session,
            AssignAsync(session, new AddressRequest(effect.WantIPv4, effect.WantIPv6) { WishIPv4 = effect.WishIPv4, WishIPv6 = effect.WishIPv6 }),
            assigned => new AllocateAddressCompletion(effect.Id, assigned.Addresses, assigned.Refusal));
    }

    public void Install(InstallChildSaEffect effect, IkeShard shard) =>
        Install(effect.Session, effect.Parameters, 0, fault => CompleteInstall(effect, shard, fault));

    public void Rekey(RekeyChildSaEffect effect, IkeShard shard) =>
        Install(effect.Session, effect.Parameters, effect.OldInboundSpi, fault => shard.Post(new InstallChildSaCompletion(effect.Id, fault), true));

    public void QueryTraffic(QueryTrafficEffect effect, IkeShard shard)
    {
        if (!services.Table.TryFind(effect.Session, out var session))
            return;
        var (inbound, outbound) = services.Interfaces.LastTraffic(session!);
        shard.Post(new QueryTrafficCompletion(effect.Id, inbound, outbound), established: true);
    }

    public void RemoveChildSa(RemoveChildSaEffect effect) => services.Interfaces.RemoveSa(effect.InboundSpi);

    public void UpdateAddresses(UpdateSaAddressesEffect effect)
    {
        if (services.Table.TryFind(effect.Session, out var session))
            services.Interfaces.UpdatePath(session!, effect.Path, effect.UdpEncapsulation);
    }

    public void Up(SessionUpEffect effect, IkeShard shard)
    {
        var session = Find(effect.Login, shard);
        var now = services.Clock.Now;
        var returned = session.Returning;
        if (effect.Reconnect is not null || effect.Login.ReconnectId is not null)
            services.Reconnects.Up(session, effect);
        if (effect.Login.ReconnectId is null)
            services.Tickets.Up(session, effect.Login.Session);
        session.Reconnected |= effect.Login.TicketId is not null;
        // Before it stands: what is written from then on is of these.
        session.Kept.Begin(effect.KeptFor, effect.Grant, now);
        if (returned is not null)
        {
            CompleteReturn(session, returned, now);
        }
        else
        {
            session.UpAt = now;
            services.Table.MarkUp(session);
        }

        // Also of one that is back: its accounting may begin with that, and a whole login may have brought another interval.
        if (session.Accounting is not null)
            services.Interims.Begin(session);

        if (returned is not null)
            CatchUp(session, returned, shard, now);
        _ = services.Kept.Keep(session);
        var row = new Telemetry.LoginRecord
        {
            User = session.User,
            Address = session.Path.Remote.Address.ToString(),
            Port = session.Path.Remote.Port,
            Profile = session.Binding.Name,
            Method = session.Method,
            Outcome = LoginOutcome.Success,
            Reason = "",
            Duration = now - session.StartedAt,
            Identity = session.IkeIdentity,
            ProfileMatch = session.ProfileMatch,
            LocalMethod = session.LocalMethod,
            KeyEntry = session.KeyEntry,
            Session = session.Names.AuditSessionId,
            Assigned = string.Join(',', session.ClientAddresses()),
            Detail = session.InterfaceName,
            Trace = session.Trace.TraceId,
        };
        services.Logger.LoginEnded(row);
        services.Metrics.LoginEnded(LoginOutcome.Success, "", row.Duration);
        session.Trace.Complete(LoginOutcome.Success, "", session.User, session.Method);
        LogAsked(session, effect.Login);
        if (session.Binding.ResumesClients)
            TunnelChanged(session, isUp: true);
    }

    public void Down(SessionDownEffect effect, IkeShard shard)
    {
        // A login that ended before any other effect is known by this one alone; it still gets its line in the log.
        var session = Find(effect.Login, shard);
        var reason = EndReasonTable.Of(effect.Reason);
        if (effect.Login.ReconnectId is not null && !effect.WasUp)
            services.Reconnects.CountFailure();
        if (effect.Login.TicketId is { } ticket && !effect.WasUp)
            services.Tickets.Release(ticket, effect.Login.Session);
        if (session.Returning is null && session.Close() is { } successor)
            session = successor;
        if (!effect.WasUp)
            LogAskedInVain(session, effect.Login);
        if (session.Returning is not null)
        {
            ReportFailedLogin(session, reason, effect.Detail);
            if (IsOnlyTheLogins(effect.Reason) && !session.IsEndOrdered && TryWaitAgain(session))
                return;
            services.Table.MarkInactive(false);
            session.Close();
        }
        else if (!effect.WasUp)
        {
            ReportRefusedOrFailed(session, reason, effect.Detail);
        }

        End(session, reason, wasInactive: false);
    }

    /// <summary>The session is closed; what it holds is given back.</summary>
    private void End(ClientSession session, EndReasonRow reason, bool wasInactive)
    {
        var wasUp = session.UpAt is not null;
        // Before its Stop: a crash in between must not bring back what has had its last record.
        _ = services.Kept.Forget(session);
        session.Eap?.Dispose();
        services.Reconnects.Remove(session);
        services.Tickets.Remove(session);
        services.Simultaneous.Leave(session);
        services.Table.Remove(session, wasUp, wasInactive);
        var ended = services.Clock.Now;
        if (wasUp && session.Binding.ResumesClients)
            TunnelChanged(session, isUp: false);
        services.Interfaces.TearDown(session, final => GiveBack(session, wasUp, reason, ended, final));
    }

    /// <summary>What the session that has taken the login's place brings along; null where none has.</summary>
    private TakenSession? TakenBy(ClientSession login, bool byToken) => services.Table.TryFind(login.Id, out var taken) && taken != login
        ? new TakenSession(taken!.MethodBefore, taken.ReconnectHash is not null, byToken ? services.Tickets.TimeLeft(taken) : null)
        : null;

    private void Install(SessionId id, ChildSaParameters parameters, uint replaces, Action<string?> done)
    {
        if (services.Table.TryFind(id, out var session))
            services.Interfaces.Install(session!, parameters, replaces, done);
        else
            done("the session is over");
    }

    private void GiveBack(ClientSession session, bool wasUp, EndReasonRow reason, MonotonicTime ended, TrafficCounters final)
    {
        services.Addressing.Release(session);
        services.Numbers.Return(session.Names);
        _ = TellGoneAsync(session);
        services.Table.Count(final);
        final += session.Carried;
        // Whoever had a Start gets a Stop, even when the login broke off behind it.
        session.Accounting?.Stop(services.Clock.Time.GetUtcNow(), final, reason.TerminateCause);
        services.Interims.Remove(session);
        if (!wasUp)
            return;
        services.Metrics.SessionEnded(reason.Word);
        var address = session.Path.Remote.Address.ToString();
        services.Logger.SessionEnded(
            session.User, address, session.Names.AuditSessionId, session.InterfaceName, reason.Word, ended - session.UpAt!.Value,
            final.InputOctets, final.OutputOctets, final.InputPackets, final.OutputPackets);
    }

    // Whoever waits for the end of a session may say that it is over for good.
    private async Task TellGoneAsync(ClientSession session)
    {
        session.IsRevoked = await services.Kept.Forget(session).ConfigureAwait(false);
        session.Gone.TrySetResult();
    }

    private ClientSession Find(LoginRecord login, IkeShard shard)
    {
        if (!services.Table.TryFind(login.Session, out var session))
        {
            session = new ClientSession(
                login, shard, services.Numbers.Take(login.Path.Local.Address), LoginTrace.Begin(login.Path.Remote, login.Session.ToString()));
            services.Table.Add(session);
        }

        session!.Refresh(login);
        return session;
    }

    private static async ValueTask<LookUpPskCompletion> LookUpPskAsync(ClientSession session, OperationId id)
    {
        using (session.Trace.Step(LoginStep.LookUpKey))
            return await PskLookup.FindAsync(session, id, CancellationToken.None).ConfigureAwait(false);
    }

    private async ValueTask<AuthorizationOutcome> AuthorizeAsync(ClientSession session)
    {
        using var span = session.Trace.Step(LoginStep.Authorize);
        var outcome = await services.Authorizer.AuthorizeAsync(session, CancellationToken.None).ConfigureAwait(false);
        if (outcome.Grant is null)
            return outcome;
        if (await ResumeAsync(session, outcome).ConfigureAwait(false) is { } resumed)
            return resumed;
        await EndForgottenAsync(session).ConfigureAwait(false);
        return await services.Simultaneous.AdmitAsync(session).ConfigureAwait(false) is { } refusal ? AuthorizationOutcome.Refused(refusal) : outcome;
    }

    private async ValueTask<(AssignedAddresses? Addresses, string? Refusal)> AssignAsync(ClientSession session, AddressRequest request)
    {
        using (session.Trace.Step(LoginStep.AllocateAddress))
            return await services.Addressing.AssignAsync(session, request, TryEndSleeper).ConfigureAwait(false);
    }

    // A refused client often goes away without a word; what counts is why it was refused, not how it left.
    private void ReportRefusedOrFailed(ClientSession session, EndReasonRow reason, string detail)
    {
        var refused = EndReasonTable.Of(SessionEndReason.AuthenticationFailed);
        if (session.Eap?.Refusal is { } refusal && reason != refused)
            ReportFailedLogin(session, refused, $"{refusal}; then {reason.Word}");
        else
            ReportFailedLogin(session, reason, detail);
    }

    private void ReportFailedLogin(ClientSession session, EndReasonRow reason, string detail)
    {
        var row = new Telemetry.LoginRecord
        {
            User = session.User ?? session.EapIdentity,
            Address = session.Path.Remote.Address.ToString(),
            Port = session.Path.Remote.Port,
            Profile = session.Binding.Name,
            Method = session.Method,
            Outcome = reason.LoginOutcome,
            Reason = reason.Word,
            Duration = services.Clock.Now - session.StartedAt,
            Identity = session.IkeIdentity,
            ProfileMatch = session.ProfileMatch,
            LocalMethod = session.LocalMethod,
            KeyEntry = session.KeyEntry,
            Session = session.Names.AuditSessionId,
            Detail = detail,
            Trace = session.Trace.TraceId,
        };
        services.Logger.LoginEnded(row);
        services.Metrics.LoginEnded(reason.LoginOutcome, reason.Word, row.Duration);
        session.Trace.Complete(reason.LoginOutcome, reason.Word, row.User, session.Method);
    }

    // The step may complete on a socket's thread; a fault in it is this session's alone.
    private async void Answer<T>(ClientSession session, ValueTask<T> step, Func<T, IkeCompletion> complete)
    {
        try
        {
            session.Shard.Post(complete(await step.ConfigureAwait(false)), established: false);
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            LogFault(services.Logger, fault, session.Names.AuditSessionId);
            session.Shard.Post(new EndSessionCommand(session.Id, SessionEndReason.InternalError, $"{fault.GetType().Name}: {fault.Message}"));
        }
    }

    [LoggerMessage(EventId = 1104, EventName = "login-fault", Level = LogLevel.Error, Message = "session {Session}: a step of the login failed; the login is ended")]
    private static partial void LogFault(ILogger logger, Exception fault, string session);
}
