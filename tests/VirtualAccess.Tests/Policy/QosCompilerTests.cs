using Headend.VirtualAccess.Policy;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Policy;

public sealed class QosCompilerTests
{
    private static readonly ClassMap Voice = new("voice") { Dscp = [46, 40] };
    private static readonly ClassMap Web = new("web") { Protocols = [QosProtocol.Tcp] };

    [Fact]
    public void What_is_policed_has_a_burst_and_a_queue_of_one_packet()
    {
        var one = Assert.Single(Tree(new PolicyMap("gold", [new PolicyClass { Police = PoliceRate.Of(10_000_000) }])).Classes);
        Assert.Equal((1_250_000, 1_250_000, 312_500, 312_500, 1, QosQueue.Fifo), (one.Rate, one.Ceiling, one.Burst, one.CeilingBurst, one.QueueLimit, one.Queue));
    }

    [Fact]
    public void A_peak_lets_a_burst_pass_at_its_rate()
    {
        var one = Assert.Single(Tree(new PolicyMap("rate", [new PolicyClass { Police = new PoliceRate(2_000_000, 750_000, 8_000_000) }])).Classes);
        Assert.Equal((250_000, 1_000_000, 750_000, 10_000), (one.Rate, one.Ceiling, one.Burst, one.CeilingBurst));
    }

    [Fact]
    public void What_is_shaped_waits_a_tenth_of_a_second()
    {
        var one = Assert.Single(Tree(new PolicyMap("gold", [new PolicyClass { Shape = 10_000_000 }])).Classes);
        Assert.Equal((1_250_000, 1_250_000, 12_500, 89, QosQueue.Fifo), (one.Rate, one.Ceiling, one.Burst, one.QueueLimit, one.Queue));
        Assert.True(QosCompiler.TryCompile(new PolicyMap("gold", [new PolicyClass { Shape = 10_000_000 }]), 1, fairQueues: true, out var tree, out _));
        Assert.Equal(QosQueue.Fair, tree.Classes[0].Queue);
    }

    [Fact]
    public void A_class_without_a_limit_beside_one_with_a_limit_has_none()
    {
        var tree = Tree(new PolicyMap("gold", [new PolicyClass { Class = Voice, Police = PoliceRate.Of(1_000_000) }]));
        Assert.Equal(["voice 1 0 125000", "default 2 0 12500000000"], tree.Classes.Select(c => $"{c.Path} {c.Minor} {c.Parent} {c.Rate}"));
        Assert.Equal(2, tree.DefaultMinor);
    }

    [Fact]
    public void Classes_within_a_shaper_share_its_rate()
    {
        var inner = new PolicyMap("inner",
        [
            new PolicyClass { Class = Voice, IsPriority = true, PriorityRate = 1_000_000 },
            new PolicyClass { Class = Web, BandwidthPercent = 50 },
            new PolicyClass { Class = new ClassMap("rest") { Any = true }, Police = PoliceRate.Of(800_000) },
        ]);
        var tree = Tree(new PolicyMap("outer", [new PolicyClass { Shape = 8_000_000, Nested = inner }]));
        Assert.Equal(
            [
                "default 1 in 0: 1000000..1000000, 1, None",
                "default/voice 2 in 1: 125000..125000, 0, Fifo",
                "default/web 3 in 1: 500000..1000000, 1, Fifo",
                "default/rest 4 in 1: 100000..100000, 1, Fifo",
                "default/default 5 in 1: 187500..1000000, 1, Fifo",
            ],
            tree.Classes.Select(c => $"{c.Path} {c.Minor} in {c.Parent}: {c.Rate}..{c.Ceiling}, {c.Priority}, {c.Queue}"));
        Assert.True(tree.Classes.Where(c => c.Parent == 1).Sum(c => c.Rate) <= tree.Classes[0].Rate);
        Assert.Equal(5, tree.DefaultMinor);
    }

    [Fact]
    public void What_stands_within_a_policer_does_not_wait()
    {
        var tree = Tree(new PolicyMap("rate", [new PolicyClass { Police = PoliceRate.Of(8_000_000), Nested = new PolicyMap("inner", [new PolicyClass { Class = Voice, IsPriority = true }]) }]));
        Assert.Equal([1, 1, 1], tree.Classes.Select(c => c.QueueLimit));
    }

    [Theory]
    [InlineData(0, "policy-map p, class voice: 'bandwidth' needs a class with 'shape' or 'police' around the policy-map")]
    [InlineData(1, "policy-map p, class voice: 'priority' needs a class with 'shape' or 'police' around the policy-map")]
    [InlineData(2, "policy-map p, class voice: 'police' and 'shape' exclude each other")]
    [InlineData(3, "policy-map p, class web: what is guaranteed up to here, 1200000 bit/s, is more than the 1000000 bit/s of the class around")]
    [InlineData(4, "policy-map p, class voice: 'priority' and 'bandwidth' exclude each other")]
    public void What_cannot_be_is_refused(int which, string expected)
    {
        var voice = new PolicyClass { Class = Voice };
        var policy = which switch
        {
            0 => new PolicyMap("p", [voice with { Bandwidth = 1_000_000 }]),
            1 => new PolicyMap("p", [voice with { IsPriority = true }]),
            2 => new PolicyMap("p", [voice with { Shape = 1_000_000, Police = PoliceRate.Of(1_000_000) }]),
            3 => Within(1_000_000, voice with { Bandwidth = 800_000 }, new PolicyClass { Class = Web, Bandwidth = 400_000 }),
            _ => Within(1_000_000, voice with { Bandwidth = 800_000, IsPriority = true }),
        };
        var failure = QosCompiler.Check(policy);
        Assert.Equal(expected, failure?.ToString());
        Assert.Equal(which < 2, failure!.NeedsClassAround);
    }

    [Fact]
    public void Too_deep_and_too_many_are_refused()
    {
        var policy = new PolicyMap("p0", [new PolicyClass { Shape = 1_000_000 }]);
        for (var i = 1; i <= 3; i++)
        {
            Assert.Null(QosCompiler.Check(policy));
            policy = new PolicyMap($"p{i}", [new PolicyClass { Shape = 1_000_000, Nested = policy }]);
        }

        Assert.Equal("policy-map p0, class default: more than 3 policy-maps stand within each other", QosCompiler.Check(policy)?.ToString());
        var many = new PolicyMap("many", [.. Enumerable.Range(0, 300).Select(i => new PolicyClass { Class = new ClassMap($"c{i}") { Dscp = [1] } })]);
        Assert.Equal("policy-map many, class c256: more than 256 classes", QosCompiler.Check(many)?.ToString());
    }

    [Theory]
    [InlineData("4 ef tcp", 1)]
    [InlineData("4 cs5 udp", 1)]
    [InlineData("6 ef udp", 1)]
    [InlineData("4 default tcp", 2)]
    [InlineData("6 default tcp", 2)]
    [InlineData("6 default options,tcp", 2)]
    [InlineData("6 default fragment,options,tcp", 2)]
    [InlineData("4 default udp", 4)]
    [InlineData("4 default icmp", 3)]
    [InlineData("6 default icmpv6", 3)]
    [InlineData("6 default later-fragment,tcp", 2)]
    public void The_program_gives_the_first_class_that_fits(string packet, int expected)
    {
        var policy = new PolicyMap("p",
        [
            new PolicyClass { Class = Voice },
            new PolicyClass { Class = Web },
            new PolicyClass { Class = new ClassMap("ping") { MatchesAll = false, Protocols = [QosProtocol.Icmp], Dscp = [63] } },
        ]);
        Assert.Equal(QosTree.Major | (uint)expected, BpfProgram.Run(Tree(policy).Program, Packet(packet)));
    }

    [Theory]
    [InlineData("4 ef tcp", 1)]
    [InlineData("4 ef udp", 2)]
    [InlineData("6 ef tcp", 1)]
    [InlineData("4 default tcp", 2)]
    public void Match_all_wants_every_condition(string packet, int expected)
    {
        var policy = new PolicyMap("p",
        [
            new PolicyClass { Class = new ClassMap("both") { Protocols = [QosProtocol.Tcp], Dscp = [46], Any = true } },
            new PolicyClass { Class = new ClassMap("other") { MatchesAll = false, Any = true, Dscp = [63] } },
            new PolicyClass { Class = Voice },
        ]);
        Assert.Equal(QosTree.Major | (uint)expected, BpfProgram.Run(Tree(policy).Program, Packet(packet)));
    }

    [Theory]
    [InlineData("permit tcp 10.1.0.0/16 host 10.2.0.5 eq www", true)]
    [InlineData("permit tcp 10.1.0.0/16 host 10.2.0.5 neq www", false)]
    [InlineData("permit tcp any any range 79 81", true)]
    [InlineData("permit tcp any any gt 80", false)]
    [InlineData("permit tcp any eq 1025 any", true)]
    [InlineData("permit tcp any lt 1025 any", false)]
    [InlineData("permit udp any any", false)]
    [InlineData("permit ip 10.1.0.0 0.0.255.255 any", true)]
    [InlineData("permit ip 10.0.0.3 0.255.255.0 any", false)]
    [InlineData("permit ip 10.0.0.9 0.255.255.0 any", true)]
    [InlineData("permit ip range 10.1.0.8 10.1.0.10 any", true)]
    [InlineData("permit ip range 10.1.0.10 10.1.0.12 any", false)]
    [InlineData("permit ip range 10.1.0.1 10.1.0.8 any", false)]
    [InlineData("permit ipv6 any any", false)]
    [InlineData("permit tcp any any established", true)]
    [InlineData("permit ip any any dscp ef", true)]
    [InlineData("permit ip any any dscp af11", false)]
    [InlineData("permit ip any any fragments", false)]
    [InlineData("deny ip host 10.1.0.9 any|permit ip any any", false)]
    [InlineData("deny ip host 10.1.0.8 any|permit ip any any", true)]
    [InlineData("permit ip host 10.1.0.8 any", false)]
    public void An_access_group_takes_what_its_list_permits(string lines, bool fits)
    {
        var program = WithList(lines);
        byte[] packet =
        [
            0x45, 46 << 2, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 1, 0, 9, 10, 2, 0, 5,
            4, 1, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x10, 0, 0, 0, 0, 0, 0,
        ];
        Assert.Equal(QosTree.Major | (fits ? 1u : 2u), BpfProgram.Run(program, packet));
    }

    [Theory]
    [InlineData("permit ipv6 2001:db8:1::/48 any", true)]
    [InlineData("permit ipv6 2001:db8:2::/48 any", false)]
    [InlineData("permit ipv6 any host 2001:db8:2::5", true)]
    [InlineData("permit ipv6 range 2001:db8:1::1 2001:db8:1::ffff any", true)]
    [InlineData("permit ipv6 range 2001:db8:1::10 2001:db8:1::ffff any", false)]
    [InlineData("permit icmpv6 any any echo-request", true)]
    [InlineData("permit icmpv6 any any echo-reply", false)]
    [InlineData("permit ip 10.0.0.0/8 any", false)]
    public void An_access_group_reads_ipv6(string lines, bool fits)
    {
        var packet = new byte[48];
        (packet[0], packet[6], packet[40]) = (0x60, 58, 128);
        System.Net.IPAddress.Parse("2001:db8:1::9").GetAddressBytes().CopyTo(packet, 8);
        System.Net.IPAddress.Parse("2001:db8:2::5").GetAddressBytes().CopyTo(packet, 24);
        Assert.Equal(QosTree.Major | (fits ? 1u : 2u), BpfProgram.Run(WithList(lines), packet));
    }

    [Fact]
    public void A_later_fragment_has_no_ports()
    {
        var packet = Packet("4 default tcp");
        packet[7] = 1;
        Assert.Equal(QosTree.Major | 1u, BpfProgram.Run(WithList("permit ip any any fragments"), packet));
    }

    [Fact]
    public void For_output_what_sets_a_dscp_cannot_look_at_it()
    {
        var policy = new PolicyMap("p", [new PolicyClass { Class = Voice, Dscp = 0 }]);
        Assert.Null(QosCompiler.Check(policy));
        Assert.Equal("policy-map p, class voice: what sets a DSCP cannot look at the DSCP as well, for what goes to the client", QosCompiler.CheckOutput(policy)?.ToString());
        Assert.Null(QosCompiler.CheckOutput(new PolicyMap("p", [new PolicyClass { Class = Web, Dscp = 0 }])));
    }

    private static System.Collections.Immutable.ImmutableArray<BpfInstruction> WithList(string lines)
    {
        Assert.True(AccessListParser.TryParse("list", lines.Split('|'), out var list, out var error), error);
        return Tree(new PolicyMap("p", [new PolicyClass { Class = new ClassMap("listed") { AccessGroups = [list] } }])).Program;
    }

    [Fact]
    public void A_packet_of_a_nested_policy_gets_its_inner_class()
    {
        var inner = new PolicyMap("inner", [new PolicyClass { Class = Web }]);
        var program = Tree(new PolicyMap("outer", [new PolicyClass { Class = Voice, Shape = 1_000_000, Nested = inner }, new PolicyClass { Shape = 1_000_000 }])).Program;
        Assert.Equal(QosTree.Major | 2u, BpfProgram.Run(program, Packet("4 ef tcp")));
        Assert.Equal(QosTree.Major | 3u, BpfProgram.Run(program, Packet("4 ef udp")));
        Assert.Equal(QosTree.Major | 4u, BpfProgram.Run(program, Packet("4 default tcp")));
    }

    [Fact]
    public void A_packet_that_is_cut_within_its_headers_gets_no_answer()
    {
        var program = Tree(new PolicyMap("p", [new PolicyClass { Class = Web }])).Program;
        var packet = Packet("6 default options,tcp");
        Assert.Equal(0u, BpfProgram.Run(program, packet[..41]));
        Assert.Equal(0u, BpfProgram.Run(program, []));
    }

    [Fact]
    public void Any_octets_end_the_program()
    {
        var program = Tree(new PolicyMap("p", [new PolicyClass { Class = Voice }, new PolicyClass { Class = Web }])).Program;
        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var packet = new byte[random.Next(80)];
            random.NextBytes(packet);
            if (packet.Length > 0) packet[0] = (byte)((random.Next(2) == 0 ? 0x40 : 0x60) | (packet[0] & 0xf));
            Assert.Contains(BpfProgram.Run(program, packet), new[] { 0u, QosTree.Major | 1, QosTree.Major | 2, QosTree.Major | 3 });
        }
    }

    [Fact]
    public void Only_trees_of_one_shape_are_adjusted()
    {
        QosTree Of(params PolicyClass[] classes) => Tree(new PolicyMap("p", [.. classes]));
        var tree = Of(new PolicyClass { Shape = 1_000_000 });
        Assert.True(Of(new PolicyClass { Shape = 2_000_000 }).HasShapeOf(tree));
        Assert.True(Of(new PolicyClass { Police = PoliceRate.Of(2_000_000) }).HasShapeOf(tree));
        Assert.False(Of(new PolicyClass { Class = Voice, Shape = 2_000_000 }).HasShapeOf(tree));
        Assert.False(Of(new PolicyClass { Shape = 1_000_000, Nested = new PolicyMap("i", [new PolicyClass()]) }).HasShapeOf(tree));
    }

    [Theory]
    [InlineData("EF", 46)]
    [InlineData("af41", 34)]
    [InlineData("0", 0)]
    [InlineData("63", 63)]
    public void Dscp_has_names(string word, byte value)
    {
        Assert.True(DscpTable.TryParse(word, out var got));
        Assert.Equal(value, got);
        Assert.True(DscpTable.TryParse(DscpTable.NameOf(value), out got) && got == value);
    }

    [Theory]
    [InlineData("64")]
    [InlineData("-1")]
    [InlineData("af44")]
    [InlineData("")]
    public void Other_words_are_no_dscp(string word) => Assert.False(DscpTable.TryParse(word, out _));

    private static PolicyMap Within(long shape, params PolicyClass[] classes) => new("outer", [new PolicyClass { Shape = shape, Nested = new PolicyMap("p", [.. classes]) }]);

    private static QosTree Tree(PolicyMap policy)
    {
        Assert.True(QosCompiler.TryCompile(policy, 1, fairQueues: false, out var tree, out var failure), failure?.ToString());
        return tree;
    }

    /// <summary>"VERSION DSCP [EXTENSION,...]PROTOCOL", 20 octets behind it.</summary>
    private static byte[] Packet(string text)
    {
        var words = text.Split(' ');
        Assert.True(DscpTable.TryParse(words[1], out var dscp));
        var headers = words[2].Split(',');
        static byte Number(string header) => header switch { "tcp" => 6, "udp" => 17, "icmp" => 1, "icmpv6" => 58, "options" => 60, _ => 44 };
        if (words[0] == "4")
        {
            var packet = new byte[40];
            packet[0] = 0x45;
            packet[1] = (byte)(dscp << 2 | 1);
            packet[9] = Number(headers[0]);
            return packet;
        }

        var octets = new List<byte>(new byte[40]);
        octets[0] = (byte)(0x60 | dscp >> 2);
        octets[1] = (byte)(dscp << 6);
        octets[6] = Number(headers[0]);
        for (var i = 0; i + 1 < headers.Length; i++)
            octets.AddRange([Number(headers[i + 1]), 0, 0, (byte)(headers[i] == "later-fragment" ? 8 : 0), 0, 0, 0, 0]);
        octets.AddRange(new byte[20]);
        return [.. octets];
    }
}
