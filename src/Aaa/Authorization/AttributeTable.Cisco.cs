using Headend.Aaa.Dhcp;

namespace Headend.Aaa.Authorization;

public static partial class AttributeTable
{
    private const string AccessRule = "replaced by a CoA that names that direction";
    private const string PolicyRule = "takes the place of the template's; one that is not there refuses the login";
    private const string RateRule = "dropped above it; with a service-policy a shaper around that";

    private static AttributeRow[] PairRows() =>
    [
        Pair("ipsec:tunnel-password", "text", "pre-shared key of both sides; read by the pre-shared key authentication, in no profile"),
        Pair("ipsec:ikev2-password-local", "text", "pre-shared key that we prove; read by the pre-shared key authentication, in no profile"),
        Pair("ipsec:ikev2-password-remote", "text", "pre-shared key that the client proves; read by the pre-shared key authentication, in no profile"),
        Pair("ipsec:addr-pool", "pool name", "as Framed-Pool") with
        {
            Read = static (d, v) => v.TryGetWord(out var pool) && d.Set(d.Profile with { Ipv4Pool = pool }),
        },
        Pair("ipsec:ipv6-addr-pool", "pool name", "as Framed-IPv6-Pool") with
        {
            Read = static (d, v) => v.TryGetWord(out var pool) && d.Set(d.Profile with { Ipv6Pool = pool }),
        },
        Pair("ipsec:netmask", "IPv4 mask", "as Framed-IP-Netmask") with { Read = static (d, v) => ReadNetmask(d, v) },
        Pair("ipsec:addrv6", "IPv6 address", "as Framed-IPv6-Address") with
        {
            Read = static (d, v) => v.TryGetAddress(16, out var address) && d.Set(d.Profile with { Ipv6Address = address }),
        },
        Pair("ipsec:prefix-len", "0..128", "17th octet of INTERNAL_IP6_ADDRESS") with
        {
            Read = static (d, v) => v.TryGetNumber(0, 128, out var length) && d.Set(d.Profile with { Ipv6PrefixLength = (int)length }),
            Show = static p => One(p.Ipv6PrefixLength),
        },
        Pair("ipsec:group-dhcp-server", "IPv4 addresses", "the client's IPv4 address is leased from a DHCP server") with
        {
            Read = static (d, v) => v.TryGetText(out var servers) && d.AddDhcp(servers),
            Show = static p => Many(p.DhcpServers),
        },
        Pair("ipsec:dhcp-giaddr", "IPv4 address", "giaddr of the DHCP requests") with
        {
            Read = static (d, v) => v.TryGetAddress(4, out var address) && DhcpCodec.IsHost(address) && d.Set(d.Profile with { DhcpGiaddr = address }),
            Show = static p => One(p.DhcpGiaddr?.ToString()),
        },
        Pair("ipsec:dhcp-timeout", "seconds, 1..3600", "how long an answer of the DHCP server is waited for") with
        {
            Read = static (d, v) => v.TryGetNumber(1, 3600, out var seconds) && d.Set(d.Profile with { DhcpTimeout = TimeSpan.FromSeconds(seconds) }),
            Show = static p => One(p.DhcpTimeout),
        },
        Pair("ipsec:dns-servers", "IPv4 addresses", "INTERNAL_IP4_DNS, in order") with
        {
            Read = static (d, v) => v.TryGetText(out var servers) && d.AddDns(servers, 4),
            Show = static p => Many(p.DnsServers.Where(static s => s.GetAddressBytes().Length == 4)),
        },
        Pair("ipsec:ipv6-dns-servers-addr", "IPv6 addresses", "INTERNAL_IP6_DNS, in order") with
        {
            Read = static (d, v) => v.TryGetText(out var servers) && d.AddDns(servers, 16),
            Show = static p => Many(p.DnsServers.Where(static s => s.GetAddressBytes().Length == 16)),
        },
        Pair("ipsec:wins-servers", "IPv4 addresses", "INTERNAL_IP4_NBNS, in order") with
        {
            Read = static (d, v) => v.TryGetText(out var servers) && d.AddNbns(servers),
            Show = static p => Many(p.NbnsServers),
        },
        Pair("ipsec:route-set",
            "`interface [NAME]`, `prefix P/L`, `remote ipv4 ADDR MASK`, `remote ipv6 P/L`, `access-list [ipv6] NAME`, `local ipv4 ADDR MASK [[next-hop] ADDR] [tag:T] [distance:D]`, `local ipv6 P/L ...`",
            "`local`: network behind the client: kernel route over the session's interface (distance as metric, an IPv4 tag of 1..255 as realm), and traffic selectors; "
            + "the others: INTERNAL_IP4_SUBNET and INTERNAL_IP6_SUBNET; IPv4 networks of these: " + Pushed(28676) + "; repeatable") with
        {
            Read = static (d, v) => v.TryGetText(out var text) && d.AddRouteSet(text),
            Show = static p =>
            [
                .. p.Routes.Select(static r => $"prefix {r}"),
                .. p.RouteInterfaces.Select(static name => name.Length == 0 ? "interface" : $"interface {name}"),
                .. p.RouteAccessLists.Select(static list => list.IsIpv6 ? $"access-list ipv6 {list.Name}" : $"access-list {list.Name}"),
                .. p.PeerRoutes.Select(static r => $"local {r}"),
            ],
        },
        Pair("ipsec:route-accept", "`any [tag:T] [distance:D]`", "routes that the client announces (its own selectors, INTERNAL_IP*_SUBNET in CFG_SET) are installed, with that tag and distance") with
        {
            Read = static (d, v) => v.TryGetText(out var text) && AttributeParser.TryParseAcceptance(text, out var acceptance) && d.Set(d.Profile with { RouteAcceptance = acceptance }),
            Show = static p => One(p.RouteAcceptance is { } a ? $"any{(a.Tag is null ? "" : $" tag:{a.Tag}")}{(a.Distance is null ? "" : $" distance:{a.Distance}")}" : null),
        },
        Pair("ip:interface-config", "one interface command", "applied to the session's virtual-access interface; repeatable, in order") with
        {
            Read = static (d, v) => v.TryGetText(out var command) && d.AddCommand(v.Line, command),
            Show = static p => p.InterfaceCommands,
        },
        Pair("ipsec:ipsec-flow-limit", "number, 1 and up", "CHILD_SAs at once; a further one gets NO_ADDITIONAL_SAS") with
        {
            Read = static (d, v) => v.TryGetNumber(1, int.MaxValue, out var limit) && d.Set(d.Profile with { FlowLimit = (int)limit }),
            Show = static p => One(p.FlowLimit),
        },
        Pair("ip:inacl", "`#n=ACE`, or the name of a list", "packet filter for what comes from the client; " + AccessRule) with
        {
            Read = static (d, v) => v.TryGetText(out var text) && d.AddAccess(isInbound: true, v.Line, text),
            Show = static p => [.. One(p.InboundAccessList), .. p.InboundEntries],
        },
        Pair("ip:outacl", "`#n=ACE`, or the name of a list", "packet filter for what goes to the client; " + AccessRule) with
        {
            Read = static (d, v) => v.TryGetText(out var text) && d.AddAccess(isInbound: false, v.Line, text),
            Show = static p => [.. One(p.OutboundAccessList), .. p.OutboundEntries],
        },
        Pair("ACS:CiscoSecure-Defined-ACL", "`#ACSACL#-NAME-VERSION`", "fetched by a second Access-Request and kept by name and version; a list that cannot be fetched refuses the login; " + AccessRule) with
        {
            Read = static (d, v) => v.TryGetText(out var name) && d.SetDownloadable(name),
            Show = static p => [.. One(p.DownloadableAccessList), .. p.DownloadedEntries],
        },
        Pair("ip:sub-qos-policy-in", "name of a policy", "service-policy for what comes from the client; " + PolicyRule) with
        {
            Read = static (d, v) => v.TryGetWord(out var name) && d.Set(d.Profile with { ServicePolicyIn = name }),
            Show = static p => One(p.ServicePolicyIn),
        },
        Pair("ip:sub-qos-policy-out", "name of a policy", "service-policy for what goes to the client; " + PolicyRule) with
        {
            Read = static (d, v) => v.TryGetWord(out var name) && d.Set(d.Profile with { ServicePolicyOut = name }),
            Show = static p => One(p.ServicePolicyOut),
        },
        Pair("ip:sub-policy-in", "name of a policy", "as ip:sub-qos-policy-in") with
        {
            Read = static (d, v) => v.TryGetWord(out var name) && d.Set(d.Profile with { ServicePolicyIn = name }),
        },
        Pair("ip:sub-policy-out", "name of a policy", "as ip:sub-qos-policy-out") with
        {
            Read = static (d, v) => v.TryGetWord(out var name) && d.Set(d.Profile with { ServicePolicyOut = name }),
        },
        Pair("ipsec:session-timeout", "seconds", "as Session-Timeout") with
        {
            Read = static (d, v) => v.TryGetNumber(out var seconds) && d.Set(d.Profile with { SessionTimeout = Seconds(seconds) }),
        },
        Pair("ipsec:idle-timeout", "seconds", "as Idle-Timeout") with
        {
            Read = static (d, v) => v.TryGetNumber(out var seconds) && d.Set(d.Profile with { IdleTimeout = Seconds(seconds) }),
        },
    ];

    // INTERNAL_DNS_DOMAIN is for every client; the rest are configuration attributes of Cisco's, with the numbers that a profile's cisco-attributes have built in.
    private static AttributeRow[] CiscoClientRows() =>
    [
        Pair("ipsec:default-domain", "domain", "INTERNAL_DNS_DOMAIN for clients that ask for it and get a DNS server; " + Pushed(28674)) with
        {
            Read = static (d, v) => v.TryGetText(out var text) && AttributeParser.TryParseDomain(text, out var domain) && d.Set(d.Profile with { DefaultDomain = domain }),
            Show = static p => One(p.DefaultDomain),
        },
        Pair("ipsec:split-dns", "domains", "INTERNAL_DNS_DOMAIN, one each, for clients that ask for it and get a DNS server; " + Pushed(28675) + "; repeatable") with
        {
            Read = static (d, v) => v.TryGetText(out var names) && d.AddSplitDns(names),
            Show = static p => p.SplitDns,
        },
        Cisco("ipsec:banner", "text", Pushed(28672), static (d, v) => v.TryGetText(out var text) && d.Set(d.Profile with { Banner = text }), static p => One(p.Banner)),
        Cisco("ipsec:ipsec-backup-gateway", "names or addresses", Pushed(28681), static (d, v) => v.TryGetText(out var names) && d.AddBackupGateways(names), static p => p.BackupGateways),
        Cisco("ipsec:backup-gateway", "names or addresses", "as ipsec:ipsec-backup-gateway", static (d, v) => v.TryGetText(out var names) && d.AddBackupGateways(names), null),
        Cisco("ipsec:pfs", Switch, Pushed(28679), static (d, v) => ReadSwitch(v, out var on) && d.Set(d.Profile with { Pfs = on }), static p => One(p.Pfs)),
        Cisco("ipsec:include-local-lan", Switch, PushedByEntry("include-local-lan"), static (d, v) => ReadSwitch(v, out var on) && d.Set(d.Profile with { IncludeLocalLan = on }), static p => One(p.IncludeLocalLan)),
        Cisco("ipsec:smartcard-removal-disconnect", Switch, Pushed(28684),
            static (d, v) => ReadSwitch(v, out var on) && d.Set(d.Profile with { SmartcardRemovalDisconnect = on }), static p => One(p.SmartcardRemovalDisconnect)),
        Cisco("ipsec:configuration-url", "URL", PushedByEntry("configuration-url"), static (d, v) => v.TryGetWord(out var url) && d.Set(d.Profile with { ConfigurationUrl = url }), static p => One(p.ConfigurationUrl)),
        Cisco("ipsec:configuration-version", "number", PushedByEntry("configuration-version"), static (d, v) => v.TryGetNumber(out var number) && d.Set(d.Profile with { ConfigurationVersion = number }), static p => One(p.ConfigurationVersion)),
    ];

    private const string Switch = "`1` or `0`";

    private static string Pushed(int number) => $"configuration attribute {number} for Cisco clients that ask for it";

    private static string PushedByEntry(string source) => $"for Cisco clients that ask for it, as the configuration attribute that `cisco-attributes` gives `source: {source}`; no number is built in";

    private static AttributeRow Cisco(string name, string form, string effect, Func<ProfileDraft, AttributeValue, bool> read, Func<SessionProfile, IEnumerable<string>>? show)
        => Pair(name, form, effect) with { BadValue = BadValueRule.Ignore, Read = read, Show = show };

    private static bool ReadSwitch(AttributeValue value, out bool on)
    {
        on = false;
        return value.TryGetText(out var text) && AttributeParser.TryParseSwitch(text, out on);
    }
}
