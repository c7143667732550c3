using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>The thread that receives ESP as IP protocol 50.</summary>
internal sealed class RawEspListener : IDisposable
{
    private readonly Thread thread;

    public RawEspListener(IDataPlane dataPlane, BatchSocket socket, TimeProvider time)
    {
        Socket = socket;
        thread = new Thread(() => Run(dataPlane, socket, time)) { IsBackground = true, Name = "esp" };
        thread.Start();
    }

    public BatchSocket Socket { get; }

    public void Stop()
    {
        Socket.Stop();
        if (thread.IsAlive) thread.Join();
    }

    public void Dispose()
    {
        Stop();
        Socket.Dispose();
    }

    private static void Run(IDataPlane dataPlane, BatchSocket socket, TimeProvider time)
    {
        for (var count = socket.Receive(); count > 0; count = socket.Receive())
        {
            var now = time.GetTimestamp();
            for (var i = 0; i < count; i++) dataPlane.ReceiveEsp(socket.Packet(i), socket.Local(i), socket.Remote(i), socket.TrafficClass(i), now);
            dataPlane.EndReceive();
        }
    }
}
