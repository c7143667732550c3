using System.Net;
using System.Text;
using Headend.Aaa.Authorization;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Authorization;

/// <summary>Every row of the table, from RADIUS octets and from the text of an attribute list, to what the profile then says.</summary>
public sealed class AttributeTableTests : IProfileObserver
{
    // What no profile holds: the authentication reads it.
    private static readonly string[] Keys =
        ["Tunnel-Password", "MS-MPPE-Recv-Key", "MS-MPPE-Send-Key", "ipsec:tunnel-password", "ipsec:ikev2-password-local", "ipsec:ikev2-password-remote"];

    private readonly List<string> ignored = [];
    private readonly List<string> unknown = [];

    void IProfileObserver.UnknownPair(string name) => unknown.Add(name);

    void IProfileObserver.IgnoredValue(string name, string value) => ignored.Add($"{name}={value}");

    void IProfileObserver.UnknownAttribute(RadiusVendor vendor, byte type) => unknown.Add($"{vendor.Value}/{type}");

    /// <summary>Attribute, octets for RADIUS (pairs: null), text for a list, what the profile shows.</summary>
    public static TheoryData<string, byte[]?, string, string> Examples
    {
        get
        {
            var data = new TheoryData<string, byte[]?, string, string>();
            foreach (var (name, octets, text, shown) in All) data.Add(name, octets, text, shown);
            return data;
        }
    }

    private static IEnumerable<(string Name, byte[]? Octets, string Text, string Shown)> All
    {
        get
        {
            yield return ("User-Name", Text("alice"), "alice", "User-Name=alice");
            yield return ("Framed-IP-Address", [10, 99, 0, 7], "10.99.0.7", "Framed-IP-Address=10.99.0.7");
            yield return ("Framed-IP-Address", [255, 255, 255, 254], "255.255.255.254", "Framed-IP-Address=255.255.255.254");
            yield return ("Framed-IP-Address", [255, 255, 255, 255], "255.255.255.255", "Framed-IP-Address=255.255.255.255");
            yield return ("Framed-IP-Netmask", [255, 255, 0, 0], "255.255.0.0", "Framed-IP-Netmask=255.255.0.0");
            yield return ("Framed-Pool", Text("p4"), "p4", "Framed-Pool=p4");
            yield return ("Framed-IPv6-Address", Six("2001:db8::7"), "2001:db8::7", "Framed-IPv6-Address=2001:db8::7");
            yield return ("Framed-IPv6-Prefix", Prefix("2001:db8:7::", 64), "2001:db8:7::/64",
                "Framed-IPv6-Address=2001:db8:7::1 Framed-IPv6-Prefix=2001:db8:7::/64 ipsec:prefix-len=64 ipsec:route-set=local 2001:db8:7::/64");
            yield return ("Framed-IPv6-Pool", Text("p6"), "p6", "Framed-IPv6-Pool=p6");
            yield return ("Stateful-IPv6-Address-Pool", Text("p6"), "p6", "Framed-IPv6-Pool=p6");
            yield return ("Delegated-IPv6-Prefix-Pool", Text("pd"), "pd", "Delegated-IPv6-Prefix-Pool=pd");
            yield return ("Framed-Route", Text("10.20.0.0/16 10.99.0.7 5"), "10.20.0.0/16 10.99.0.7 5", "ipsec:route-set=local 10.20.0.0/16 via 10.99.0.7 distance 5");
            yield return ("Framed-Route", Text("172.16.5.1 0.0.0.0 1 2 -1 3 400"), "172.16.5.1 0.0.0.0 1 2 -1 3 400", "ipsec:route-set=local 172.16.0.0/16 distance 1");
            yield return ("Framed-Route", Text("192.168.7.0/24"), "192.168.7.0/24", "ipsec:route-set=local 192.168.7.0/24");
            yield return ("Framed-IPv6-Route", Text("2001:db8:aa::/48 :: 1"), "2001:db8:aa::/48 :: 1", "ipsec:route-set=local 2001:db8:aa::/48 distance 1");
            yield return ("Delegated-IPv6-Prefix", Prefix("2001:db8:bb::", 56), "2001:db8:bb::/56", "Delegated-IPv6-Prefix=2001:db8:bb::/56");
            yield return ("DNS-Server-IPv6-Address", Six("2001:db8::53"), "2001:db8::53", "ipsec:ipv6-dns-servers-addr=2001:db8::53");
            yield return ("MS-Primary-DNS-Server", [10, 10, 0, 53], "10.10.0.53", "ipsec:dns-servers=10.10.0.53");
            yield return ("MS-Secondary-DNS-Server", [10, 10, 0, 54], "10.10.0.54", "ipsec:dns-servers=10.10.0.54");
            yield return ("MS-Primary-NBNS-Server", [10, 10, 0, 55], "10.10.0.55", "ipsec:wins-servers=10.10.0.55");
            yield return ("MS-Secondary-NBNS-Server", [10, 10, 0, 56], "10.10.0.56", "ipsec:wins-servers=10.10.0.56");
            yield return ("Session-Timeout", [0, 0, 14, 16], "3600", "Session-Timeout=3600 s");
            yield return ("Session-Timeout", [0, 0, 0, 0], "0", "");
            yield return ("Idle-Timeout", [0, 0, 2, 88], "600", "Idle-Timeout=600 s");
            yield return ("Termination-Action", [0, 0, 0, 1], "RADIUS-Request", "Termination-Action=RADIUS-Request");
            yield return ("Acct-Interim-Interval", [0, 0, 0, 9], "9", "Acct-Interim-Interval=60 s");
            yield return ("Port-Limit", [0, 0, 0, 2], "2", "Port-Limit=2");
            yield return ("ASA-Tunnel-Group-Lock", Text("staff"), "staff", "ASA-Tunnel-Group-Lock=staff");
            yield return ("Class", [0xFF, 0], "0xff00", "Class=0xff00");
            yield return ("Chargeable-User-Identity", [7, 7], "0x0707", "Chargeable-User-Identity=0x0707");
            yield return ("Filter-Id", Text("lan.in"), "lan.in", "ip:inacl=lan");
            yield return ("Filter-Id", Text("lan"), "lan", "ip:inacl=lan");
            yield return ("Filter-Id", Text("wan.out"), "wan.out", "ip:outacl=wan");
            yield return ("NAS-Filter-Rule", Text("permit in ip from any to 10.0.0.0/8"), "permit in ip from any to 10.0.0.0/8", "NAS-Filter-Rule=permit in ip from any to 10.0.0.0/8");
            yield return ("WISPr-Bandwidth-Max-Down", [0, 0x1e, 0x84, 0x80], "2000000", "WISPr-Bandwidth-Max-Down=2000000 bit/s");
            yield return ("WISPr-Bandwidth-Max-Up", [0, 0x0f, 0x42, 0x40], "1000000", "WISPr-Bandwidth-Max-Up=1000000 bit/s");
            yield return ("Mikrotik-Rate-Limit", Text("1M/2M"), "1M/2M", "WISPr-Bandwidth-Max-Down=2000000 bit/s WISPr-Bandwidth-Max-Up=1000000 bit/s");
            yield return ("Mikrotik-Rate-Limit", Text("64k 128k 32k 8"), "64k 128k 32k 8",
                "WISPr-Bandwidth-Max-Down=64000 bit/s, burst 128000 bit/s above 32000 bit/s in 8 s WISPr-Bandwidth-Max-Up=64000 bit/s, burst 128000 bit/s above 32000 bit/s in 8 s");
            foreach (var (name, text, shown) in Pairs) yield return (name, null, text, shown);
        }
    }

    private static IEnumerable<(string Name, string Text, string Shown)> Pairs =>
    [
        ("ipsec:addr-pool", "p4", "Framed-Pool=p4"),
        ("ipsec:ipv6-addr-pool", "p6", "Framed-IPv6-Pool=p6"),
        ("ipsec:netmask", "255.255.255.0", "Framed-IP-Netmask=255.255.255.0"),
        ("ipsec:addrv6", "2001:db8::8", "Framed-IPv6-Address=2001:db8::8"),
        ("ipsec:prefix-len", "112", "ipsec:prefix-len=112"),
        ("ipsec:group-dhcp-server", "10.10.0.67", "ipsec:group-dhcp-server=10.10.0.67"),
        ("ipsec:dhcp-giaddr", "10.10.0.1", "ipsec:dhcp-giaddr=10.10.0.1"),
        ("ipsec:dhcp-timeout", "8", "ipsec:dhcp-timeout=8 s"),
        ("ipsec:dns-servers", "10.0.0.1 10.0.0.2", "ipsec:dns-servers=10.0.0.1 ipsec:dns-servers=10.0.0.2"),
        ("ipsec:ipv6-dns-servers-addr", "2001:db8::1", "ipsec:ipv6-dns-servers-addr=2001:db8::1"),
        ("ipsec:wins-servers", "10.0.0.3", "ipsec:wins-servers=10.0.0.3"),
        ("ipsec:route-set", "prefix 10.1.2.3/8", "ipsec:route-set=prefix 10.0.0.0/8"),
        ("ipsec:route-set", "remote ipv4 10.20.0.9 255.255.0.0", "ipsec:route-set=prefix 10.20.0.0/16"),
        ("ipsec:route-set", "remote ipv6 2001:db8:1::/48", "ipsec:route-set=prefix 2001:db8:1::/48"),
        ("ipsec:route-set", "interface", "ipsec:route-set=interface"),
        ("ipsec:route-set", "interface lan0", "ipsec:route-set=interface lan0"),
        ("ipsec:route-set", "access-list 101", "ipsec:route-set=access-list 101"),
        ("ipsec:route-set", "access-list ipv6 six", "ipsec:route-set=access-list ipv6 six"),
        ("ipsec:route-set", "local ipv4 10.30.1.1 255.255.255.0 10.99.0.7 tag:5 distance:20", "ipsec:route-set=local 10.30.1.0/24 via 10.99.0.7 tag 5 distance 20"),
        ("ipsec:route-set", "local ipv4 10.30.1.1 255.255.255.0 next-hop 10.99.0.7", "ipsec:route-set=local 10.30.1.0/24 via 10.99.0.7"),
        ("ipsec:route-set", "local ipv6 2001:db8:cc::/48 distance:9", "ipsec:route-set=local 2001:db8:cc::/48 distance 9"),
        ("ipsec:route-accept", "any", "ipsec:route-accept=any"),
        ("ipsec:route-accept", "any tag:1 distance:3", "ipsec:route-accept=any tag:1 distance:3"),
        ("ip:interface-config", "ip mtu 1300", "ip:interface-config=ip mtu 1300"),
        ("ipsec:ipsec-flow-limit", "4", "ipsec:ipsec-flow-limit=4"),
        ("ip:inacl", "lan-only", "ip:inacl=lan-only"),
        ("ip:outacl", "wan-only", "ip:outacl=wan-only"),
        ("ACS:CiscoSecure-Defined-ACL", "#ACSACL#-IP-lan-57f6b0d3", "ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-lan-57f6b0d3"),
        ("ip:sub-qos-policy-in", "gold-in", "ip:sub-qos-policy-in=gold-in"),
        ("ip:sub-qos-policy-out", "gold-out", "ip:sub-qos-policy-out=gold-out"),
        ("ip:sub-policy-in", "gold-in", "ip:sub-qos-policy-in=gold-in"),
        ("ip:sub-policy-out", "gold-out", "ip:sub-qos-policy-out=gold-out"),
        ("ipsec:session-timeout", "60", "Session-Timeout=60 s"),
        ("ipsec:idle-timeout", "60", "Idle-Timeout=60 s"),
        ("ipsec:default-domain", "corp.example.", "ipsec:default-domain=corp.example"),
        ("ipsec:split-dns", "lab.example, bücher.example", "ipsec:split-dns=lab.example ipsec:split-dns=xn--bcher-kva.example"),
        ("ipsec:banner", "Welcome!", "ipsec:banner=Welcome!"),
        ("ipsec:ipsec-backup-gateway", "gw2.example", "ipsec:ipsec-backup-gateway=gw2.example"),
        ("ipsec:backup-gateway", "192.0.2.9", "ipsec:ipsec-backup-gateway=192.0.2.9"),
        ("ipsec:pfs", "1", "ipsec:pfs=True"),
        ("ipsec:include-local-lan", "0", "ipsec:include-local-lan=False"),
        ("ipsec:smartcard-removal-disconnect", "1", "ipsec:smartcard-removal-disconnect=True"),
        ("ipsec:configuration-url", "https://vpn.example/profile", "ipsec:configuration-url=https://vpn.example/profile"),
        ("ipsec:configuration-version", "12", "ipsec:configuration-version=12"),
    ];

    [Theory]
    [MemberData(nameof(Examples))]
    public void Every_attribute_ends_where_its_row_says_from_RADIUS_and_from_a_list(string name, byte[]? octets, string text, string shown)
    {
        var packet = octets is null ? Wire.CiscoPair($"{name}={text}") : Attribute(name, octets);
        Assert.True(SessionProfileReader.TryRead(Wire.Parse(Wire.Packet(2, 1, new byte[16], packet)), this, out var profile, out var error), error);
        Assert.Equal(shown, Describe(profile));
        Assert.True(SessionProfileReader.TryRead([$"{name}={text}"], this, out profile, out error), error);
        Assert.Equal(shown, Describe(profile));
        if (octets is null)
        {
            // Protocols ipsec: and ip: are both accepted everywhere, and so is neither.
            var bare = name[(name.IndexOf(':') + 1)..];
            foreach (var other in new[] { bare, $"ip:{bare}", $"ipsec:{bare}" })
            {
                Assert.True(SessionProfileReader.TryRead([$"{other}={text}"], this, out profile, out error), error);
                Assert.Equal(shown, Describe(profile));
            }
        }
        Assert.Empty(unknown);
        Assert.Empty(ignored);
    }

    [Fact]
    public void Every_row_has_an_example_or_holds_a_key()
    {
        var examples = All.Select(e => e.Name).Concat(Keys).Append("Framed-Interface-Id").ToHashSet(StringComparer.Ordinal);
        Assert.Equal([], AttributeTable.Rows.Select(r => r.Name).Where(name => !examples.Contains(name)));
        Assert.All(Keys, name => Assert.Null(AttributeTable.Rows.Single(r => r.Name == name).Read));
        Assert.All(AttributeTable.Rows.Where(r => !Keys.Contains(r.Name)), row => Assert.NotNull(row.Read));
    }

    /// <summary>Text, number, nothing, too much: no row throws, and a value is read, refused by name, or ignored by name.</summary>
    [Fact]
    public void Hostile_values_of_every_attribute_are_read_refused_or_ignored_by_name()
    {
        byte[][] hostile =
        [
            [], [0], [0xFF], [0xFF, 0xFE], new byte[3], new byte[4], [255, 255, 255, 255], new byte[16], new byte[240], [.. Enumerable.Repeat((byte)0xFF, 240)],
            [.. Enumerable.Repeat((byte)'9', 240)], Text("-1"), Text("4294967296"), Text("0x"), Text("0xzz"), Text("a b c d e f g h"), Text("/"), Text("10.0.0.0/33"), Text("::/129"),
            Text("any tag:x"), Text("local ipv4"), Text("local ipv4 1.2.3.4 0.255.0.0"), Text("prefix"), Text("permit"), Text("..."), Text("xn--\u00ff.\u00ff"), Text("1k/2k/3k"), Text("#ACSACL#-"),
            Text("\r\nfake log line"), [.. Enumerable.Repeat((byte)'.', 240)], Text("0.0.0.0/0 0.0.0.0 1"), Text("127.0.0.0/8"), Text("fe80::/10 :: 1"),
        ];
        var refused = 0;
        foreach (var row in AttributeTable.Rows)
        {
            foreach (var octets in hostile)
            {
                ignored.Clear();
                var value = row.IsCiscoPair ? Wire.Vendor(9, 1, [.. Text($"{row.Name}="), .. octets.Take(200)]) : Attribute(row.Name, octets);
                if (SessionProfileReader.TryRead(Wire.Parse(Wire.Packet(2, 1, new byte[16], value)), this, out var profile, out var error)) _ = Describe(profile);
                else
                {
                    refused++;
                    Assert.True(row.BadValue == BadValueRule.Refuse || error.StartsWith("a Cisco-AVPair", StringComparison.Ordinal), error);
                    Assert.True(error.StartsWith(row.Name, StringComparison.OrdinalIgnoreCase) || error.StartsWith("a Cisco-AVPair", StringComparison.Ordinal), error);
                    Assert.DoesNotContain('\n', error);
                }
                Assert.All(ignored, entry => Assert.StartsWith(row.Name, entry, StringComparison.OrdinalIgnoreCase));
            }
        }
        Assert.InRange(refused, 400, int.MaxValue);
    }

    [Theory]
    [InlineData("ipsec:pfs=perhaps")]
    [InlineData("ipsec:configuration-version=x")]
    [InlineData("ipsec:ipsec-backup-gateway=not a host!")]
    [InlineData("Termination-Action=7")]
    public void A_bad_convenience_is_ignored_and_told(string pair)
    {
        Assert.True(SessionProfileReader.TryRead([pair, "Session-Timeout=60"], this, out var profile, out var error), error);
        Assert.Equal([pair], ignored.Select(i => pair.StartsWith("Term", StringComparison.Ordinal) ? i.Replace("termination-action", "Termination-Action", StringComparison.Ordinal) : i));
        Assert.Equal("Session-Timeout=60 s", Describe(profile));
    }

    [Fact]
    public void Template_lines_come_in_the_order_of_their_numbers()
    {
        var profile = Read("ip:inacl#20=deny ip any any", "ip:inacl#3=permit tcp any host 10.1.1.1 eq 443", "ip:outacl#1=permit ip any any", "ip:interface-config#2=ip mtu 1300", "ip:interface-config=description x");
        Assert.Equal(["permit tcp any host 10.1.1.1 eq 443", "deny ip any any"], profile.InboundEntries.ToArray());
        Assert.Equal(["permit ip any any"], profile.OutboundEntries.ToArray());
        Assert.Equal(["description x", "ip mtu 1300"], profile.InterfaceCommands.ToArray());
    }

    [Theory]
    [InlineData("Filter-Id=a.in", "ip:inacl=b")] // two lists for one direction
    [InlineData("ip:outacl=a", "Filter-Id=b.out")]
    [InlineData("ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-a-1", "ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-b-1")]
    [InlineData("ip:inacl#1=allow ip any any", "Session-Timeout=1")]
    public void A_filter_that_would_be_lost_is_refused(string first, string second)
    {
        Assert.False(SessionProfileReader.TryRead([first, second], this, out _, out var error));
        Assert.Contains("has a bad value", error, StringComparison.Ordinal);
    }

    /// <summary>RFC 4849 2: rules are separated by NUL and may go on from one attribute to the next; without any NUL each attribute is a rule.</summary>
    [Fact]
    public void Filter_rules_are_one_to_an_attribute_or_separated_by_NUL()
    {
        Assert.Equal(
            ["permit in ip from any to 10.0.0.0/8", "deny in ip from any to any"],
            Accept(Wire.Text(92, "permit in ip from any to 10.0.0.0/8"), Wire.Text(92, "deny in ip from any to any")).FilterRules.ToArray());
        Assert.Equal(
            ["permit in ip from any to 10.0.0.0/8", "deny in ip from any to any"],
            Accept(Wire.Text(92, "permit in ip from any"), Wire.Text(92, " to 10.0.0.0/8\0deny in ip from"), Wire.Text(92, " any to any\0")).FilterRules.ToArray());
    }

    [Fact]
    public void An_interface_id_completes_its_prefix_and_a_prefix_alone_is_the_users()
    {
        var joined = Accept(Attribute("Framed-IPv6-Prefix", Prefix("2001:db8:0:5::", 64)), Wire.Attribute(96, 0, 0, 0, 0, 0, 0, 0, 9));
        Assert.Equal(("2001:db8:0:5::9", 64), (joined.Ipv6Address!.ToString(), joined.Ipv6PrefixLength));
        Assert.Empty(joined.PeerRoutes);
        var alone = Accept(Attribute("Framed-IPv6-Prefix", Prefix("2001:db8:7::", 56)));
        Assert.Equal(("2001:db8:7::1", 56, "2001:db8:7::/56"), (alone.Ipv6Address!.ToString(), alone.Ipv6PrefixLength, Assert.Single(alone.PeerRoutes).Network.ToString()));
        var host = Accept(Attribute("Framed-IPv6-Prefix", Prefix("2001:db8:7::9", 128)));
        Assert.Equal(("2001:db8:7::9", 128), (host.Ipv6Address!.ToString(), host.Ipv6PrefixLength));
        Assert.Empty(host.PeerRoutes);
    }

    [Fact]
    public void Dictionaries_give_attribute_lists_further_names()
    {
        const string file = "ATTRIBUTE Our-Timeout 27 integer\nVALUE Our-Timeout Hour 3600\n";
        Assert.True(RadiusDictionaryParser.TryExtend(RadiusDictionary.Core, ["x"], _ => (file, null), out var dictionary, out _));
        Assert.True(SessionProfileReader.TryRead(["Our-Timeout=Hour"], this, out var profile, out var error, dictionary), error);
        Assert.Equal(TimeSpan.FromHours(1), profile.SessionTimeout);
    }

    [Fact]
    public void Vendors_and_numbers_that_no_row_reads_are_told()
    {
        Accept(Wire.Vendor(4711, 3, [1]), Wire.Vendor(311, 7, [0, 0, 0, 1]), Wire.Attribute(200, 1));
        Assert.Equal(["4711/3", "311/7"], unknown);
    }

    [Fact]
    public void The_merge_keeps_every_field_of_the_stronger_side_and_of_the_only_one()
    {
        var pairs = Pairs.Select(p => $"{p.Name}={p.Text}").Concat(All.Where(e => e.Octets is not null && e.Name is not "Filter-Id").Select(e => $"{e.Name}={e.Text}"));
        var full = Read([.. pairs.Where(p => !p.Contains("=0", StringComparison.Ordinal))]);
        var shown = Describe(full);
        Assert.Equal(shown, Describe(ProfileMerge.Merge(SessionProfile.Empty, full)));
        // Group attributes come through whole, but for what is the authentication's own.
        string[] own = ["User-Name", "Class", "Chargeable-User-Identity"];
        var group = AttributeTable.Describe(ProfileMerge.Merge(full, SessionProfile.Empty)).ToList();
        Assert.Equal(AttributeTable.Describe(full).Where(a => !own.Contains(a.Name)), group.Where(a => !own.Contains(a.Name)));
        Assert.Equal(shown, Describe(ProfileMerge.Merge(full, full)).Replace("ip:interface-config=ip mtu 1300 ip:interface-config=ip mtu 1300", "ip:interface-config=ip mtu 1300", StringComparison.Ordinal));
    }

    [Fact]
    public void The_reference_is_fresh()
    {
        var path = Path.Combine(VectorFiles.RepositoryRoot, "docs", "attributes.md");
        if (Environment.GetEnvironmentVariable("HEADEND_WRITE_DOCS") == "1") File.WriteAllText(path, AttributeReferenceCompiler.Compile());
        Assert.True(File.ReadAllText(path) == AttributeReferenceCompiler.Compile(), "docs/attributes.md is stale; run these tests with HEADEND_WRITE_DOCS=1 and commit it");
    }

    private SessionProfile Read(params string[] pairs)
    {
        Assert.True(SessionProfileReader.TryRead(pairs, this, out var profile, out var error), error);
        return profile;
    }

    private SessionProfile Accept(params byte[][] attributes)
    {
        Assert.True(SessionProfileReader.TryRead(Wire.Parse(Wire.Packet(2, 1, new byte[16], attributes)), this, out var profile, out var error), error);
        return profile;
    }

    private static byte[] Attribute(string name, byte[] octets)
    {
        Assert.True(AttributeTable.TryFind(name, out var row));
        return row.Vendor.Value == 0 ? Wire.Attribute(row.Type, octets) : Wire.Vendor(row.Vendor.Value, row.Type, octets);
    }

    private static string Describe(SessionProfile profile) => string.Join(' ', AttributeTable.Describe(profile).Select(a => $"{a.Name}={a.Value}"));

    private static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Six(string address) => IPAddress.Parse(address).GetAddressBytes();

    private static byte[] Prefix(string address, byte length) => [0, length, .. Six(address)];
}
