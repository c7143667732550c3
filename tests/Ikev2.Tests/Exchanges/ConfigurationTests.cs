using System.Net;
using Headend.Ikev2.Exchanges;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Exchanges;

public sealed class ConfigurationTests
{
    private static readonly IPAddress Leased = IPAddress.Parse("10.98.0.53");
    private static readonly IPAddress Granted = IPAddress.Parse("10.10.0.53");
    private static readonly IPAddress Six = IPAddress.Parse("2001:db8::53");

    private static AssignedAddresses Addresses => new(IPAddress.Parse("10.98.0.7"), null, IPAddress.Parse("2001:db8:99::7"), 128)
    {
        DnsServers = [Leased],
        DefaultDomain = "lease.example",
    };

    private static ConfigurationPayload Asked => new(
        ConfigurationType.Request, [new(ConfigurationAttributeType.InternalIp4Address, default), new(ConfigurationAttributeType.InternalDnsDomain, default)]);

    [Fact]
    public void What_came_with_the_address_fills_what_the_grant_leaves_open()
    {
        Assert.Equal([Leased], Servers(SessionGrant.Empty));
        Assert.Equal([Granted], Servers(new SessionGrant { DnsServers = [Granted] }));
        // One family of the grant does not silence the other of the lease.
        Assert.Equal([Six, Leased], Servers(new SessionGrant { DnsServers = [Six] }));
        Assert.Equal("lease.example", Domain(SessionGrant.Empty));
        Assert.Equal("corp.example", Domain(new SessionGrant { DefaultDomain = "corp.example" }));
    }

    // RFC 7296 3.15.1: "If a value is supplied, it is a preference"; INTERNAL_IP6_ADDRESS has a prefix length behind it.
    [Fact]
    public void A_wish_is_read_where_there_is_one()
    {
        var asked = new ConfigurationPayload(ConfigurationType.Request,
        [
            new(ConfigurationAttributeType.InternalIp4Address, IPAddress.Parse("10.98.0.9").GetAddressBytes()),
            new(ConfigurationAttributeType.InternalIp6Address, (byte[])[.. Six.GetAddressBytes(), 64]),
        ]);
        Assert.Equal(IPAddress.Parse("10.98.0.9"), Configuration.Wish(asked, ConfigurationAttributeType.InternalIp4Address, 4));
        Assert.Equal(Six, Configuration.Wish(asked, ConfigurationAttributeType.InternalIp6Address, 16));
        var unspecified = new ConfigurationPayload(ConfigurationType.Request, [new(ConfigurationAttributeType.InternalIp4Address, new byte[4])]);
        Assert.Null(Configuration.Wish(unspecified, ConfigurationAttributeType.InternalIp4Address, 4));
        Assert.Null(Configuration.Wish(Asked, ConfigurationAttributeType.InternalIp4Address, 4));
    }

    [Fact]
    public void A_delegated_prefix_may_stand_in_the_clients_selectors()
    {
        var addresses = Addresses with { Prefixes = [IPNetwork.Parse("2001:db8:aa::/56")] };
        var offered = new[] { TrafficSelector.FromNetwork(IPNetwork.Parse("::/0")) };
        Assert.Equal(
            [TrafficSelector.FromNetwork(IPNetwork.Parse("2001:db8:99::7/128")), TrafficSelector.FromNetwork(IPNetwork.Parse("2001:db8:aa::/56"))],
            TrafficNarrowing.Remote(offered, addresses));
    }

    private static IEnumerable<IPAddress> Servers(SessionGrant grant) =>
        from attribute in Configuration.Reply(Asked, Addresses, grant).Attributes
        where attribute.Type == ConfigurationAttributeType.InternalIp4Dns || attribute.Type == ConfigurationAttributeType.InternalIp6Dns
        select new IPAddress(attribute.Value.Span);

    private static string Domain(SessionGrant grant) =>
        System.Text.Encoding.ASCII.GetString(Configuration.Reply(Asked, Addresses, grant).Attributes.Single(a => a.Type == ConfigurationAttributeType.InternalDnsDomain).Value.Span);
}
