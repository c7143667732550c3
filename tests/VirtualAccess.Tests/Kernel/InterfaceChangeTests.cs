using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>A standing interface goes from one configuration to another in the kernel, all of it or none.</summary>
public sealed class InterfaceChangeTests : IDisposable
{
    private static readonly ConfigOrigin Origin = new(ConfigSource.ChangeOfAuthorization, "192.0.2.2");

    private readonly NetworkNamespace space = new("c");

    public InterfaceChangeTests()
    {
        space.AddStub("lan0", "10.10.0.1/24", "2001:db8:10::1/64");
        space.AddStub("lan1", "10.10.1.1/24");
    }

    public void Dispose() => space.Dispose();

    [FactAsRoot]
    public void WhatDiffersIsChangedAndBackAgain()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        string[] template = ["ip unnumbered lan0", "ip mtu 1400", "description first"];
        Assert.Null(gateway.Create(7, ["10.99.0.7", "2001:db8:99::7"], null, EspEncapsulation.Udp, 0, template));
        var before = State();

        Assert.Null(Change(gateway, [.. template, "ip unnumbered lan1", "ipv6 unnumbered lan0", "ip mtu 1200", "description second"]));
        var link = space.Ip("-d addr show dev vi7");
        Assert.Contains("mtu 1280", link, StringComparison.Ordinal);
        Assert.Contains("inet6 2001:db8:10::1/128", link, StringComparison.Ordinal);
        Assert.Contains("second", link, StringComparison.Ordinal);
        Assert.Contains("10.99.0.7 dev vi7 proto 201 scope link src 10.10.1.1 mtu 1200", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("2001:db8:99::7 dev vi7 proto 201", space.Ip("-6 route"), StringComparison.Ordinal);

        gateway.WaitForDeletions();
        Assert.DoesNotContain("inet 10.10.0.1/32", space.Ip("addr"), StringComparison.Ordinal);

        // Nobody lends an address any more: the routes stay.
        Assert.True(space.Do(() => gateway.Plane.TryAddRoutes(gateway.Session, [IPNetwork.Parse("10.55.0.0/24")], out _)));
        Assert.Null(Change(gateway, ["ip mtu 1300"]));
        Assert.Contains("10.99.0.7 dev vi7", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("10.55.0.0/24 dev vi7", space.Ip("route"), StringComparison.Ordinal);
        Assert.Null(Change(gateway, template));
        space.Ip("route del 10.55.0.0/24 dev vi7");
        Assert.Equal(before, State());
        Assert.True(gateway.Plane.RemoveInterface(gateway.Session, out _));
        Assert.DoesNotContain("10.99.0.7", space.Ip("route"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void AStepThatFailsUndoesThoseBeforeIt()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        string[] template = ["ip unnumbered lan0", "ip mtu 1400"];
        Assert.Null(gateway.Create(7, ["10.99.0.7", "2001:db8:99::7"], null, EspEncapsulation.Udp, 0, template));
        // Somebody else's hand: the address that the change is to bring is there already.
        space.Ip("addr add 2001:db8:10::1/128 dev vi7");
        var before = State();
        var failure = Change(gateway, [.. template, "ip mtu 1200", "description second", "ip unnumbered lan1", "ipv6 unnumbered lan0"]);
        Assert.Equal("address 2001:db8:10::1/128: EEXIST (File exists)", failure?.ToString());
        Assert.False(failure!.BadValue);
        Assert.Equal(before, State());

        failure = Change(gateway, [.. template, "ip mtu 1200", "ip unnumbered nope0"]);
        Assert.Equal("ip unnumbered nope0: no such interface", failure?.ToString());
        Assert.True(failure!.BadValue);
        Assert.Equal(before, State());

        space.Ip("addr del 2001:db8:10::1/128 dev vi7");
        Assert.Null(Change(gateway, [.. template, "ip unnumbered lan1", "ipv6 unnumbered lan0"]));
    }

    [FactAsRoot]
    public void ASessionThatIsGoneCannotBeChanged()
    {
        using var gateway = new Gateway(space, "10.10.0.1");
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0));
        Assert.True(gateway.Plane.RemoveInterface(gateway.Session, out _));
        Assert.Equal("change interface: no such session", Change(gateway, ["ip mtu 1300"])?.ToString());
    }

    private string State() => space.Ip("addr show dev vi7") + space.Ip("route show dev vi7") + space.Ip("-6 route show dev vi7");

    private InterfaceFailure? Change(Gateway gateway, string[] commands)
    {
        var changed = VirtualAccessDerivation.Change(InterfaceConfig.Empty, new AuthorizedCommands(Origin, [.. commands]), InterfaceNames.NoRules);
        Assert.Empty(changed.Failures);
        return space.Do(() => gateway.Plane.TryUpdateInterface(gateway.Session, standing => standing with { Config = changed.Config }, out var failure) ? null : failure);
    }
}
