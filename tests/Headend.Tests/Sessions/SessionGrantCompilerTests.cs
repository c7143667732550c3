using System.Net;
using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Sessions;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;

namespace Headend.Tests.Sessions;

public sealed class SessionGrantCompilerTests : IProfileObserver
{
    private static readonly InterfaceAddress[] Interfaces =
    [
        new("lan0", IPAddress.Parse("10.10.0.1"), 24), new("lan0", IPAddress.Parse("2001:db8:10::1"), 64), new("wan0", IPAddress.Parse("198.51.100.1"), 24),
    ];

    void IProfileObserver.UnknownPair(string name) => Assert.Fail(name);

    [Fact]
    public async Task Everything_that_IKE_is_to_know_is_in_the_grant()
    {
        var grant = await GrantAsync(
            "dns-servers=10.10.0.53", "wins-servers=10.10.0.55", "default-domain=corp.example", "split-dns=lab.example", "Session-Timeout=3600", "Idle-Timeout=600",
            "Termination-Action=RADIUS-Request", "ipsec-flow-limit=3", "route-set=local ipv4 10.30.0.0 255.255.0.0", "Delegated-IPv6-Prefix=2001:db8:bb::/56", "route-set=prefix 10.1.0.0/16");
        Assert.Equal("10.10.0.53", Assert.Single(grant.DnsServers).ToString());
        Assert.Equal("10.10.0.55", Assert.Single(grant.NbnsServers).ToString());
        Assert.Equal(("corp.example", "lab.example"), (grant.DefaultDomain, Assert.Single(grant.SplitDomains)));
        Assert.Equal((3600, 600, true, 3), (grant.SessionTimeout!.Value.TotalSeconds, grant.IdleTimeout!.Value.TotalSeconds, grant.ReauthenticateAtTimeout, grant.FlowLimit));
        Assert.Equal("10.30.0.0/16 2001:db8:bb::/56", string.Join(' ', grant.RemoteNetworks));
        Assert.Equal("10.1.0.0/16", string.Join(' ', grant.Subnets));
        Assert.False(grant.AcceptRemoteNetworks);
    }

    /// <summary>docs/gre.md: GRE is for interfaces that are told so.</summary>
    [Theory]
    [InlineData("", false, false, EncapsulationRule.Tunnel)]
    [InlineData("tunnel mode ipsec ipv4", false, false, EncapsulationRule.Tunnel)]
    [InlineData("tunnel mode gre ip", false, false, EncapsulationRule.Gre)]
    [InlineData("tunnel mode gre ipv6", false, false, EncapsulationRule.Gre)]
    [InlineData("tunnel mode auto", false, false, EncapsulationRule.AsOffered)]
    [InlineData("tunnel mode ipsec ipv4", true, false, EncapsulationRule.AsOffered)]
    [InlineData("tunnel mode gre ip", true, false, EncapsulationRule.AsOffered)]
    [InlineData("tunnel mode gre ip", false, true, EncapsulationRule.AsOffered)]
    [InlineData("", false, true, EncapsulationRule.Tunnel)]
    public async Task The_tunnel_mode_of_template_and_AAA_decides_about_GRE(string command, bool auto, bool ignoresErrors, EncapsulationRule expected)
    {
        var template = new TemplateBinding(new VirtualTemplate(1, command.Length == 0 ? [] : [command], auto));
        var session = TestSession.Create("alice", binding: TestSession.Binding with { Template = template, IgnoresInterfaceErrors = ignoresErrors });
        Assert.Equal(expected, (await Compiler().CompileAsync(session, Read(), CancellationToken.None)).Grant!.Encapsulation);
        if (auto)
            return;

        // AAA's word comes after the template's.
        var source = SessionProfile.Empty with { InterfaceCommands = ["no tunnel mode", "tunnel mode auto"] };
        session.AuthorizationSources = [new AuthorizationSource(new AuthorizationOrigin(AuthorizationKind.ExplicitUser, "alice"), source)];
        Assert.Equal(EncapsulationRule.AsOffered, (await Compiler().CompileAsync(session, Read(), CancellationToken.None)).Grant!.Encapsulation);
    }

    [Theory]
    [InlineData("route-set=interface lan0", "10.10.0.0/24 2001:db8:10::/64")]
    [InlineData("route-set=interface", "10.10.0.1/32")]
    [InlineData("route-set=access-list split", "10.10.0.0/24 10.20.0.0/16")]
    [InlineData("route-set=access-list ipv6 split", "2001:db8:20::/48")]
    public async Task Names_in_routes_become_subnets(string pair, string expected) =>
        Assert.Equal(expected, string.Join(' ', (await GrantAsync(pair)).Subnets));

    [Theory]
    [InlineData("route-set=interface nope0", "route-set=interface nope0: there is no such interface")]
    [InlineData("route-set=access-list nope", "route-set=access-list: there is no access list nope")]
    [InlineData("ip:inacl=lan-only", "there is no access list lan-only (ip:inacl or Filter-Id)")]
    [InlineData("Filter-Id=wan.out", "there is no access list wan (ip:outacl or Filter-Id)")]
    [InlineData("ip:inacl#1=permit ip any anyone", "access list ip:inacl, line 1: 'anyone' is no address")]
    [InlineData("ip:outacl#1=permit tcp any any eq 80 reflect x", "access list ip:outacl, line 1: 'reflect' is not understood here")]
    [InlineData("NAS-Filter-Rule=permit in ip from any to any ipoptions rr", "NAS-Filter-Rule, rule 1: the option 'ipoptions' is not supported")]
    [InlineData("ACS:CiscoSecure-Defined-ACL=#ACSACL#-IP-lan-1", "the access list #ACSACL#-IP-lan-1 cannot be fetched: no RADIUS server named it")]
    public async Task What_cannot_be_had_refuses_the_login_and_names_it(string pair, string expected)
    {
        var session = TestSession.Create("alice");
        var outcome = await Compiler().CompileAsync(session, Read(pair), CancellationToken.None);
        Assert.Null(outcome.Grant);
        Assert.StartsWith(expected, outcome.Refusal, StringComparison.Ordinal);
        Assert.Equal(SessionProfile.Empty, session.Profile);
    }

    [Theory]
    [InlineData("ip:inacl=split")]
    [InlineData("ip:outacl#1=permit ip any any")]
    [InlineData("NAS-Filter-Rule=permit in ip from assigned to any")]
    public async Task A_machine_that_cannot_filter_refuses_who_needs_a_filter(string pair)
    {
        var session = TestSession.Create("alice");
        Assert.NotNull((await Compiler().CompileAsync(session, Read(pair), CancellationToken.None)).Grant);
        var outcome = await Compiler("libnftables.so.1 is not installed").CompileAsync(session, Read(pair), CancellationToken.None);
        Assert.Equal("packets cannot be filtered here: libnftables.so.1 is not installed", outcome.Refusal);
        Assert.NotNull((await Compiler("libnftables.so.1 is not installed").CompileAsync(session, Read("Session-Timeout=60"), CancellationToken.None)).Grant);
    }

    [Fact]
    public async Task Accepted_routes_never_touch_our_own_networks()
    {
        var grant = await GrantAsync("route-accept=any tag:7 distance:20");
        Assert.True(grant.AcceptRemoteNetworks);
        Assert.Equal("10.10.0.0/24 2001:db8:10::/64 198.51.100.0/24 10.99.0.0/16", string.Join(' ', grant.OwnNetworks));
    }

    [Fact]
    public void The_interface_gets_the_routes_behind_its_client()
    {
        var addresses = new AssignedAddresses(IPAddress.Parse("10.99.0.7"), null, null, 128) { Prefixes = [IPNetwork.Parse("2001:db8:aa::/56")] };
        var profile = Read("route-set=local ipv4 10.30.0.0 255.255.0.0 tag:5 distance:20", "Framed-Route=10.31.0.0/16 0.0.0.0 1", "Framed-Route=10.99.0.7/32 0.0.0.0 1", "route-set=local ipv4 10.32.0.0 255.255.0.0 tag:300");
        Assert.Equal(
            [
                new InterfaceRoute(IPNetwork.Parse("10.30.0.0/16"), 20, 5), new InterfaceRoute(IPNetwork.Parse("10.31.0.0/16"), 1), new InterfaceRoute(IPNetwork.Parse("10.32.0.0/16")),
                new InterfaceRoute(IPNetwork.Parse("2001:db8:aa::/56")),
            ],
            PeerRouting.Assigned(profile, addresses).ToArray());

        TrafficSelector[] selectors = [Selector("10.99.0.7/32"), Selector("10.30.0.0/16"), Selector("192.168.7.0/24"), new(0, 0, 65535, IPAddress.Parse("10.0.0.1"), IPAddress.Parse("10.0.0.9"))];
        Assert.Empty(PeerRouting.Announced(profile, addresses, selectors));
        var accepting = Read("route-set=local ipv4 10.30.0.0 255.255.0.0", "route-accept=any tag:7 distance:30");
        Assert.Equal([new InterfaceRoute(IPNetwork.Parse("192.168.7.0/24"), 30, 7)], PeerRouting.Announced(accepting, addresses, selectors).ToArray());
    }

    private static TrafficSelector Selector(string network) => TrafficSelector.FromNetwork(IPNetwork.Parse(network));

    private async Task<SessionGrant> GrantAsync(params string[] pairs)
    {
        var session = TestSession.Create("alice", binding: TestSession.Binding with { Template = new TemplateBinding(new VirtualTemplate(1, ["ip unnumbered lan0"])) });
        var outcome = await Compiler().CompileAsync(session, Read(pairs), CancellationToken.None);
        Assert.Null(outcome.Refusal);
        return outcome.Grant!;
    }

    private static SessionGrantCompiler Compiler(string? missing = null)
    {
        Assert.True(AddressPool.TryCreate(new AddressPoolOptions("p4", ["10.99.0.0/16"]), TimeProvider.System, out var pool, out var error), error);
        var lists = PolicyComposition.AccessLists(
            [new AccessListOptions("split", ["remark x", "permit ip any 10.10.0.0/24", "deny ip any 10.66.0.0/16", "permit 10.20.0.0 0.0.255.255", "permit ipv6 any 2001:db8:20::/48"])]);
        return new SessionGrantCompiler(null, lists, new SessionFilterCompiler(lists, missing), new InterfaceNetworks(TimeProvider.System, () => Interfaces), () => [pool]);
    }

    private SessionProfile Read(params string[] pairs)
    {
        Assert.True(SessionProfileReader.TryRead(pairs, this, out var profile, out var error), error);
        return profile;
    }
}
