using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Security.Cryptography;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The data plane in this process: a TUN device per session, ESP by libcrypto. Inbound packets are processed on the threads that call
/// <see cref="ReceiveEsp"/>, outbound ones on its own <see cref="TunReader"/> threads. Nothing is allocated per packet.
/// </summary>
public sealed partial class UserSpaceDataPlane : IDataPlane
{
    /// <summary>RFC 4303 2.1: 1 through 255 are reserved, 0 is for local use.</summary>
    private const uint FirstSpi = 256;

    private readonly UserSpaceDataPlaneOptions options;
    private readonly IDataPlaneObserver observer;
    private readonly TimeProvider time;
    private readonly InterfaceStore interfaces;
    private readonly DropTable drops = new();
    private readonly TunReader[] readers;
    private readonly DhcpInformResponder informs;
    private readonly ThreadLocal<TcpCoalescer> coalescers;
    private readonly ConcurrentDictionary<long, DataPlaneSession> sessions = new();
    private readonly PeerIndex peers = new();
    private readonly ConcurrentDictionary<uint, InboundSa> inbound = new();
    private readonly ImmutableArray<BatchSocket> udpSockets;
    private readonly ImmutableArray<RawEspListener> rawListeners;
    private long lastHandle;
    private long lastSerial;

    /// <summary>Starts the threads; removes interfaces that an earlier run with the same state id left behind.</summary>
    /// <param name="interfaces">Settings of its interfaces.</param>
    /// <param name="options">Settings of its packet path.</param>
    /// <param name="udpSockets">Headend's sockets on the NAT-traversal port; sending uses the one that fits a session's local address. They outlive the data plane.</param>
    /// <param name="observer">Receives hints on packet threads.</param>
    /// <param name="time">Clock of all timestamps.</param>
    /// <exception cref="IOException">No netlink or epoll.</exception>
    /// <exception cref="SocketException">Plain ESP is asked for and raw sockets are not allowed.</exception>
    public UserSpaceDataPlane(
        InterfaceOptions interfaces, UserSpaceDataPlaneOptions options, ImmutableArray<BatchSocket> udpSockets, IDataPlaneObserver observer, TimeProvider time)
    {
        this.options = options;
        this.observer = observer;
        this.time = time;
        this.udpSockets = udpSockets;
        this.interfaces = new InterfaceStore(interfaces, time);
        DescriptorLimit = DescriptorLimits.Raise();
        RemovedLeftovers = this.interfaces.RemoveLeftovers();
        coalescers = new ThreadLocal<TcpCoalescer>(() => new TcpCoalescer(drops), trackAllValues: true);
        foreach (var socket in udpSockets) socket.WatchPathMtu(OnPathMtu);
        rawListeners = options.PlainEsp ? OpenRaw() : [];
        informs = new DhcpInformResponder(time, drops, OnPathMtu, OnSoftLimit);
        readers = new TunReader[Math.Max(1, options.TunThreads)];
        for (var i = 0; i < readers.Length; i++) readers[i] = new TunReader(i, time, drops, observer, OnPathMtu, options.TooBigPerSecond);
    }

    public string Kind => "user-space";

    public bool WantsEsp => true;

    /// <summary>Most open descriptors of this process (RLIMIT_NOFILE), one of which each session needs; 0 = unknown.</summary>
    public ulong DescriptorLimit { get; }

    /// <summary>Interfaces of an earlier run that the constructor removed.</summary>
    public ImmutableArray<string> RemovedLeftovers { get; }

    public bool TryCreateInterface(InterfaceRequest request, out SessionHandle session, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        session = default;
        if (!interfaces.TryCreate(request, CreateDevice, out var device, out var lent, out failure)) return false;
        var created = new DataPlaneSession(new SessionHandle(Interlocked.Increment(ref lastHandle)), request, device, lent, Resolve(request.Path));
        peers.Add(created);
        sessions[created.Handle.Value] = created;
        var errno = ReaderOf(created).Add(created);
        if (errno != 0)
        {
            sessions.TryRemove(created.Handle.Value, out _);
            peers.Remove(created);
            interfaces.Discard(device, request, lent);
            failure = new InterfaceFailure($"watch {device.Name}", Errno.Describe(errno));
            return false;
        }

        session = created.Handle;
        return true;
    }

    public bool TryUpdateInterface(SessionHandle session, Func<InterfaceRequest, InterfaceRequest> change, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        if (!sessions.TryGetValue(session.Value, out var found))
        {
            failure = new InterfaceFailure("change interface", "no such session");
            return false;
        }

        // One at a time: a plan is the difference to what stands.
        lock (found.ChangeGate)
        {
            if (!sessions.ContainsKey(session.Value))
            {
                failure = new InterfaceFailure("change interface", "no such session");
                return false;
            }

            failure = interfaces.Update(found, change(found.Request));
        }

        return failure is null;
    }

    public bool TryAddRoutes(SessionHandle session, ImmutableArray<InterfaceRoute> routes, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        if (!sessions.TryGetValue(session.Value, out var found))
        {
            failure = new InterfaceFailure("add routes", "no such session");
            return false;
        }

        lock (found.ChangeGate)
        {
            if (!sessions.ContainsKey(session.Value))
            {
                failure = new InterfaceFailure("add routes", "no such session");
                return false;
            }

            failure = interfaces.AddRoutes(found, routes);
        }

        return failure is null;
    }

    public bool TryInstallSa(SessionHandle session, EspSaParameters parameters, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = Check(parameters);
        if (failure is not null) return false;
        if (!sessions.TryGetValue(session.Value, out var owner))
        {
            failure = new InterfaceFailure("install SA", "no such session");
            return false;
        }

        if (parameters.IsTransportMode != (owner.Request.Encapsulation == Configuration.TunnelEncapsulation.Gre))
        {
            failure = new InterfaceFailure("install SA", $"{owner.Device.Name} is for {(parameters.IsTransportMode ? "ESP in tunnel mode" : "GRE under ESP in transport mode")}");
            return false;
        }

        EspSa sa;
        try
        {
            sa = new EspSa(parameters, Interlocked.Increment(ref lastSerial));
        }
        catch (CryptographicException refused)
        {
            failure = new InterfaceFailure("install SA", refused.Message);
            return false;
        }

        // Packets wait while the SA is in one table only: its session may close meanwhile, and with it the device.
        lock (sa.InboundGate)
        {
            if (!inbound.TryAdd(parameters.InboundSpi, new InboundSa(owner, sa))) failure = new InterfaceFailure("install SA", $"SPI {parameters.InboundSpi:x8} is in use");
            else if (!owner.Add(sa, parameters.Outbound))
            {
                inbound.TryRemove(parameters.InboundSpi, out _);
                failure = new InterfaceFailure("install SA", "no such session");
            }

            if (failure is not null) sa.Dispose();
        }

        return failure is null;
    }

    public bool RemoveSa(uint inboundSpi)
    {
        if (!inbound.TryRemove(inboundSpi, out var entry)) return false;
        entry.Session.Remove(entry.Sa);
        entry.Sa.Dispose();
        return true;
    }

    public bool UpdatePath(SessionHandle session, EspPath path)
    {
        if (!sessions.TryGetValue(session.Value, out var found)) return false;
        // What was learned of a path belongs to that path.
        if (Resolve(path) is var resolved && resolved.Path != found.Path.Path) peers.Move(found, resolved);
        return true;
    }

    public bool RemoveInterface(SessionHandle session, out SessionCounters final)
    {
        final = default;
        if (!sessions.TryRemove(session.Value, out var found)) return false;
        peers.Remove(found);
        foreach (var sa in found.Close())
        {
            inbound.TryRemove(sa.InboundSpi, out _);
            sa.Dispose();
        }

        found.CloseDelivery();
        ReaderOf(found).Remove(found);
        informs.WaitTurn();
        lock (found.ChangeGate) interfaces.Remove(found);
        final = found.Counters();
        return true;
    }

    /// <summary>Waits until the kernel has deleted the interfaces removed so far.</summary>
    public void WaitForDeletions() => interfaces.WaitForDeletions();

    public bool TryGetCounters(SessionHandle session, out SessionCounters counters)
    {
        var known = sessions.TryGetValue(session.Value, out var found);
        counters = found?.Counters() ?? default;
        return known;
    }

    public ImmutableArray<SaCounters> GetSaCounters(SessionHandle session) =>
        sessions.TryGetValue(session.Value, out var found) ? [.. found.SaCounters()] : [];

    public ImmutableArray<long> GetDrops() => drops.Snapshot();

    /// <summary>Removes every interface, waits for the kernel and joins the threads. The UDP sockets stay open.</summary>
    public void Dispose()
    {
        foreach (var listener in rawListeners) listener.Stop();
        foreach (var handle in sessions.Keys) RemoveInterface(new SessionHandle(handle), out _);
        foreach (var reader in readers) reader.Dispose();
        informs.Dispose();
        foreach (var listener in rawListeners) listener.Dispose();
        foreach (var coalescer in coalescers.Values) coalescer.Dispose();
        coalescers.Dispose();
        interfaces.Dispose();
    }

    private static TunDevice? CreateDevice(InterfaceRequest request, out int errno) => TunDevice.Create(request.Device, out errno);

    private static InterfaceFailure? Check(EspSaParameters parameters)
    {
        var algorithm = parameters.Algorithm;
        var reason = parameters switch
        {
            { InboundSpi: < FirstSpi } or { OutboundSpi: < FirstSpi } => "reserved SPI",
            { ReplayWindow: < 0 or > ReplayWindow.MaximumSize } => "replay window out of range",
            _ when !Fits(algorithm, parameters.InboundKeys) || !Fits(algorithm, parameters.OutboundKeys) => $"wrong key length for {algorithm}",
            _ => null,
        };
        return reason is null ? null : new InterfaceFailure("install SA", reason);
    }

    private static bool Fits(EspAlgorithm algorithm, EspKeys keys) =>
        keys.Encryption.Length == algorithm.EncryptionKeyLength && keys.Integrity.Length == algorithm.IntegrityKeyLength;

    private void OnSoftLimit(DataPlaneSession session, EspSa sa)
    {
        var path = session.Path.Path;
        observer.OnHint(new DataPlaneHint(DataPlaneHintKind.SoftLimitReached, session.Handle, sa.InboundSpi, path.Remote, path.Local));
    }

    private TunReader ReaderOf(DataPlaneSession session) => readers[session.Handle.Value % readers.Length];

    /// <summary>Chooses the socket for a path: the one bound to the local address before a wildcard of the family, the port being equal.</summary>
    private SessionPath Resolve(EspPath path)
    {
        if (path.Encapsulation == EspEncapsulation.Plain)
        {
            var raw = rawListeners.FirstOrDefault(listener => listener.Socket.LocalAddress.IsIPv4 == path.Remote.IsIPv4);
            return new SessionPath(
                path with { Local = path.Local with { Port = 0 }, Remote = path.Remote with { Port = 0 } }, raw?.Socket.Descriptor ?? -1, raw?.Socket.DontFragmentDescriptor ?? -1);
        }

        var sameFamily = udpSockets.Where(s => s.LocalAddress.IsIPv4 == path.Remote.IsIPv4 && s.LocalAddress.Port == path.Local.Port).ToArray();
        var socket = sameFamily.FirstOrDefault(s => s.LocalAddress.Address == path.Local.Address) ?? sameFamily.FirstOrDefault(s => s.LocalAddress.IsUnspecified);
        return new SessionPath(path, socket?.Descriptor ?? -1, path.Local.IsUnspecified ? -1 : socket?.DontFragmentDescriptor ?? -1);
    }

    private ImmutableArray<RawEspListener> OpenRaw()
    {
        var opened = ImmutableArray.CreateBuilder<RawEspListener>();
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            if (family == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6) continue;
            var socket = BatchSocket.OpenRawEsp(family);
            socket.WatchPathMtu(OnPathMtu);
            opened.Add(new RawEspListener(this, socket, time));
        }

        return opened.ToImmutable();
    }
}

/// <summary>An SA and the session it belongs to, for the table of inbound SPIs.</summary>
internal sealed record InboundSa(DataPlaneSession Session, EspSa Sa)
{
    private int seen;

    /// <summary>True for the first caller only.</summary>
    public bool FirstPacket() => seen == 0 && Interlocked.Exchange(ref seen, 1) == 0;
}
