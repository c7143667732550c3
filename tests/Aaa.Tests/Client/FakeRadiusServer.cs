using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Client;

/// <summary>A RADIUS server on loopback whose answers a test decides; it serves both ports on one socket.</summary>
internal sealed class FakeRadiusServer : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Channel<(RadiusPacket Packet, IPEndPoint From)> received = Channel.CreateUnbounded<(RadiusPacket, IPEndPoint)>();

    public FakeRadiusServer(string name, Func<RadiusPacket, IEnumerable<byte[]>>? answer = null)
    {
        socket.ReceiveBufferSize = 8 << 20;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Answer = answer ?? (_ => []);
        var port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        Options = new RadiusServerOptions(name, IPAddress.Loopback, Secret) { AuthPort = port, AcctPort = port, Retransmit = 2 };
        _ = Task.Run(ServeAsync);
    }

    public static RadiusSecret Secret { get; } = RadiusSecret.FromText("testing123");

    public RadiusServerOptions Options { get; set; }

    public Func<RadiusPacket, IEnumerable<byte[]>> Answer { get; set; }

    /// <summary>The next request, waited for in real time because it crosses a real socket.</summary>
    public async Task<(RadiusPacket Packet, IPEndPoint From)> NextAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await received.Reader.ReadAsync(limit.Token);
    }

    public bool HasMore => received.Reader.TryPeek(out _);

    public void Send(byte[] packet, IPEndPoint to) => socket.SendTo(packet, to);

    public static byte[] Accept(RadiusPacket request) => Wire.Reply(request, RadiusCode.AccessAccept, Secret, true, Wire.Attribute(25, 1, 2));

    public void Dispose() => socket.Dispose();

    private async Task ServeAsync()
    {
        var buffer = new byte[4096];
        var from = new IPEndPoint(IPAddress.Any, 0);
        try
        {
            while (true)
            {
                var result = await socket.ReceiveFromAsync(buffer, SocketFlags.None, from);
                if (!RadiusPacket.TryParse(buffer.AsSpan(0, result.ReceivedBytes), out var packet, out _)) continue;
                var client = (IPEndPoint)result.RemoteEndPoint;
                foreach (var reply in Answer(packet)) socket.SendTo(reply, client);
                received.Writer.TryWrite((packet, client));
            }
        }
        catch (Exception error) when (error is ObjectDisposedException or SocketException)
        {
            received.Writer.TryComplete();
        }
    }
}
