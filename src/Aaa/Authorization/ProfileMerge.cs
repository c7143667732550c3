namespace Headend.Aaa.Authorization;

/// <summary>
/// FlexVPN's merge of authorization data: by default the user's values win over the group's; with override the group's win over the user's. Values that name a thing replace
/// each other; lists of routes, interface commands and split-DNS names add up, the group's first. Class and Chargeable-User-Identity are the authenticating server's alone and
/// come from the user's side.
/// </summary>
public static class ProfileMerge
{
    /// <param name="group">Of the group authorization.</param>
    /// <param name="user">Of the user authorization, explicit or implicit.</param>
    /// <param name="groupOverrides">The profile's `override`.</param>
    public static SessionProfile Merge(SessionProfile group, SessionProfile user, bool groupOverrides = false)
    {
        var (weak, strong) = groupOverrides ? (user, group) : (group, user);
        // Address and choice belong together, as do pool and choice: a fixed address of one side is not to be undone by a pool of the weaker one.
        var address = strong.Ipv4Choice != AddressChoice.Unspecified ? strong : weak;
        // All that one side says of a direction's filter is one filter: parts of two would be neither's.
        var inbound = HasInboundFilter(strong) ? strong : weak;
        var outbound = strong.OutboundAccessList is not null || !strong.OutboundEntries.IsEmpty ? strong : weak;
        return new SessionProfile
        {
            UserName = user.UserName ?? group.UserName,
            Ipv4Choice = address.Ipv4Choice,
            Ipv4Address = address.Ipv4Address,
            Ipv4Netmask = strong.Ipv4Netmask ?? weak.Ipv4Netmask,
            Ipv4Pool = strong.Ipv4Pool ?? weak.Ipv4Pool,
            DhcpServers = strong.DhcpServers.IsEmpty ? weak.DhcpServers : strong.DhcpServers,
            DhcpGiaddr = strong.DhcpGiaddr ?? weak.DhcpGiaddr,
            DhcpTimeout = strong.DhcpTimeout ?? weak.DhcpTimeout,
            Ipv6Address = strong.Ipv6Address ?? weak.Ipv6Address,
            Ipv6Prefix = strong.Ipv6Prefix ?? weak.Ipv6Prefix,
            Ipv6PrefixLength = strong.Ipv6PrefixLength ?? weak.Ipv6PrefixLength,
            Ipv6Pool = strong.Ipv6Pool ?? weak.Ipv6Pool,
            DnsServers = strong.DnsServers.IsEmpty ? weak.DnsServers : strong.DnsServers,
            NbnsServers = strong.NbnsServers.IsEmpty ? weak.NbnsServers : strong.NbnsServers,
            DefaultDomain = strong.DefaultDomain ?? weak.DefaultDomain,
            SplitDns = [.. group.SplitDns.Union(user.SplitDns, StringComparer.OrdinalIgnoreCase)],
            Routes = [.. group.Routes.Union(user.Routes)],
            RouteInterfaces = [.. group.RouteInterfaces.Union(user.RouteInterfaces, StringComparer.Ordinal)],
            RouteAccessLists = [.. group.RouteAccessLists.Union(user.RouteAccessLists)],
            // The same network twice is one route, with the stronger side's distance and tag.
            PeerRoutes = [.. weak.PeerRoutes.Where(route => strong.PeerRoutes.All(other => other.Network != route.Network)), .. strong.PeerRoutes],
            DelegatedIpv6Prefix = strong.DelegatedIpv6Prefix ?? weak.DelegatedIpv6Prefix,
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
            Classes = user.Classes,
            ChargeableUserIdentity = user.ChargeableUserIdentity,
            // The last command of a kind wins on the interface, so the stronger side comes last.
            InterfaceCommands = weak.InterfaceCommands.AddRange(strong.InterfaceCommands),
            InboundAccessList = inbound.InboundAccessList,
            InboundEntries = inbound.InboundEntries,
            DownloadableAccessList = inbound.DownloadableAccessList,
            DownloadedEntries = inbound.DownloadedEntries,
            OutboundAccessList = outbound.OutboundAccessList,
            OutboundEntries = outbound.OutboundEntries,
            FilterRules = strong.FilterRules.IsEmpty ? weak.FilterRules : strong.FilterRules,
            ServicePolicyIn = strong.ServicePolicyIn ?? weak.ServicePolicyIn,
            ServicePolicyOut = strong.ServicePolicyOut ?? weak.ServicePolicyOut,
            RateUp = strong.RateUp ?? weak.RateUp,
            RateDown = strong.RateDown ?? weak.RateDown,
        };
    }

    private static bool HasInboundFilter(SessionProfile profile)
        => profile.InboundAccessList is not null || !profile.InboundEntries.IsEmpty || profile.DownloadableAccessList is not null;
}
