using System.Net;
using Headend.VirtualAccess.Configuration;

namespace Headend.VirtualAccess.Tests.Configuration;

/// <summary>The examples of the FlexVPN chapter: "Virtual-Access Cloning Example", "Auto Detection of Tunnel Transport and Encapsulation", "Updating Session QoS Policy, Using CoA".</summary>
public sealed class FlexVpnChapterTests
{
    private static readonly ConfigOrigin Group = new(ConfigSource.AaaGroup, "domain1");
    private static readonly ConfigOrigin ImplicitUser = new(ConfigSource.AaaImplicitUser, "router1.domain1");
    private static readonly ConfigOrigin User = new(ConfigSource.AaaUser, "router1");
    private static readonly TunnelSession Session = new(IPAddress.Parse("172.16.1.2"), IPAddress.Parse("172.16.1.1"), TunnelEncapsulation.Ipsec, "remote-workers");

    private static readonly InterfaceNames Policies = new(
        new HashSet<string>(), new HashSet<string> { "Input-QoS-policy-1", "Output-QoS-policy-1", "Input-QoS-policy-2", "Output-QoS-policy-2" });

    // The chapter's Ethernet0/0 is no name of a Linux interface.
    private static readonly VirtualTemplate Template = new(1, ["ip unnumbered Ethernet0", "tunnel protection ipsec profile default"]);

    [Fact]
    public void VirtualAccessIsClonedFromTemplateGroupUserAndSession()
    {
        var derived = VirtualAccessDerivation.Derive(
            Template, [new AuthorizedCommands(Group, ["tunnel key 1", "ip mtu 1000"]), new AuthorizedCommands(User, ["ip mtu 1200", "tunnel key 2"])], new DerivationRules(InterfaceNames.None, Session));
        Assert.Empty(derived.Failures);
        Assert.Equal(
            """
            Building configuration...

            Derived configuration : 220 bytes

            interface Virtual-Access1
             ip unnumbered Ethernet0
             ip mtu 1200
             tunnel source 172.16.1.2
             tunnel destination 172.16.1.1
             tunnel key 2
             tunnel protection ipsec profile default
             no tunnel protection ipsec initiate
            end

            """.ReplaceLineEndings("\n"),
            Text(derived));
        Assert.Equal(
            ["virtual-template 1", "aaa user router1", "session", "session", "aaa user router1", "virtual-template 1", "virtual-template 1"],
            derived.Config.Commands(Session).Select(c => c.Origin.ToString()));
    }

    [Fact]
    public void TheChaptersOwnConfigurationHasItsLength() =>
        Assert.Contains(
            "Derived configuration : 222 bytes\n",
            DerivedConfigCompiler.Compile(
                "Virtual-Access1",
                ["ip unnumbered Ethernet0/0", "ip mtu 1200", "tunnel source 172.16.1.2", "tunnel destination 172.16.1.1", "tunnel key 2", "tunnel protection ipsec profile default", "no tunnel protection ipsec initiate"]),
            StringComparison.Ordinal);

    [Fact]
    public void ImplicitUserStandsBetweenGroupAndUserAndGroupLastWithOverride()
    {
        AuthorizedCommands group = new(Group, ["ip mtu 1000", "tunnel key 1", "description group"]);
        AuthorizedCommands implicitUser = new(ImplicitUser, ["ip mtu 1100", "tunnel key 3"]);
        AuthorizedCommands user = new(User, ["ip mtu 1200"]);
        Assert.Equal((1200, User, 3u, ImplicitUser, Group), Values(group, implicitUser, user));
        Assert.Equal((1000, Group, 1u, Group, Group), Values(implicitUser, user, group));

        static (int, ConfigOrigin, uint, ConfigOrigin, ConfigOrigin) Values(params AuthorizedCommands[] inOrder)
        {
            var config = VirtualAccessDerivation.Derive(Template, inOrder, InterfaceNames.NoRules).Config;
            return (config.IpMtu!.Value, config.IpMtu.Origin, config.TunnelKey!.Value, config.TunnelKey.Origin, config.Description!.Origin);
        }
    }

    [Theory]
    [InlineData("tunnel mode gre ip", TunnelEncapsulation.Ipsec, "tunnel mode ipsec ipv4")]
    [InlineData("tunnel mode ipsec ipv4", TunnelEncapsulation.Gre, "tunnel mode gre ip")]
    public void AutoModeTakesTheTunnelModeFromTheSession(string configured, TunnelEncapsulation proposed, string expected)
    {
        var session = Session with { Encapsulation = proposed };
        var auto = VirtualAccessDerivation.Derive(Template with { IsAutoMode = true, Commands = [configured] }, [], new DerivationRules(InterfaceNames.None, session));
        Assert.Empty(auto.Failures);
        Assert.Contains((expected, ConfigOrigin.Session), auto.Config.Commands(session));

        var fixedMode = VirtualAccessDerivation.Derive(Template with { Commands = [configured] }, [], new DerivationRules(InterfaceNames.None, session));
        Assert.Equal(
            $"virtual-template 1: \"{configured}\": \"{configured["tunnel mode ".Length..]}\": the session is {expected["tunnel mode ".Length..]}", fixedMode.Explain());
    }

    [Fact]
    public void ChangeOfAuthorizationReplacesServicePolicies()
    {
        var template = Template with { Commands = [.. Template.Commands, "service-policy input Input-QoS-policy-1", "service-policy output Output-QoS-policy-1"] };
        var derived = VirtualAccessDerivation.Derive(template, [], new DerivationRules(Policies, Session));
        Assert.EndsWith(" no tunnel protection ipsec initiate\n service-policy input Input-QoS-policy-1\n service-policy output Output-QoS-policy-1\nend\n", Text(derived), StringComparison.Ordinal);

        var changed = VirtualAccessDerivation.Change(
            derived.Config,
            new AuthorizedCommands(new ConfigOrigin(ConfigSource.ChangeOfAuthorization, "172.16.1.3"), ["service-policy input Input-QoS-policy-2", "service-policy output Output-QoS-policy-2"]),
            new DerivationRules(Policies, Session));
        Assert.Empty(changed.Failures);
        Assert.Empty(changed.Notes);
        Assert.EndsWith(" no tunnel protection ipsec initiate\n service-policy input Input-QoS-policy-2\n service-policy output Output-QoS-policy-2\nend\n", Text(changed), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tunnel source 172.16.1.9", "\"tunnel source 172.16.1.9\": \"172.16.1.9\": the client came to 172.16.1.2")]
    [InlineData("tunnel mode ipsec ipv6", "\"tunnel mode ipsec ipv6\": \"ipsec ipv6\": the session is ipsec ipv4")]
    [InlineData("tunnel protection ipsec profile other", "\"tunnel protection ipsec profile other\": \"other\": no such IPsec profile; the session has that of the IKEv2 profile, default or remote-workers")]
    public void WhatDoesNotFitTheSessionIsRefused(string command, string expected) =>
        Assert.Equal($"virtual-template 1: {expected}", VirtualAccessDerivation.Derive(Template with { Commands = [command] }, [], new DerivationRules(InterfaceNames.None, Session)).Explain());

    [Theory]
    [InlineData("tunnel source 172.16.1.2")]
    [InlineData("tunnel mode ipsec ipv4")]
    [InlineData("tunnel protection ipsec profile remote-workers")]
    public void WhatFitsIsTaken(string command)
    {
        var derived = VirtualAccessDerivation.Derive(Template with { Commands = [command] }, [], new DerivationRules(InterfaceNames.None, Session));
        Assert.Empty(derived.Failures);
        Assert.Contains(command, derived.Config.Commands(Session).Select(c => c.Command));
    }

    [Theory]
    [InlineData(TunnelEncapsulation.Ipsec, "tunnel mode ipsec ipv4")]
    [InlineData(TunnelEncapsulation.Gre, "tunnel mode gre ip")]
    public void TheCommandAutoDoesWhatTheTemplatesModeDoes(TunnelEncapsulation proposed, string expected)
    {
        var session = Session with { Encapsulation = proposed };
        var derived = VirtualAccessDerivation.Derive(Template with { Commands = ["tunnel mode ipsec ipv6", "tunnel mode auto"] }, [], new DerivationRules(InterfaceNames.None, session));
        Assert.Empty(derived.Failures);
        Assert.True(derived.Config.TakesModeFromSession);
        Assert.Contains((expected, ConfigOrigin.Session), derived.Config.Commands(session));
        Assert.False(VirtualAccessDerivation.Derive(Template, [], new DerivationRules(InterfaceNames.None, session)).Config.TakesModeFromSession);
    }

    private static string Text(DerivedInterface derived) => DerivedConfigCompiler.Compile("Virtual-Access1", derived.Config.Commands(Session).Select(c => c.Command));
}
