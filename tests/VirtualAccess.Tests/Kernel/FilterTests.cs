using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>Tests that run alone: libnftables needs a descriptor below 1024, and others open many devices.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class FilterTestGroup
{
    public const string Name = "packet filters";
}

/// <summary>Packet filters in a kernel: a client behind "vi7", a gateway, a server on the LAN.</summary>
[Collection(FilterTestGroup.Name)]
public sealed class FilterTests : IDisposable
{
    private const string Nft = "/usr/sbin/nft";
    private const string Everything = "permit ip any any";
    private static readonly IPAddress Server4 = IPAddress.Parse("10.10.0.2");
    private static readonly IPAddress Server6 = IPAddress.Parse("2001:db8:10::2");
    private static readonly IPAddress Gateway4 = IPAddress.Parse("10.10.0.1");

    private readonly NetworkNamespace client = new("fc");
    private readonly NetworkNamespace gateway = new("fg");
    private readonly NetworkNamespace server = new("fs");

    public FilterTests()
    {
        gateway.Exec("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
        Connect("vi7", client, "10.99.0", "2001:db8:99");
        Connect("lan0", server, "10.10.0", "2001:db8:10");
    }

    public void Dispose()
    {
        client.Dispose();
        gateway.Dispose();
        server.Dispose();
    }

    [FactAsRoot(Needs = Nft)]
    public void WhatIsPermittedPassesAndWhatIsDeniedIsDroppedAndBothAreCounted()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        Assert.Null(stage.Missing);
        Apply(stage, null, Filter(["deny udp any host 10.10.0.2 eq 1001", "permit udp any any range 1000 1009", "permit icmpv6 any any"], []));
        using var open = new Receiver(server, 1000);
        using var closed = new Receiver(server, 1001);
        Send(Server4, 1001, "a");
        Send(Server4, 1009, "nobody listens");
        Send(Server4, 2000, "end of the list");
        Send(Server6, 1001, "b");
        Send(Server4, 1000, "c");
        Assert.Equal("c", open.Next());
        Assert.Equal("b", closed.Next());
        Assert.False(closed.Waits);
        var counted = gateway.Do(stage.GetStatistics);
        var list = Assert.Single(counted.Lists);
        Assert.Equal("vi7", list.Device);
        Assert.Equal((1, 3, 1), (list.Packets[10], list.Packets[20], list.Packets[NftablesCompiler.RestComment]));
        var filter = Assert.Single(counted.Interfaces);
        Assert.Equal((2, 0, 0), (filter.InboundDenied, filter.OutboundPackets, filter.OutboundDenied));
        Assert.True(filter.InboundPackets >= 5);
    }

    [FactAsRoot(Needs = Nft)]
    public void TheHeadendItselfIsReachedOnlyWhereTheInboundListPermits()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        using var receiver = new Receiver(gateway, 1000);
        using var other = new Receiver(gateway, 1001);
        // Its own packets do not ask the outbound list.
        Apply(stage, null, Filter(["permit udp any host 10.10.0.1 eq 1000"], ["deny ip any any"]));
        Send(Gateway4, 1001, "a");
        Send(Gateway4, 1000, "b");
        Assert.Equal("b", receiver.Next());
        Assert.False(other.Waits);
        using var back = new Receiver(client, 1000);
        gateway.Do(() => SendFrom(IPAddress.Parse("10.99.0.7"), 1000, "from the headend"));
        Assert.Equal("from the headend", back.Next());
        server.Do(() => SendFrom(IPAddress.Parse("10.99.0.7"), 1000, "from the LAN"));
        Assert.Equal(1, Until(() => gateway.Do(stage.GetStatistics).Interfaces[0].OutboundDenied, n => n > 0));
        Assert.False(back.Waits);
    }

    [FactAsRoot(Needs = Nft)]
    public void EveryListOfADirectionMustPermit()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        var filter = new InterfaceFilter([List("permit udp any any range 1000 1001"), List("permit udp any any range 1001 1002")], []);
        Apply(stage, null, filter);
        using var receiver = new Receiver(server, 1001);
        using var first = new Receiver(server, 1000);
        using var last = new Receiver(server, 1002);
        foreach (var port in new[] { 1000, 1002, 1001 }) Send(Server4, port, "x");
        Assert.Equal("x", receiver.Next());
        Assert.False(first.Waits);
        Assert.False(last.Waits);
    }

    /// <summary>While lists are replaced, what both permit is never lost and what both deny never passes.</summary>
    [FactAsRoot(Needs = Nft)]
    public async Task ReplacementUnderTrafficLosesNothingAndLetsNothingThrough()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        InterfaceFilter[] filters = [.. Enumerable.Range(0, 4).Select(i => Filter([$"permit udp any any eq 1000 {2000 + i}"], i % 2 == 0 ? [] : ["permit ip any any"]))];
        Apply(stage, null, filters[0]);
        using var open = new Receiver(server, 1000);
        using var closed = new Receiver(server, 1001);
        var changes = Task.Run(() =>
        {
            for (var i = 1; i <= 200; i++) Apply(stage, filters[(i - 1) % 4], filters[i % 4]);
        });
        var sent = 0;
        while (!changes.IsCompleted)
        {
            Send(Server4, 1001, "closed");
            Send(Server4, 1000, $"open {++sent}");
            Assert.Equal($"open {sent}", open.Next());
        }

        await changes;
        Assert.True(sent > 50);
        Assert.False(closed.Waits);
    }

    [FactAsRoot(Needs = Nft)]
    public void NothingIsLeftOfASessionAndNothingOfAHeadendButAnothersStays()
    {
        gateway.Exec($"{Nft} add table inet headend-other");
        var outside = Ruleset();
        using (var stage = gateway.Do(() => new FilterStage("test", [List("permit ip any 10.10.0.0/24") with { Name = "lan-only", IsOfSession = false }], TimeProvider.System)))
        {
            var before = Ruleset();
            Assert.Contains("10.10.0.0/24", before, StringComparison.Ordinal);
            Apply(stage, null, Filter(["permit ip any host 10.10.0.2"], ["permit ip any any"]));
            Assert.NotEqual(before, Ruleset());
            gateway.Do(() => stage.Remove(Target, Request(InterfaceFilter.None)));
            Assert.Equal(before, Ruleset());
            // A process that is killed leaves its table; the next one with this state takes it away.
            Apply(stage, null, Filter([Everything], []));
            using (gateway.Do(() => new FilterStage("test", [], TimeProvider.System)))
                Assert.DoesNotContain("10.10.0.0/24", Ruleset(), StringComparison.Ordinal);
        }

        Assert.Equal(outside, Ruleset());
    }

    /// <summary>IOS lets later fragments of what a permit line with ports is about pass; an IPFilterRule with ports never fits them (RFC 6733 4.3.1).</summary>
    [FactAsRoot(Needs = Nft)]
    public void LaterFragmentsFollowTheKindOfList()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        using var receiver = new Receiver(server, 1000);
        var large = new string('x', 4000);
        // A veth finds its neighbours by ICMPv6; a TUN has none.
        Apply(stage, null, Filter(["permit udp any any eq 1000", "permit icmpv6 any any"], []));
        Send(Server4, 1000, large);
        Send(Server6, 1000, large + "6");
        Assert.Equal(large, receiver.Next());
        Assert.Equal(large + "6", receiver.Next());
        Assert.True(IpFilterRuleParser.TryParse(["permit in udp from any to any 1000"], [], "NAS-Filter-Rule", out var rules, out _, out _));
        Apply(stage, Filter([Everything], []), new InterfaceFilter([rules!], []));
        Send(Server4, 1000, large);
        Send(Server4, 1000, "small");
        Assert.Equal("small", receiver.Next());
        Assert.False(receiver.Waits);
    }

    /// <summary>The kernel understands every rule that the compiler writes.</summary>
    [FactAsRoot(Needs = Nft)]
    public void TheKernelTakesTheWholeGrammar()
    {
        string[] lines =
        [
            "permit 10.0.0.0 0.255.0.255 log", "deny ip range 10.0.0.1 10.0.0.9 any", "permit tcp any eq 1 any neq 2 3 established log", "permit sctp any lt 5 any gt 6", "deny udp any any dscp af11",
            "permit icmp any any 3 13", "permit icmpv6 any any nd-ns", "permit icmp 2001:db8::/32 any echo-reply", "deny ip any any fragments", "deny ipv6 any any fragments dscp ef", "permit gre any host 10.0.0.1",
            "permit ip ::/0 any", "deny ip 0.0.0.0/0 any", "permit tcp host ::ffff:10.0.0.1 any eq 80", "permit ip range 2001:db8::1 2001:db8::9 any", "permit 255 any any",
        ];
        string[] rules =
        [
            "permit in ip from !10.0.0.0/8 to !0.0.0.0/0", "permit in tcp from any 1,2,5-9 to any 7 setup", "permit in tcp from any to any tcpflags !fin,syn,!rst,psh,!ack,urg", "deny in icmp from any to any icmptypes 0-255",
            "deny in 58 from any to any icmptypes 1,2,3", "deny in ip from any to any frag", "permit in ip from !::/0 to any",
        ];
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        Assert.True(IpFilterRuleParser.TryParse(rules, [], "NAS-Filter-Rule", out var second, out _, out var error), error);
        Apply(stage, null, new InterfaceFilter([List(lines), second!], []));
        var counted = gateway.Do(stage.GetStatistics);
        Assert.Equal(lines.Length + 1, counted.Lists[0].Packets.Count);
        Assert.Equal(rules.Length + 1, counted.Lists[1].Packets.Count);
    }

    /// <summary>A firewall that is loaded with "flush ruleset" takes every table along.</summary>
    [FactAsRoot(Needs = Nft)]
    public void ATableThatSomebodyDeletesComesBackWithEveryList()
    {
        using var restored = new ManualResetEventSlim();
        using var stage = gateway.Do(() => new FilterStage(
            "test", [List("permit ip any 10.10.0.0/24") with { Name = "lan-only", IsOfSession = false }], TimeProvider.System, failure =>
            {
                Assert.Null(failure);
                restored.Set();
            }));
        Apply(stage, null, new InterfaceFilter([List("permit udp any any eq 1000"), List("permit udp any any") with { Scope = AddressFamily.InterNetwork }], [List(Everything)]));
        var before = Ruleset();
        gateway.Exec($"{Nft} flush ruleset");
        Assert.True(restored.Wait(TimeSpan.FromSeconds(30)));
        Assert.Equal(before, Ruleset());
        using var open = new Receiver(server, 1000);
        using var closed = new Receiver(server, 1001);
        Send(Server4, 1001, "a");
        Send(Server4, 1000, "b");
        Assert.Equal("b", open.Next());
        Assert.False(closed.Waits);
        gateway.Do(() => stage.Remove(Target, Request(InterfaceFilter.None)));
    }

    [FactAsRoot(Needs = Nft)]
    public void ADeviceThatIsGoneIsAFailureAndLeavesNothing()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        var before = Ruleset();
        InterfaceFailure? failure = null;
        Assert.False(gateway.Do(() => stage.TryApply(new InterfaceTarget("vi8", 9999), null, Request(Filter([Everything], [])), out failure)));
        Assert.Equal("packet filter of vi8: ENODEV (No such device)", failure!.ToString());
        Assert.Equal(before, Ruleset());
    }

    [FactAsRoot(Needs = Nft)]
    public void WhatIsPreparedIsThereBeforeItsChangeAndGoesWhenNobodyTookIt()
    {
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System));
        var before = Ruleset();
        InterfaceFilter[] filters = [.. Enumerable.Range(1, 4).Select(i => Filter([$"permit ip any host 10.10.9.{i}"], []))];
        gateway.Do(() => stage.Prepare(filters[..3]));
        Assert.Equal((true, true, true, false), Standing());
        Apply(stage, null, filters[0]);
        Apply(stage, filters[0], filters[1]);
        Assert.Equal((true, true, true, false), Standing());
        // The next ones: of the former only what is in use stays.
        gateway.Do(() => stage.Prepare(filters[3..]));
        Assert.Equal((false, true, false, true), Standing());
        Apply(stage, filters[1], filters[3]);
        gateway.Do(stage.Settle);
        Assert.Equal((false, false, false, true), Standing());
        gateway.Do(() => stage.Remove(Target, Request(InterfaceFilter.None)));
        Assert.Equal(before, Ruleset());

        (bool, bool, bool, bool) Standing()
        {
            var rules = Ruleset();
            bool Has(int host) => rules.Contains($"10.10.9.{host} ", StringComparison.Ordinal);
            return (Has(1), Has(2), Has(3), Has(4));
        }
    }

    [FactAsRoot(Needs = Nft)]
    public void APreparationThatTheKernelRefusesLeavesEachChangeToItself()
    {
        using var restored = new ManualResetEventSlim();
        using var stage = gateway.Do(() => new FilterStage("test", [], TimeProvider.System, _ => restored.Set()));
        var before = Ruleset();
        var filter = Filter(["permit ip any host 10.10.9.1"], []);
        gateway.Exec($"{Nft} delete table inet headend-test");
        gateway.Do(() => stage.Prepare([filter, Filter(["permit ip any host 10.10.9.2"], [])]));
        Assert.True(restored.Wait(TimeSpan.FromSeconds(20)));
        Assert.Equal(before, Ruleset());
        Apply(stage, null, filter);
        Assert.Contains("10.10.9.1 ", Ruleset(), StringComparison.Ordinal);
        gateway.Do(() => stage.Remove(Target, Request(InterfaceFilter.None)));
        gateway.Do(stage.Settle);
        Assert.Equal(before, Ruleset());
    }

    private InterfaceTarget Target => new("vi7", int.Parse(gateway.Exec("cat /sys/class/net/vi7/ifindex"), System.Globalization.CultureInfo.InvariantCulture));

    private static InterfaceRequest Request(InterfaceFilter filter) => new()
    {
        Number = 7,
        Config = InterfaceConfig.Empty,
        ClientAddresses = [IPAddress.Parse("10.99.0.7")],
        Path = new EspPath(default, default, EspEncapsulation.Udp),
        Filter = filter,
    };

    private static InterfaceFilter Filter(string[] inbound, string[] outbound) =>
        new(inbound.Length == 0 ? [] : [List(inbound)], outbound.Length == 0 ? ImmutableArray<AccessList>.Empty : [List(outbound)]);

    private static AccessList List(params string[] lines)
    {
        Assert.True(AccessListParser.TryParse("x", lines, out var list, out var error), error);
        return list with { IsOfSession = true };
    }

    private static int SendFrom(IPAddress to, int port, string text)
    {
        using var socket = new UdpClient(to.AddressFamily);
        return socket.Send(Encoding.ASCII.GetBytes(text), new IPEndPoint(to, port));
    }

    private static long Until(Func<long> read, Func<long, bool> reached)
    {
        var value = read();
        for (var i = 0; i < 300 && !reached(value); i++)
        {
            Thread.Sleep(20);
            value = read();
        }

        return value;
    }

    private void Apply(FilterStage stage, InterfaceFilter? from, InterfaceFilter to)
    {
        var target = Target;
        InterfaceFailure? failure = null;
        Assert.True(gateway.Do(() => stage.TryApply(target, from is null ? null : Request(from), Request(to), out failure)), failure?.ToString());
    }

    private void Send(IPAddress to, int port, string text) => client.Do(() => SendFrom(to, port, text));

    // Without counters.
    private string Ruleset() => gateway.Exec($"{Nft} -s list ruleset");

    private void Connect(string device, NetworkNamespace other, string prefix4, string prefix6)
    {
        gateway.Ip($"link add {device} type veth peer name eth0 netns {other.Name}");
        gateway.Ip($"addr add {prefix4}.1/24 dev {device}");
        gateway.Ip($"addr add {prefix6}::1/64 dev {device} nodad");
        gateway.Ip($"link set {device} up");
        var host = device == "vi7" ? 7 : 2;
        other.Ip($"addr add {prefix4}.{host}/24 dev eth0");
        other.Ip($"addr add {prefix6}::{host}/64 dev eth0 nodad");
        other.Ip("link set eth0 up");
        other.Ip($"route add default via {prefix4}.1");
        other.Ip($"-6 route add default via {prefix6}::1");
    }

    /// <summary>Takes datagrams on a port of a namespace, of both families.</summary>
    private sealed class Receiver : IDisposable
    {
        private readonly Socket socket;

        public Receiver(NetworkNamespace space, int port)
        {
            socket = space.Do(() =>
            {
                var made = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true, ReceiveTimeout = 20_000, ReceiveBufferSize = 8 << 20 };
                made.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
                return made;
            });
        }

        public bool Waits => socket.Available > 0;

        public string Next()
        {
            var buffer = new byte[8192];
            return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
        }

        public void Dispose() => socket.Dispose();
    }
}
