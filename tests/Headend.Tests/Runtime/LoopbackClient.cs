using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.Tests.Runtime;

/// <summary>One initiator of the TestKit on a real UDP socket.</summary>
internal sealed class LoopbackClient : IDisposable
{
    private const int Marker = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly byte[] buffer = new byte[65536];

    /// <param name="gateway">Where it listens.</param>
    /// <param name="options">Of the client.</param>
    /// <param name="from">Its address; null: 127.0.0.1.</param>
    public LoopbackClient(IPEndPoint gateway, TestInitiatorOptions options, IPAddress? from = null)
    {
        socket.Bind(new IPEndPoint(from ?? IPAddress.Loopback, 0));
        socket.Connect(gateway);
        Initiator = new TestInitiator(options, new IkePath((IPEndPoint)socket.LocalEndPoint!, gateway, NonEspMarker: true));
    }

    public TestInitiator Initiator { get; }

    private static MonotonicTime Now => new(Stopwatch.GetElapsedTime(0).Ticks);

    public InitiatorOutcome Login()
    {
        Initiator.Start(Now);
        Drive(() => Initiator.Outcome is not InitiatorOutcome.Pending);
        return Initiator.Outcome;
    }

    public InitiatorOutcome.Established MustLogIn() => Assert.IsType<InitiatorOutcome.Established>(Login());

    public InitiatorOutcome.Failed MustFail() => Assert.IsType<InitiatorOutcome.Failed>(Login());

    /// <summary>Fails and learns what everybody learns who has not proven itself, and no more.</summary>
    public void MustBeRefused() => Assert.Equal(NotifyType.AuthenticationFailed, MustFail().Notify);

    /// <summary>Answers the gateway on a thread of its own until it is told to stop or no IKE SA is left.</summary>
    public Task ServeAsync(CancellationToken cancellation) => Task.Run(() => Drive(() => cancellation.IsCancellationRequested || Initiator.IkeSas == 0), CancellationToken.None);

    /// <summary>Until no IKE SA is left.</summary>
    public void WaitUntilClosed() => Drive(() => Initiator.IkeSas == 0);

    public void Dispose() => socket.Dispose();

    private void Drive(Func<bool> done)
    {
        var until = Now + Patience;
        while (true)
        {
            Send();
            if (done())
                return;
            Assert.True(Now < until, "the gateway did not answer in time");
            if (socket.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectRead))
            {
                var length = socket.Receive(buffer);
                Initiator.Handle(buffer.AsMemory(Marker, length - Marker), Now);
            }

            Initiator.Advance(Now);
        }
    }

    private void Send()
    {
        while (Initiator.TryTake(out var datagram))
            socket.Send([new ArraySegment<byte>(new byte[Marker]), datagram.Octets]);
    }
}
