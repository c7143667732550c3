using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.Kernel;

/// <summary>RFC 4301 8: a client behind a router whose line to it takes 1300 octets, and the headend's packets to it.</summary>
public sealed class PathMtuTests : IDisposable
{
    private const string ClientV4 = "192.0.2.1";
    private const string HeadendV4 = "198.51.100.2";
    private readonly NetworkNamespace client = new("c");
    private readonly NetworkNamespace router = new("r");
    private readonly NetworkNamespace headend = new("h");

    public PathMtuTests()
    {
        router.Exec("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
        Attach(client, "r0", "192.0.2", "2001:db8:1::", 1);
        Attach(headend, "r1", "198.51.100", "2001:db8:2::", 2);
        client.Ip("link set eth0 mtu 1300");
        router.Ip("link set r0 mtu 1300");
        client.AddStub("in0", "10.99.0.1/32", "2001:db8:99::1/128");
        headend.AddStub("lan0", "10.10.0.1/24", "2001:db8:10::1/64");
        router.Exec("nft add table inet way");
        router.Exec("nft 'add chain inet way forward { type filter hook forward priority 0; }'");
        router.Exec("nft add rule inet way forward ip daddr 192.0.2.1 ip 'frag-off & 0x4000 == 0x4000' counter comment df");
    }

    public void Dispose()
    {
        client.Dispose();
        headend.Dispose();
        router.Dispose();
    }

    [TheoryAsRoot]
    // 1300 less 20 IP, 8 UDP, 8 ESP, 8 IV, 16 ICV, less 2 of the trailer.
    [InlineData(ClientV4, HeadendV4, EspEncapsulation.Udp, 1238)]
    [InlineData(ClientV4, HeadendV4, EspEncapsulation.Plain, 1246)]
    [InlineData("2001:db8:1::1", "2001:db8:2::2", EspEncapsulation.Udp, 1218)]
    [InlineData("2001:db8:1::1", "2001:db8:2::2", EspEncapsulation.Plain, 1226)]
    public void The_routers_word_reaches_the_sender_inside(string clientAddress, string headendAddress, EspEncapsulation encapsulation, int fits)
    {
        using var c = new Gateway(client, clientAddress, plainEsp: true);
        using var h = new Gateway(headend, headendAddress, plainEsp: true);
        Up(c, h, encapsulation, DfBit.Copy);
        Assert.Equal(fits, TooBig("ping -M do", fits + 1 - 28));
        headend.Exec($"ping -M do -c 2 -i 0.1 -W 5 -s {fits - 28} 10.99.0.1");
        // Without DF inside (RFC 4301 8.1: then there is none outside) everything passes in fragments.
        headend.Exec("ping -M dont -c 2 -i 0.1 -W 5 -s 1370 10.99.0.1");
        // IPv6 links take 1280 octets (RFC 8200 5): what does not fit then is fragmented outside.
        Assert.Equal(1280, TooBig("ping -6 -M do", 1281 - 48));
        headend.Exec("ping -6 -M do -c 2 -i 0.1 -W 5 -s 1232 2001:db8:99::1");
    }

    [TheoryAsRoot]
    [InlineData(DfBit.Clear, 0)]
    [InlineData(DfBit.Copy, 3)]
    [InlineData(DfBit.Set, 6)]
    public void The_outer_bit_is_as_configured(DfBit rule, int expected)
    {
        using var c = new Gateway(client, ClientV4);
        using var h = new Gateway(headend, HeadendV4);
        Up(c, h, EspEncapsulation.Udp, rule);
        headend.Exec("ping -M do -c 3 -i 0.1 -W 5 -s 100 10.99.0.1");
        headend.Exec("ping -M dont -c 3 -i 0.1 -W 5 -s 100 10.99.0.1");
        Assert.Contains($"counter packets {expected} ", router.Exec("nft list ruleset"), StringComparison.Ordinal);
        if (rule == DfBit.Clear) headend.Exec("ping -M do -c 2 -i 0.1 -W 5 -s 1370 10.99.0.1");
    }

    /// <summary>This machine's own line is the narrow one.</summary>
    [FactAsRoot]
    public void The_own_interface_counts_as_a_router()
    {
        using var c = new Gateway(client, ClientV4);
        using var h = new Gateway(headend, HeadendV4);
        Up(c, h, EspEncapsulation.Udp, DfBit.Copy);
        headend.Ip("link set eth0 mtu 1200");
        router.Ip("link set r1 mtu 1200");
        Assert.Equal(1138, TooBig("ping -M do", 1300));
        headend.Exec("ping -M dont -c 2 -i 0.1 -W 5 -s 1370 10.99.0.1");
    }

    /// <summary>Anybody can send ICMP: it must name the session's addresses, ports and SPI, and does not get below a bound.</summary>
    [FactAsRoot]
    public void Forged_reports_do_little()
    {
        using var c = new Gateway(client, ClientV4);
        using var h = new Gateway(headend, HeadendV4);
        Up(c, h, EspEncapsulation.Udp, DfBit.Copy);
        using var forger = client.Do(() => new Socket(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp));
        void Forge(ushort port, uint spi) => client.Do(() => forger.SendTo(Report(port, spi, 300), new IPEndPoint(IPAddress.Parse(HeadendV4), 0)));
        Forge(4501, 0x1001);
        Forge(4500, 0x7777);
        headend.Exec("ping -M do -c 2 -i 0.1 -W 5 -s 1200 10.99.0.1");
        Forge(4500, 0x1001);
        // 576 less 20, 8, 8, 8, 16, 2 is 514.
        Assert.Equal(514, TooBig("ping -M do", 1200));
        headend.Exec("ping -M do -c 2 -i 0.1 -W 5 -s 400 10.99.0.1");
    }

    private static byte[] Report(ushort port, uint spi, ushort mtu)
    {
        var icmp = new byte[8 + 20 + 8 + 8];
        (icmp[0], icmp[1]) = (3, 4);
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(6), mtu);
        var quoted = icmp.AsSpan(8);
        quoted[0] = 0x45;
        BinaryPrimitives.WriteUInt16BigEndian(quoted[2..], 1400);
        quoted[6] = 0x40;
        (quoted[8], quoted[9]) = (60, 17);
        IPAddress.Parse(HeadendV4).GetAddressBytes().CopyTo(quoted[12..]);
        IPAddress.Parse(ClientV4).GetAddressBytes().CopyTo(quoted[16..]);
        BinaryPrimitives.WriteUInt16BigEndian(quoted[20..], 4500);
        BinaryPrimitives.WriteUInt16BigEndian(quoted[22..], port);
        BinaryPrimitives.WriteUInt16BigEndian(quoted[24..], 1380);
        BinaryPrimitives.WriteUInt32BigEndian(quoted[28..], spi);
        BinaryPrimitives.WriteUInt16BigEndian(icmp.AsSpan(2), InternetChecksum.Compute(icmp));
        return icmp;
    }

    /// <summary>Pings until the sender is told what fits.</summary>
    private int TooBig(string ping, int payload)
    {
        var to = ping.Contains("-6", StringComparison.Ordinal) ? "2001:db8:99::1" : "10.99.0.1";
        var refused = Assert.Throws<InvalidOperationException>(() => headend.Exec($"{ping} -c 4 -i 0.2 -W 1 -s {payload} {to}"));
        var told = System.Text.RegularExpressions.Regex.Match(refused.Message, "(?:DF set \\(|Packet too big: )mtu ?= ?(?<mtu>[0-9]+)", System.Text.RegularExpressions.RegexOptions.NonBacktracking | System.Text.RegularExpressions.RegexOptions.ExplicitCapture);
        Assert.True(told.Success, refused.Message);
        return int.Parse(told.Groups["mtu"].Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    private void Attach(NetworkNamespace host, string device, string v4, string v6, int number)
    {
        router.Ip($"link add {device} type veth peer name eth0 netns {host.Name}");
        router.Ip($"addr add {v4}.254/24 dev {device}");
        router.Ip($"addr add {v6}fe/64 dev {device} nodad");
        router.Ip($"link set {device} up");
        host.Ip($"addr add {v4}.{number}/24 dev eth0");
        host.Ip($"addr add {v6}{number}/64 dev eth0 nodad");
        host.Ip("link set eth0 up");
        host.Ip($"route add default via {v4}.254");
        host.Ip($"-6 route add default via {v6}fe");
    }

    private static void Up(Gateway c, Gateway h, EspEncapsulation encapsulation, DfBit rule)
    {
        Assert.Null(c.Create(1, ["10.10.0.1", "2001:db8:10::1"], h, encapsulation, 0, "ip unnumbered in0", "ipv6 unnumbered in0"));
        Assert.Null(h.Create(1, ["10.99.0.1", "2001:db8:99::1"], c, encapsulation, 0, "ip unnumbered lan0", "ipv6 unnumbered lan0"));
        var (hp, cp) = Sa.Pair(Sa.Gcm256, 0x1000);
        var (lan, remote) = (EspSelector.FromNetwork(IPNetwork.Parse("2001:db8:10::/64")), EspSelector.FromNetwork(IPNetwork.Parse("2001:db8:99::/64")));
        h.Install(hp with { DfBit = rule, LocalSelectors = [.. hp.LocalSelectors, lan], RemoteSelectors = [.. hp.RemoteSelectors, remote] });
        // The client's answers must not depend on what it learns.
        c.Install(cp with { DfBit = DfBit.Clear, LocalSelectors = [.. cp.LocalSelectors, remote], RemoteSelectors = [.. cp.RemoteSelectors, lan] });
    }
}
