using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>Two data planes back to back whose sessions are GRE under ESP in transport mode, with real TUN devices.</summary>
public sealed class GreTests : IDisposable
{
    private readonly NetworkNamespace client = new("c");
    private readonly NetworkNamespace headend = new("h");

    public GreTests()
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
    public void CarriesBothFamiliesOverBothFamiliesWithEveryAlgorithm()
    {
        foreach (var (clientAddress, headendAddress, encapsulation) in new[]
        {
            ("192.0.2.1", "192.0.2.2", EspEncapsulation.Udp), ("2001:db8:1::1", "2001:db8:1::2", EspEncapsulation.Udp), ("192.0.2.1", "192.0.2.2", EspEncapsulation.Plain),
        })
        {
            using var c = new Gateway(client, clientAddress, plainEsp: true);
            using var h = new Gateway(headend, headendAddress, plainEsp: true);
            Up(c, h, encapsulation, "tunnel key 7");
            uint spi = 0x1000;
            foreach (var algorithm in EspAlgorithmTable.Rows)
            {
                Install(c, h, algorithm, spi);
                client.Exec("ping -c 1 -W 10 -s 1000 10.10.0.1");
                client.Exec("ping -6 -c 1 -W 10 2001:db8:10::1");
                spi += 16;
            }

            Assert.Equal(0, h.Plane.GetDrops()[(int)EspDrop.AuthenticationFailed] + h.Plane.GetDrops()[(int)EspDrop.Malformed]);
            AssertCarried(h, EspAlgorithmTable.Rows.Length * 2);
        }
    }

    [FactAsRoot]
    public void AChangedKeyHoldsAtOnceAndTheWrongOneIsCounted()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp, "tunnel key 1");
        Install(c, h, Sa.Gcm256, 0x1000);
        client.Exec("ping -c 1 -W 10 10.10.0.1");
        Change(h, "tunnel key 2");
        Assert.ThrowsAny<Exception>(() => client.Exec("ping -c 2 -i 0.05 -W 1 10.10.0.1"));
        Assert.Equal(2, h.Plane.GetDrops()[(int)EspDrop.GreKey]);
        Assert.True(h.Plane.TryGetCounters(h.Session, out var counters));
        Assert.Equal((1, 2), (counters.InPackets, counters.InDropped));
        Change(c, "tunnel key 2");
        client.Exec("ping -c 1 -W 10 10.10.0.1");
    }

    /// <summary>The session's routes say what the client may send from: a route that comes later with it.</summary>
    [FactAsRoot]
    public void ClientMayNotSpoofItsSource()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        Install(c, h, Sa.Gcm256, 0x1000);
        client.Ip("addr add 10.71.0.1/32 dev in0");
        Assert.ThrowsAny<Exception>(() => client.Exec("ping -c 1 -W 1 -I 10.71.0.1 10.10.0.1"));
        Assert.Equal(1, h.Plane.GetDrops()[(int)EspDrop.InboundSelector]);
        Change(h, "ip route 10.71.0.0 255.255.0.0");
        client.Exec("ping -c 1 -W 10 -I 10.71.0.1 10.10.0.1");
    }

    /// <summary>1500 octets outside: 20 IP, 8 UDP, 8 ESP, 8 IV, 16 ICV, 2 trailer, 4 or 8 GRE; multiples of 4.</summary>
    [FactAsRoot]
    public void TheLargestPacketIsDerivedFromTheOuterMtu()
    {
        foreach (var (key, largest) in new[] { ("no tunnel key", 1434), ("tunnel key 7", 1430) })
        {
            using var c = new Gateway(client, "192.0.2.1");
            using var h = new Gateway(headend, "192.0.2.2");
            Up(c, h, EspEncapsulation.Udp, key, "ip mtu 1500");
            Install(c, h, Sa.Gcm256, 0x1000);
            var refused = Assert.ThrowsAny<Exception>(() => client.Exec($"ping -c 1 -W 2 -M do -s {largest + 1 - 28} 10.10.0.1"));
            Assert.Contains($"mtu = {largest}", refused.Message, StringComparison.OrdinalIgnoreCase);
            client.Exec($"ping -c 1 -W 10 -M do -s {largest - 28} 10.10.0.1");
        }
    }

    [FactAsRoot]
    public void AnSaOfTheOtherModeIsRefused()
    {
        using var c = new Gateway(client, "192.0.2.1");
        using var h = new Gateway(headend, "192.0.2.2");
        Up(c, h, EspEncapsulation.Udp);
        var (tunnel, _) = Sa.Pair(Sa.Gcm256, 0x1000);
        Assert.False(h.Plane.TryInstallSa(h.Session, tunnel, out var failure));
        Assert.Equal("install SA: vi1 is for GRE under ESP in transport mode", failure.ToString());
    }

    private static void Up(Gateway c, Gateway h, EspEncapsulation encapsulation, params string[] commands)
    {
        c.Tunnel = h.Tunnel = TunnelEncapsulation.Gre;
        Assert.Null(c.Create(1, ["10.10.0.1", "2001:db8:10::1"], h, encapsulation, 1500, ["ip unnumbered in0", "ipv6 unnumbered in0", .. commands]));
        Assert.Null(h.Create(1, ["10.99.0.1", "2001:db8:99::1"], c, encapsulation, 1500, ["ip unnumbered lan0", "ipv6 unnumbered lan0", .. commands]));
    }

    private static void Install(Gateway c, Gateway h, EspAlgorithm algorithm, uint spi)
    {
        var (hp, cp) = Sa.Pair(algorithm, spi);
        h.Install(hp with { IsTransportMode = true });
        c.Install(cp with { IsTransportMode = true });
    }

    private static void Change(Gateway gateway, string command)
    {
        InterfaceRequest With(InterfaceRequest standing)
        {
            var changed = VirtualAccessDerivation.Change(standing.Config, new AuthorizedCommands(new ConfigOrigin(ConfigSource.ChangeOfAuthorization, "test"), [command]), InterfaceNames.NoRules);
            Assert.Empty(changed.Failures);
            return standing with { Config = changed.Config };
        }

        Assert.True(gateway.Space.Do(() => gateway.Plane.TryUpdateInterface(gateway.Session, With, out _)));
    }

    private static void AssertCarried(Gateway gateway, long packets)
    {
        (long, long) Seen() => gateway.Plane.TryGetCounters(gateway.Session, out var counters) ? (counters.InPackets, counters.OutPackets) : default;
        SpinWait.SpinUntil(() => Seen() == (packets, packets), TimeSpan.FromSeconds(10));
        Assert.Equal((packets, packets), Seen());
    }
}
