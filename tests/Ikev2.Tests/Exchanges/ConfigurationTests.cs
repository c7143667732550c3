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
            TrafficNarrowing.Remote(offered, addresses, SessionGrant.Empty));
    }

    private static TrafficSelector[] Offer(params string[] networks) => [.. networks.Select(n => TrafficSelector.FromNetwork(IPNetwork.Parse(n)))];

    [Fact]
    public void Networks_that_AAA_puts_behind_the_client_may_stand_in_its_selectors()
    {
        var grant = new SessionGrant { RemoteNetworks = [IPNetwork.Parse("10.20.0.0/16"), IPNetwork.Parse("10.30.0.0/16")] };
        Assert.Equal(Offer("10.98.0.7/32", "10.20.0.0/16", "10.30.0.0/16"), TrafficNarrowing.Remote(Offer("0.0.0.0/0"), Addresses, grant));
        Assert.Equal(Offer("10.20.5.0/24"), TrafficNarrowing.Remote(Offer("10.20.5.0/24"), Addresses, grant));
        Assert.Empty(TrafficNarrowing.Remote(Offer("10.40.0.0/16"), Addresses, grant));
    }

    [Fact]
    public void A_client_may_name_networks_of_its_own_where_it_is_let_but_neither_everything_nor_ours()
    {
        var grant = new SessionGrant { AcceptRemoteNetworks = true, OwnNetworks = [IPNetwork.Parse("10.10.0.0/24"), IPNetwork.Parse("10.99.0.0/16")] };
        Assert.Equal(Offer("192.168.7.0/24", "10.98.0.7/32"), TrafficNarrowing.Remote(Offer("0.0.0.0/0", "192.168.7.0/24"), Addresses, grant));
        // Everything in two halves is everything; /8 is the largest.
        Assert.Equal(Offer("10.98.0.7/32"), TrafficNarrowing.Remote(Offer("0.0.0.0/1", "128.0.0.0/1"), Addresses, grant));
        Assert.Equal(Offer("44.0.0.0/8"), TrafficNarrowing.Remote(Offer("44.0.0.0/8", "44.0.0.0/7"), Addresses, grant));
        // Any part of what is ours, or of what contains it.
        Assert.Empty(TrafficNarrowing.Remote(Offer("10.10.0.0/25", "10.99.4.4/32", "10.10.0.0/20"), Addresses, grant));
        Assert.Equal(Offer("2001:db8:4::/48", "2001:db8:99::7/128"), TrafficNarrowing.Remote(Offer("2001:db8:4::/48", "2001::/15"), Addresses, grant));
        Assert.Empty(TrafficNarrowing.Remote(Offer("192.168.7.0/24"), Addresses, SessionGrant.Empty));
    }

    [Fact]
    public void Name_servers_and_domains_go_to_clients_that_can_use_them()
    {
        var grant = new SessionGrant
        {
            DnsServers = [Granted],
            NbnsServers = [IPAddress.Parse("10.10.0.55"), IPAddress.Parse("10.10.0.56")],
            DefaultDomain = "corp.example",
            SplitDomains = ["lab.example", "CORP.example"],
        };
        var reply = Configuration.Reply(Asked, Addresses, grant, isCisco: false);
        Assert.Equal(["10.10.0.55", "10.10.0.56"], Values(reply, ConfigurationAttributeType.InternalIp4Nbns).Select(v => new IPAddress(v.Span).ToString()));
        Assert.Equal(["corp.example", "lab.example"], Values(reply, ConfigurationAttributeType.InternalDnsDomain).Select(v => System.Text.Encoding.ASCII.GetString(v.Span)));

        // Who did not ask for domains gets none; who gets no server has no use for them; NBNS is IPv4's.
        var plain = new ConfigurationPayload(ConfigurationType.Request, [new(ConfigurationAttributeType.InternalIp4Address, default)]);
        Assert.Empty(Values(Configuration.Reply(plain, Addresses, grant, isCisco: false), ConfigurationAttributeType.InternalDnsDomain));
        var six = Addresses with { IPv4 = null, DnsServers = [] };
        Assert.Empty(Values(Configuration.Reply(Asked, six, grant, isCisco: false), ConfigurationAttributeType.InternalDnsDomain));
        Assert.Empty(Values(Configuration.Reply(Asked, six, grant, isCisco: false), ConfigurationAttributeType.InternalIp4Nbns));
    }

    /// <summary>What the configuration of others may not answer is exactly what stands in a reply with everything in it.</summary>
    [Fact]
    public void What_we_fill_in_ourselves_is_listed()
    {
        var grant = new SessionGrant { DnsServers = [Granted, Six], NbnsServers = [Granted], DefaultDomain = "corp.example", Subnets = [IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("2001:db8::/32")] };
        var everything = new ConfigurationPayload(ConfigurationType.Request, [.. Enumerable.Range(1, 100).Select(n => new ConfigurationAttribute(new ConfigurationAttributeType((ushort)n), default))]);
        var reply = Configuration.Reply(everything, Addresses with { IPv4Netmask = IPAddress.Parse("255.255.0.0") }, grant, isCisco: true);
        Assert.Equal(ConfigurationAttributeType.FilledByResponder.Select(t => t.Value).Order(), reply.Attributes.Select(a => a.Type.Value).Distinct().Order());
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Values(ConfigurationPayload payload, ConfigurationAttributeType type) =>
        payload.Attributes.Where(a => a.Type == type).Select(a => a.Value);

    private static IEnumerable<IPAddress> Servers(SessionGrant grant) =>
        from attribute in Configuration.Reply(Asked, Addresses, grant, isCisco: false).Attributes
        where attribute.Type == ConfigurationAttributeType.InternalIp4Dns || attribute.Type == ConfigurationAttributeType.InternalIp6Dns
        select new IPAddress(attribute.Value.Span);

    private static string Domain(SessionGrant grant) =>
        System.Text.Encoding.ASCII.GetString(Configuration.Reply(Asked, Addresses, grant, isCisco: false).Attributes.Single(a => a.Type == ConfigurationAttributeType.InternalDnsDomain).Value.Span);
}
