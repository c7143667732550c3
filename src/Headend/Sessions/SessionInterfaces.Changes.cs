using System.Collections.Immutable;
using Headend.Aaa.Authorization;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

// Changes of interfaces that stand.
internal sealed partial class SessionInterfaces
{
    /// <summary>Longest wait for the kernel worker to begin.</summary>
    private static readonly TimeSpan ChangeTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Applies a change to a standing interface, all of it or none. Answers null once it holds in the kernel, else what stood in the way.
    /// </summary>
    public async Task<InterfaceChangeFailure?> ChangeAsync(ClientSession session, InterfaceChange change, string origin)
    {
        var done = new TaskCompletionSource<InterfaceChangeFailure?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = 0;
        var source = new ConfigOrigin(ConfigSource.ChangeOfAuthorization, origin);
        kernel.Post(
            () =>
            {
                if (Interlocked.Exchange(ref begun, 1) != 0)
                    return;
                InterfaceChangeFailure? failure = new("the interface could not be changed", IsBadValue: false);
                try
                {
                    failure = Change(session, change, source);
                }
                finally
                {
                    done.TrySetResult(failure);
                }
            },
            FilterAfter(session, change, source));
        try
        {
            return await done.Task.WaitAsync(ChangeTimeout, clock.Time).ConfigureAwait(false);
        }
        catch (TimeoutException) when (Interlocked.Exchange(ref begun, 1) == 0)
        {
            // Called off: it must not be applied after its NAK.
            return new InterfaceChangeFailure("the kernel worker did not come to it in time", IsBadValue: false);
        }
        catch (TimeoutException)
        {
            return await done.Task.ConfigureAwait(false);
        }
    }

    // On the kernel worker: nobody else changes this interface meanwhile.
    private InterfaceChangeFailure? Change(ClientSession session, InterfaceChange change, ConfigOrigin origin)
    {
        if (session.IsClosed || session.Handle.IsNone || session.InterfaceConfig is not { } current)
            return InterfaceChangeFailure.Gone;
        var changed = VirtualAccessDerivation.Change(current, new AuthorizedCommands(origin, change.Commands), new DerivationRules(names, session.Tunnel));
        if (!changed.Failures.IsEmpty)
            return new InterfaceChangeFailure(string.Join("; ", changed.Failures.Select(r => r.Failure)), IsBadValue: true);
        var config = changed.Config;
        var profile = FiltersAfter(session.FilterProfile ?? session.Profile, change.Filters, current, config);
        if (!filters.TryCompile(session, profile, config, out var compiled, out var unresolved))
            return new InterfaceChangeFailure(unresolved, IsBadValue: true);
        if (!policies.TryResolve(config, change.RateUp, change.RateDown, out var qos, out var refusal))
            return new InterfaceChangeFailure(refusal, IsBadValue: true);
        if (!TryTakeGlobals(session, config, out var globals, out var exhausted))
            return new InterfaceChangeFailure(exhausted, IsBadValue: false);
        Note(session, changed);
        if (!dataPlane.TryUpdateInterface(session.Handle, standing => standing with { Config = config, Filter = compiled, Qos = qos, NatPoolAddresses = globals }, out var failure))
            return new InterfaceChangeFailure(failure.ToString(), failure.BadValue);
        session.InterfaceConfig = config;
        session.Filter = compiled;
        session.FilterProfile = profile;
        return null;
    }

    // As it looks from here: the session may change before the kernel worker comes to it.
    private InterfaceFilter? FilterAfter(ClientSession session, InterfaceChange change, ConfigOrigin origin)
    {
        if (session.InterfaceConfig is not { } current)
            return null;
        var changed = VirtualAccessDerivation.Change(current, new AuthorizedCommands(origin, change.Commands), new DerivationRules(names, session.Tunnel));
        var profile = FiltersAfter(session.FilterProfile ?? session.Profile, change.Filters, current, changed.Config);
        return changed.Failures.IsEmpty && filters.TryForesee(session, profile, changed.Config, out var filter, out _) ? filter : null;
    }

    /// <summary>A change that names a direction's access group, or its lines, means that and no longer what AAA said before.</summary>
    private static SessionProfile FiltersAfter(SessionProfile standing, SessionProfile asked, InterfaceConfig before, InterfaceConfig after)
    {
        var inbound = before.InboundAccessGroup != after.InboundAccessGroup || before.Ipv6InboundAccessGroup != after.Ipv6InboundAccessGroup;
        var outbound = before.OutboundAccessGroup != after.OutboundAccessGroup || before.Ipv6OutboundAccessGroup != after.Ipv6OutboundAccessGroup;
        return ProfileMerge.ReplaceFilters(ProfileMerge.WithoutFilters(standing, inbound, outbound), asked);
    }
}

/// <summary>What is to be changed on a standing interface.</summary>
/// <param name="Commands">Interface commands, in order.</param>
/// <param name="Filters">Its filters take the place of the standing ones, direction by direction; nothing else of it counts.</param>
/// <param name="RateUp">From the client, as it is to be; null for no limit.</param>
/// <param name="RateDown">To the client, likewise.</param>
internal sealed record InterfaceChange(ImmutableArray<string> Commands, SessionProfile Filters, RateLimit? RateUp, RateLimit? RateDown);

/// <summary>Why an interface was not changed; nothing of it was.</summary>
/// <param name="Detail">For the audit log.</param>
/// <param name="IsBadValue">A command is at fault, and not this machine.</param>
internal sealed record InterfaceChangeFailure(string Detail, bool IsBadValue)
{
    public static InterfaceChangeFailure Gone { get; } = new("the session is over", IsBadValue: false);
}
