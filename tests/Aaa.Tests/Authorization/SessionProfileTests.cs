using System.Net;
using System.Text;
using Headend.Aaa.Authorization;

namespace Headend.Aaa.Tests.Authorization;

public sealed class SessionProfileTests : IProfileObserver
{
    private readonly List<string> unknown = [];

    void IProfileObserver.UnknownPair(string name) => unknown.Add(name);

    [Fact]
    public void An_accept_is_read_into_a_profile()
    {
        var profile = Read(
            Wire.Text(1, "alice@corp.example"),
            Wire.Attribute(8, 10, 99, 0, 7), Wire.Attribute(9, 255, 255, 255, 0),
            Wire.Attribute(25, 0xFF, 0), Wire.Attribute(25, 0xC3),
            Wire.Attribute(27, 0, 0, 14, 16), Wire.Attribute(28, 0, 0, 2, 88), Wire.Attribute(85, 0, 0, 0, 60),
            Wire.Attribute(89, 7, 7),
            Wire.Vendor(311, 28, [10, 10, 0, 53]), Wire.Vendor(311, 29, [10, 10, 0, 54]), Wire.Vendor(311, 30, [10, 10, 0, 55]),
            Wire.Attribute(169, IPAddress.Parse("2001:db8::53").GetAddressBytes()),
            Wire.CiscoPair("ipsec:dns-servers=10.0.0.1 10.0.0.2"), Wire.CiscoPair("ipsec:default-domain=corp.example"),
            Wire.CiscoPair("ipsec:route-set=prefix 10.10.0.0/24"), Wire.CiscoPair("ip:route-set=remote ipv4 10.20.0.9 255.255.0.0"),
            Wire.CiscoPair("ipsec:route-set=remote ipv6 2001:db8:1::/48"),
            Wire.CiscoPair("ipsec:ipsec-flow-limit=4"),
            Wire.CiscoPair("ip:interface-config#2=ip mtu 1300"), Wire.CiscoPair("ip:interface-config#1=ip tcp adjust-mss 1260"),
            Wire.CiscoPair("ip:interface-config=vrf forwarding red"));
        Assert.Equal("alice@corp.example", profile.UserName);
        Assert.Equal((AddressChoice.Fixed, "10.99.0.7", "255.255.255.0"), (profile.Ipv4Choice, profile.Ipv4Address!.ToString(), profile.Ipv4Netmask!.ToString()));
        Assert.Equal(["FF00", "C3"], profile.Classes.Select(c => Convert.ToHexString(c.Span)));
        Assert.Equal((3600, 600, 60), ((int)profile.SessionTimeout!.Value.TotalSeconds, (int)profile.IdleTimeout!.Value.TotalSeconds, (int)profile.InterimInterval!.Value.TotalSeconds));
        Assert.Equal("2001:db8::53 10.10.0.53 10.10.0.54 10.0.0.1 10.0.0.2", string.Join(' ', profile.DnsServers));
        Assert.Equal("10.10.0.55", string.Join(' ', profile.NbnsServers));
        Assert.Equal("corp.example", profile.DefaultDomain);
        Assert.Equal("10.10.0.0/24 10.20.0.0/16 2001:db8:1::/48", string.Join(' ', profile.Routes));
        Assert.Equal(4, profile.FlowLimit);
        Assert.Equal(["vrf forwarding red", "ip tcp adjust-mss 1260", "ip mtu 1300"], profile.InterfaceCommands.ToArray());
        Assert.Equal([7, 7], profile.ChargeableUserIdentity.ToArray());
        Assert.Empty(unknown);
    }

    /// <summary>RFC 2869 5.16: "The value MUST NOT be smaller than 60." Zero is none.</summary>
    [Theory]
    [InlineData(0, null)]
    [InlineData(1, 60)]
    [InlineData(59, 60)]
    [InlineData(61, 61)]
    public void An_interim_interval_below_a_minute_is_a_minute(byte sent, int? seconds) =>
        Assert.Equal(seconds, (int?)Read(Wire.Attribute(85, 0, 0, 0, sent)).InterimInterval?.TotalSeconds);

    [Theory]
    [InlineData("fffffffe", AddressChoice.NasChooses)]
    [InlineData("ffffffff", AddressChoice.ClientMayChoose)]
    public void Special_framed_addresses_are_choices(string hex, AddressChoice expected)
    {
        // RFC 2865 5.8
        var profile = Read(Wire.Attribute(8, Convert.FromHexString(hex)));
        Assert.Equal(expected, profile.Ipv4Choice);
        Assert.Null(profile.Ipv4Address);
    }

    [Fact]
    public void Ipv6_comes_as_address_or_as_prefix_and_interface_id()
    {
        Assert.Equal("2001:db8::7", Read(Wire.Attribute(168, IPAddress.Parse("2001:db8::7").GetAddressBytes())).Ipv6Address!.ToString());
        var joined = Read(Wire.Attribute(97, [0, 64, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 5]), Wire.Attribute(96, 0, 0, 0, 0, 0, 0, 0, 9));
        Assert.Equal("2001:db8:0:5::9", joined.Ipv6Address!.ToString());
        var pair = Read(Wire.CiscoPair("ipsec:addrv6=2001:db8::8"), Wire.CiscoPair("ipsec:prefix-len=112"), Wire.CiscoPair("ipsec:ipv6-addr-pool=p6"));
        Assert.Equal(("2001:db8::8", 112, "p6"), (pair.Ipv6Address!.ToString(), pair.Ipv6PrefixLength, pair.Ipv6Pool));
    }

    [Fact]
    public void Zero_timers_are_none()
    {
        var profile = Read(Wire.Attribute(27, 0, 0, 0, 0), Wire.Attribute(28, 0, 0, 0, 0));
        Assert.Null(profile.SessionTimeout);
        Assert.Null(profile.IdleTimeout);
    }

    [Fact]
    public void Unknown_mandatory_pairs_are_reported_and_optional_ones_are_not()
    {
        Read(Wire.CiscoPair("ipsec:no-such-thing=1"), Wire.CiscoPair("shell:priv-lvl=15"), Wire.CiscoPair("ipsec:other*1"), Wire.CiscoPair("shell:route-set=interface"));
        Assert.Equal(["ipsec:no-such-thing", "shell:priv-lvl", "shell:route-set"], unknown);
    }

    public static TheoryData<byte[], string> BadValues => new()
    {
        { Wire.Attribute(8, 1, 2, 3), "Framed-IP-Address has a bad value" },
        { Wire.Attribute(8, 127, 0, 0, 1), "Framed-IP-Address has a bad value" },
        { Wire.Attribute(8, 224, 0, 0, 1), "Framed-IP-Address has a bad value" },
        { Wire.Attribute(9, 255, 0, 255, 0), "Framed-IP-Netmask has a bad value" },
        { Wire.Attribute(27, 1), "Session-Timeout has a bad value" },
        { Wire.Attribute(97, 0, 129), "Framed-IPv6-Prefix has a bad value" },
        { Wire.Attribute(96, 1), "Framed-Interface-Id has a bad value" },
        { Wire.Attribute(96, 0, 0, 0, 0, 0, 0, 0, 1), "Framed-Interface-Id needs" },
        { Wire.Attribute(169, 1, 2, 3, 4), "DNS-Server-IPv6-Address has a bad value" },
        { Wire.Vendor(311, 28, [1]), "MS-Primary-DNS-Server has a bad value" },
        { Wire.CiscoPair("nothing"), "a Cisco-AVPair is not attribute=value" },
        { Wire.Vendor(9, 1, [0xFF, 0x3D]), "a Cisco-AVPair is not attribute=value" },
        { Wire.CiscoPair("ipsec:dns-servers=10.1"), "ipsec:dns-servers has a bad value '10.1'" },
        { Wire.CiscoPair("ipsec:route-set=prefix 10.0.0.0/33"), "ipsec:route-set has a bad value" },
        { Wire.CiscoPair("ipsec:prefix-len=129"), "ipsec:prefix-len has a bad value" },
        { Wire.CiscoPair("ipsec:dhcp-giaddr=0.0.0.0"), "ipsec:dhcp-giaddr has a bad value '0.0.0.0'" },
        { Wire.CiscoPair("ipsec:group-dhcp-server=10.10.0.67 224.0.0.1"), "ipsec:group-dhcp-server has a bad value" },
        { Wire.CiscoPair("ipsec:ipsec-flow-limit=0"), "ipsec:ipsec-flow-limit has a bad value" },
    };

    [Theory]
    [MemberData(nameof(BadValues))]
    public void Bad_values_are_errors_that_name_their_attribute(byte[] attribute, string expected)
    {
        Assert.False(SessionProfileReader.TryRead(Wire.Parse(Wire.Packet(2, 1, new byte[16], attribute)), this, out _, out var error));
        Assert.StartsWith(expected, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Lists_are_bounded()
    {
        var pairs = Enumerable.Range(0, 257).Select(i => $"route-set=prefix 10.{i / 256}.{i % 256}.0/24");
        Assert.False(SessionProfileReader.TryRead(pairs, this, out _, out var error));
        Assert.StartsWith("route-set has a bad value", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ip:inacl#3=permit ip any any", "ip", "inacl", "permit ip any any", true, 3)]
    [InlineData("default-domain*corp=x", "", "default-domain", "corp=x", false, -1)]
    [InlineData("IPSEC:Addr-Pool=P4", "ipsec", "addr-pool", "P4", true, -1)]
    public void Cisco_pairs_are_taken_apart(string text, string protocol, string attribute, string value, bool mandatory, int line)
    {
        Assert.True(CiscoPairParser.TryParse(text, out var pair));
        Assert.Equal(new CiscoPair(protocol, attribute, value, mandatory, line), pair);
    }

    [Theory]
    [InlineData("")]
    [InlineData("=x")]
    [InlineData("ip:=x")]
    [InlineData("inacl#x=1")]
    [InlineData("inacl#-1=1")]
    public void What_is_no_pair_is_refused(string text) => Assert.False(CiscoPairParser.TryParse(text, out _));

    [Fact]
    public void The_user_wins_over_the_group_unless_overridden()
    {
        var group = SessionProfile.Empty with
        {
            Ipv4Pool = "gp",
            DefaultDomain = "group",
            Routes = [IPNetwork.Parse("10.0.0.0/8")],
            InterfaceCommands = ["ip mtu 1400"],
            SessionTimeout = TimeSpan.FromHours(8),
            Classes = [Encoding.ASCII.GetBytes("g")],
        };
        var user = SessionProfile.Empty with
        {
            UserName = "alice",
            Ipv4Choice = AddressChoice.Fixed,
            Ipv4Address = IPAddress.Parse("10.1.1.1"),
            DefaultDomain = "user",
            Routes = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("192.0.2.0/24")],
            InterfaceCommands = ["ip mtu 1300"],
            Classes = [Encoding.ASCII.GetBytes("u")],
        };
        var merged = ProfileMerge.Merge(group, user);
        Assert.Equal(("user", "gp", "alice", TimeSpan.FromHours(8)), (merged.DefaultDomain, merged.Ipv4Pool, merged.UserName, merged.SessionTimeout));
        Assert.Equal("10.0.0.0/8 192.0.2.0/24", string.Join(' ', merged.Routes));
        Assert.Equal(["ip mtu 1400", "ip mtu 1300"], merged.InterfaceCommands.ToArray());
        Assert.Equal("10.1.1.1", merged.Ipv4Address!.ToString());
        Assert.Equal("u", Encoding.ASCII.GetString(Assert.Single(merged.Classes).Span));

    }

    [Theory]
    [InlineData(false, "Group ImplicitUser ExplicitUser", "user", "g i u")]
    [InlineData(true, "ImplicitUser ExplicitUser Group", "group", "i u g")]
    public void Sources_are_applied_group_implicit_user_and_with_override_implicit_user_group(bool overrides, string order, string winner, string commands)
    {
        AuthorizationSource[] sources =
        [
            Source(AuthorizationKind.ExplicitUser, SessionProfile.Empty with { DefaultDomain = "user", UserName = "router1", InterfaceCommands = ["u"], Classes = [new byte[] { 1 }] }),
            Source(AuthorizationKind.Group, SessionProfile.Empty with { DefaultDomain = "group", Ipv4Pool = "gp", InterfaceCommands = ["g"], Classes = [new byte[] { 2 }] }),
            Source(AuthorizationKind.ImplicitUser, SessionProfile.Empty with { DefaultDomain = "implicit", Banner = "hi", UserName = "alice", InterfaceCommands = ["i"], Classes = [new byte[] { 3 }] }),
        ];
        var ordered = ProfileMerge.Order(sources, overrides);
        Assert.Equal(order, string.Join(' ', ordered.Select(s => s.Origin.Kind)));
        var merged = ProfileMerge.Merge(ordered);
        Assert.Equal((winner, "gp", "hi", "alice"), (merged.DefaultDomain, merged.Ipv4Pool, merged.Banner, merged.UserName));
        Assert.Equal(commands, string.Join(' ', merged.InterfaceCommands));
        // RFC 2865 5.25: the Class of accounting is that of the authentication, however weak its source.
        Assert.Equal(3, Assert.Single(merged.Classes).Span[0]);
        Assert.Equal(1, Assert.Single(ProfileMerge.Merge([.. ordered.Where(s => s.Origin.Kind != AuthorizationKind.ImplicitUser)]).Classes).Span[0]);
    }

    /// <summary>FlexVPN: "the new ACL replaces any existing ACL applied to the virtual-access interface".</summary>
    [Fact]
    public void A_change_replaces_the_filters_of_the_directions_that_it_names()
    {
        var standing = SessionProfile.Empty with
        {
            InboundAccessList = "a",
            InboundEntries = ["permit ip any any"],
            DownloadableAccessList = "#ACSACL#-x-1",
            DownloadedEntries = ["deny ip any any"],
            OutboundAccessList = "b",
            FilterRules = ["permit in ip from any to any", "permit out ip from any to any"],
            DefaultDomain = "stays",
        };
        var inbound = ProfileMerge.ReplaceFilters(standing, SessionProfile.Empty with { InboundEntries = ["permit tcp any any"] });
        Assert.Equal((null, "b", null, "stays"), (inbound.InboundAccessList, inbound.OutboundAccessList, inbound.DownloadableAccessList, inbound.DefaultDomain));
        Assert.Equal(("permit tcp any any", "", "permit out ip from any to any"), (string.Join(';', inbound.InboundEntries), string.Join(';', inbound.DownloadedEntries), string.Join(';', inbound.FilterRules)));

        var outbound = ProfileMerge.ReplaceFilters(standing, SessionProfile.Empty with { FilterRules = ["deny out udp from any to any"] });
        Assert.Equal(("a", null, "#ACSACL#-x-1"), (outbound.InboundAccessList, outbound.OutboundAccessList, outbound.DownloadableAccessList));
        Assert.Equal("permit in ip from any to any;deny out udp from any to any", string.Join(';', outbound.FilterRules));

        Assert.Equal(standing.FilterRules, ProfileMerge.ReplaceFilters(standing, SessionProfile.Empty).FilterRules);
        var none = ProfileMerge.WithoutFilters(standing, inbound: true, outbound: true);
        Assert.Equal((null, null, 0), (none.InboundAccessList, none.OutboundAccessList, none.FilterRules.Length));
    }

    private static AuthorizationSource Source(AuthorizationKind kind, SessionProfile profile) => new(new AuthorizationOrigin(kind, "name"), profile);

    [Fact]
    public void Local_policies_are_compiled_or_every_error_is_listed()
    {
        var lists = new Dictionary<string, IReadOnlyList<string>> { ["attr1"] = ["interface-config=ip mtu 1300", "default-domain=list"], ["bad"] = ["prefix-len=x"] };
        var staff = new LocalPolicyOptions("staff")
        {
            Pool = "p4",
            Ipv6Pool = "p6",
            Dns = [IPAddress.Parse("10.10.0.53")],
            DefaultDomain = "corp.example",
            RouteSet = ["prefix 10.10.0.0/24"],
            Banner = "Welcome",
            AttributeList = "attr1",
        };
        var good = new Dictionary<string, IReadOnlyList<string>> { ["attr1"] = lists["attr1"] };
        Assert.True(LocalProfiles.TryCompile([staff], good, this, out var profiles, out _));
        Assert.True(profiles.TryFind("staff", out var profile));
        Assert.Equal(("p4", "p6", "corp.example", "Welcome"), (profile.Ipv4Pool, profile.Ipv6Pool, profile.DefaultDomain, profile.Banner));
        Assert.Equal(["ip mtu 1300"], profile.InterfaceCommands.ToArray());

        LocalPolicyOptions[] wrong = [staff, staff, new("b") { AttributeList = "bad", RouteSet = ["prefix x"] }, new("c") { AttributeList = "none" }];
        Assert.False(LocalProfiles.TryCompile(wrong, lists, this, out _, out var errors));
        Assert.Equal(4, errors.Count);
    }

    private SessionProfile Read(params byte[][] attributes)
    {
        Assert.True(SessionProfileReader.TryRead(Wire.Parse(Wire.Packet(2, 1, new byte[16], attributes)), this, out var profile, out var error), error);
        return profile;
    }
}
