using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.Tests.Support;

/// <summary>A data plane in a namespace with a socket on port 4500 and the thread that receives from it.</summary>
internal sealed class Gateway : IDataPlaneObserver, IDisposable
{
    private static readonly TimeSpan BindPatience = TimeSpan.FromSeconds(5);
    private readonly Thread thread;
    private bool disposed;

    public Gateway(NetworkNamespace space, string address, string stateId = "test", bool plainEsp = false, IInterfaceStage[]? stages = null, VrfDefinition[]? vrfs = null, bool inKernel = false)
    {
        Space = space;
        Address = IPAddress.Parse(address);
        var local = new IPEndPoint(Address.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 4500);
        Socket = space.Do(() => Bind(local));
        var interfaces = new InterfaceOptions { StateId = stateId, Stages = [.. stages ?? []], Vrfs = [.. vrfs ?? []] };
        var options = new UserSpaceDataPlaneOptions { PlainEsp = plainEsp, TunThreads = 1 };
        Plane = space.Do<IDataPlane>(() => inKernel ? new XfrmDataPlane(interfaces, [Socket], this, TimeProvider.System) : new UserSpaceDataPlane(interfaces, options, [Socket], this, TimeProvider.System));
        thread = new Thread(Receive) { IsBackground = true };
        thread.Start();
    }

    public NetworkNamespace Space { get; }

    public IPAddress Address { get; }

    public BatchSocket Socket { get; }

    public IDataPlane Plane { get; }

    public IReadOnlyList<string> RemovedLeftovers => Plane is XfrmDataPlane kernel ? kernel.RemovedLeftovers : ((UserSpaceDataPlane)Plane).RemovedLeftovers;

    public ConcurrentQueue<DataPlaneHint> Hints { get; } = new();

    public SessionHandle Session { get; private set; }

    /// <summary>Of the sessions made from now on.</summary>
    public TunnelEncapsulation Tunnel { get; set; }

    public void OnHint(in DataPlaneHint hint) => Hints.Enqueue(hint);

    public InterfaceFailure? Create(int number, string[] clients, Gateway? peer, EspEncapsulation encapsulation, int outerMtu, params string[] commands) =>
        Create(number, clients, peer, encapsulation, outerMtu, SessionQos.None, commands);

    public InterfaceFailure? Create(int number, string[] clients, Gateway? peer, EspEncapsulation encapsulation, int outerMtu, SessionQos qos, params string[] commands)
    {
        var config = ConfigOf(commands);
        var path = new EspPath(TransportAddress.From(Address, 4500), TransportAddress.From(peer?.Address ?? Address, 4500), encapsulation, outerMtu);
        var request = new InterfaceRequest { Number = number, Config = config, ClientAddresses = [.. clients.Select(IPAddress.Parse)], Path = path, Label = "alice", Qos = qos, Encapsulation = Tunnel };
        InterfaceFailure? failure = null;
        Session = Space.Do(() => Plane.TryCreateInterface(request, out var session, out failure) ? session : default);
        return failure;
    }

    public static InterfaceConfig ConfigOf(params string[] commands)
    {
        var derived = VirtualAccessDerivation.Derive(new VirtualTemplate(1, [.. commands]), [], InterfaceNames.NoRules);
        Assert.Empty(derived.Failures);
        return derived.Config;
    }

    public void WaitForDeletions()
    {
        if (Plane is XfrmDataPlane kernel) kernel.WaitForDeletions();
        else ((UserSpaceDataPlane)Plane).WaitForDeletions();
    }

    public void Install(EspSaParameters parameters)
    {
        Assert.True(Plane.TryInstallSa(Session, parameters, out var failure), failure?.ToString());
    }

    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        Socket.Stop();
        thread.Join();
        Plane.Dispose();
        Socket.Dispose();
    }

    /// <summary>
    /// The namespace is this test's own, yet the port of a gateway that was disposed of may stand for some milliseconds more: a process that
    /// another test starts holds a copy of every descriptor between its fork and its exec.
    /// </summary>
    private static BatchSocket Bind(IPEndPoint local)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                return BatchSocket.BindUdp(local);
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse && Stopwatch.GetElapsedTime(start) < BindPatience)
            {
                Thread.Sleep(5);
            }
        }
    }

    private void Receive()
    {
        for (var count = Socket.Receive(); count > 0; count = Socket.Receive())
        {
            var now = TimeProvider.System.GetTimestamp();
            for (var i = 0; i < count; i++) Plane.ReceiveEsp(Socket.Packet(i), Socket.Local(i), Socket.Remote(i), Socket.TrafficClass(i), now);
            Plane.EndReceive();
        }
    }
}
