using System.Net;
using System.Net.Sockets;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;
using Headend.Aaa.Server;

namespace Headend.Aaa.Tests.DynamicAuthorization;

/// <summary>The server on real sockets of the loopback.</summary>
public sealed class DynamicAuthorizationServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("127.0.0.1", "0.0.0.0")]
    [InlineData("127.0.0.9", "0.0.0.0")]
    [InlineData("::1", "::")]
    public async Task An_answer_comes_from_the_address_that_was_asked(string asked, string bound)
    {
        if (!Socket.OSSupportsIPv6 && asked.Contains(':', StringComparison.Ordinal)) return;
        await using var running = Start(bound, new ScriptedHandler());
        using var client = Client(asked);
        var server = new IPEndPoint(IPAddress.Parse(asked), running.EndPoints[0].Port);
        var request = DynamicWire.Request(DynamicWire.Disconnect, 5, DynamicWire.AcctSessionId);
        var (reply, from) = await AskAsync(client, server, request);
        Assert.Equal(server, from);
        Assert.Equal(41, DynamicWire.Read(reply, request).Code);
    }

    [Fact]
    public async Task A_slow_request_delays_nobody_and_is_performed_once()
    {
        var handler = new ScriptedHandler { Hold = new TaskCompletionSource() };
        await using var running = Start("127.0.0.1", handler);
        using var slow = Client("127.0.0.1");
        using var other = Client("127.0.0.1");
        var request = DynamicWire.Request(DynamicWire.Coa, 1, DynamicWire.AcctSessionId);
        await slow.SendToAsync(request, running.EndPoints[0]);
        await handler.Entered.Task.WaitAsync(Patience);
        await slow.SendToAsync(request, running.EndPoints[0]);

        var quick = DynamicWire.Request(DynamicWire.Disconnect, 2, DynamicWire.AcctSessionId);
        var (reply, _) = await AskAsync(other, running.EndPoints[0], quick);
        Assert.Equal(41, DynamicWire.Read(reply, quick).Code);

        handler.Hold.SetResult();
        var buffer = new byte[4096];
        using var timeout = new CancellationTokenSource(Patience);
        var length = await slow.ReceiveAsync(buffer, timeout.Token);
        Assert.Equal(44, DynamicWire.Read(buffer[..length], request).Code);
        Assert.Equal(2, handler.Performed);

        // Asked again it gets the same octets, and is not performed again.
        var (again, _) = await AskAsync(slow, running.EndPoints[0], request);
        Assert.Equal(buffer[..length], again);
        Assert.Equal(2, handler.Performed);
    }

    [Fact]
    public async Task Garbage_and_strangers_are_counted_and_get_silence()
    {
        var observer = new CountingObserver();
        await using var running = Start("127.0.0.1", new ScriptedHandler(), observer);
        using var client = Client("127.0.0.1");
        await client.SendToAsync(new byte[3], running.EndPoints[0]);
        await client.SendToAsync(new byte[5000], running.EndPoints[0]);
        var forged = DynamicWire.Request(DynamicWire.Disconnect, 1, DynamicWire.AcctSessionId);
        forged[6] ^= 1;
        await client.SendToAsync(forged, running.EndPoints[0]);
        var good = DynamicWire.Request(DynamicWire.Disconnect, 2, DynamicWire.AcctSessionId);
        var (reply, _) = await AskAsync(client, running.EndPoints[0], good);

        // The first answer is that of the last datagram.
        Assert.Equal(41, DynamicWire.Read(reply, good).Code);
        Assert.Contains(DynamicDiscard.Malformed, observer.Reasons);
        Assert.Contains(DynamicDiscard.BadAuthenticator, observer.Reasons);
    }

    private static DynamicAuthorizationServer Start(string address, ScriptedHandler handler, CountingObserver? observer = null)
    {
        var secret = RadiusSecret.FromText(DynamicWire.Secret);
        var options = DynamicWire.Options(
            new DynamicAuthorizationClientOptions(IPNetwork.Parse("127.0.0.0/8"), secret), new DynamicAuthorizationClientOptions(IPNetwork.Parse("::1/128"), secret));
        var server = new DynamicAuthorizationServer(
            [new IPEndPoint(IPAddress.Parse(address), 0)], new DynamicAuthorizationChecks(options, TimeProvider.System), handler, observer ?? new CountingObserver());
        server.Start();
        return server;
    }

    private static Socket Client(string address)
    {
        var ip = IPAddress.Parse(address);
        var socket = new Socket(ip.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(ip.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback, 0));
        return socket;
    }

    private static async Task<(byte[] Reply, EndPoint From)> AskAsync(Socket client, IPEndPoint server, byte[] request)
    {
        await client.SendToAsync(request, server);
        var buffer = new byte[4096];
        using var timeout = new CancellationTokenSource(Patience);
        var received = await client.ReceiveFromAsync(buffer, SocketFlags.None, new IPEndPoint(server.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0), timeout.Token);
        return (buffer[..received.ReceivedBytes], received.RemoteEndPoint);
    }

    /// <summary>Acknowledges everything, CoA-Requests once it may.</summary>
    private sealed class ScriptedHandler : IDynamicAuthorizationHandler
    {
        private int performed;

        public TaskCompletionSource? Hold { get; init; }

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Performed => Volatile.Read(ref performed);

        public async ValueTask<DynamicAuthorizationOutcome> HandleAsync(DynamicAuthorizationRequest request)
        {
            Interlocked.Increment(ref performed);
            Entered.TrySetResult();
            if (!request.IsDisconnect && Hold is not null) await Hold.Task;
            return DynamicAuthorizationOutcome.Ack("");
        }
    }

    private sealed class CountingObserver : IDynamicAuthorizationObserver
    {
        private readonly List<DynamicDiscard> reasons = [];

        public DynamicDiscard[] Reasons
        {
            get
            {
                lock (reasons) return [.. reasons];
            }
        }

        public void Discarded(IPEndPoint source, DynamicDiscard reason)
        {
            lock (reasons) reasons.Add(reason);
        }

        public void Repeated(IPEndPoint source)
        {
        }

        public void Overloaded(IPEndPoint source)
        {
        }
    }
}
