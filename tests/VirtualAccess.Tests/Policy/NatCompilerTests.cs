using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Policy;

public sealed class NatCompilerTests
{
    [Fact]
    public void SelfIsTheClientsAddressOfTheFamilyAndOneToOneGoesBeforeMasquerade()
    {
        Assert.Equal(
            ["10.99.0.7 as 10.10.0.50", "2001:db8:99::7 as 2001:db8:10::9", "overload InterNetwork ", "overload InterNetworkV6 lan0"],
            Compile(
                ["2001:db8:10::9"],
                "ip nat inside source overload", "ipv6 nat inside source interface lan0 overload", "ip nat inside source static SELF 10.10.0.50", "ipv6 nat inside source pool six"));
    }

    [Fact]
    public void ALaterCommandReplacesWhatItCollidesWithAndTheNoFormTakesByValueOrAll()
    {
        Assert.Equal(["10.99.0.7 as 10.10.0.51"], Compile([], "ip nat inside source static self 10.10.0.50", "ip nat inside source static self 10.10.0.51"));
        Assert.Equal(
            ["10.99.0.7 as 10.10.0.50"],
            Compile([], "ip route 10.88.0.0 255.255.255.0", "ip nat inside source static 10.88.0.1 10.10.0.50", "ip nat inside source static self 10.10.0.50", "no ip nat inside source static self 10.10.0.99"));
        Assert.Empty(Compile([], "ip nat inside source static self 10.10.0.50", "no ip nat inside source static", "ip nat inside source interface lan0 overload", "no ip nat inside source overload"));
        Assert.Empty(Compile([], "ip nat inside source pool four", "no ip nat inside source pool", "ip nat inside source overload", "shutdown"));
    }

    [Theory]
    [InlineData("ip nat inside source pool four: the pool four gave no address", "ip nat inside source pool four")]
    [InlineData("ip nat inside source static self 10.99.0.7: 10.99.0.7 is the client's own", "ip nat inside source static self 10.99.0.7")]
    [InlineData("ip nat inside source static self 239.1.1.1: 239.1.1.1 is no address of a host", "ip nat inside source static self 239.1.1.1")]
    [InlineData("ip nat inside source static 10.5.0.1 10.10.0.50: 10.5.0.1 is neither the client's nor of a network behind it", "ip nat inside source static 10.5.0.1 10.10.0.50")]
    [InlineData("ip nat inside source static self 10.10.0.50: 10.99.0.7 is translated by another command", "ip nat inside source static 10.99.0.7 10.10.0.49", "ip nat inside source static self 10.10.0.50")]
    public void WhatCannotBeIsNamedWithItsCommand(string expected, params string[] commands)
    {
        Assert.False(NatCompiler.TryCompile(Request([], commands), out _, out var failure));
        Assert.Equal((expected, true, true), (failure.ToString(), failure.IsCommand, failure.BadValue));
    }

    [Fact]
    public void InAVrfNothingIsTranslated()
    {
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, ["vrf forwarding red", "ip nat inside source overload"]), [], InterfaceNames.NoRules);
        Assert.Equal("virtual-template 1: \"ip nat inside source overload\": addresses are not translated in a VRF (vrf forwarding red)", derived.Explain());
        Assert.Empty(VirtualAccessDerivation.Derive(new VirtualTemplate(1, ["vrf forwarding red", "ip nat inside source overload", "no vrf forwarding"]), [], InterfaceNames.NoRules).Failures);
    }

    [Fact]
    public void APoolMustBeThere()
    {
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, ["ip nat inside source pool four"]), [], InterfaceNames.NoRules);
        Assert.Equal("virtual-template 1: \"ip nat inside source pool four\": \"four\": no pool four", derived.Explain());
    }

    /// <summary>What is equal in both stays as it is, so that a change never touches it.</summary>
    [Fact]
    public void ElementsOfAnInterface()
    {
        Assert.True(NatCompiler.TryCompile(Request([], "ip nat inside source static self 10.10.0.50", "ip nat inside source interface lan0 overload"), out var rules, out _));
        Assert.Equal(
            ["vi7 in inside", "vi7 . 10.99.0.7 in static4", "10.10.0.50 in reached4", "10.99.0.7 in global4", "10.10.0.50 in local4", "vi7 . lan0 in overload_by4"],
            NatTable.Elements("vi7", rules).Select(e => e.ToString()));
        Assert.Empty(NatTable.Elements("vi7", []));
        Assert.Equal("766937000000000000000000000000000a630007", Convert.ToHexStringLower(NatTable.Elements("vi7", rules).ElementAt(1).Key()));
    }

    private static string[] Compile(string[] pool, params string[] commands)
    {
        Assert.True(NatCompiler.TryCompile(Request(pool, commands), out var rules, out var failure), failure?.ToString());
        return [.. rules.Select(r => r.IsOverload ? $"overload {r.Family} {r.WayOut}" : $"{r.Local} as {r.Global}")];
    }

    private static InterfaceRequest Request(string[] pool, params string[] commands)
    {
        var names = InterfaceNames.None with { Pools = new HashSet<string> { "four", "six" } };
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, [.. commands]), [], new DerivationRules(names));
        Assert.Empty(derived.Failures);
        return new InterfaceRequest
        {
            Number = 7,
            Config = derived.Config,
            ClientAddresses = [IPAddress.Parse("10.99.0.7"), IPAddress.Parse("2001:db8:99::7")],
            Path = new EspPath(default, default, EspEncapsulation.Udp),
            NatPoolAddresses = [.. pool.Select(IPAddress.Parse)],
        };
    }
}
