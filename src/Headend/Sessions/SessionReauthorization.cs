using System.Collections.Immutable;
using Headend.Aaa.Authorization;
using Headend.Aaa.DynamicAuthorization;
using Headend.Ikev2;
using Headend.VirtualAccess.Configuration;

namespace Headend.Sessions;

/// <summary>
/// Changes the authorization of a session that stands, all of it or none. What can fail comes first and is undone by its own plan; what follows cannot fail
/// unless the session is over.
/// </summary>
internal sealed class SessionReauthorization(SessionInterfaces interfaces, SessionGrantCompiler grants, InterimSchedule interims, KeptSessionTable kept, TimeProvider time)
{
    /// <summary>What is the interface's: changed by one plan.</summary>
    private const SessionChangeKinds OfInterface = SessionChangeKinds.InterfaceConfig | SessionChangeKinds.AccessList
        | SessionChangeKinds.ServicePolicyIn | SessionChangeKinds.ServicePolicyOut | SessionChangeKinds.RateUp | SessionChangeKinds.RateDown;

    /// <summary>What the data plane and the session can change while they stand.</summary>
    public const SessionChangeKinds Supported =
        OfInterface | SessionChangeKinds.SessionTimeout | SessionChangeKinds.IdleTimeout | SessionChangeKinds.InterimInterval | SessionChangeKinds.Class;

    /// <summary>How long the store may take; within what RADIUS clients wait before they ask again.</summary>
    internal static readonly TimeSpan StorePatience = TimeSpan.FromSeconds(5);

    /// <summary>How long a change waits for those of its session before it; whoever waits has one of the places that all RADIUS clients share.</summary>
    internal static readonly TimeSpan TurnPatience = TimeSpan.FromSeconds(5);

    /// <summary>Answers null once every change holds, and what it took away can come back by no restart.</summary>
    public async ValueTask<DynamicRequestFailure?> ApplyAsync(ClientSession session, SessionChange change, string origin)
    {
        foreach (var (kind, name) in change.Names)
        {
            if ((kind & Supported) == 0)
                return new DynamicRequestFailure(ErrorCause.UnsupportedExtension, name);
        }

        return await InTurnAsync(session, () => ApplyInTurnAsync(session, change, origin)).ConfigureAwait(false);
    }

    /// <summary>The client is to authenticate anew within this time, or its session ends. Answers null once that holds, over a restart, too.</summary>
    public ValueTask<DynamicRequestFailure?> ReauthenticateAsync(ClientSession session, TimeSpan within) =>
        InTurnAsync(session, () => ReauthenticateInTurnAsync(session, within));

    private static DynamicRequestFailure Gone { get; } = new(ErrorCause.SessionContextNotFound, "the session ended meanwhile");

    private static DynamicRequestFailure Busy { get; } = new(ErrorCause.ResourcesUnavailable, "earlier changes of the session take too long; nothing was changed");

    // The store is told in turn, so that the last change is its last word, and waited for behind that: a disk that hangs makes no queue of changes.
    private async ValueTask<DynamicRequestFailure?> InTurnAsync(ClientSession session, Func<ValueTask<DynamicRequestFailure?>> change)
    {
        if (!await session.TryBeginChangeAsync(TurnPatience, time).ConfigureAwait(false))
            return Busy;
        Task<bool> isKept;
        try
        {
            if (await change().ConfigureAwait(false) is { } failure)
                return failure;
            isKept = kept.Keep(session, revokes: true);
        }
        finally
        {
            session.ChangeGate.Release();
        }

        return await WaitForStoreAsync(isKept).ConfigureAwait(false);
    }

    private static async ValueTask<DynamicRequestFailure?> ReauthenticateInTurnAsync(ClientSession session, TimeSpan within)
    {
        var home = session.Home;
        var holds = false;
        if (!await home.Shard.InvokeAsync((endpoint, now) => holds = TryAskOnShard(session, within, endpoint, now)).ConfigureAwait(false) || !holds)
            return Gone;
        await SettleAsync(session, home).ConfigureAwait(false);
        return null;
    }

    private async ValueTask<DynamicRequestFailure?> ApplyInTurnAsync(ClientSession session, SessionChange change, string origin)
    {
        if (session.IsClosed)
            return Gone;
        if (change.Has(SessionChangeKinds.AccessList))
        {
            var (values, missing) = await grants.DownloadAsync(session, change.Values, CancellationToken.None).ConfigureAwait(false);
            if (missing is not null)
                return new DynamicRequestFailure(missing.IsUnavailable || missing.IsUnsendable ? ErrorCause.ResourcesUnavailable : ErrorCause.InvalidAttributeValue, missing.Failure!);
            change = change with { Values = values };
        }

        if (change.Has(OfInterface)
            && await interfaces.ChangeAsync(session, Translate(session.Profile, change), origin).ConfigureAwait(false) is { } failure)
        {
            if (session.IsClosed || failure == InterfaceChangeFailure.Gone)
                return Gone;
            return new DynamicRequestFailure(failure.IsBadValue ? ErrorCause.InvalidAttributeValue : ErrorCause.ResourcesUnavailable, failure.Detail);
        }

        // What ends the session behind this, such as the Session-Timeout that the change has just set, does not unmake the change.
        var home = session.Home;
        var holds = false;
        if (!await home.Shard.InvokeAsync((endpoint, now) => holds = TryApplyOnShard(session, change, origin, endpoint, now)).ConfigureAwait(false) || !holds)
            return Gone;
        if (change.Has(SessionChangeKinds.SessionTimeout | SessionChangeKinds.IdleTimeout))
            await SettleAsync(session, home).ConfigureAwait(false);
        return null;
    }

    // Behind what comes of a command: the limits of a session that sleeps are changed by an effect, and one that has moved meanwhile has the command sent after it.
    private static async ValueTask SettleAsync(ClientSession session, SessionHome asked)
    {
        while (true)
        {
            await asked.Shard.InvokeAsync(static (_, _) => { }).ConfigureAwait(false);
            var home = session.Home;
            if (home == asked)
                return;
            asked = home;
        }
    }

    // A restart behind the ACK must not bring back what the change took away. A disk that hangs holds up nobody for longer than this, but nobody knows then what a restart would find.
    private async ValueTask<DynamicRequestFailure?> WaitForStoreAsync(Task<bool> isKept)
    {
        try
        {
            return await isKept.WaitAsync(StorePatience, time).ConfigureAwait(false)
                ? null
                : NotKept("neither the store nor its key file could be written");
        }
        catch (TimeoutException)
        {
            return NotKept("the store did not answer in time");
        }
    }

    private static DynamicRequestFailure NotKept(string why) =>
        new(ErrorCause.ResourcesUnavailable, $"the change holds, but {why}: a restart could bring back what stood before");

    private static InterfaceChange Translate(SessionProfile standing, SessionChange change) => new(
        PolicyCommands.Of(change.Values),
        change.Values,
        change.Has(SessionChangeKinds.RateUp) ? change.Values.RateUp : standing.RateUp,
        change.Has(SessionChangeKinds.RateDown) ? change.Values.RateDown : standing.RateDown);

    private static bool TryAskOnShard(ClientSession session, TimeSpan within, IkeEndpoint endpoint, MonotonicTime now)
    {
        if (session.IsClosed)
            return false;
        var ask = new ReauthenticateCommand(session.Id, within);
        endpoint.Handle(ask, now);
        session.Kept.Change(ask, now);
        return true;
    }

    private bool TryApplyOnShard(ClientSession session, SessionChange change, string origin, IkeEndpoint endpoint, MonotonicTime now)
    {
        if (session.IsClosed)
            return false;
        var values = change.Values;
        if (change.Has(SessionChangeKinds.SessionTimeout | SessionChangeKinds.IdleTimeout))
        {
            var limits = new ChangeTimeoutsCommand(
                session.Id,
                change.Has(SessionChangeKinds.SessionTimeout) ? values.SessionTimeout ?? TimeSpan.Zero : null,
                change.Has(SessionChangeKinds.IdleTimeout) ? values.IdleTimeout ?? TimeSpan.Zero : null);
            endpoint.Handle(limits, now);
            session.Kept.Change(limits, now);
        }

        session.AuthorizationSources = Add(session.AuthorizationSources, change.Values, origin);
        session.Profile = Merge(session.Profile, session.FilterProfile ?? session.Profile, change) with { InterfaceCommands = [.. session.AuthorizationSources.SelectMany(s => s.Profile.InterfaceCommands)] };
        if (session.Accounting is not { } accounting)
            return true;
        var changed = accounting.Change(
            session.Profile,
            change.Has(SessionChangeKinds.InterimInterval) ? values.InterimInterval ?? session.Binding.Accounting.GetValueOrDefault(session.RemoteMethod)?.InterimInterval : accounting.InterimInterval);
        if (changed)
            interims.Add(session);
        return true;
    }

    // All changes are one source, the last word of each kind; of its commands those that a later change repeats, or that are very old, are forgotten.
    private static ImmutableArray<AuthorizationSource> Add(ImmutableArray<AuthorizationSource> sources, SessionProfile values, string origin)
    {
        var earlier = sources.FirstOrDefault(s => s.Origin.Kind == AuthorizationKind.ChangeOfAuthorization)?.Profile ?? SessionProfile.Empty;
        var commands = earlier.InterfaceCommands.RemoveRange(values.InterfaceCommands).AddRange(values.InterfaceCommands).TakeLast(VirtualAccessDerivation.MaximumCommands);
        var changed = ProfileMerge.Merge(earlier, values) with { InterfaceCommands = [.. commands] };
        var source = new AuthorizationSource(new AuthorizationOrigin(AuthorizationKind.ChangeOfAuthorization, origin), changed);
        return [.. sources.Where(s => s.Origin.Kind != AuthorizationKind.ChangeOfAuthorization), source];
    }

    /// <param name="profile">What stood.</param>
    /// <param name="filters">Its filters stand now.</param>
    /// <param name="change">The rest of what was asked for.</param>
    private static SessionProfile Merge(SessionProfile profile, SessionProfile filters, SessionChange change)
    {
        var values = change.Values;
        return ProfileMerge.WithFiltersOf(profile, filters) with
        {
            SessionTimeout = change.Has(SessionChangeKinds.SessionTimeout) ? values.SessionTimeout : profile.SessionTimeout,
            IdleTimeout = change.Has(SessionChangeKinds.IdleTimeout) ? values.IdleTimeout : profile.IdleTimeout,
            InterimInterval = change.Has(SessionChangeKinds.InterimInterval) ? values.InterimInterval : profile.InterimInterval,
            ServicePolicyIn = change.Has(SessionChangeKinds.ServicePolicyIn) ? values.ServicePolicyIn : profile.ServicePolicyIn,
            ServicePolicyOut = change.Has(SessionChangeKinds.ServicePolicyOut) ? values.ServicePolicyOut : profile.ServicePolicyOut,
            RateUp = change.Has(SessionChangeKinds.RateUp) ? values.RateUp : profile.RateUp,
            RateDown = change.Has(SessionChangeKinds.RateDown) ? values.RateDown : profile.RateDown,
            Classes = change.Has(SessionChangeKinds.Class) ? values.Classes : profile.Classes,
        };
    }
}
