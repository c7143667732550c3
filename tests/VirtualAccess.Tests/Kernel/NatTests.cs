using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>Address translation in a kernel: a client behind "vi7", a gateway, a server on the LAN that has no route back to the client.</summary>
[Collection(FilterTestGroup.Name)]
public sealed class NatTests : IDisposable
{
    private const string Nft = "/usr/sbin/nft";
    private const string Overload = "ip nat inside source overload";
    private const string Static = "ip nat inside source static self 10.10.0.50";
    private const int Port = 1000;
    private static readonly IPAddress Server4 = IPAddress.Parse("10.10.0.2");
    private static readonly IPAddress Server6 = IPAddress.Parse("2001:db8:10::2");

    private readonly NetworkNamespace client = new("nc");
    private readonly NetworkNamespace gateway = new("ng");
    private readonly NetworkNamespace server = new("ns");

    public NatTests()
    {
        gateway.Exec("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.all.proxy_ndp=1");
        Connect("vi7", client, "10.99.0", "2001:db8:99", 7);
        Connect("lan0", server, "10.10.0", "2001:db8:10", 2);
        client.Ip("route add default via 10.99.0.1");
        client.Ip("-6 route add default via 2001:db8:99::1");
    }

    public void Dispose()
    {
        client.Dispose();
        gateway.Dispose();
        server.Dispose();
    }

    [FactAsRoot(Needs = Nft)]
    public void TheServerSeesAMasqueradedClientUnderTheGatewaysAddressAndAnswersIt()
    {
        using var stage = Open();
        Assert.Null(Apply(stage, null, Overload, "ipv6 nat inside source overload"));
        Assert.Equal("10.10.0.1", SeenBy(server, client, Server4));
        Assert.Equal("2001:db8:10::1", SeenBy(server, client, Server6));
        Assert.Equal([(1L, 0L), (1L, 0L)], Counted(stage));
    }

    [FactAsRoot(Needs = Nft)]
    public void AMasqueradeByOneInterfaceIsForThatAlone()
    {
        server.Ip("route add 10.99.0.0/24 via 10.10.0.1");
        gateway.AddStub("other0");
        using var stage = Open();
        Assert.Null(Apply(stage, null, "ip nat inside source interface other0 overload"));
        Assert.Equal("10.99.0.7", SeenBy(server, client, Server4));
        Assert.Null(Apply(stage, ["ip nat inside source interface other0 overload"], "ip nat inside source interface lan0 overload"));
        Assert.Equal("10.10.0.1", SeenBy(server, client, Server4));
        Assert.Equal("ip nat inside source interface lan1 overload: there is no interface lan1", Apply(stage, null, "ip nat inside source interface lan1 overload"));
    }

    [FactAsRoot(Needs = Nft)]
    public void OneToOneHoldsInBothDirectionsAndNothingIsLeft()
    {
        var before = State();
        using (var stage = Open())
        {
            Assert.Equal(before, State());
            Assert.Null(Apply(stage, null, Static, "ipv6 nat inside source static self 2001:db8:10::50"));
            Assert.Equal("10.10.0.50", SeenBy(server, client, Server4));
            Assert.Equal("2001:db8:10::50", SeenBy(server, client, Server6));
            Assert.Equal("10.10.0.2", SeenBy(client, server, IPAddress.Parse("10.10.0.50")));
            Assert.Equal("2001:db8:10::2", SeenBy(client, server, IPAddress.Parse("2001:db8:10::50")));
            // The gateway itself goes by the same address.
            Assert.NotEmpty(SeenBy(client, gateway, IPAddress.Parse("10.10.0.50")));
            Assert.Equal([(1L, 2L), (1L, 1L)], Counted(stage));
            gateway.Do(() => stage.Remove(Target, Request()));
        }

        Assert.Equal(before, State());
        Assert.DoesNotContain("10.99.0.7", Connections(), StringComparison.Ordinal);
    }

    [FactAsRoot(Needs = Nft)]
    public void AHostBehindTheClientMayBeTranslatedBesideAMasquerade()
    {
        client.Ip("addr add 10.88.0.9/32 dev lo");
        using var stage = Open();
        Assert.Equal("ip nat inside source static 10.88.0.9 10.10.0.51: 10.88.0.9 is neither the client's nor of a network behind it", Apply(stage, null, "ip nat inside source static 10.88.0.9 10.10.0.51"));
        Assert.Null(Apply(stage, null, "ip route 10.88.0.0 255.255.255.0", "ip nat inside source static 10.88.0.9 10.10.0.51", Overload));
        gateway.Ip("route add 10.88.0.0/24 via 10.99.0.7");
        Assert.Equal("10.10.0.2", SeenBy(client, server, IPAddress.Parse("10.10.0.51")));
        Assert.Equal("10.10.0.1", SeenBy(server, client, Server4));
        // With the network goes what is under way for it: the next one to have it must not get that.
        Assert.Contains("10.88.0.9", Connections(), StringComparison.Ordinal);
        Assert.Null(Apply(stage, ["ip route 10.88.0.0 255.255.255.0", "ip nat inside source static 10.88.0.9 10.10.0.51", Overload], Overload));
        Assert.DoesNotContain("10.88.0.9", Connections(), StringComparison.Ordinal);
    }

    /// <summary>A change holds for connections that stand as well: one socket, before and after.</summary>
    [FactAsRoot(Needs = Nft)]
    public void AChangeHoldsAtOnceForWhatIsUnderWay()
    {
        using var stage = Open();
        Assert.Null(Apply(stage, null, Overload));
        using var from = Socket(client);
        using var at = Socket(server, Port);
        Assert.Equal("10.10.0.1", Exchange(from, at, Server4));
        Assert.Null(Apply(stage, [Overload], Static));
        Assert.Equal("10.10.0.50", Exchange(from, at, Server4));
        Assert.Null(Apply(stage, [Static], Overload));
        Assert.Equal("10.10.0.1", Exchange(from, at, Server4));
        Assert.DoesNotContain("10.10.0.50", gateway.Ip("route show table all") + gateway.Ip("neigh show proxy"), StringComparison.Ordinal);
        server.Ip("route add 10.99.0.0/24 via 10.10.0.1");
        Assert.Null(Apply(stage, [Overload]));
        Assert.Equal("10.99.0.7", Exchange(from, at, Server4));
        Assert.DoesNotContain("headend-nat", gateway.Exec($"{Nft} list tables"), StringComparison.Ordinal);
    }

    [FactAsRoot(Needs = Nft)]
    public void AnAddressThatSomebodyHasIsRefusedAndWhatStoodStands()
    {
        gateway.AddStub("vi8");
        gateway.Ip("route add 10.10.0.60/32 dev vi8");
        using var stage = Open();
        Assert.Null(Apply(stage, null, Static));
        var before = State();
        Assert.Equal($"{Static}: 10.10.0.50: vi7 has it", Apply(stage, 8, "10.99.0.8", null, Static));
        Assert.Equal("ip nat inside source static self 10.10.0.1: 10.10.0.1: it is an address of this machine, or of no single host", Apply(stage, [Static], "ip nat inside source static self 10.10.0.1"));
        Assert.Equal("ip nat inside source static self 10.10.0.255: 10.10.0.255: it is an address of this machine, or of no single host", Apply(stage, [Static], "ip nat inside source static self 10.10.0.255"));
        Assert.Equal("ip nat inside source static self 10.10.0.60: 10.10.0.60: it is routed to somewhere else already", Apply(stage, [Static], "ip nat inside source static self 10.10.0.60"));
        Assert.Equal("ip nat inside source static self 127.0.0.1: 127.0.0.1 is no address of a host", Apply(stage, [Static], "ip nat inside source static self 127.0.0.1"));
        Assert.Equal("ipv6 nat inside source static self 2001:db8:10::50: the client has no IPv6 address", Apply(stage, 8, "10.99.0.8", null, "ipv6 nat inside source static self 2001:db8:10::50"));
        // The first of two is given back.
        Assert.NotNull(Apply(stage, [Static], "ip route 10.88.0.0 255.255.255.0", "ip nat inside source static 10.88.0.9 10.10.0.51", "ip nat inside source static self 10.10.0.60"));
        Assert.Equal(before, State());
        Assert.Equal("10.10.0.50", SeenBy(server, client, Server4));
    }

    [FactAsRoot(Needs = Nft)]
    public void AnInterfaceThatIsShutDownTranslatesNothingAndGivesItsAddressBack()
    {
        using var stage = Open();
        Assert.Null(Apply(stage, null, Static));
        Assert.Null(Apply(stage, [Static], Static, "shutdown"));
        Assert.DoesNotContain("10.10.0.50", State(), StringComparison.Ordinal);
        Assert.Null(Apply(stage, [Static, "shutdown"], Static));
        Assert.Equal("10.10.0.50", SeenBy(server, client, Server4));
        // The kernel drops routes with an address; any change of the interface brings the one of the translation back.
        gateway.Ip("route del 10.10.0.50/32 dev vi7");
        Assert.Null(Apply(stage, [Static], Static, "ip mtu 1300"));
        Assert.Contains("10.10.0.50 dev vi7", gateway.Ip("route"), StringComparison.Ordinal);
    }

    [FactAsRoot(Needs = Nft)]
    public void ATableThatSomebodyDeletesComesBack()
    {
        using var restored = new ManualResetEventSlim();
        using var stage = gateway.Do(() => new NatStage("test", 201, TimeProvider.System, failure =>
        {
            Assert.Null(failure);
            restored.Set();
        }));
        Assert.Null(Apply(stage, null, Static, Overload, "ipv6 nat inside source interface lan0 overload"));
        var before = State();
        gateway.Exec($"{Nft} flush ruleset");
        Assert.True(restored.Wait(TimeSpan.FromSeconds(30)));
        Assert.Equal(before, State());
        Assert.Equal("10.10.0.50", SeenBy(server, client, Server4));
    }

    [FactAsRoot(Needs = Nft)]
    public void WhatAProcessThatWasKilledLeftGoesWithTheNextStart()
    {
        var before = State();
        gateway.AddStub("vi9");
        // Not disposed: it is the one that was killed, and watches over nothing any more.
        var killed = gateway.Do(() => new NatStage("test", 201, new StandingClock()));
        Assert.Null(gateway.Do(() => ApplyTo(killed, 9, "10.99.0.9", null, [Static])));
        gateway.Ip("link del vi9");
        Assert.Contains("10.10.0.50", State(), StringComparison.Ordinal);
        using (Open()) Assert.Equal(before, State());
        killed.Dispose();
    }

    /// <summary>Not of translation, but of the same client, gateway and server.</summary>
    [FactAsRoot(Needs = Nft)]
    public void Ipv6SourcesThatAreNotRoutedToTheInterfaceAreDropped()
    {
        const string command = "ipv6 verify unicast source reachable-via rx";
        server.Ip("-6 route add default via 2001:db8:10::1");
        client.Ip("addr add 2001:db8:66::1/128 dev lo");
        var before = State();
        using (var stage = gateway.Do(() => new SourceCheckStage("test", TimeProvider.System)))
        {
            Assert.True(gateway.Do(() => stage.TryApply(Target, null, Request(7, "10.99.0.7", command), out _)));
            Assert.Equal("2001:db8:99::7", SeenBy(server, client, Server6));
            using var at = Socket(server, Port);
            using var spoofer = Socket(client, IPAddress.Parse("2001:db8:66::1"));
            spoofer.SendTo([3], new IPEndPoint(Server6, Port));
            using var honest = Socket(client);
            // Behind it on the same way.
            Assert.Equal("2001:db8:99::7", Exchange(honest, at, Server6));
            Assert.Equal(0, at.Available);
            Assert.True(gateway.Do(() => stage.TryApply(Target, Request(7, "10.99.0.7", command), Request(), out _)));
            spoofer.SendTo([3], new IPEndPoint(Server6, Port));
            var buffer = new byte[16];
            at.Receive(buffer);
            Assert.Equal(3, buffer[0]);
            Assert.True(gateway.Do(() => stage.TryApply(Target, null, Request(7, "10.99.0.7", command), out _)));
            gateway.Do(() => stage.Remove(Target, Request(7, "10.99.0.7", command)));
            Assert.Equal(before, State());
        }

        Assert.Equal(before, State());
    }

    [FactAsRoot(Needs = Nft)]
    public void ACheckOfSourcesThatSomebodyDeletesComesBack()
    {
        const string command = "ipv6 verify unicast source reachable-via rx";
        using var restored = new ManualResetEventSlim();
        using var stage = gateway.Do(() => new SourceCheckStage("test", TimeProvider.System, failure =>
        {
            Assert.Null(failure);
            restored.Set();
        }));
        Assert.True(gateway.Do(() => stage.TryApply(Target, null, Request(7, "10.99.0.7", command), out _)));
        var before = State();
        Assert.Contains("vi7", before, StringComparison.Ordinal);
        gateway.Exec($"{Nft} flush ruleset");
        Assert.True(restored.Wait(TimeSpan.FromSeconds(30)));
        Assert.Equal(before, State());
        // And it can be left.
        Assert.True(gateway.Do(() => stage.TryApply(Target, Request(7, "10.99.0.7", command), Request(), out _)));
    }

    private static InterfaceRequest Request(int number = 7, string address = "10.99.0.7", params string[] commands)
    {
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, [.. commands]), [], InterfaceNames.NoRules);
        Assert.Empty(derived.Failures);
        return new InterfaceRequest
        {
            Number = number,
            Config = derived.Config,
            ClientAddresses = [.. new[] { address, number == 7 ? "2001:db8:99::7" : null }.OfType<string>().Select(IPAddress.Parse)],
            Path = new EspPath(default, default, EspEncapsulation.Udp),
        };
    }

    private static string SeenBy(NetworkNamespace receiver, NetworkNamespace sender, IPAddress to)
    {
        using var at = Socket(receiver, Port);
        using var from = Socket(sender);
        return Exchange(from, at, to);
    }

    /// <summary>There and back; the address from which it came.</summary>
    private static string Exchange(Socket from, Socket at, IPAddress to)
    {
        var buffer = new byte[16];
        EndPoint source = new IPEndPoint(IPAddress.IPv6Any, 0);
        from.SendTo([1], new IPEndPoint(to.MapToIPv6(), Port));
        at.ReceiveFrom(buffer, ref source);
        at.SendTo([2], source);
        from.Receive(buffer);
        Assert.Equal(2, buffer[0]);
        var address = ((IPEndPoint)source).Address;
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    private static Socket Socket(NetworkNamespace space, int port = 0) => Socket(space, IPAddress.IPv6Any, port);

    private static Socket Socket(NetworkNamespace space, IPAddress address, int port = 0) => space.Do(() =>
    {
        var made = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp) { DualMode = true, ReceiveTimeout = 20_000 };
        made.Bind(new IPEndPoint(address, port));
        return made;
    });

    private InterfaceTarget Target => TargetOf(7);

    private InterfaceTarget TargetOf(int number) =>
        new($"vi{number}", int.Parse(gateway.Exec($"cat /sys/class/net/vi{number}/ifindex"), System.Globalization.CultureInfo.InvariantCulture));

    private NatStage Open() => gateway.Do(() => new NatStage("test", 201, TimeProvider.System));

    private List<(long Outbound, long Inbound)> Counted(NatStage stage) => [.. gateway.Do(() => stage.Read("vi7")).Select(c => (c.Outbound, c.Inbound))];

    private string? Apply(NatStage stage, string[]? from, params string[] to) => Apply(stage, 7, "10.99.0.7", from, to);

    private string? Apply(NatStage stage, int number, string address, string[]? from, params string[] to) => gateway.Do(() => ApplyTo(stage, number, address, from, to));

    /// <summary>The failure, or null.</summary>
    private string? ApplyTo(NatStage stage, int number, string address, string[]? from, string[] to)
    {
        stage.TryApply(TargetOf(number), from is null ? null : Request(number, address, from), Request(number, address, to), out var failure);
        Assert.True(failure is null || failure.IsCommand);
        return failure?.ToString();
    }

    private string State() => gateway.Exec($"{Nft} -s list ruleset") + gateway.Ip("route show table all") + gateway.Ip("-6 route show table all") + gateway.Ip("neigh show proxy") + gateway.Ip("-6 neigh show proxy");

    private string Connections() => gateway.Exec("cat /proc/net/nf_conntrack");

    private void Connect(string device, NetworkNamespace other, string prefix4, string prefix6, int host)
    {
        gateway.Ip($"link add {device} type veth peer name eth0 netns {other.Name}");
        gateway.Ip($"addr add {prefix4}.1/24 dev {device}");
        gateway.Ip($"addr add {prefix6}::1/64 dev {device} nodad");
        gateway.Ip($"link set {device} up");
        other.Ip($"addr add {prefix4}.{host}/24 dev eth0");
        other.Ip($"addr add {prefix6}::{host}/64 dev eth0 nodad");
        other.Ip("link set eth0 up");
    }

    private sealed class StandingClock : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
