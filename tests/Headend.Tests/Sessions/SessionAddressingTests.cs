using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Addresses;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>Where an address comes from when a DHCP server is among the sources; the server is one of this test, on the loopback interface.</summary>
public sealed class SessionAddressingTests : IAddressObserver, ILeaseObserver, IAsyncLifetime
{
    private const byte Discover = 1, Decline = 4, Release = 7;

    private static readonly IPAddress Server = IPAddress.Parse("127.0.0.2");
    private static readonly IPAddress Offered = IPAddress.Parse("10.97.0.20");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly ConcurrentQueue<byte> asked = new();
    private readonly AddressAssignment assignment;
    private readonly DhcpClient dhcp;
    private readonly SessionAddressing addressing;
    private readonly List<string> failures = [];
    private volatile bool silent;

    public SessionAddressingTests()
    {
        socket.Bind(new IPEndPoint(Server, 0));
        AddressPool.TryCreate(new AddressPoolOptions("p4", ["10.99.0.0/24"]), TimeProvider.System, out var four, out _);
        AddressPool.TryCreate(new AddressPoolOptions("p6", ["2001:db8:99::/112"]), TimeProvider.System, out var six, out _);
        assignment = new AddressAssignment([four!, six!], this);
        dhcp = new DhcpClient(new DhcpClientOptions { ServerPort = ((IPEndPoint)socket.LocalEndPoint!).Port, RelayPort = 0 }, TimeProvider.System);
        addressing = new SessionAddressing(assignment, dhcp, this, TimeProvider.System);
        _ = ServeAsync();
    }

    private static SessionProfile Leased => new() { DhcpServers = [Server], DhcpGiaddr = IPAddress.Loopback, Ipv4Pool = "p4", Ipv6Pool = "p6" };

    [Fact]
    public async Task A_dhcp_server_goes_before_the_pool_and_gets_its_address_back()
    {
        var session = TestSession.Create("alice", Leased);
        var (addresses, refusal) = await addressing.AssignAsync(session, new AddressRequest(true, true));
        Assert.Null(refusal);
        Assert.Equal((Offered, true, "255.255.255.0"), (addresses!.IPv4, addresses.IPv6 is not null, addresses.IPv4Netmask!.ToString()));
        Assert.Equal(("10.10.0.53", "leased.example"), (Assert.Single(addresses.DnsServers).ToString(), addresses.DefaultDomain));
        Assert.Equal(Offered, session.Lease!.Grant!.Address);
        session.Close();
        addressing.Release(session);
        await AskedAsync(Release);
        Assert.Null(session.Lease.Grant);
    }

    [Fact]
    public async Task Framed_IP_Address_goes_before_a_dhcp_server()
    {
        var profile = Leased with { Ipv4Choice = AddressChoice.Fixed, Ipv4Address = IPAddress.Parse("10.99.0.7") };
        var (addresses, _) = await addressing.AssignAsync(TestSession.Create("alice", profile), new AddressRequest(true, false));
        Assert.Equal(profile.Ipv4Address, addresses!.IPv4);
        // Nor is a server asked for a client that wants no IPv4 address.
        Assert.NotNull((await addressing.AssignAsync(TestSession.Create("bob", Leased), new AddressRequest(false, true))).Addresses);
        Assert.Empty(asked);
    }

    [Fact]
    public async Task The_netmask_of_authorization_goes_before_the_one_of_the_lease()
    {
        var profile = Leased with { Ipv4Netmask = IPAddress.Parse("255.255.0.0") };
        var (addresses, _) = await addressing.AssignAsync(TestSession.Create("alice", profile), new AddressRequest(true, false));
        Assert.Equal(profile.Ipv4Netmask, addresses!.IPv4Netmask);
    }

    [Fact]
    public async Task Without_a_lease_there_is_the_other_family_or_a_refusal_that_names_the_server()
    {
        silent = true;
        var profile = Leased with { DhcpTimeout = TimeSpan.FromSeconds(1) };
        var both = await addressing.AssignAsync(TestSession.Create("alice", profile), new AddressRequest(true, true));
        Assert.Equal((null, true), (both.Addresses!.IPv4, both.Addresses.IPv6 is not null));
        var four = await addressing.AssignAsync(TestSession.Create("bob", profile), new AddressRequest(true, false));
        Assert.Equal((null, "the DHCP server 127.0.0.2 did not answer in 1 s"), (four.Addresses, four.Refusal));
        Assert.Equal(["alice: the DHCP server 127.0.0.2 did not answer in 1 s", "bob: the DHCP server 127.0.0.2 did not answer in 1 s"], failures);
    }

    [Fact]
    public async Task A_leased_address_that_is_in_use_is_declined()
    {
        var fixedProfile = new SessionProfile { Ipv4Choice = AddressChoice.Fixed, Ipv4Address = Offered };
        await addressing.AssignAsync(TestSession.Create("bob", fixedProfile), new AddressRequest(true, false));
        var (addresses, refusal) = await addressing.AssignAsync(TestSession.Create("alice", Leased), new AddressRequest(true, true));
        Assert.Null(addresses);
        Assert.StartsWith("10.97.0.20, leased by DHCP, is held by bob", refusal, StringComparison.Ordinal);
        await AskedAsync(Decline);
        Assert.Equal(0, assignment.Pools[1].GetStatistics().Leased);
    }

    // The lease of the first attempt went back when that attempt met the older session: what the client gets is leased anew.
    [Fact]
    public async Task A_login_that_waits_for_an_older_session_has_a_lease_that_stands()
    {
        using var shard = TestServices.Shard(new MonotonicClock(TimeProvider.System));
        var six = IPAddress.Parse("2001:db8:77::5");
        var older = TestSession.Create("alice", new SessionProfile { Ipv6Address = six }, shard: shard);
        Assert.NotNull((await addressing.AssignAsync(older, new AddressRequest(false, true))).Addresses);
        var session = TestSession.Create("alice", Leased with { Ipv6Address = six }, shard: shard);
        var assigning = addressing.AssignAsync(session, new AddressRequest(true, true)).AsTask();
        await AskedAsync(Release);
        older.Close();
        addressing.Release(older);
        older.Gone.SetResult();
        var (addresses, refusal) = await assigning.WaitAsync(Patience);
        Assert.Null(refusal);
        Assert.Equal((Offered, six), (addresses!.IPv4, addresses.IPv6));
        Assert.Equal(Offered, session.Lease!.Grant!.Address);
        Assert.Equal(1, dhcp.GetStatistics().Bound);
    }

    [Fact]
    public async Task A_login_that_is_refused_for_its_other_family_gives_its_lease_back()
    {
        var six = IPAddress.Parse("2001:db8:77::5");
        await addressing.AssignAsync(TestSession.Create("bob", new SessionProfile { Ipv6Address = six }), new AddressRequest(false, true));
        var session = TestSession.Create("alice", Leased with { Ipv6Address = six });
        var (addresses, refusal) = await addressing.AssignAsync(session, new AddressRequest(true, true));
        Assert.Null(addresses);
        Assert.StartsWith("2001:db8:77::5 is assigned to alice, but bob holds it", refusal, StringComparison.Ordinal);
        await AskedAsync(Release);
        Assert.Equal((0, null), (dhcp.GetStatistics().Bound, session.Lease));
    }

    // A client that went away while its server was asked: what comes is given back.
    [Fact]
    public async Task A_login_that_is_over_keeps_no_lease()
    {
        var session = TestSession.Create("alice", Leased);
        session.Close();
        Assert.Null((await addressing.AssignAsync(session, new AddressRequest(true, false))).Addresses);
        await AskedAsync(Release);
        Assert.Equal(0, dhcp.GetStatistics().Bound);
    }

    void IAddressObserver.PoolExhausted(AddressPoolStatistics pool, string identity) => failures.Add(pool.Name);

    void ILeaseObserver.LeaseFailed(ClientSession session, string why) => failures.Add($"{session.User}: {why}");

    void ILeaseObserver.LeaseLost(ClientSession session, string why) => failures.Add(why);

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await dhcp.DisposeAsync();
        socket.Dispose();
    }

    private async Task AskedAsync(byte type)
    {
        for (var waited = TimeSpan.Zero; !asked.Contains(type) && waited < Patience; waited += TimeSpan.FromMilliseconds(10))
            await Task.Delay(10);
        Assert.Contains(type, asked);
    }

    private async Task ServeAsync()
    {
        var buffer = new byte[2000];
        while (true)
        {
            SocketReceiveFromResult received;
            try
            {
                received = await socket.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, new IPEndPoint(IPAddress.Any, 0));
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }

            // The message type is the first option that the client writes.
            var type = buffer[242];
            asked.Enqueue(type);
            if (silent || type is Decline or Release)
                continue;
            var reply = new byte[240];
            buffer.AsSpan(0, 44).CopyTo(reply);
            reply[0] = 2;
            Offered.GetAddressBytes().CopyTo(reply, 16);
            ((byte[])[99, 130, 83, 99]).CopyTo(reply, 236);
            byte[] options =
            [
                53, 1, type == Discover ? (byte)2 : (byte)5, 54, 4, .. Server.GetAddressBytes(), 51, 4, 0, 0, 14, 16, 1, 4, 255, 255, 255, 0, 6, 4, 10, 10, 0, 53,
                15, 14, .. "leased.example"u8, 255,
            ];
            socket.SendTo([.. reply, .. options], received.RemoteEndPoint);
        }
    }
}
