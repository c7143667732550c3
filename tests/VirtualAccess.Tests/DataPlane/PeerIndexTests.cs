using System.Net;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Tests.Support;

namespace Headend.VirtualAccess.Tests.DataPlane;

public sealed class PeerIndexTests
{
    private readonly PeerIndex peers = new();
    private long last;

    /// <summary>What a stranger's ICMP costs does not grow with the sessions at other addresses.</summary>
    [Fact]
    public void A_report_is_asked_of_the_sessions_at_its_address_alone()
    {
        for (var i = 1; i <= 200; i++) Add($"198.51.100.{i}", 4500);
        var (one, other) = (Add("203.0.113.7", 4500), Add("203.0.113.7", 4501));
        Assert.Equal(2, Learn("203.0.113.7", 4500));
        Assert.Equal((1300, 0), (one.Path.MtuAt(0), other.Path.MtuAt(0)));
        Assert.Equal(1, Learn("198.51.100.9", 4500));
        Assert.Equal(0, Learn("192.0.2.77", 4500));
    }

    [Fact]
    public void A_session_that_moved_is_found_where_it_is_now_and_one_that_went_nowhere()
    {
        var session = Add("203.0.113.7", 4500);
        Assert.Equal(1, Learn("203.0.113.7", 4500));
        peers.Move(session, Path("2001:db8::9", 4500));
        Assert.Equal((0, 1), (Learn("203.0.113.7", 4500), Learn("2001:db8::9", 4500)));
        Assert.Equal(1300, session.Path.MtuAt(0));
        peers.Remove(session);
        Assert.Equal((0, 0), (Learn("2001:db8::9", 4500), peers.Addresses));
        // A path that changes while its session goes does not bring the session back.
        peers.Move(session, Path("203.0.113.7", 4500));
        Assert.Equal((0, 0), (Learn("203.0.113.7", 4500), peers.Addresses));
    }

    private static SessionPath Path(string remote, ushort port) =>
        new(new EspPath(TransportAddress.From(IPAddress.Parse("192.0.2.2"), 4500), TransportAddress.From(IPAddress.Parse(remote), port), EspEncapsulation.Udp), -1, -1);

    private int Learn(string remote, ushort port) =>
        peers.Learn(new PathMtuReport(TransportAddress.From(IPAddress.Parse(remote), port), 1300, IsLocal: false, Spi: 0), now: 0, until: 100);

    private DataPlaneSession Add(string remote, ushort port)
    {
        var path = Path(remote, port);
        var request = new InterfaceRequest { Number = 1, Config = InterfaceConfig.Empty, ClientAddresses = [], Path = path.Path };
        // Nothing here reads or writes the device.
        var session = new DataPlaneSession(new SessionHandle(++last), request, null!, default, path);
        Assert.True(session.Add(new EspSa(Sa.Pair(Sa.Gcm256, 0x1000).Headend with { DfBit = DfBit.Copy }, last), OutboundMode.AfterFirstInbound));
        peers.Add(session);
        return session;
    }
}
