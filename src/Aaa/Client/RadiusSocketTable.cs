using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Headend.Aaa.Client;

/// <summary>The ways to a server's service. All members are called under the server's lock, unless said otherwise.</summary>
internal abstract class RadiusSocketTable : IDisposable
{
    /// <summary>A socket with fewer identifiers left is passed over while there are others, and another is opened.</summary>
    protected const int NearlyFull = 32;

    public List<RadiusSocket> Sockets { get; } = [];

    /// <summary>A socket with an identifier left, or why there is none.</summary>
    public abstract bool TryPick([NotNullWhen(true)] out RadiusSocket? socket, out string failure);

    /// <summary>Closes everything. Called without the lock, after the last pick.</summary>
    public virtual void Dispose()
    {
        foreach (var socket in Sockets.ToArray()) socket.Dispose();
    }
}

/// <summary>The source ports towards one port of a server, used in turn.</summary>
internal sealed class UdpSocketTable(RadiusServer server, IPEndPoint remote, RadiusClientOptions limits) : RadiusSocketTable
{
    private int rotation;

    public override bool TryPick([NotNullWhen(true)] out RadiusSocket? socket, out string failure)
    {
        socket = null;
        failure = "no source port is left";
        try
        {
            while (Sockets.Count < limits.InitialPortsPerServer) Open();
            for (var i = 0; i < Sockets.Count; i++)
            {
                var candidate = Sockets[rotation++ % Sockets.Count];
                if (candidate.Available > NearlyFull)
                {
                    socket = candidate;
                    return true;
                }
                if (candidate.Available > 0) socket = candidate;
            }
            if (Sockets.Count < limits.MaximumPortsPerServer) socket = Open();
        }
        catch (SocketException error)
        {
            // With some ports open, those go on to serve.
            failure = error.Message;
        }
        return socket is not null;
    }

    private UdpRadiusSocket Open()
    {
        var socket = new UdpRadiusSocket(server, remote);
        Sockets.Add(socket);
        // Ends when the socket is disposed; its errors are handled inside.
        _ = Task.Run(socket.ReceiveAsync);
        return socket;
    }
}

/// <summary>
/// The TLS connections to a server. One is always there or on its way; more are opened while all are nearly full. After a failure the next waits for a pause that
/// doubles from one to the next until a connection has proven itself.
/// </summary>
internal sealed class RadSecSocketTable : RadiusSocketTable
{
    private readonly RadiusServer server;
    private readonly RadSecOptions options;
    private readonly RadiusClientOptions limits;
    private readonly TimeProvider time;
    private readonly ITimer timer;
    private int rotation;
    private TimeSpan backoff;

    public RadSecSocketTable(RadiusServer server, RadSecOptions options, RadiusClientOptions limits, TimeProvider time)
    {
        this.server = server;
        this.options = options;
        this.limits = limits;
        this.time = time;
        timer = time.CreateTimer(static state => ((RadSecSocketTable)state!).server.Connect(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Why the last connection ended, while none is there; null otherwise.</summary>
    public string? LastFailure { get; private set; }

    public override bool TryPick([NotNullWhen(true)] out RadiusSocket? socket, out string failure)
    {
        socket = null;
        failure = LastFailure ?? "every identifier of every connection is in use";
        // Identifiers whose answers never came are lost to a connection; one that has lost all is of no more use.
        Sockets.RemoveAll(static candidate =>
        {
            if (candidate.Available > 0 || candidate.Waiting.Any()) return false;
            ThreadPool.UnsafeQueueUserWorkItem(static old => old.Dispose(), candidate, preferLocal: false);
            return true;
        });
        var wait = Sockets.Count == 0 && LastFailure is not null;
        if (wait) return false;
        for (var i = 0; i < Sockets.Count; i++)
        {
            var candidate = (RadSecSocket)Sockets[rotation++ % Sockets.Count];
            if (candidate.Available == 0) continue;
            if (candidate.IsEstablished && candidate.Available > NearlyFull)
            {
                socket = candidate;
                return true;
            }
            // One that stands before one that is only on its way.
            if (socket is not RadSecSocket { IsEstablished: true } || candidate.IsEstablished) socket = candidate;
        }
        var onItsWay = Sockets.Exists(static s => s is RadSecSocket { IsEstablished: false } && s.Available > NearlyFull);
        if (!onItsWay && Sockets.Count < limits.MaximumConnectionsPerServer)
        {
            var opened = Open();
            socket ??= opened;
        }
        return socket is not null;
    }

    /// <summary>Opens a connection unless one is there.</summary>
    public void EnsureOne()
    {
        if (Sockets.Count == 0) Open();
    }

    /// <summary>A connection has shown that the server takes us.</summary>
    public void HandleProven()
    {
        backoff = TimeSpan.Zero;
        LastFailure = null;
    }

    /// <summary>A connection is over.</summary>
    /// <returns>The pause before the next attempt; zero: at once.</returns>
    public TimeSpan HandleClosed(RadSecSocket socket, string reason)
    {
        Sockets.Remove(socket);
        if (Sockets.Count > 0) return TimeSpan.Zero;
        if (socket.IsProven)
        {
            Open();
            return TimeSpan.Zero;
        }
        LastFailure = reason;
        backoff = backoff == TimeSpan.Zero ? options.InitialBackoff : backoff * 2;
        if (backoff > options.MaximumBackoff) backoff = options.MaximumBackoff;
        var pause = server.Jittered(backoff);
        timer.Change(pause, Timeout.InfiniteTimeSpan);
        return pause;
    }

    public override void Dispose()
    {
        timer.Dispose();
        base.Dispose();
    }

    private RadSecSocket Open()
    {
        var socket = new RadSecSocket(server, options, time);
        Sockets.Add(socket);
        // Ends when the connection does; its errors are handled inside.
        _ = Task.Run(socket.RunAsync);
        return socket;
    }
}
