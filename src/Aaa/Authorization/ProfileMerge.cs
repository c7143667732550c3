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
        return new SessionProfile
        {
            UserName = user.UserName ?? group.UserName,
            Ipv4Choice = address.Ipv4Choice,
            Ipv4Address = address.Ipv4Address,
            Ipv4Netmask = strong.Ipv4Netmask ?? weak.Ipv4Netmask,
            Ipv4Pool = strong.Ipv4Pool ?? weak.Ipv4Pool,
            Ipv6Address = strong.Ipv6Address ?? weak.Ipv6Address,
            Ipv6Prefix = strong.Ipv6Prefix ?? weak.Ipv6Prefix,
            Ipv6PrefixLength = strong.Ipv6PrefixLength ?? weak.Ipv6PrefixLength,
            Ipv6Pool = strong.Ipv6Pool ?? weak.Ipv6Pool,
            DnsServers = strong.DnsServers.IsEmpty ? weak.DnsServers : strong.DnsServers,
            NbnsServers = strong.NbnsServers.IsEmpty ? weak.NbnsServers : strong.NbnsServers,
            DefaultDomain = strong.DefaultDomain ?? weak.DefaultDomain,
            SplitDns = [.. group.SplitDns.Union(user.SplitDns, StringComparer.OrdinalIgnoreCase)],
            Routes = [.. group.Routes.Union(user.Routes)],
            Banner = strong.Banner ?? weak.Banner,
            SessionTimeout = strong.SessionTimeout ?? weak.SessionTimeout,
            IdleTimeout = strong.IdleTimeout ?? weak.IdleTimeout,
            InterimInterval = strong.InterimInterval ?? weak.InterimInterval,
            FlowLimit = strong.FlowLimit ?? weak.FlowLimit,
            Classes = user.Classes,
            ChargeableUserIdentity = user.ChargeableUserIdentity,
            // The last command of a kind wins on the interface, so the stronger side comes last.
            InterfaceCommands = weak.InterfaceCommands.AddRange(strong.InterfaceCommands),
        };
    }
}
