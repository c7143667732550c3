using System.Net;
using Headend.Aaa.Dhcp;

namespace Headend.Aaa.Authorization;

/// <summary>A <see cref="SessionProfile"/> while its attributes are being read: lists that grow to a limit, and what needs two attributes. Members answer false for a bad value.</summary>
internal sealed class ProfileDraft
{
    private const int MaximumRoutes = 256;
    private const int MaximumCommands = 256;
    private const int MaximumServers = 16;
    private const int MaximumEntries = 1024;

    private readonly List<IPAddress> dns = [];
    private readonly List<IPAddress> nbns = [];
    private readonly List<IPAddress> dhcp = [];
    private readonly List<string> splitDns = [];
    private readonly List<string> backupGateways = [];
    private readonly List<IPNetwork> routes = [];
    private readonly List<string> routeInterfaces = [];
    private readonly List<AccessListReference> routeAccessLists = [];
    private readonly List<PeerRoute> peerRoutes = [];
    private readonly List<ReadOnlyMemory<byte>> classes = [];
    private readonly List<(int Line, string Text)> commands = [];
    private readonly List<(int Line, string Text)> inbound = [];
    private readonly List<(int Line, string Text)> outbound = [];
    private readonly List<byte[]> filterRules = [];
    private byte[]? interfaceId;

    public SessionProfile Profile { get; private set; } = SessionProfile.Empty;

    public bool Set(SessionProfile changed)
    {
        Profile = changed;
        return true;
    }

    public bool AddDns(IPAddress server) => Add(dns, server, MaximumServers);

    public bool AddNbns(IPAddress server) => Add(nbns, server, MaximumServers);

    public bool AddDns(string servers, int length) => AddServers(dns, servers, length);

    public bool AddNbns(string servers) => AddServers(nbns, servers, 4);

    public bool AddDhcp(string servers) => AddServers(dhcp, servers, 4) && dhcp.TrueForAll(DhcpCodec.IsHost);

    public bool AddClass(byte[] value)
    {
        classes.Add(value);
        return true;
    }

    public bool AddSplitDns(string names)
    {
        foreach (var word in Words(names))
        {
            if (!AttributeParser.TryParseDomain(word, out var domain) || !Add(splitDns, domain, MaximumServers)) return false;
        }
        return Words(names).Length > 0;
    }

    public bool AddBackupGateways(string names)
    {
        var words = Words(names);
        // All or none: a bad value of this attribute is ignored, not half of it taken.
        if (words.Length == 0 || backupGateways.Count + words.Length > MaximumServers) return false;
        if (!words.All(static word => IPAddress.TryParse(word, out _) || AttributeParser.TryParseDomain(word, out _))) return false;
        backupGateways.AddRange(words);
        return true;
    }

    /// <summary>Every form of route-set.</summary>
    public bool AddRouteSet(string value)
    {
        var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        switch (words)
        {
            case ["interface"]:
                return Add(routeInterfaces, "", MaximumRoutes);
            case ["interface", var name]:
                return Add(routeInterfaces, name, MaximumRoutes);
            case ["access-list", var name] when name != "ipv6":
                return Add(routeAccessLists, new AccessListReference(name, IsIpv6: false), MaximumRoutes);
            case ["access-list", "ipv6", var name]:
                return Add(routeAccessLists, new AccessListReference(name, IsIpv6: true), MaximumRoutes);
            case ["prefix", var prefix]:
                return AttributeParser.TryParseNetwork(prefix, out var network) && Add(routes, network, MaximumRoutes);
            case ["remote", "ipv4", var address, var mask]:
                return AttributeParser.TryParseMasked(address, mask, out network) && Add(routes, network, MaximumRoutes);
            case ["remote", "ipv6", var prefix]:
                return AttributeParser.TryParseNetwork(prefix, out network) && prefix.Contains(':') && Add(routes, network, MaximumRoutes);
            default:
                return AttributeParser.TryParseLocalRoute(words, out var route) && AddPeerRoute(route!);
        }
    }

    public bool AddFramedRoute(string value, int addressLength) => AttributeParser.TryParseFramedRoute(value, addressLength, out var route) && AddPeerRoute(route!);

    /// <summary>False for what can be behind no client: everything, this host, link-local and multicast networks.</summary>
    public bool AddPeerRoute(PeerRoute route) => IsRoutable(route.Network) && Add(peerRoutes, route, MaximumRoutes);

    public bool AddCommand(int line, string command) => command.Length > 0 && Add(commands, (line, command), MaximumCommands);

    /// <summary>ip:inacl and ip:outacl: "permit ..." is an entry; one word without a line number is the name of a list.</summary>
    public bool AddAccess(bool isInbound, int line, string value)
    {
        var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words is [var name] && line < 0) return SetAccessList(isInbound, name);
        return IsEntry(value) && Add(isInbound ? inbound : outbound, (line, value), MaximumEntries);
    }

    /// <summary>Filter-Id: NAME and NAME.in are for what comes from the client, NAME.out for what goes to it.</summary>
    public bool SetFilterId(string value)
    {
        if (value.EndsWith(".out", StringComparison.OrdinalIgnoreCase)) return SetAccessList(isInbound: false, value[..^4]);
        return SetAccessList(isInbound: true, value.EndsWith(".in", StringComparison.OrdinalIgnoreCase) ? value[..^3] : value);
    }

    public bool AddFilterRule(byte[] octets) => octets.Length > 0 && Add(filterRules, octets, MaximumEntries);

    public bool SetDownloadable(string name)
    {
        // The version stands behind the last dash: without it, a changed list could not be told from the cached one.
        if (!name.StartsWith("#ACSACL#-", StringComparison.Ordinal) || name.Length < 12) return false;
        return (Profile.DownloadableAccessList is null || Profile.DownloadableAccessList == name) && Set(Profile with { DownloadableAccessList = name });
    }

    public bool SetDelegated(IPNetwork prefix) => IsRoutable(prefix) && Set(Profile with { DelegatedIpv6Prefix = prefix });

    public bool SetInterfaceId(byte[] octets)
    {
        interfaceId = octets;
        return octets.Length == 8;
    }

    /// <summary>False with an error that names the attribute.</summary>
    public bool TryFinish(out SessionProfile result, out string error)
    {
        result = SessionProfile.Empty;
        error = "";
        if (!TryFinishIpv6(ref error)) return false;
        if (!TryReadFilterRules(out var rules))
        {
            error = "NAS-Filter-Rule has a bad value";
            return false;
        }
        result = Profile with
        {
            DnsServers = [.. dns],
            NbnsServers = [.. nbns],
            DhcpServers = [.. dhcp],
            SplitDns = [.. splitDns],
            BackupGateways = [.. backupGateways],
            Routes = [.. routes],
            RouteInterfaces = [.. routeInterfaces],
            RouteAccessLists = [.. routeAccessLists],
            PeerRoutes = [.. peerRoutes],
            Classes = [.. classes],
            InterfaceCommands = [.. InOrder(commands)],
            InboundEntries = [.. InOrder(inbound)],
            OutboundEntries = [.. InOrder(outbound)],
            FilterRules = [.. rules],
        };
        return true;
    }

    /// <summary>A line of an access list: permit, deny or remark and something behind it.</summary>
    internal static bool IsEntry(string line)
    {
        var words = line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 2 && words[0].ToLowerInvariant() is "permit" or "deny" or "remark";
    }

    private bool SetAccessList(bool isInbound, string name)
    {
        if (name.Length == 0 || name.Contains(' ')) return false;
        var earlier = isInbound ? Profile.InboundAccessList : Profile.OutboundAccessList;
        // Two lists for one direction: whichever is dropped, the session has less filtering than was asked for.
        if (earlier is not null && earlier != name) return false;
        return Set(isInbound ? Profile with { InboundAccessList = name } : Profile with { OutboundAccessList = name });
    }

    // Framed-Interface-Id completes Framed-IPv6-Prefix (RFC 3162 2.2); alone, the prefix is the user's: its first host is the client's address.
    private bool TryFinishIpv6(ref string error)
    {
        if (interfaceId is not null && Profile.Ipv6Address is null)
        {
            if (Profile.Ipv6Prefix is not { PrefixLength: <= 64 } prefix)
            {
                error = "Framed-Interface-Id needs a Framed-IPv6-Prefix of at most 64 bits";
                return false;
            }
            var octets = prefix.BaseAddress.GetAddressBytes();
            interfaceId.CopyTo(octets, 8);
            Profile = Profile with { Ipv6Address = new IPAddress(octets), Ipv6PrefixLength = Profile.Ipv6PrefixLength ?? prefix.PrefixLength };
        }
        else if (Profile is { Ipv6Prefix: { } own, Ipv6Address: null })
        {
            var octets = own.BaseAddress.GetAddressBytes();
            if (own.PrefixLength < 128) octets[15] |= 1;
            Profile = Profile with { Ipv6Address = new IPAddress(octets), Ipv6PrefixLength = Profile.Ipv6PrefixLength ?? own.PrefixLength };
            if (own.PrefixLength < 128 && !AddPeerRoute(new PeerRoute(own)))
            {
                error = "Framed-IPv6-Prefix has a bad value";
                return false;
            }
        }
        else if (Profile is { Ipv6Prefix: { } around, Ipv6Address: { } address, Ipv6PrefixLength: null } && around.Contains(address))
        {
            Profile = Profile with { Ipv6PrefixLength = around.PrefixLength };
        }
        return true;
    }

    // RFC 4849 2: rules are separated by NUL and may go on from one attribute to the next. Servers that send no NUL at all send one rule in each attribute.
    private bool TryReadFilterRules(out List<string> rules)
    {
        rules = [];
        var separated = filterRules.Exists(static octets => octets.Contains((byte)0));
        var parts = separated ? [.. filterRules.SelectMany(static octets => octets)] : Array.Empty<byte>();
        List<byte[]> whole = [];
        if (!separated)
        {
            whole = filterRules;
        }
        else
        {
            var rest = parts.AsSpan();
            while (!rest.IsEmpty)
            {
                var end = rest.IndexOf((byte)0);
                var rule = end < 0 ? rest : rest[..end];
                if (!rule.IsEmpty) whole.Add(rule.ToArray());
                rest = end < 0 ? [] : rest[(end + 1)..];
            }
        }
        foreach (var octets in whole)
        {
            if (!Radius.RadiusText.TryDecode(octets, out var rule) || rule.Split(' ')[0] is not ("permit" or "deny" or "flush")) return false;
            rules.Add(rule);
        }
        return true;
    }

    private static bool IsRoutable(IPNetwork network)
    {
        var octets = network.BaseAddress.GetAddressBytes();
        if (network.PrefixLength == 0) return false;
        return octets.Length == 4
            ? octets[0] is not (0 or 127 or >= 224) && !(octets[0] == 169 && octets[1] == 254)
            : octets[0] != 0xFF && !(octets[0] == 0xFE && (octets[1] & 0xC0) == 0x80) && !(octets.AsSpan(0, 15).IndexOfAnyExcept((byte)0) < 0);
    }

    // Lines with numbers come in the order of their numbers, behind those without; OrderBy is stable.
    private static IEnumerable<string> InOrder(List<(int Line, string Text)> lines) => lines.OrderBy(static entry => entry.Line).Select(static entry => entry.Text);

    private static bool AddServers(List<IPAddress> list, string value, int length)
    {
        var words = Words(value);
        foreach (var word in words)
        {
            if (!AttributeParser.TryParseAddress(word, length, out var address) || !Add(list, address, MaximumServers)) return false;
        }
        return words.Length > 0;
    }

    private static string[] Words(string value) => value.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries);

    private static bool Add<T>(List<T> list, T item, int maximum)
    {
        if (list.Count >= maximum) return false;
        list.Add(item);
        return true;
    }
}
