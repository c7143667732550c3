using System.Collections.Immutable;

namespace Headend.Aaa.Authorization;

/// <summary>
/// FlexVPN's merge of authorization data: group, implicit user, user, each above the one before; with override implicit user, user, group. Values that name a thing replace
/// each other; lists of routes, interface commands and split-DNS names add up, the weaker's first.
/// </summary>
public static class ProfileMerge
{
    /// <summary>
    /// Puts sources of one session in their order of application, the strongest last: the merge and the interface commands go by it.
    /// </summary>
    /// <param name="sources">In any order, one of a kind.</param>
    /// <param name="groupOverrides">The profile's `override`.</param>
    public static ImmutableArray<AuthorizationSource> Order(IEnumerable<AuthorizationSource> sources, bool groupOverrides) =>
        [.. sources.OrderBy(s => groupOverrides && s.Origin.Kind == AuthorizationKind.Group ? AuthorizationKind.ChangeOfAuthorization : s.Origin.Kind)];

    /// <summary>
    /// Merges sources that <see cref="Order"/> has put in order. The user's name, Class and Chargeable-User-Identity are the authenticating server's: an authorization gives
    /// them only where the authentication has none, the user's own before the group's.
    /// </summary>
    public static SessionProfile Merge(ImmutableArray<AuthorizationSource> ordered)
    {
        var merged = ordered.Aggregate(SessionProfile.Empty, static (weak, source) => Merge(weak, source.Profile));
        AuthorizationKind[] authority = [AuthorizationKind.ImplicitUser, AuthorizationKind.ExplicitUser, AuthorizationKind.Group];
        var byAuthority = authority.SelectMany(kind => ordered.Where(s => s.Origin.Kind == kind)).Select(static s => s.Profile).ToList();
        return merged with
        {
            UserName = byAuthority.Find(static p => p.UserName is not null)?.UserName,
            Classes = byAuthority.Find(static p => !p.Classes.IsEmpty)?.Classes ?? [],
            ChargeableUserIdentity = byAuthority.Find(static p => !p.ChargeableUserIdentity.IsEmpty)?.ChargeableUserIdentity ?? default,
        };
    }

    /// <summary>Merges two profiles.</summary>
    /// <param name="weak">Gives what the other does not say.</param>
    /// <param name="strong">Wins.</param>
    public static SessionProfile Merge(SessionProfile weak, SessionProfile strong)
    {
        // Address and choice belong together, as do pool and choice: a fixed address of one side is not to be undone by a pool of the weaker one.
        var address = strong.Ipv4Choice != AddressChoice.Unspecified ? strong : weak;
        var merged = new SessionProfile
        {
            UserName = strong.UserName ?? weak.UserName,
            Ipv4Choice = address.Ipv4Choice,
            Ipv4Address = address.Ipv4Address,
            Ipv4Netmask = strong.Ipv4Netmask ?? weak.Ipv4Netmask,
            Ipv4Pool = strong.Ipv4Pool ?? weak.Ipv4Pool,
            // A pool of the stronger side is meant instead of the weaker one's servers.
            DhcpServers = strong.DhcpServers.IsEmpty && strong.Ipv4Pool is null ? weak.DhcpServers : strong.DhcpServers,
            DhcpGiaddr = strong.DhcpGiaddr ?? weak.DhcpGiaddr,
            DhcpTimeout = strong.DhcpTimeout ?? weak.DhcpTimeout,
            Ipv6Address = strong.Ipv6Address ?? weak.Ipv6Address,
            Ipv6Prefix = strong.Ipv6Prefix ?? weak.Ipv6Prefix,
            Ipv6PrefixLength = strong.Ipv6PrefixLength ?? weak.Ipv6PrefixLength,
            Ipv6Pool = strong.Ipv6Pool ?? weak.Ipv6Pool,
            DnsServers = strong.DnsServers.IsEmpty ? weak.DnsServers : strong.DnsServers,
            NbnsServers = strong.NbnsServers.IsEmpty ? weak.NbnsServers : strong.NbnsServers,
            DefaultDomain = strong.DefaultDomain ?? weak.DefaultDomain,
            SplitDns = [.. weak.SplitDns.Union(strong.SplitDns, StringComparer.OrdinalIgnoreCase)],
            Routes = [.. weak.Routes.Union(strong.Routes)],
            RouteInterfaces = [.. weak.RouteInterfaces.Union(strong.RouteInterfaces, StringComparer.Ordinal)],
            RouteAccessLists = [.. weak.RouteAccessLists.Union(strong.RouteAccessLists)],
            // The same network twice is one route, with the stronger side's distance and tag.
            PeerRoutes = [.. weak.PeerRoutes.Where(route => strong.PeerRoutes.All(other => other.Network != route.Network)), .. strong.PeerRoutes],
            DelegatedIpv6Prefix = strong.DelegatedIpv6Prefix ?? (strong.DelegatedIpv6PrefixPool is null ? weak.DelegatedIpv6Prefix : null),
            DelegatedIpv6PrefixPool = strong.DelegatedIpv6PrefixPool ?? weak.DelegatedIpv6PrefixPool,
            RouteAcceptance = strong.RouteAcceptance ?? weak.RouteAcceptance,
            Banner = strong.Banner ?? weak.Banner,
            BackupGateways = strong.BackupGateways.IsEmpty ? weak.BackupGateways : strong.BackupGateways,
            Pfs = strong.Pfs ?? weak.Pfs,
            IncludeLocalLan = strong.IncludeLocalLan ?? weak.IncludeLocalLan,
            SmartcardRemovalDisconnect = strong.SmartcardRemovalDisconnect ?? weak.SmartcardRemovalDisconnect,
            ConfigurationUrl = strong.ConfigurationUrl ?? weak.ConfigurationUrl,
            ConfigurationVersion = strong.ConfigurationVersion ?? weak.ConfigurationVersion,
            SessionTimeout = strong.SessionTimeout ?? weak.SessionTimeout,
            TerminationAction = strong.TerminationAction ?? weak.TerminationAction,
            IdleTimeout = strong.IdleTimeout ?? weak.IdleTimeout,
            InterimInterval = strong.InterimInterval ?? weak.InterimInterval,
            FlowLimit = strong.FlowLimit ?? weak.FlowLimit,
            PortLimit = strong.PortLimit ?? weak.PortLimit,
            GroupLock = strong.GroupLock ?? weak.GroupLock,
            Classes = strong.Classes.IsEmpty ? weak.Classes : strong.Classes,
            ChargeableUserIdentity = strong.ChargeableUserIdentity.IsEmpty ? weak.ChargeableUserIdentity : strong.ChargeableUserIdentity,
            // The last command of a kind wins on the interface, so the stronger side comes last.
            InterfaceCommands = weak.InterfaceCommands.AddRange(strong.InterfaceCommands),
            ServicePolicyIn = strong.ServicePolicyIn ?? weak.ServicePolicyIn,
            ServicePolicyOut = strong.ServicePolicyOut ?? weak.ServicePolicyOut,
            RateUp = strong.RateUp ?? weak.RateUp,
            RateDown = strong.RateDown ?? weak.RateDown,
        };
        // All that one side says of a direction's filter is one filter: parts of two would be neither's.
        return WithFiltersOf(merged, ReplaceFilters(weak, strong));
    }

    /// <summary>
    /// A change of authorization: what <paramref name="asked"/> says of a direction's filter takes the place of everything that was said of that direction
    /// ("the new ACL replaces any existing ACL"); a direction of which it says nothing stays.
    /// </summary>
    public static SessionProfile ReplaceFilters(SessionProfile standing, SessionProfile asked)
    {
        var inbound = HasInboundFilter(asked) || asked.FilterRules.Any(IsInbound);
        var outbound = HasOutboundFilter(asked) || asked.FilterRules.Any(static rule => !IsInbound(rule));
        var rest = WithoutFilters(standing, inbound, outbound);
        rest = rest with { FilterRules = rest.FilterRules.AddRange(asked.FilterRules) };
        if (inbound)
        {
            rest = rest with
            {
                InboundAccessList = asked.InboundAccessList,
                InboundEntries = asked.InboundEntries,
                DownloadableAccessList = asked.DownloadableAccessList,
                DownloadedEntries = asked.DownloadedEntries,
            };
        }

        return outbound ? rest with { OutboundAccessList = asked.OutboundAccessList, OutboundEntries = asked.OutboundEntries } : rest;
    }

    /// <summary>With the packet filters of another, all of them.</summary>
    public static SessionProfile WithFiltersOf(SessionProfile profile, SessionProfile filters) => profile with
    {
        InboundAccessList = filters.InboundAccessList,
        InboundEntries = filters.InboundEntries,
        DownloadableAccessList = filters.DownloadableAccessList,
        DownloadedEntries = filters.DownloadedEntries,
        OutboundAccessList = filters.OutboundAccessList,
        OutboundEntries = filters.OutboundEntries,
        FilterRules = filters.FilterRules,
    };

    /// <summary>Without what was said of a direction's filter.</summary>
    public static SessionProfile WithoutFilters(SessionProfile profile, bool inbound, bool outbound)
    {
        if (!inbound && !outbound) return profile;
        profile = profile with { FilterRules = [.. profile.FilterRules.Where(rule => IsInbound(rule) ? !inbound : !outbound)] };
        if (inbound) profile = profile with { InboundAccessList = null, InboundEntries = [], DownloadableAccessList = null, DownloadedEntries = [] };
        return outbound ? profile with { OutboundAccessList = null, OutboundEntries = [] } : profile;
    }

    // RFC 6733 4.3.1: action, then direction.
    private static bool IsInbound(string rule) => rule.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries) is [_, "in", ..];

    private static bool HasOutboundFilter(SessionProfile profile) => profile.OutboundAccessList is not null || !profile.OutboundEntries.IsEmpty;

    private static bool HasInboundFilter(SessionProfile profile)
        => profile.InboundAccessList is not null || !profile.InboundEntries.IsEmpty || profile.DownloadableAccessList is not null;
}
