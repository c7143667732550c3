using System.Collections.Immutable;
using System.Net;

namespace Headend.Aaa.Authorization;

/// <summary>How the client's IPv4 address comes about (RFC 2865 5.8).</summary>
public enum AddressChoice
{
    /// <summary>Nothing was said: the profile's pool.</summary>
    Unspecified,

    /// <summary>Framed-IP-Address names it.</summary>
    Fixed,

    /// <summary>255.255.255.254: "the NAS should select an address for the user", from a pool.</summary>
    NasChooses,

    /// <summary>255.255.255.255: "the NAS should allow the user to select an address".</summary>
    ClientMayChoose,
}

/// <summary>
/// What a session may have and gets: the typed content of an Access-Accept, a local authorization policy, or their merge. Null and empty mean "not said".
/// Immutable.
/// </summary>
public sealed record SessionProfile
{
    public static SessionProfile Empty { get; } = new();

    /// <summary>User-Name of the Access-Accept: the authenticated identity.</summary>
    public string? UserName { get; init; }

    public AddressChoice Ipv4Choice { get; init; }

    /// <summary>Set exactly when <see cref="Ipv4Choice"/> is <see cref="AddressChoice.Fixed"/>.</summary>
    public IPAddress? Ipv4Address { get; init; }

    public IPAddress? Ipv4Netmask { get; init; }

    /// <summary>Framed-Pool; ipsec:addr-pool.</summary>
    public string? Ipv4Pool { get; init; }

    /// <summary>ipsec:group-dhcp-server: the IPv4 address is leased from these, in order, instead of from a pool.</summary>
    public ImmutableArray<IPAddress> DhcpServers { get; init; } = [];

    /// <summary>ipsec:dhcp-giaddr: source and relay address towards the DHCP server.</summary>
    public IPAddress? DhcpGiaddr { get; init; }

    /// <summary>ipsec:dhcp-timeout; null for the configuration's.</summary>
    public TimeSpan? DhcpTimeout { get; init; }

    public IPAddress? Ipv6Address { get; init; }

    /// <summary>Framed-IPv6-Prefix: the session's prefix; with Framed-Interface-Id it becomes <see cref="Ipv6Address"/>.</summary>
    public IPNetwork? Ipv6Prefix { get; init; }

    /// <summary>ipsec:prefix-len, 0..128: the 17th octet of INTERNAL_IP6_ADDRESS.</summary>
    public int? Ipv6PrefixLength { get; init; }

    /// <summary>
    /// Framed-IPv6-Pool, Stateful-IPv6-Address-Pool (172, RFC 6911), ipsec:ipv6-addr-pool. A pool of prefixes gives the session one of its own, as Framed-IPv6-Prefix does.
    /// </summary>
    public string? Ipv6Pool { get; init; }

    /// <summary>IPv4 and IPv6, in order.</summary>
    public ImmutableArray<IPAddress> DnsServers { get; init; } = [];

    /// <summary>WINS servers (INTERNAL_IP4_NBNS).</summary>
    public ImmutableArray<IPAddress> NbnsServers { get; init; } = [];

    public string? DefaultDomain { get; init; }

    public ImmutableArray<string> SplitDns { get; init; } = [];

    /// <summary>ipsec:route-set=prefix and =remote: subnets that the client reaches through us (INTERNAL_IP4_SUBNET, INTERNAL_IP6_SUBNET).</summary>
    public ImmutableArray<IPNetwork> Routes { get; init; } = [];

    /// <summary>ipsec:route-set=interface: the subnets of these interfaces' addresses are added to <see cref="Routes"/>; empty text is the session's own interface.</summary>
    public ImmutableArray<string> RouteInterfaces { get; init; } = [];

    /// <summary>ipsec:route-set=access-list: the subnets of these lists are added to <see cref="Routes"/>.</summary>
    public ImmutableArray<AccessListReference> RouteAccessLists { get; init; } = [];

    /// <summary>Networks behind the client: ipsec:route-set=local, Framed-Route, Framed-IPv6-Route, Framed-IPv6-Prefix.</summary>
    public ImmutableArray<PeerRoute> PeerRoutes { get; init; } = [];

    /// <summary>Delegated-IPv6-Prefix (RFC 4818), routed to the client like <see cref="PeerRoutes"/>.</summary>
    public IPNetwork? DelegatedIpv6Prefix { get; init; }

    /// <summary>Delegated-IPv6-Prefix-Pool (171, RFC 6911): the delegated prefix comes from this pool where <see cref="DelegatedIpv6Prefix"/> names none.</summary>
    public string? DelegatedIpv6PrefixPool { get; init; }

    /// <summary>True where <see cref="Ipv6Prefix"/> is this session's alone and routed to it; with a Framed-Interface-Id or an address it is a link that others share.</summary>
    public bool OwnsIpv6Prefix => Ipv6Prefix is { } prefix && PeerRoutes.Any(route => route.Network == prefix);

    /// <summary>ipsec:route-accept=any; null accepts none.</summary>
    public RouteAcceptance? RouteAcceptance { get; init; }

    /// <summary>For Cisco clients, like all down to <see cref="ConfigurationVersion"/>.</summary>
    public string? Banner { get; init; }

    /// <summary>ipsec:ipsec-backup-gateway, ipsec:backup-gateway: names or addresses, in order.</summary>
    public ImmutableArray<string> BackupGateways { get; init; } = [];

    public bool? Pfs { get; init; }

    public bool? IncludeLocalLan { get; init; }

    public bool? SmartcardRemovalDisconnect { get; init; }

    public string? ConfigurationUrl { get; init; }

    public uint? ConfigurationVersion { get; init; }

    /// <summary>Session-Timeout; null for none.</summary>
    public TimeSpan? SessionTimeout { get; init; }

    /// <summary>Idle-Timeout; null for none.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>What <see cref="SessionTimeout"/> leads to; null for <see cref="TerminationAction.Default"/>.</summary>
    public TerminationAction? TerminationAction { get; init; }

    /// <summary>Acct-Interim-Interval; null for the configuration's.</summary>
    public TimeSpan? InterimInterval { get; init; }

    /// <summary>ipsec:ipsec-flow-limit: CHILD_SAs at once.</summary>
    public int? FlowLimit { get; init; }

    /// <summary>Port-Limit: sessions of this user at once, 1 and up; null for the configuration's.</summary>
    public int? PortLimit { get; init; }

    /// <summary>ASA-Tunnel-Group-Lock: the only group of AnyConnect-EAP that this user may choose.</summary>
    public string? GroupLock { get; init; }

    /// <summary>Every Class attribute, octet for octet, to be echoed in accounting (RFC 2865 5.25).</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Classes { get; init; } = [];

    /// <summary>Chargeable-User-Identity (RFC 4372), to be echoed in accounting; empty for none.</summary>
    public ReadOnlyMemory<byte> ChargeableUserIdentity { get; init; }

    /// <summary>ip:interface-config commands for the virtual-access interface, in order.</summary>
    public ImmutableArray<string> InterfaceCommands { get; init; } = [];

    /// <summary>ip:inacl=NAME, Filter-Id NAME or NAME.in: a configured access list for what comes from the client.</summary>
    public string? InboundAccessList { get; init; }

    /// <summary>ip:outacl=NAME, Filter-Id NAME.out: a configured access list for what goes to the client.</summary>
    public string? OutboundAccessList { get; init; }

    /// <summary>ip:inacl#n=ACE: a template list, line by line, for what comes from the client.</summary>
    public ImmutableArray<string> InboundEntries { get; init; } = [];

    /// <summary>ip:outacl#n=ACE: a template list, line by line, for what goes to the client.</summary>
    public ImmutableArray<string> OutboundEntries { get; init; } = [];

    /// <summary>NAS-Filter-Rule (RFC 4849): IPFilterRules in order, each with its own direction.</summary>
    public ImmutableArray<string> FilterRules { get; init; } = [];

    /// <summary>ACS:CiscoSecure-Defined-ACL: name and version of a downloadable list, "#ACSACL#-...".</summary>
    public string? DownloadableAccessList { get; init; }

    /// <summary>The lines of <see cref="DownloadableAccessList"/>, for what comes from the client; empty until they have been fetched.</summary>
    public ImmutableArray<string> DownloadedEntries { get; init; } = [];

    /// <summary>ip:sub-policy-in, ip:sub-qos-policy-in: QoS policy for what comes from the client.</summary>
    public string? ServicePolicyIn { get; init; }

    /// <summary>ip:sub-policy-out, ip:sub-qos-policy-out: QoS policy for what goes to the client.</summary>
    public string? ServicePolicyOut { get; init; }

    /// <summary>WISPr-Bandwidth-Max-Up, the first rate of Mikrotik-Rate-Limit: from the client.</summary>
    public RateLimit? RateUp { get; init; }

    /// <summary>WISPr-Bandwidth-Max-Down, the second rate of Mikrotik-Rate-Limit: to the client.</summary>
    public RateLimit? RateDown { get; init; }
}
