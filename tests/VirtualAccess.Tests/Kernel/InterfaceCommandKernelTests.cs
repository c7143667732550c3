using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>What interface commands make of a device, at its creation and while it stands; and that each can be taken back.</summary>
public sealed class InterfaceCommandKernelTests : IDisposable
{
    private static readonly ConfigOrigin Origin = new(ConfigSource.ChangeOfAuthorization, "192.0.2.2");

    private readonly NetworkNamespace space = new("k");
    private readonly Gateway gateway;

    public InterfaceCommandKernelTests()
    {
        space.AddStub("lan0", "10.10.0.1/24", "2001:db8:10::1/64");
        gateway = new Gateway(space, "10.10.0.1", vrfs: [new VrfDefinition("blue", 2000)]);
    }

    public void Dispose()
    {
        gateway.Dispose();
        space.Dispose();
    }

    [TheoryAsRoot]
    [InlineData("ip address 10.1.1.1 255.255.255.0", "addr show dev vi7", "inet 10.1.1.1/24 scope global vi7")]
    [InlineData("ipv6 address 2001:db8:1::1/64", "addr show dev vi7", "inet6 2001:db8:1::1/64 scope global")]
    [InlineData("ip mtu 1300", "link show dev vi7", "mtu 1300")]
    [InlineData("ipv6 mtu 1450", "link show dev vi7", "mtu 1450")]
    [InlineData("description a b", "link show dev vi7", "- a b")]
    [InlineData("shutdown", "link show dev vi7", "NOARP> mtu 1400")]
    [InlineData("ip route 10.55.0.0 255.255.0.0 distance 50 tag 7", "route", "10.55.0.0/16 dev vi7 proto 201 scope link metric 50 realm 7")]
    [InlineData("ipv6 route 2001:db8:55::/48 distance 50", "-6 route", "2001:db8:55::/48 dev vi7 proto 201 metric 50")]
    [InlineData("ip unnumbered lan0", "route", "10.99.0.7 dev vi7 proto 201 scope link src 10.10.0.1")]
    public void CommandIsSeenInTheKernelAtTheLoginAndAfterAChangeAndGoesWithItsNoForm(string command, string query, string expected)
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, command));
        Assert.Contains(expected, Flat(space.Ip(query)), StringComparison.Ordinal);
        gateway.Plane.RemoveInterface(gateway.Session, out _);
        gateway.WaitForDeletions();

        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0));
        var before = State();
        Assert.Null(Change(command));
        Assert.Contains(expected, Flat(space.Ip(query)), StringComparison.Ordinal);
        Assert.Null(Change(command, "no " + command));
        Assert.Equal(before, State(before));
    }

    [FactAsRoot]
    public void ReversePathFilterIsOnTheDevice()
    {
        const string command = "cat /proc/sys/net/ipv4/conf/vi7/rp_filter";
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "ip verify unicast source reachable-via rx"));
        Assert.Equal("1", space.Exec(command).Trim());
        Assert.Null(Change());
        Assert.Equal("0", space.Exec(command).Trim());
    }

    [FactAsRoot]
    public void TunnelSourceMayBeAnInterfaceThatHasTheAddress()
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "tunnel source lan0"));
        Assert.Equal("tunnel source lo: the client came to 10.10.0.1, which is no address of lo", Change("tunnel source lo")?.ToString());
        Assert.Equal("tunnel source lan9: no such interface", gateway.Create(8, ["10.99.0.8"], null, EspEncapsulation.Udp, 0, "tunnel source lan9")?.ToString());
    }

    [FactAsRoot]
    public void BandwidthIsTheSpeedOfTheDevice()
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "bandwidth 55000"));
        Assert.Equal("55", space.Exec("cat /sys/class/net/vi7/speed").Trim());
    }

    [FactAsRoot]
    public void PrimaryAddressIsReplacedAndSecondariesStay()
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "ip address 10.1.1.1 255.255.255.0", "ip address 10.1.1.9 255.255.255.0 secondary"));
        Assert.Null(Change("ip address 10.1.1.2 255.255.255.0", "ip address 10.1.1.9 255.255.255.0 secondary"));
        var addresses = space.Ip("addr show dev vi7");
        Assert.DoesNotContain("10.1.1.1/24", addresses, StringComparison.Ordinal);
        Assert.Contains("10.1.1.2/24", addresses, StringComparison.Ordinal);
        Assert.Contains("10.1.1.9/24", addresses, StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void RoutesComeBackAfterShutdownWithThoseThatWereAddedMeanwhile()
    {
        Assert.Null(gateway.Create(7, ["10.99.0.7", "2001:db8:99::7"], null, EspEncapsulation.Udp, 0, "shutdown"));
        Assert.DoesNotContain("vi7", space.Ip("route"), StringComparison.Ordinal);
        Assert.True(space.Do(() => gateway.Plane.TryAddRoutes(gateway.Session, [System.Net.IPNetwork.Parse("10.66.0.0/16")], out _)));
        Assert.Null(Change());
        Assert.Contains("10.99.0.7 dev vi7", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("10.66.0.0/16 dev vi7", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("2001:db8:99::7 dev vi7", space.Ip("-6 route"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void AVrfThatIsNotThereIsNamed()
    {
        var failure = gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "vrf forwarding red");
        Assert.Equal("vrf forwarding red: no such VRF", failure?.ToString());
        Assert.True(failure is { BadValue: true, IsCommand: true });
        Assert.Equal("vrf forwarding lan0: the interface of that name is no VRF", gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "vrf forwarding lan0")?.ToString());
        Assert.DoesNotContain("vi7", space.Ip("link"), StringComparison.Ordinal);
    }

    [FactAsRoot(LacksLink = "vrf")]
    public void AVrfThatTheKernelCannotMakeIsNamedWithTheKernelsReason()
    {
        var failure = gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, "vrf forwarding blue");
        Assert.Equal("vrf forwarding blue: EOPNOTSUPP (Operation not supported)", failure?.ToString());
        Assert.True(failure is { BadValue: false, IsCommand: true });
        Assert.DoesNotContain("vi7", space.Ip("link"), StringComparison.Ordinal);
    }

    [FactAsRoot(NeedsLink = "vrf")]
    public void RoutesStandInTheTableOfTheVrfAndMoveWithIt()
    {
        space.Ip("link add red type vrf table 1000");
        space.Ip("link set red up");
        Assert.Null(gateway.Create(7, ["10.99.0.7", "2001:db8:99::7"], null, EspEncapsulation.Udp, 0, "vrf forwarding red", "ip address 10.1.1.1 255.255.255.0", "ipv6 address 2001:db8:1::1/64", "ip route 10.55.0.0 255.255.0.0"));
        Assert.Contains("master red", space.Ip("link show dev vi7"), StringComparison.Ordinal);
        Assert.Contains("inet 10.1.1.1/24", space.Ip("addr show dev vi7"), StringComparison.Ordinal);
        Assert.Contains("10.99.0.7 dev vi7", space.Ip("route show table 1000"), StringComparison.Ordinal);
        Assert.Contains("10.55.0.0/16 dev vi7", space.Ip("route show table 1000"), StringComparison.Ordinal);
        Assert.Contains("2001:db8:99::7 dev vi7", space.Ip("-6 route show table 1000"), StringComparison.Ordinal);
        Assert.DoesNotContain("vi7", space.Ip("route"), StringComparison.Ordinal);

        // Out of it, and into one that the configuration makes.
        Assert.Null(Change("ip unnumbered lan0"));
        Assert.Contains("10.99.0.7 dev vi7 proto 201 scope link src 10.10.0.1", space.Ip("route"), StringComparison.Ordinal);
        Assert.Contains("2001:db8:99::7 dev vi7", space.Ip("-6 route"), StringComparison.Ordinal);
        Assert.DoesNotContain("vi7", space.Ip("route show table 1000"), StringComparison.Ordinal);
        Assert.Null(Change("vrf forwarding blue"));
        Assert.Contains("10.99.0.7 dev vi7", space.Ip("route show table 2000"), StringComparison.Ordinal);
        // The start after a killed run knows it by that.
        Assert.Contains("alias headend test: VRF blue", space.Ip("link show blue"), StringComparison.Ordinal);

        // A change that fails puts it back.
        var before = State() + space.Ip("route show table 2000");
        Assert.Equal("ip unnumbered nope0: no such interface", Change("ip unnumbered nope0")?.ToString());
        Assert.Equal(before, State() + space.Ip("route show table 2000"));

        gateway.Plane.RemoveInterface(gateway.Session, out _);
        gateway.WaitForDeletions();
        Assert.DoesNotContain("vi7", space.Ip("route show table 2000"), StringComparison.Ordinal);
        gateway.Dispose();
        Assert.DoesNotContain("blue", space.Ip("link"), StringComparison.Ordinal);
        Assert.Contains("red", space.Ip("link"), StringComparison.Ordinal);
    }

    /// <summary>What is seen of the interface. The kernel tells whether a link runs some time after it was changed: until then <paramref name="expected"/> is waited for.</summary>
    private string State(string? expected = null)
    {
        var seen = "";
        SpinWait.SpinUntil(
            () =>
            {
                seen = Steady(space.Ip("-d addr show dev vi7")) + space.Ip("route show dev vi7") + space.Ip("-6 route show dev vi7");
                return expected is null || seen == expected;
            },
            TimeSpan.FromSeconds(10));
        return seen;
    }

    private static string Steady(string link) =>
        link.Replace(" state UNKNOWN", "", StringComparison.Ordinal).Replace(" state DOWN", "", StringComparison.Ordinal).Replace(" state UP", "", StringComparison.Ordinal);

    private static string Flat(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));

    private InterfaceFailure? Change(params string[] commands)
    {
        var changed = VirtualAccessDerivation.Change(InterfaceConfig.Empty, new AuthorizedCommands(Origin, [.. commands]), InterfaceNames.NoRules);
        Assert.Empty(changed.Failures);
        return space.Do(() => gateway.Plane.TryUpdateInterface(gateway.Session, standing => standing with { Config = changed.Config }, out var failure) ? null : failure);
    }
}
