using System.Net;
using System.Net.Sockets;
using Headend.Aaa.Client;
using Headend.Aaa.Dhcp;
using Headend.Aaa.Tests.Dhcp;

namespace Headend.Aaa.Tests.Client;

/// <summary>The client with real sockets on the loopback interface against a server of this test; time stands still unless a test moves it.</summary>
public sealed class DhcpClientTests : IAsyncLifetime
{
    private static readonly IPAddress Relay = IPAddress.Parse("127.0.0.1");
    private static readonly IPAddress Home = IPAddress.Parse("127.0.0.2");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ManualTimeProvider time = new();
    private readonly Socket server = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly DhcpClient client;
    private readonly TaskCompletionSource<string> lost = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DhcpClientTests()
    {
        server.Bind(new IPEndPoint(Home, 0));
        client = new DhcpClient(new DhcpClientOptions { ServerPort = ((IPEndPoint)server.LocalEndPoint!).Port, RelayPort = 0, MaximumOutstanding = 3, MaximumRelays = 2 }, time);
    }

    [Fact]
    public async Task A_lease_is_got_renewed_and_given_back()
    {
        var asking = Lease("alice");
        var binding = await GrantAsync(asking, "10.97.0.20");
        Assert.Equal((DhcpLeaseState.Bound, "10.97.0.20", Relay), (binding.State, binding.Grant!.Address.ToString(), binding.Relay));
        Assert.Equal((0, 1, 1L), (client.GetStatistics().Outstanding, client.GetStatistics().Bound, client.GetStatistics().Granted));

        time.Advance(TimeSpan.FromSeconds(61));
        await AnswerAsync(3, 5, "10.97.0.20");
        await UntilAsync(() => client.GetStatistics().Renewed == 1);
        // The lease counts from its renewal, which jitter puts before T1.
        Assert.InRange(binding.ExpiresIn!.Value.TotalSeconds, 110, 120);

        binding.Release();
        binding.Release();
        var release = await ReceiveAsync();
        Assert.Equal((7, "10.97.0.20"), (release.Type, new IPAddress(release.Packet.AsSpan(12, 4)).ToString()));
        Assert.Equal((0, 0), (server.Available, client.GetStatistics().Bound));
        Assert.False(lost.Task.IsCompleted);
    }

    [Fact]
    public async Task A_refused_renewal_is_told_once()
    {
        await GrantAsync(Lease("alice"), "10.97.0.20");
        time.Advance(TimeSpan.FromSeconds(61));
        await AnswerAsync(3, 6, "0.0.0.0");
        Assert.Equal("the DHCP server 127.0.0.2 refused to renew 10.97.0.20", await lost.Task.WaitAsync(Patience));
        Assert.Equal((0, 1L), (client.GetStatistics().Bound, client.GetStatistics().Lost));
    }

    // A user's sessions have the lowest numbers that are free, so that a lone session, or the first one after a restart, is always the same client to the server.
    [Fact]
    public async Task Sessions_of_one_user_are_different_clients_and_their_numbers_come_again()
    {
        var first = await GrantAsync(Lease("alice"), "10.97.0.20");
        var second = await GrantAsync(Lease("alice"), "10.97.0.21");
        var other = await GrantAsync(Lease("bob"), "10.97.0.22");
        Assert.Equal(3, new[] { first, second, other }.Select(b => b.Client.ToString()).Distinct().Count());
        first.Release();
        await ReceiveAsync();
        var again = await GrantAsync(Lease("alice"), "10.97.0.20");
        Assert.Equal(first.Client.ToString(), again.Client.ToString());
        Assert.Equal(DhcpClientIdentity.Derive("alice", Relay, 0).ToString(), again.Client.ToString());
    }

    [Fact]
    public async Task Silence_ends_in_a_failure_that_names_the_server()
    {
        var asking = Lease("alice");
        await ReceiveAsync();
        for (var i = 0; i < 9; i++)
            time.Advance(TimeSpan.FromSeconds(1));
        var failed = Assert.IsType<DhcpOutcome.Failed>(await asking.WaitAsync(Patience));
        Assert.Equal("the DHCP server 127.0.0.2 did not answer in 8 s", failed.Why);
        Assert.Equal((0, 0, 1L), (client.GetStatistics().Outstanding, client.GetStatistics().Bound, client.GetStatistics().Failed));
    }

    [Fact]
    public async Task What_others_send_is_counted_and_changes_nothing()
    {
        var asking = Lease("alice");
        var discover = await ReceiveAsync();
        using var stranger = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        stranger.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.3"), 0));
        stranger.SendTo(Reply(discover, 2, "10.97.0.66"), discover.Source);
        server.SendTo([1, 2, 3], discover.Source);
        server.SendTo(new byte[1400], discover.Source);
        server.SendTo(new byte[1473], discover.Source);
        var other = Reply(discover, 2, "10.97.0.66");
        other[4] ^= 1;
        server.SendTo(other, discover.Source);
        await UntilAsync(() => client.GetStatistics().Discarded == 5);
        server.SendTo(Reply(discover, 2, "10.97.0.20"), discover.Source);
        await AnswerAsync(3, 5, "10.97.0.20");
        Assert.Equal("10.97.0.20", Assert.IsType<DhcpOutcome.Granted>(await asking.WaitAsync(Patience)).Binding.Grant!.Address.ToString());
    }

    [Fact]
    public async Task The_number_outstanding_is_bounded()
    {
        Task<DhcpOutcome>[] asking = [.. Enumerable.Range(0, 3).Select(i => Lease($"user{i}"))];
        var refused = Assert.IsType<DhcpOutcome.Failed>(await Lease("late").WaitAsync(Patience));
        Assert.Equal("3 DHCP requests are outstanding already", refused.Why);
        Assert.All(asking, task => Assert.False(task.IsCompleted));
        await client.DisposeAsync();
        foreach (var task in asking)
            Assert.Equal("the headend is stopping", Assert.IsType<DhcpOutcome.Failed>(await task.WaitAsync(Patience)).Why);
        Assert.Equal("the headend is stopping", Assert.IsType<DhcpOutcome.Failed>(await Lease("later").WaitAsync(Patience)).Why);
    }

    [Fact]
    public async Task A_giaddr_that_is_not_of_this_machine_is_named_and_their_number_is_bounded()
    {
        var failed = Assert.IsType<DhcpOutcome.Failed>(await Lease("alice", "192.0.2.99").WaitAsync(Patience));
        Assert.StartsWith("DHCP cannot use port 0 of 192.0.2.99 (giaddr): ", failed.Why, StringComparison.Ordinal);
        _ = Lease("alice", "127.0.0.10");
        _ = Lease("alice", "127.0.0.11");
        Assert.Equal("2 other addresses are used as giaddr already", Assert.IsType<DhcpOutcome.Failed>(await Lease("alice", "127.0.0.12").WaitAsync(Patience)).Why);
    }

    // Without a giaddr the routing table says from which address the server is reached; on the loopback interface that is the first one.
    [Fact]
    public async Task Without_a_giaddr_the_route_decides()
    {
        _ = client.LeaseAsync(new DhcpLeaseRequest("alice", [Home], null, null), _ => { });
        var discover = await ReceiveAsync();
        Assert.Equal(discover.Source.Address.GetAddressBytes(), discover.Packet[24..28]);
        Assert.Equal(Relay, discover.Source.Address);
    }

    [Fact]
    public async Task An_address_that_is_in_use_is_declined()
    {
        var binding = await GrantAsync(Lease("alice"), "10.97.0.20");
        binding.Decline();
        Assert.Equal(4, (await ReceiveAsync()).Type);
        Assert.Equal(0, client.GetStatistics().Bound);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        server.Dispose();
    }

    private Task<DhcpOutcome> Lease(string user, string relay = "127.0.0.1") =>
        client.LeaseAsync(new DhcpLeaseRequest(user, [Home], IPAddress.Parse(relay), null), why => lost.SetResult(why));

    private async Task<DhcpBinding> GrantAsync(Task<DhcpOutcome> asking, string address)
    {
        await AnswerAsync(1, 2, address);
        await AnswerAsync(3, 5, address);
        return Assert.IsType<DhcpOutcome.Granted>(await asking.WaitAsync(Patience)).Binding;
    }

    private async Task AnswerAsync(int expected, byte type, string address)
    {
        var asked = await ReceiveAsync();
        Assert.Equal(expected, asked.Type);
        server.SendTo(Reply(asked, type, address), asked.Source);
    }

    /// <summary>The next message, and its type: the first option that the client writes.</summary>
    private async Task<(byte[] Packet, int Type, IPEndPoint Source)> ReceiveAsync()
    {
        var buffer = new byte[2000];
        var received = await server.ReceiveFromAsync(buffer.AsMemory(), SocketFlags.None, new IPEndPoint(IPAddress.Any, 0)).AsTask().WaitAsync(Patience);
        return (buffer[..received.ReceivedBytes], buffer[242], (IPEndPoint)received.RemoteEndPoint);
    }

    private static byte[] Reply((byte[] Packet, int Type, IPEndPoint Source) asked, byte type, string address)
    {
        var reply = DhcpWire.Reply(0, IPAddress.Parse(address), DhcpWire.Option(53, type), DhcpWire.Option(54, Home), DhcpWire.Seconds(51, 120), [255]);
        asked.Packet.AsSpan(4, 4).CopyTo(reply.AsSpan(4));
        asked.Packet.AsSpan(28, 16).CopyTo(reply.AsSpan(28));
        return reply;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var waited = 0; waited < 3000 && !condition(); waited++)
            await Task.Delay(10);
        Assert.True(condition());
    }
}
