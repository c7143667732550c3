using System.Text.RegularExpressions;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>Policies of interfaces in the kernel: made, changed while they stand, taken away, and nothing left of them.</summary>
public sealed class QosTests : IDisposable
{
    private static readonly PolicyMap Gold = Police("gold", 10_000_000);

    private static readonly PolicyMap Tiers = new("tiers",
    [
        new PolicyClass
        {
            Shape = 8_000_000,
            Nested = new PolicyMap("inner",
            [
                new PolicyClass { Class = new ClassMap("voice") { Dscp = [46] }, IsPriority = true, PriorityRate = 1_000_000 },
                new PolicyClass { Class = new ClassMap("web") { Protocols = [QosProtocol.Tcp] }, BandwidthPercent = 50 },
            ]),
        },
    ]);

    private static readonly PolicyMap Marked = new("marked",
    [
        new PolicyClass { Class = new ClassMap("pings") { Protocols = [QosProtocol.Icmp] }, Dscp = 46 },
        new PolicyClass { Class = new ClassMap("lan") { AccessGroups = [List("permit udp any host 10.99.0.7 eq 7", "permit ipv6 any 2001:db8:99::/64")] }, Dscp = 10, Police = PoliceRate.Of(1_000_000) },
        new PolicyClass { Class = new ClassMap("rest") { MatchesAll = false, Any = true } },
    ]);

    private readonly System.Collections.Concurrent.ConcurrentQueue<string?> restored = new();
    private readonly NetworkNamespace space = new("q");
    private readonly QosStage stage;
    private readonly Gateway gateway;

    public QosTests()
    {
        space.AddStub("lan0", "10.10.0.1/24");
        // Its state and its link-local addresses come a moment later.
        for (var i = 0; i < 100 && Links() is var first && (Thread.CurrentThread.Join(100) || first != Links() || first.Contains("DOWN", StringComparison.Ordinal)); i++)
        {
        }

        stage = space.Do(() => new QosStage("test", [Gold, Marked], TimeProvider.System, restored.Enqueue));
        gateway = new Gateway(space, "10.10.0.1", stages: [stage]);
    }

    public void Dispose()
    {
        gateway.Dispose();
        space.Dispose();
    }

    [FactAsRoot]
    public void A_session_with_policies_leaves_nothing()
    {
        var before = State();
        Create(7, new SessionQos(Gold, Tiers));
        Assert.Contains("qdisc htb 1: root", space.Exec("tc qdisc show dev vi7"), StringComparison.Ordinal);
        Assert.Contains("qdisc ingress ffff:", space.Exec("tc qdisc show dev vi7"), StringComparison.Ordinal);
        Assert.Contains("class htb 1:1 root leaf", space.Exec("tc class show dev vi7-in"), StringComparison.Ordinal);
        Assert.Contains("rate 10Mbit ceil 10Mbit burst 312500b cburst 312500b", space.Exec("tc class show dev vi7-in"), StringComparison.Ordinal);
        Assert.Contains("class htb 1:3 parent 1:1 leaf", space.Exec("tc class show dev vi7"), StringComparison.Ordinal);
        Assert.Contains("mirred (Egress Redirect to device vi7-in) stolen", space.Exec("tc filter show dev vi7 parent ffff:"), StringComparison.Ordinal);
        Assert.Contains("headend test: what comes from vi7", space.Ip("link show vi7-in"), StringComparison.Ordinal);
        Assert.DoesNotContain("inet6", space.Ip("addr show vi7-in"), StringComparison.Ordinal);

        Assert.True(gateway.Plane.RemoveInterface(gateway.Session, out _));
        gateway.WaitForDeletions();
        stage.WaitForDeletions();
        IsAgain(before);
    }

    [FactAsRoot]
    public void A_rate_is_changed_where_it_stands()
    {
        Create(7, new SessionQos(Gold, null));
        var filter = space.Exec("tc filter show dev vi7-in");
        Assert.Null(Change(new SessionQos(Police("silver", 2_000_000), null)));
        Assert.Contains("class htb 1:1 root", space.Exec("tc class show dev vi7-in"), StringComparison.Ordinal);
        Assert.Contains("rate 2Mbit ceil 2Mbit burst 62500b", space.Exec("tc class show dev vi7-in"), StringComparison.Ordinal);
        Assert.Equal(filter, space.Exec("tc filter show dev vi7-in"));
        Assert.DoesNotContain("htb", space.Exec("tc qdisc show dev vi7"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void Another_tree_takes_the_place_of_one_and_back()
    {
        Create(7, new SessionQos(null, Gold));
        var before = Queues("vi7");
        Assert.Null(Change(new SessionQos(null, Tiers)));
        var classes = space.Exec("tc class show dev vi7");
        Assert.Contains("class htb 1:8003 parent 1:8000 leaf", classes, StringComparison.Ordinal);
        Assert.DoesNotContain("1:1 ", classes, StringComparison.Ordinal);
        Assert.Null(Change(new SessionQos(null, Gold)));
        Assert.Equal(before, Queues("vi7"));
        Assert.Null(Change(SessionQos.None));
        Assert.DoesNotContain("htb", space.Exec("tc qdisc show dev vi7"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void A_change_that_fails_leaves_what_stood()
    {
        Create(7, new SessionQos(Gold, Gold));
        var before = Queues("vi7-in");
        // Somebody else's hand: the queues of one direction are gone.
        space.Exec("tc qdisc del dev vi7 root");
        var failure = Change(new SessionQos(Tiers, Tiers));
        Assert.Equal("class default of vi7: ENOENT (No such file or directory)", failure?.ToString());
        Assert.Equal(before, Queues("vi7-in"));
        Assert.Null(Change(SessionQos.None));
        Assert.Null(Change(new SessionQos(Tiers, Tiers)));
    }

    [FactAsRoot]
    public void A_policy_that_cannot_be_refuses_the_interface()
    {
        var before = State();
        var bad = new PolicyMap("bad", [new PolicyClass { Bandwidth = 1_000_000 }]);
        var failure = gateway.Create(7, ["10.99.0.7"], null, EspEncapsulation.Udp, 0, new SessionQos(Gold, bad));
        Assert.True(failure is { BadValue: true }, failure?.ToString());
        gateway.WaitForDeletions();
        stage.WaitForDeletions();
        IsAgain(before);
    }

    [FactAsRoot]
    public void Devices_of_a_killed_run_are_removed_at_start()
    {
        foreach (var (name, alias) in new[] { ("vi8-in", "headend test: what comes from vi8"), ("vi9-in", "headend other: what comes from vi9") })
        {
            space.Ip($"link add {name} type ifb");
            space.Ip($"link set {name} alias \"{alias}\"");
        }

        using var plane = space.Do(() => new UserSpaceDataPlane(new InterfaceOptions { StateId = "test" }, new UserSpaceDataPlaneOptions { TunThreads = 1, PlainEsp = false }, [], gateway, TimeProvider.System));
        Assert.Contains("vi8-in", plane.RemovedLeftovers);
        Assert.Contains("vi9-in", space.Ip("link"), StringComparison.Ordinal);
        Assert.DoesNotContain("vi8-in", space.Ip("link"), StringComparison.Ordinal);
    }

    [FactAsRoot]
    public void Packets_are_counted_in_their_class_and_dropped_above_the_rate()
    {
        Create(7, new SessionQos(null, new PolicyMap("p",
        [
            new PolicyClass { Class = new ClassMap("voice") { Dscp = [46] }, Police = new PoliceRate(8_000, 1500) },
            new PolicyClass { Class = new ClassMap("udp") { Protocols = [QosProtocol.Udp] } },
        ])));
        // The host's own packets to the client; 184 is EF.
        space.Exec("ping -q -c 50 -i 0.002 -s 972 -Q 184 -W 0.1 10.99.0.7 || true");
        space.Exec("ping -q -c 3 -i 0.01 -s 100 -W 0.1 10.99.0.7 || true");
        var counters = space.Do(() => stage.Read("vi7", isInput: false));
        Assert.Equal(["voice", "udp", "default"], counters.Select(c => c.Class.Name));
        Assert.InRange(counters[0].Packets, 2u, 10u);
        // ping sends again what was dropped.
        Assert.InRange(counters[0].Drops, 40u, 10_000u);
        Assert.Equal(counters[0].Packets * 1000, counters[0].Octets);
        Assert.Equal((0ul, 3ul, 384ul), (counters[1].Packets, counters[2].Packets, counters[2].Octets));
        Assert.Empty(space.Do(() => stage.Read("vi7", isInput: true)));
        Assert.Empty(space.Do(() => stage.Read("nosuch0", isInput: true)));
    }

    [FactAsRoot]
    public void Packets_leave_with_the_dscp_of_their_class()
    {
        var before = State();
        Create(7, new SessionQos(null, new PolicyMap("rate", [new PolicyClass { Shape = 5_000_000, Nested = Marked }])));
        Assert.Contains("\"vi7\"", space.Exec("nft list set inet headend-test-dscp out0"), StringComparison.Ordinal);
        space.Exec("nft add table inet watch");
        space.Exec("nft add chain inet watch out '{ type filter hook postrouting priority 0; }'");
        foreach (var match in new[] { "ip dscp ef", "ip dscp af11", "ip dscp cs0", "ip6 dscp ef", "ip6 dscp af11" }) space.Exec($"nft add rule inet watch out oifname vi7 {match} counter");
        space.Exec("ping -q -c 3 -i 0.01 -W 0.1 10.99.0.7 || true");
        space.Exec("ping -q -c 2 -i 0.01 -W 0.1 2001:db8:99::7 || true");
        space.Exec("bash -c 'echo x >/dev/udp/10.99.0.7/7; echo x >/dev/udp/10.99.0.7/8; echo x >/dev/udp/2001:db8:99::7/9'");
        var counted = Regex.Matches(space.Exec("nft list chain inet watch out"), "counter packets (?<count>[0-9]+)", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5)).Select(m => m.Groups["count"].Value);
        Assert.Equal(["3", "1", "1", "2", "1"], counted);
        var counters = space.Do(() => stage.Read("vi7", isInput: false));
        Assert.Equal([("default", 0ul), ("pings", 5ul), ("lan", 2ul), ("rest", 1ul), ("default", 0ul)], counters.Select(c => (c.Class.Name, c.Depth == 1 ? 0 : c.Packets)));

        Assert.Null(Change(new SessionQos(Marked, null)));
        Assert.DoesNotContain("vi7", space.Exec("nft list set inet headend-test-dscp out0"), StringComparison.Ordinal);
        Assert.Contains("\"vi7\"", space.Exec("nft list set inet headend-test-dscp in0"), StringComparison.Ordinal);
        space.Exec("nft delete table inet watch");
        Assert.True(gateway.Plane.RemoveInterface(gateway.Session, out _));
        gateway.WaitForDeletions();
        stage.WaitForDeletions();
        IsAgain(before);
    }

    [FactAsRoot]
    public void MarksThatSomebodyDeletesComeBack()
    {
        Create(7, new SessionQos(Marked, Marked));
        var before = space.Exec("nft -s list ruleset");
        Assert.Contains("\"vi7\"", before, StringComparison.Ordinal);
        space.Exec("nft flush ruleset");
        for (var i = 0; i < 300 && restored.IsEmpty; i++) Thread.Sleep(100);
        Assert.Equal([null], restored);
        Assert.Equal(before, space.Exec("nft -s list ruleset"));
        Assert.Null(Change(SessionQos.None));
        Assert.DoesNotContain("vi7", space.Exec("nft list ruleset"), StringComparison.Ordinal);
    }

    private static AccessList List(params string[] lines)
    {
        Assert.True(AccessListParser.TryParse("lan", lines, out var list, out var error), error);
        return list;
    }

    private static PolicyMap Police(string name, long rate) => new(name, [new PolicyClass { Police = PoliceRate.Of(rate) }]);

    private void Create(int number, SessionQos qos) => Assert.Null(gateway.Create(number, ["10.99.0.7", "2001:db8:99::7"], null, EspEncapsulation.Udp, 0, qos));

    private InterfaceFailure? Change(SessionQos qos) =>
        space.Do(() => gateway.Plane.TryUpdateInterface(gateway.Session, standing => standing with { Qos = qos }, out var failure) ? null : failure);

    // The kernel numbers queues anew.
    private string Queues(string device) => Regex.Replace(space.Exec($"tc class show dev {device}"), "leaf [0-9a-f]+:", "leaf", RegexOptions.None, TimeSpan.FromSeconds(5)) + space.Exec($"tc filter show dev {device}") + space.Ip($"link show {device}");

    private string Links() => space.Ip("addr") + space.Ip("-6 route show table all");

    private void IsAgain(string before)
    {
        for (var i = 0; i < 100 && State() != before; i++) Thread.Sleep(50);
        Assert.Equal(before, State());
    }

    private string State() => space.Snapshot() + space.Ip("link") + space.Exec("tc qdisc show") + space.Exec("nft list ruleset");
}
