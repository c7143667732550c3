using System.Net;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>The data plane in the kernel against the one in this process over a veth pair.</summary>
public sealed class XfrmTests : IDisposable
{
    private readonly NetworkNamespace client = new("c");
    private readonly NetworkNamespace headend = new("h");

    public XfrmTests()
    {
        NetworkNamespace.Connect(client, "192.0.2.1/24", headend, "192.0.2.2/24");
        client.Ip("addr add 192.0.2.9/24 dev eth0");
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

    [FactAsRoot(NeedsXfrm = true)]
    public void EveryAlgorithmWithExtendedSequenceNumbersAndTheLargestWindow()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        uint spi = 0x1000;
        var packets = 0;
        foreach (var algorithm in EspAlgorithmTable.Rows)
        {
            var (hp, cp) = Sa.Pair(algorithm, spi);
            var (esn, window) = (spi % 32 == 0, spi % 64 == 0 ? 4096 : 64);
            h.Install(hp with { ExtendedSequenceNumbers = esn, ReplayWindow = window });
            c.Install(cp with { ExtendedSequenceNumbers = esn, ReplayWindow = window });
            client.Exec("ping -c 3 -i 0.02 -W 20 -s 100 10.10.0.1");
            packets += 3;
            AssertCarried(h, packets, packets * 128L);
            Assert.True(h.Plane.RemoveSa(spi));
            Assert.True(c.Plane.RemoveSa(spi + 1));
            spi += 16;
        }

        Assert.Equal(0, headend.Do(h.Plane.GetDrops).Sum());
    }

    [FactAsRoot(NeedsXfrm = true)]
    public void IPv6OverIPv6AndPlainEspOfBothFamilies()
    {
        foreach (var (clientAddress, headendAddress, encapsulation) in new[]
        {
            ("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Udp), ("192.0.2.1", "192.0.2.2", EspEncapsulation.Plain), ("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Plain),
        })
        {
            using var c = new Gateway(client, clientAddress, plainEsp: true);
            using var h = new Gateway(headend, headendAddress, inKernel: true);
            Assert.Null(c.Create(1, ["2001:db8:10::1"], h, encapsulation, 0, "ipv6 unnumbered in0"));
            Assert.Null(h.Create(1, ["2001:db8:99::1"], c, encapsulation, 0, "ipv6 unnumbered lan0"));
            Rekey(c, h, 0x2000, "2001:db8:99::/64", "2001:db8:10::/64");
            client.Exec("ping -6 -c 2 -i 0.02 -W 20 2001:db8:10::1");
            AssertCarried(h, 2, 2 * 104);
        }
    }

    /// <summary>RFC 7296 2.8: the responder of a rekey sends on the old SA until the initiator has used the new one.</summary>
    [FactAsRoot(NeedsXfrm = true)]
    public void ResponderOfRekeySwitchesWithTheFirstPacketAndCountersGoOn()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, 0x1000);
        client.Exec("ping -c 1 -W 20 10.10.0.1");
        var (h2, c2) = Sa.Pair(Sa.Gcm256, 0x2000);
        h.Install(h2 with { Outbound = OutboundMode.AfterFirstInbound, Replaces = 0x1000 });
        Assert.Equal([true, false], h.Plane.GetSaCounters(h.Session).Select(sa => sa.Sending));
        client.Exec("ping -c 1 -W 20 10.10.0.1");
        Assert.Equal([2L, 0L], h.Plane.GetSaCounters(h.Session).Select(sa => sa.OutPackets));
        c.Install(c2);
        client.Exec("ping -c 1 -W 20 10.10.0.1");
        Assert.True(SpinWait.SpinUntil(() => h.Plane.GetSaCounters(h.Session).Last().Sending, TimeSpan.FromSeconds(20)));
        client.Exec("ping -c 1 -W 20 10.10.0.1");
        Assert.True(h.Plane.RemoveSa(0x1000));
        Assert.True(c.Plane.RemoveSa(0x1001));
        Assert.False(h.Plane.RemoveSa(0x1000));
        client.Exec("ping -c 1 -W 20 10.10.0.1");
        AssertCarried(h, 5, 5 * 84);
        Assert.Equal(0, headend.Do(h.Plane.GetDrops).Sum());
    }

    [FactAsRoot(NeedsXfrm = true)]
    public void AnotherSourceIsAHintAndTheSasMoveWithWhatTheyCountedAndWithTheirWindow()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, 0x1000);
        client.Exec("ping -c 2 -i 0.02 -W 20 10.10.0.1");
        var there = TransportAddress.From(IPAddress.Parse("192.0.2.9"), 4500);
        Assert.True(c.Plane.UpdatePath(c.Session, new EspPath(there, TransportAddress.From(h.Address, 4500), EspEncapsulation.Udp)));
        // Answers still go to the old address, where the client's socket takes them too.
        client.Exec("ping -c 3 -i 0.02 -W 20 10.10.0.1");
        Assert.True(SpinWait.SpinUntil(() => h.Hints.Any(hint => hint.Kind == DataPlaneHintKind.RemoteAddressChanged), TimeSpan.FromSeconds(20)));
        var moved = h.Hints.First(hint => hint.Kind == DataPlaneHintKind.RemoteAddressChanged);
        Assert.Equal((there, 0x1000u), (moved.Remote, moved.InboundSpi));
        var before = h.Plane.GetSaCounters(h.Session).Single();
        Assert.True(h.Plane.UpdatePath(h.Session, new EspPath(moved.Local, moved.Remote, EspEncapsulation.Udp)));
        Assert.Equal(before, h.Plane.GetSaCounters(h.Session).Single());
        var states = headend.Ip("-s xfrm state");
        Assert.Contains("dst 192.0.2.9", states, StringComparison.Ordinal);
        Assert.DoesNotContain("192.0.2.1 ", states, StringComparison.Ordinal);
        // The number after the five that were used, and those left out: none goes out twice.
        Assert.Contains("oseq 0x405", states, StringComparison.Ordinal);
        client.Exec("ping -c 1 -W 20 10.10.0.1");
        AssertCarried(h, 6, 6 * 84);
        Assert.Equal(0, headend.Do(h.Plane.GetDrops).Sum());
    }

    [FactAsRoot(NeedsXfrm = true)]
    public void TcpIsCountedPacketByPacket()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, 0x1000);
        using var server = headend.Do(() => new System.Net.Sockets.TcpListener(IPAddress.Parse("10.10.0.1"), 5001));
        server.Start();
        using var socket = client.Do(() => new System.Net.Sockets.TcpClient("10.10.0.1", 5001));
        using var accepted = server.AcceptTcpClient();
        var octets = new byte[1 << 20];
        foreach (var (from, to) in new[] { (socket, accepted), (accepted, socket) })
        {
            var sending = Task.Run(() => from.GetStream().Write(octets));
            to.GetStream().ReadExactly(new byte[octets.Length]);
            sending.Wait();
        }

        (long, long, long, long) Counted(Gateway gateway) =>
            gateway.Plane.TryGetCounters(gateway.Session, out var n) ? (n.InPackets, n.InOctets, n.OutPackets, n.OutOctets) : default;
        bool Agree() => Counted(c) is var (inPackets, inOctets, outPackets, outOctets) && Counted(h) == (outPackets, outOctets, inPackets, inOctets);
        Assert.True(SpinWait.SpinUntil(Agree, TimeSpan.FromSeconds(20)), $"{Counted(c)} and {Counted(h)}");
        Assert.True(Counted(h).Item3 > octets.Length / 1500, $"{Counted(h)}");
    }

    [FactAsRoot(NeedsXfrm = true)]
    public void SoftLimitsAreHintsOfTheSessionWhoseTheyAre()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x1000);
        h.Install(hp with { SoftLimits = new EspSoftLimits(1000, 0) });
        c.Install(cp);
        client.Exec("ping -c 2 -i 0.02 -W 20 10.10.0.1");
        Assert.DoesNotContain(h.Hints, hint => hint.Kind == DataPlaneHintKind.SoftLimitReached);
        client.Exec("ping -c 20 -i 0.02 -W 20 10.10.0.1");
        Assert.True(SpinWait.SpinUntil(() => h.Hints.Any(hint => hint.Kind == DataPlaneHintKind.SoftLimitReached), TimeSpan.FromSeconds(20)));
        var hint = Assert.Single(h.Hints, hint => hint.Kind == DataPlaneHintKind.SoftLimitReached);
        Assert.Equal((h.Session, 0x1000u), (hint.Session, hint.InboundSpi));
    }

    [FactAsRoot(NeedsXfrm = true)]
    public void ClientMayNotSpoofItsSource()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        client.Ip("addr add 10.98.0.1/32 dev in0");
        Up(c, h, EspEncapsulation.Udp);
        var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x1000);
        h.Install(hp);
        c.Install(cp with { LocalSelectors = [EspSelector.FromNetwork(IPNetwork.Parse("0.0.0.0/0"))] });
        headend.Ip("route add 10.98.0.1/32 dev vi1");
        Assert.Throws<InvalidOperationException>(() => client.Exec("ping -c 1 -W 2 -I 10.98.0.1 10.10.0.1"));
        Assert.Equal(1, headend.Do(h.Plane.GetDrops)[(int)EspDrop.InboundSelector]);
        client.Exec("ping -c 1 -W 20 -I 10.99.0.1 10.10.0.1");
    }

    /// <summary>Outer packets may be cut on the way (RFC 4301 8.1), and DSCP is carried outside.</summary>
    [FactAsRoot(NeedsXfrm = true)]
    public void OuterPacketsHaveNoDfAndTheInnerDscp()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, 0x1000);
        headend.Exec("nft add table ip seen");
        headend.Exec("nft add chain ip seen out '{ type filter hook output priority 0 ; }'");
        headend.Exec("nft add rule ip seen out oifname eth0 udp sport 4500 ip frag-off '&' 0x4000 '==' 0 ip dscp ef counter");
        client.Exec("ping -c 2 -i 0.02 -W 20 -M do -Q 0xb8 10.10.0.1");
        Assert.Contains("counter packets 2", headend.Exec("nft list table ip seen"), StringComparison.Ordinal);
    }

    /// <summary>RFC 4301 8.1: copied, or clear whatever the inner packet has.</summary>
    [FactAsRoot(NeedsXfrm = true)]
    public void OuterDfIsThatOfTheInnerPacketOrClear()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        headend.Exec("nft add table ip seen");
        headend.Exec("nft add counter ip seen df");
        headend.Exec("nft add counter ip seen sent");
        headend.Exec("nft add chain ip seen out '{ type filter hook output priority 0 ; }'");
        headend.Exec("nft add rule ip seen out oifname eth0 udp sport 4500 counter name sent ip frag-off '&' 0x4000 '!=' 0 counter name df");
        uint spi = 0x1000;
        foreach (var (dfBit, all, withDf) in new[] { (DfBit.Copy, 2, 1), (DfBit.Clear, 4, 1) })
        {
            var (hp, cp) = Sa.Pair(Sa.Gcm256, spi);
            h.Install(hp with { DfBit = dfBit });
            c.Install(cp);
            headend.Exec("ping -c 1 -W 20 -M do -I 10.10.0.1 10.99.0.1");
            headend.Exec("ping -c 1 -W 20 -M dont -I 10.10.0.1 10.99.0.1");
            Assert.Contains($"packets {all} ", headend.Exec("nft list counter ip seen sent"), StringComparison.Ordinal);
            Assert.Contains($"packets {withDf} ", headend.Exec("nft list counter ip seen df"), StringComparison.Ordinal);
            Assert.True(h.Plane.RemoveSa(spi));
            Assert.True(c.Plane.RemoveSa(spi + 1));
            spi += 16;
        }
    }

    /// <summary>A pair is a plan: where its second state or a policy fails, nothing of it stands, and what was there before does.</summary>
    [FactAsRoot(NeedsXfrm = true)]
    public void APairWhoseSecondStateTheKernelRefusesIsUndone()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, 0x1000);
        headend.Ip("xfrm state add src 192.0.2.2 dst 192.0.2.1 proto esp spi 0x2001 mode tunnel aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128");
        var (states, policies) = (States(), Policies());
        var (hp, _) = Sa.Pair(Sa.Gcm256, 0x2000);
        Assert.False(h.Plane.TryInstallSa(h.Session, hp, out var failure));
        Assert.StartsWith("outbound SA 00002001: EEXIST", failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(states, States());
        Assert.Equal(policies, Policies());
        client.Exec("ping -c 1 -W 20 10.10.0.1");

        // The first pair of a session, whose policies are new.
        Assert.True(h.Plane.RemoveSa(0x1000));
        Assert.Equal("", Policies());
        Assert.False(h.Plane.TryInstallSa(h.Session, hp, out _));
        Assert.Equal("", Policies());
        Assert.Equal(1, States().Split("proto esp").Length - 1);
        headend.Ip("xfrm state flush");
        h.Install(hp);
    }

    [FactAsRoot(NeedsXfrm = true)]
    public void AMoveThatTheKernelRefusesLeavesTheSasWhereTheyWere()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2", inKernel: true);
        Up(c, h, EspEncapsulation.Udp);
        Rekey(c, h, 0x1000);
        headend.Ip("xfrm state add src 192.0.2.2 dst 192.0.2.9 proto esp spi 0x1001 mode tunnel aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128");
        var policies = Policies();
        var there = new EspPath(TransportAddress.From(h.Address, 4500), TransportAddress.From(IPAddress.Parse("192.0.2.9"), 4500), EspEncapsulation.Udp);
        Assert.False(h.Plane.UpdatePath(h.Session, there));
        Assert.Equal(policies, Policies());
        client.Exec("ping -c 2 -i 0.02 -W 20 10.10.0.1");
        headend.Ip("xfrm state delete src 192.0.2.2 dst 192.0.2.9 proto esp spi 0x1001");
        Assert.True(h.Plane.UpdatePath(h.Session, there));
    }

    /// <summary>What a killed run leaves in the kernel goes at the next start, whichever data plane that has; what others made stays.</summary>
    [FactAsRoot(NeedsXfrm = true)]
    public void LeftoversGoAndNothingElse()
    {
        using var c = new Gateway(client, "192.0.2.1");
        // Its ids have the same upper bits.
        var twin = Enumerable.Range(0, 1_000_000).Select(i => $"other{i}").First(id => XfrmMark.TryGetId(id, 9, out var one) && XfrmMark.TryGetId("killed", 9, out var same) && one == same);
        using var other = new Gateway(headend, "192.0.2.2", stateId: twin, inKernel: true);
        Assert.Null(other.Create(9, ["10.99.0.9"], c, EspEncapsulation.Udp, 0, "ip unnumbered lan0"));
        other.Install(Sa.Pair(Sa.Gcm256, 0x9000).Headend);
        var (before, states, policies) = (headend.Snapshot(), States(), Policies());
        var killedOptions = new InterfaceOptions { StateId = "killed" };
        foreach (var next in new Action[]
        {
            () => new XfrmDataPlane(killedOptions, [], c, TimeProvider.System).Dispose(),
            () =>
            {
                XfrmMark.RemoveLeftovers("killed");
                new UserSpaceDataPlane(killedOptions, new UserSpaceDataPlaneOptions { TunThreads = 1 }, [], c, TimeProvider.System).Dispose();
            },
        })
        {
            headend.Do(() =>
            {
                // Never disposed: that is what a killed run is.
                var killed = new XfrmDataPlane(killedOptions, [], c, TimeProvider.System);
                var path = new EspPath(TransportAddress.From(other.Address, 4500), TransportAddress.From(c.Address, 4500), EspEncapsulation.Udp);
                var request = new InterfaceRequest { Number = 1, Config = Gateway.ConfigOf("ip unnumbered lan0"), ClientAddresses = [IPAddress.Parse("10.99.0.1")], Path = path, Label = "alice" };
                Assert.True(killed.TryCreateInterface(request, out var session, out _));
                Assert.True(killed.TryInstallSa(session, Sa.Pair(Sa.Gcm256, 0x1000).Headend, out _));
            });
            Assert.NotEqual(states, States());
            headend.Do(next);
            Assert.Equal(states, States());
            Assert.Equal(policies, Policies());
            Assert.Equal(before, headend.Snapshot());
        }
    }

    private static void Up(Gateway c, Gateway h, EspEncapsulation encapsulation)
    {
        Assert.Null(c.Create(1, ["10.10.0.1"], h, encapsulation, 0, "ip unnumbered in0"));
        Assert.Null(h.Create(1, ["10.99.0.1"], c, encapsulation, 0, "ip unnumbered lan0"));
    }

    private static void Rekey(Gateway c, Gateway h, uint spi, string clients = "10.99.0.0/16", string lan = "10.10.0.0/16")
    {
        var (hp, cp) = Sa.Pair(Sa.Gcm256, spi, clients, lan);
        h.Install(hp);
        c.Install(cp);
    }

    private static void AssertCarried(Gateway gateway, long packets, long octets)
    {
        (long, long, long, long) Seen() =>
            gateway.Plane.TryGetCounters(gateway.Session, out var counters) ? (counters.InPackets, counters.OutPackets, counters.InOctets, counters.OutOctets) : default;
        SpinWait.SpinUntil(() => Seen() == (packets, packets, octets, octets), TimeSpan.FromSeconds(20));
        Assert.Equal((packets, packets, octets, octets), Seen());
    }

    private string States() => headend.Ip("xfrm state list nokeys");

    private string Policies() => headend.Ip("xfrm policy list");
}
