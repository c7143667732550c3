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

    public IPAddress? Ipv6Address { get; init; }

    /// <summary>Framed-IPv6-Prefix: the session's prefix; with Framed-Interface-Id it becomes <see cref="Ipv6Address"/>.</summary>
    public IPNetwork? Ipv6Prefix { get; init; }

    /// <summary>ipsec:prefix-len, 0..128: the 17th octet of INTERNAL_IP6_ADDRESS.</summary>
    public int? Ipv6PrefixLength { get; init; }

    /// <summary>Framed-IPv6-Pool; ipsec:ipv6-addr-pool.</summary>
    public string? Ipv6Pool { get; init; }

    /// <summary>IPv4 and IPv6, in order.</summary>
    public ImmutableArray<IPAddress> DnsServers { get; init; } = [];

    /// <summary>WINS servers (INTERNAL_IP4_NBNS).</summary>
    public ImmutableArray<IPAddress> NbnsServers { get; init; } = [];

    public string? DefaultDomain { get; init; }

    public ImmutableArray<string> SplitDns { get; init; } = [];

    /// <summary>ipsec:route-set=prefix and =remote: subnets that the client reaches through us (INTERNAL_IP4_SUBNET, INTERNAL_IP6_SUBNET).</summary>
    public ImmutableArray<IPNetwork> Routes { get; init; } = [];

    public string? Banner { get; init; }

    /// <summary>Session-Timeout; null for none.</summary>
    public TimeSpan? SessionTimeout { get; init; }

    /// <summary>Idle-Timeout; null for none.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>Acct-Interim-Interval; null for the configuration's.</summary>
    public TimeSpan? InterimInterval { get; init; }

    /// <summary>ipsec:ipsec-flow-limit: CHILD_SAs at once.</summary>
    public int? FlowLimit { get; init; }

    /// <summary>Every Class attribute, octet for octet, to be echoed in accounting (RFC 2865 5.25).</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Classes { get; init; } = [];

    /// <summary>Chargeable-User-Identity (RFC 4372), to be echoed in accounting; empty for none.</summary>
    public ReadOnlyMemory<byte> ChargeableUserIdentity { get; init; }

    /// <summary>ip:interface-config commands for the virtual-access interface, in order.</summary>
    public ImmutableArray<string> InterfaceCommands { get; init; } = [];
}
