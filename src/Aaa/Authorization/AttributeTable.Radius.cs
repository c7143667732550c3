using System.Net;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Authorization;

public static partial class AttributeTable
{
    // What is no address of a client: "this network", loopback, multicast and above.
    private static bool IsHost(uint number) => number >> 24 is not (0 or 127 or >= 224);

    private static AttributeRow[] RadiusRows() =>
    [
        Ietf(RadiusAttributeType.UserName, "text", "the authenticated identity, from here on the user's name") with
        {
            Read = static (d, v) => v.TryGetText(out var name) && d.Set(d.Profile with { UserName = name.Length == 0 ? null : name }),
            Show = static p => One(p.UserName),
        },
        Ietf(RadiusAttributeType.TunnelPassword, "text", "pre-shared key of both sides; read by the pre-shared key authentication, in no profile"),
        Ietf(RadiusAttributeType.FramedIpAddress, "IPv4 address",
            "INTERNAL_IP4_ADDRESS and the host route to the client; 255.255.255.254: from the pool; 255.255.255.255: the client may choose") with
        {
            Read = static (d, v) => ReadFramedAddress(d, v),
            Show = static p => p.Ipv4Choice switch
            {
                AddressChoice.Fixed => [$"{p.Ipv4Address}"],
                AddressChoice.NasChooses => ["255.255.255.254"],
                AddressChoice.ClientMayChoose => ["255.255.255.255"],
                _ => [],
            },
        },
        Ietf(RadiusAttributeType.FramedIpNetmask, "IPv4 mask", "INTERNAL_IP4_NETMASK for clients that ask for it") with
        {
            Read = static (d, v) => ReadNetmask(d, v),
            Show = static p => One(p.Ipv4Netmask?.ToString()),
        },
        Ietf(RadiusAttributeType.FramedPool, "pool name", "IPv4 pool of the client's address") with
        {
            Read = static (d, v) => v.TryGetWord(out var pool) && d.Set(d.Profile with { Ipv4Pool = pool }),
            Show = static p => One(p.Ipv4Pool),
        },
        Ietf(RadiusAttributeType.FramedIpv6Address, "IPv6 address", "INTERNAL_IP6_ADDRESS and the host route to the client") with
        {
            Read = static (d, v) => v.TryGetAddress(16, out var address) && d.Set(d.Profile with { Ipv6Address = address }),
            Show = static p => One(p.Ipv6Address?.ToString()),
        },
        Ietf(RadiusAttributeType.FramedIpv6Prefix, "IPv6 prefix",
            "with Framed-Interface-Id or an address: 17th octet of INTERNAL_IP6_ADDRESS; alone: its first host is the client's address, and the prefix is routed to the client") with
        {
            Read = static (d, v) => v.TryGetIpv6Prefix(out var prefix) && prefix.PrefixLength > 0 && d.Set(d.Profile with { Ipv6Prefix = prefix }),
            Show = static p => One(p.Ipv6Prefix?.ToString()),
        },
        Ietf(RadiusAttributeType.FramedInterfaceId, "8 octets", "with Framed-IPv6-Prefix the client's IPv6 address") with
        {
            Read = static (d, v) => v.TryGetOctets(out var id) && d.SetInterfaceId(id),
        },
        Ietf(RadiusAttributeType.FramedIpv6Pool, "pool name", "IPv6 pool of the client's address; a pool of prefixes gives it a prefix of its own, as Framed-IPv6-Prefix does") with
        {
            Read = static (d, v) => v.TryGetWord(out var pool) && d.Set(d.Profile with { Ipv6Pool = pool }),
            Show = static p => One(p.Ipv6Pool),
        },
        Ietf(RadiusAttributeType.StatefulIpv6AddressPool, "pool name", "as Framed-IPv6-Pool") with
        {
            Read = static (d, v) => v.TryGetWord(out var pool) && d.Set(d.Profile with { Ipv6Pool = pool }),
        },
        Ietf(RadiusAttributeType.FramedRoute, "`PREFIX[/LENGTH] [GATEWAY [METRIC]]`", "network behind the client: kernel route over the session's interface with that metric, and traffic selectors") with
        {
            Read = static (d, v) => v.TryGetText(out var route) && d.AddFramedRoute(route, 4),
        },
        Ietf(RadiusAttributeType.FramedIpv6Route, "`PREFIX/LENGTH [GATEWAY [METRIC]]`", "the same for IPv6") with
        {
            Read = static (d, v) => v.TryGetText(out var route) && d.AddFramedRoute(route, 16),
        },
        Ietf(RadiusAttributeType.DelegatedIpv6Prefix, "IPv6 prefix", "network behind the client: kernel route over the session's interface, and traffic selectors") with
        {
            Read = static (d, v) => v.TryGetIpv6Prefix(out var prefix) && d.SetDelegated(prefix),
            Show = static p => One(p.DelegatedIpv6Prefix?.ToString()),
        },
        Ietf(RadiusAttributeType.DelegatedIpv6PrefixPool, "pool name", "pool of prefixes that the delegated prefix comes from where Delegated-IPv6-Prefix names none") with
        {
            Read = static (d, v) => v.TryGetWord(out var pool) && d.Set(d.Profile with { DelegatedIpv6PrefixPool = pool }),
            Show = static p => One(p.DelegatedIpv6PrefixPool),
        },
        Ietf(RadiusAttributeType.DnsServerIpv6Address, "IPv6 address", "INTERNAL_IP6_DNS; repeatable") with
        {
            Read = static (d, v) => v.TryGetAddress(16, out var server) && d.AddDns(server),
        },
        OfVendor(RadiusVendor.Microsoft, MicrosoftAttribute.PrimaryDnsServer, "IPv4 address", "INTERNAL_IP4_DNS") with
        {
            Read = static (d, v) => v.TryGetAddress(4, out var server) && d.AddDns(server),
        },
        OfVendor(RadiusVendor.Microsoft, MicrosoftAttribute.SecondaryDnsServer, "IPv4 address", "INTERNAL_IP4_DNS") with
        {
            Read = static (d, v) => v.TryGetAddress(4, out var server) && d.AddDns(server),
        },
        OfVendor(RadiusVendor.Microsoft, MicrosoftAttribute.PrimaryNbnsServer, "IPv4 address", "INTERNAL_IP4_NBNS") with
        {
            Read = static (d, v) => v.TryGetAddress(4, out var server) && d.AddNbns(server),
        },
        OfVendor(RadiusVendor.Microsoft, MicrosoftAttribute.SecondaryNbnsServer, "IPv4 address", "INTERNAL_IP4_NBNS") with
        {
            Read = static (d, v) => v.TryGetAddress(4, out var server) && d.AddNbns(server),
        },
        OfVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MppeRecvKey, "key", "first half of the MSK; read by the EAP relay, in no profile"),
        OfVendor(RadiusVendor.Microsoft, MicrosoftAttribute.MppeSendKey, "key", "second half of the MSK; read by the EAP relay, in no profile"),
        Ietf(RadiusAttributeType.SessionTimeout, "seconds", "the session ends after this long; 0 and absent: never; " + Pushed(28704)) with
        {
            Read = static (d, v) => v.TryGetNumber(out var seconds) && d.Set(d.Profile with { SessionTimeout = Seconds(seconds) }),
            Show = static p => One(p.SessionTimeout),
        },
        Ietf(RadiusAttributeType.IdleTimeout, "seconds", "the session ends when no inner packet has passed for this long; 0 and absent: never; " + Pushed(28705)) with
        {
            Read = static (d, v) => v.TryGetNumber(out var seconds) && d.Set(d.Profile with { IdleTimeout = Seconds(seconds) }),
            Show = static p => One(p.IdleTimeout),
        },
        Ietf(RadiusAttributeType.TerminationAction, "`Default` or `RADIUS-Request`",
            "`RADIUS-Request`: the client is told by AUTH_LIFETIME (RFC 4478) to log in again before Session-Timeout ends the session") with
        {
            BadValue = BadValueRule.Ignore,
            Read = static (d, v) => v.TryGetNumber(0, 1, out var action) && d.Set(d.Profile with { TerminationAction = (TerminationAction)action }),
            Show = static p => One(p.TerminationAction switch { TerminationAction.RadiusRequest => "RADIUS-Request", TerminationAction.Default => "Default", _ => null }),
        },
        Ietf(RadiusAttributeType.AcctInterimInterval, "seconds", "time between Interim-Updates, at least 60; 0 and absent: as configured") with
        {
            // RFC 2869 5.16: "The value MUST NOT be smaller than 60."
            Read = static (d, v) => v.TryGetNumber(out var seconds) && d.Set(d.Profile with { InterimInterval = seconds == 0 ? null : Seconds(Math.Max(seconds, 60)) }),
            Show = static p => One(p.InterimInterval),
        },
        Ietf(RadiusAttributeType.PortLimit, "number, 1 and up", "sessions of this user at once") with
        {
            Read = static (d, v) => v.TryGetNumber(1, int.MaxValue, out var limit) && d.Set(d.Profile with { PortLimit = (int)limit }),
            Show = static p => One(p.PortLimit),
        },
        Ietf(RadiusAttributeType.Class, "octets", "echoed octet for octet, all instances, in accounting") with
        {
            Read = static (d, v) => v.TryGetOctets(out var octets) && d.AddClass(octets),
            Show = static p => p.Classes.Select(static c => "0x" + Convert.ToHexStringLower(c.Span)),
        },
        Ietf(RadiusAttributeType.ChargeableUserIdentity, "octets", "echoed in accounting (RFC 4372)") with
        {
            Read = static (d, v) => v.TryGetOctets(out var octets) && d.Set(d.Profile with { ChargeableUserIdentity = octets }),
            Show = static p => p.ChargeableUserIdentity.IsEmpty ? [] : ["0x" + Convert.ToHexStringLower(p.ChargeableUserIdentity.Span)],
        },
        Ietf(RadiusAttributeType.FilterId, "`NAME`, `NAME.in` or `NAME.out`", "access list for what comes from the client (`NAME`, `NAME.in`) or goes to it; " + AccessRule) with
        {
            Read = static (d, v) => v.TryGetWord(out var name) && d.SetFilterId(name),
        },
        Ietf(RadiusAttributeType.NasFilterRule, "IPFilterRule (RFC 4849)", "packet filter, line by line; " + AccessRule) with
        {
            Read = static (d, v) => v.TryGetOctets(out var rule) && d.AddFilterRule(rule),
            Show = static p => p.FilterRules,
        },
        OfVendor(RadiusVendor.CiscoAsa, CiscoAsaAttribute.TunnelGroupLock, "name", "the only group that the user may choose in AnyConnect-EAP with `groups`; who chooses another is refused") with
        {
            Read = static (d, v) => v.TryGetWord(out var group) && d.Set(d.Profile with { GroupLock = group }),
            Show = static p => One(p.GroupLock),
        },
        OfVendor(RadiusVendor.Wispr, 8, "bit/s", "rate to the client; 0: none; " + RateRule) with
        {
            Read = static (d, v) => v.TryGetNumber(out var rate) && d.Set(d.Profile with { RateDown = rate == 0 ? null : new RateLimit(rate) }),
            Show = static p => One(p.RateDown?.ToString()),
        },
        OfVendor(RadiusVendor.Wispr, 7, "bit/s", "rate from the client; 0: none; " + RateRule) with
        {
            Read = static (d, v) => v.TryGetNumber(out var rate) && d.Set(d.Profile with { RateUp = rate == 0 ? null : new RateLimit(rate) }),
            Show = static p => One(p.RateUp?.ToString()),
        },
        OfVendor(RadiusVendor.Mikrotik, 8, "`UP/DOWN [BURST/BURST [THRESHOLD/THRESHOLD [SECONDS/SECONDS]]]` with k, M, G", "rates from and to the client; " + RateRule) with
        {
            Read = static (d, v) => v.TryGetText(out var text) && AttributeParser.TryParseMikrotik(text, out var up, out var down)
                && d.Set(d.Profile with { RateUp = up, RateDown = down }),
        },
    ];

    private static bool ReadFramedAddress(ProfileDraft draft, AttributeValue value)
    {
        if (!value.TryGetAddress(4, out var address)) return false;
        var number = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes());
        return number switch
        {
            0xFFFF_FFFE => draft.Set(draft.Profile with { Ipv4Choice = AddressChoice.NasChooses, Ipv4Address = null }),
            0xFFFF_FFFF => draft.Set(draft.Profile with { Ipv4Choice = AddressChoice.ClientMayChoose, Ipv4Address = null }),
            _ => IsHost(number) && draft.Set(draft.Profile with { Ipv4Choice = AddressChoice.Fixed, Ipv4Address = address }),
        };
    }

    private static bool ReadNetmask(ProfileDraft draft, AttributeValue value)
        => value.TryGetAddress(4, out IPAddress mask) && AttributeParser.TryMaskLength(mask, out _) && draft.Set(draft.Profile with { Ipv4Netmask = mask });
}
