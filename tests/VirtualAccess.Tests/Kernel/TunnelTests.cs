using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>Two data planes back to back over a veth pair, with real TUN devices.</summary>
public sealed class TunnelTests : IDisposable
{
    private readonly NetworkNamespace client = new("c");
    private readonly NetworkNamespace headend = new("h");

    public TunnelTests()
    {
        NetworkNamespace.Connect(client, "192.0.2.1/24", headend, "192.0.2.2/24");
        client.Ip("addr add 2001:db8:1::1/64 dev eth0 nodad");
        headend.Ip("addr add 2001:db8:1::2/64 dev eth0 nodad");
        client.AddStub("in0", "10.99.0.1/32", "2001:db8:99::1/128");
        headend.AddStub("lan0", "10.10.0.1/24", "2001:db8:10::1/64");
    }

    public void Dispose()
    {
        client.Dispose();
        headend.Dispose();
    }

    [FactAsRoot]
    public void PingsThroughEveryAlgorithmAndCountsInnerOctets()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        uint spi = 0x1000;
        var packets = 0;
        foreach (var algorithm in EspAlgorithmTable.Rows)
        {
            Rekey(c, h, algorithm, spi);
            client.Exec("ping -c 3 -i 0.02 -W 10 -s 100 10.10.0.1");
            packets += 3;
            AssertCarried(h, packets, packets * 128L);
            spi += 16;
        }

        AssertCarried(c, packets, packets * 128L);
        Assert.Equal(0, h.Plane.GetDrops()[(int)EspDrop.AuthenticationFailed]);
    }

    [FactAsRoot]
    public void CarriesIPv6OverIPv6AndPlainEspOfBothFamilies()
    {
        foreach (var (clientAddress, headendAddress, encapsulation) in new[]
        {
            ("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Udp), ("192.0.2.1", "192.0.2.2", EspEncapsulation.Plain), ("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Plain),
        })
        {
            using var c = new Gateway(client, clientAddress, plainEsp: true);
            using var h = new Gateway(headend, headendAddress, plainEsp: true);
            Assert.Null(c.Create(1, ["2001:db8:10::1"], h, encapsulation, 0, "ipv6 unnumbered in0"));
            Assert.Null(h.Create(1, ["2001:db8:99::1"], c, encapsulation, 0, "ipv6 unnumbered lan0"));
            var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x2000, "2001:db8:99::/64", "2001:db8:10::/64");
            h.Install(hp);
            c.Install(cp);
            client.Exec("ping -6 -c 2 -i 0.02 -W 10 2001:db8:10::1");
            AssertCarried(h, 2, 2 * 104);
        }
    }

    [FactAsRoot]
    public void ResponderOfRekeySwitchesWithTheFirstPacket()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        var (h1, c1) = Sa.Pair(Sa.Gcm256, 0x1000);
        h.Install(h1);
        c.Install(c1);
        client.Exec("ping -c 1 -W 10 10.10.0.1");
        var (h2, c2) = Sa.Pair(Sa.Gcm256, 0x2000);
        h.Install(h2 with { Outbound = OutboundMode.AfterFirstInbound, Replaces = 0x1000 });
        Assert.Equal([true, false], h.Plane.GetSaCounters(h.Session).Select(sa => sa.Sending));
        client.Exec("ping -c 1 -W 10 10.10.0.1");
        AssertSent(h, 2, 0);
        c.Install(c2);
        client.Exec("ping -c 2 -i 0.02 -W 10 10.10.0.1");
        AssertSent(h, 2, 2);
        Assert.True(h.Plane.RemoveSa(0x1000));
        Assert.True(c.Plane.RemoveSa(0x1001));
        Assert.False(h.Plane.RemoveSa(0x1000));
        client.Exec("ping -c 1 -W 10 10.10.0.1");
        AssertCarried(h, 5, 5 * 84);
        Assert.Equal([0x1000u, 0x2000u], h.Hints.Where(hint => hint.Kind == DataPlaneHintKind.FirstInbound).Select(hint => hint.InboundSpi));
    }

    /// <summary>As many packets and octets in as out. A packet counts when the kernel has taken it, and its receiver may be faster than the counting.</summary>
    private static void AssertCarried(Gateway gateway, long packets, long octets)
    {
        (long, long, long, long) Seen() =>
            gateway.Plane.TryGetCounters(gateway.Session, out var counters) ? (counters.InPackets, counters.OutPackets, counters.InOctets, counters.OutOctets) : default;
        SpinWait.SpinUntil(() => Seen() == (packets, packets, octets, octets), TimeSpan.FromSeconds(10));
        Assert.Equal((packets, packets, octets, octets), Seen());
    }

    /// <summary>Waits like <see cref="AssertCarried"/>, for each SA.</summary>
    private static void AssertSent(Gateway gateway, params long[] packets)
    {
        SpinWait.SpinUntil(() => gateway.Plane.GetSaCounters(gateway.Session).Select(sa => sa.OutPackets).SequenceEqual(packets), TimeSpan.FromSeconds(10));
        Assert.Equal(packets, gateway.Plane.GetSaCounters(gateway.Session).Select(sa => sa.OutPackets));
    }

    [FactAsRoot]
    public void ClampsMssAndReportsTooBig()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Assert.Null(c.Create(1, ["10.10.0.1"], h, EspEncapsulation.Udp, 1000, "ip unnumbered in0"));
        Assert.Null(h.Create(1, ["10.99.0.1"], c, EspEncapsulation.Udp, 0, "ip unnumbered lan0", "ip mtu 1400", "ip tcp adjust-mss 1111"));
        Rekey(c, h, Sa.Gcm256, 0x1000);
        using var server = headend.Do(() => new System.Net.Sockets.TcpListener(System.Net.IPAddress.Parse("10.10.0.1"), 5001));
        server.Start();
        using var socket = client.Do(() => new System.Net.Sockets.TcpClient("10.10.0.1", 5001));
        using var accepted = server.AcceptTcpClient();
        var info = client.Exec("ss -tin dst 10.10.0.1");
        Assert.Contains("mss:1099", headend.Exec("ss -tin dst 10.99.0.1"), StringComparison.Ordinal);
        Assert.Contains("mss:1099", info, StringComparison.Ordinal);
        var refused = Assert.Throws<InvalidOperationException>(() => client.Exec("ping -M do -c 2 -i 0.05 -W 1 -s 1100 10.10.0.1"));
        // 1000 - 20 IP - 8 UDP - 8 ESP - 8 IV - 16 ICV = 940, less 2 of trailer.
        Assert.Contains("mtu = 938", refused.Message.Replace("mtu=", "mtu = ", StringComparison.Ordinal), StringComparison.Ordinal);
        client.Exec("ping -M dont -c 1 -W 1 -s 1100 10.10.0.1");
    }

    /// <summary>
    /// TCP in both directions: the kernel hands over packets longer than the MTU, which are cut, and gets segments joined. Every octet arrives, and every packet on the way is
    /// counted at both ends.
    /// </summary>
    [FactAsRoot]
    public void TcpArrivesWholeAndIsCountedSegmentBySegment()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, Sa.Gcm256, 0x1000);
        using var server = headend.Do(() => new System.Net.Sockets.TcpListener(System.Net.IPAddress.Parse("10.10.0.1"), 5001));
        server.Start();
        using var socket = client.Do(() => new System.Net.Sockets.TcpClient("10.10.0.1", 5001));
        using var accepted = server.AcceptTcpClient();
        var octets = System.Security.Cryptography.RandomNumberGenerator.GetBytes(8 << 20);
        Transfer(socket, accepted);
        Transfer(accepted, socket);

        (long, long, long, long) Counted(Gateway gateway) =>
            gateway.Plane.TryGetCounters(gateway.Session, out var n) ? (n.InPackets, n.InOctets, n.OutPackets, n.OutOctets) : default;
        bool Agree() => Counted(c) is var (inPackets, inOctets, outPackets, outOctets) && Counted(h) == (outPackets, outOctets, inPackets, inOctets);
        Assert.True(SpinWait.SpinUntil(Agree, TimeSpan.FromSeconds(10)), $"{Counted(c)} and {Counted(h)}");
        // No segment is longer than the MTU of the devices, so that there are at least so many.
        Assert.True(Counted(h).Item1 > octets.Length / 1500, $"{Counted(h)}");

        void Transfer(System.Net.Sockets.TcpClient from, System.Net.Sockets.TcpClient to)
        {
            var sending = Task.Run(() => from.GetStream().Write(octets));
            var received = new byte[octets.Length];
            to.GetStream().ReadExactly(received);
            sending.Wait();
            Assert.True(octets.AsSpan().SequenceEqual(received));
        }
    }

    /// <summary>Bursts leave as messages that the kernel cuts; on a way that is too narrow for that, one by one and in fragments.</summary>
    [TheoryAsRoot]
    [InlineData(1500, "")]
    [InlineData(1500, "-Q 0xb8")]
    [InlineData(1200, "-M dont")]
    public void BurstsArriveAndAreCountedOneByOne(int outerMtu, string options)
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        client.Ip($"link set eth0 mtu {outerMtu}");
        headend.Ip($"link set eth0 mtu {outerMtu}");
        Rekey(c, h, Sa.Gcm256, 0x1000);
        // Of two sizes, so that a run ends with a shorter packet or before a longer one.
        client.Exec($"sh -c 'ping -q -l 60 -c 60 -W 10 -s 1300 {options} 10.10.0.1 & ping -q -l 60 -c 60 -W 10 -s 700 10.10.0.1; wait $!'");
        foreach (var gateway in new[] { c, h })
        {
            AssertCarried(gateway, 120, 60 * (1328 + 728L));
            Assert.Equal(0, gateway.Plane.GetDrops().Sum());
        }
    }

    /// <summary>RFC 6040: the mark of a router between the tunnel's ends reaches the inner packet, or the packet ends; the field goes out as it is (4.1, normal mode).</summary>
    [TheoryAsRoot]
    [InlineData("192.0.2.1", "192.0.2.2", EspEncapsulation.Udp)]
    [InlineData("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Udp)]
    [InlineData("192.0.2.1", "192.0.2.2", EspEncapsulation.Plain)]
    [InlineData("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Plain)]
    public void CongestionMarksComeOutOfTheTunnel(string clientAddress, string headendAddress, EspEncapsulation encapsulation)
    {
        using var c = new Gateway(client, clientAddress, plainEsp: true);
        using var h = new Gateway(headend, headendAddress, plainEsp: true);
        Up(c, h, encapsulation);
        Rekey(c, h, Sa.Gcm256, 0x1000);
        var family = clientAddress.Contains(':', StringComparison.Ordinal) ? "ip6" : "ip";
        client.Exec("nft add table inet ecn0");
        client.Exec("nft 'add chain inet ecn0 out { type filter hook postrouting priority 0; }'");
        client.Exec($"nft add rule inet ecn0 out oifname eth0 {family} ecn 2 counter {family} ecn set ce");
        headend.Exec("nft add table inet ecn0");
        headend.Exec("nft 'add chain inet ecn0 in { type filter hook input priority 0; }'");
        headend.Exec("nft add rule inet ecn0 in iifname vi1 ip dscp ef ip ecn ce counter");
        // EF and ECT(0).
        client.Exec("ping -c 3 -i 0.02 -W 10 -Q 0xba 10.10.0.1");
        Assert.Contains("ecn ce counter packets 3 ", headend.Exec("nft list ruleset"), StringComparison.Ordinal);
        Assert.Matches("ecn ect0 counter packets [1-3] ", client.Exec("nft list ruleset"));

        client.Exec($"nft 'add rule inet ecn0 out oifname eth0 meta l4proto {{ udp, esp }} {family} ecn 0 {family} ecn set ce'");
        Assert.Throws<InvalidOperationException>(() => client.Exec("ping -c 2 -i 0.02 -W 1 10.10.0.1"));
        Assert.Equal(2, h.Plane.GetDrops()[(int)EspDrop.Congestion]);
        Assert.True(h.Plane.TryGetCounters(h.Session, out var counters));
        Assert.Equal((3, 2), (counters.InPackets, counters.InDropped));
    }

    [FactAsRoot]
    public void ClientMayNotSpoofItsSource()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        client.Ip("addr add 10.98.0.1/32 dev in0");
        Up(c, h, EspEncapsulation.Udp);
        var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x1000, "10.99.0.0/16");
        h.Install(hp);
        c.Install(cp with { LocalSelectors = [EspSelector.FromNetwork(System.Net.IPNetwork.Parse("0.0.0.0/0"))] });
        Assert.Throws<InvalidOperationException>(() => client.Exec("ping -c 1 -W 1 -I 10.98.0.1 10.10.0.1"));
        Assert.Equal(1, h.Plane.GetDrops()[(int)EspDrop.InboundSelector]);
        Assert.True(h.Plane.TryGetCounters(h.Session, out var counters));
        Assert.Equal((0L, 1L), (counters.InPackets, counters.InDropped));
        client.Exec("ping -c 1 -W 1 -I 10.99.0.1 10.10.0.1");
    }

    [FactAsRoot]
    public void NewSourceAddressIsAHintAndUpdatePathFollowsIt()
    {
        client.Ip("addr add 192.0.2.9/24 dev eth0");
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, Sa.Gcm256, 0x1000);
        client.Exec("ping -c 1 -W 1 10.10.0.1");
        var here = new EspPath(TransportAddress.From(System.Net.IPAddress.Parse("192.0.2.9"), 4500), TransportAddress.From(h.Address, 4500), EspEncapsulation.Udp);
        Assert.True(c.Plane.UpdatePath(c.Session, here));
        client.Exec("ping -c 3 -i 0.02 -W 1 10.10.0.1");
        var moved = Assert.Single(h.Hints, hint => hint.Kind == DataPlaneHintKind.RemoteAddressChanged);
        Assert.Equal("192.0.2.9:4500", moved.Remote.ToString());
        Assert.True(h.Plane.UpdatePath(h.Session, new EspPath(moved.Local, moved.Remote, EspEncapsulation.Udp)));
        client.Exec("ping -c 1 -W 1 10.10.0.1");
    }

    private static void Up(Gateway c, Gateway h, EspEncapsulation encapsulation)
    {
        Assert.Null(c.Create(1, ["10.10.0.1"], h, encapsulation, 0, "ip unnumbered in0"));
        Assert.Null(h.Create(1, ["10.99.0.1"], c, encapsulation, 0, "ip unnumbered lan0"));
    }

    private static void Rekey(Gateway c, Gateway h, EspAlgorithm algorithm, uint spi)
    {
        var (hp, cp) = Sa.Pair(algorithm, spi);
        h.Install(hp);
        c.Install(cp);
    }
}
