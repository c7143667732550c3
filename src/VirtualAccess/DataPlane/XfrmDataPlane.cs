using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The data plane in the kernel: an xfrm interface per session, ESP states and policies by NETLINK_XFRM. No packet comes to this process but those of IKE and copies of DHCPINFORM.
/// Of a killed run the kernel keeps everything; the next start takes away what carries this state id, and nothing else.
/// </summary>
public sealed partial class XfrmDataPlane : IDataPlane
{
    /// <summary>RFC 4303 2.1: 1 through 255 are reserved, 0 is for local use.</summary>
    private const uint FirstSpi = 256;

    private readonly string stateId;
    private readonly InterfaceStore interfaces;
    private readonly IDataPlaneObserver observer;
    private readonly TimeProvider time;
    private readonly NetlinkSocket netlink = new();
    private readonly NetlinkSocket statistics = new();
    private readonly NetlinkSocket xfrm = new(Xfrm.NETLINK_XFRM);
    private readonly ConcurrentDictionary<long, XfrmSession> sessions = new();
    private readonly ConcurrentDictionary<uint, (XfrmSession Session, XfrmSaPair Pair)> byInboundSpi = new();

    /// <summary>Clients choose these SPIs, each for itself: only with the interface they are one SA.</summary>
    private readonly ConcurrentDictionary<(uint InterfaceId, uint Spi), (XfrmSession Session, XfrmSaPair Pair)> byOutboundSpi = new();
    private readonly ImmutableArray<long> dropsBefore;
    private readonly XfrmInformListener informs;
    private long lastHandle;

    /// <summary>Hands ESP in UDP of the sockets to the kernel, removes what an earlier run with the same state id left, and starts the thread of events.</summary>
    /// <param name="options">Settings of its interfaces.</param>
    /// <param name="udpSockets">Headend's sockets on the NAT-traversal port.</param>
    /// <param name="observer">Receives hints on the thread of events.</param>
    /// <param name="time">Clock of all timestamps.</param>
    /// <exception cref="IOException">The kernel lacks a part; <see cref="XfrmProbe"/> tells beforehand.</exception>
    public XfrmDataPlane(InterfaceOptions options, ImmutableArray<BatchSocket> udpSockets, IDataPlaneObserver observer, TimeProvider time)
    {
        stateId = options.StateId;
        this.observer = observer;
        this.time = time;
        interfaces = new InterfaceStore(options, time);
        foreach (var socket in udpSockets) XfrmProbe.Encapsulate(socket);
        XfrmMark.RemoveLeftovers(stateId);
        RemovedLeftovers = interfaces.RemoveLeftovers();
        dropsBefore = XfrmDropTable.Read();
        informs = new XfrmInformListener(time);
        events = new NetlinkEventSocket(Xfrm.NETLINK_XFRM, Xfrm.XFRMNLGRP_EXPIRE, Xfrm.XFRMNLGRP_MAPPING);
        eventThread = new Thread(WatchEvents) { IsBackground = true, Name = "xfrm-events" };
        eventThread.Start();
    }

    public string Kind => "xfrm";

    public bool WantsEsp => false;

    /// <summary>Interfaces of an earlier run that the constructor removed.</summary>
    public ImmutableArray<string> RemovedLeftovers { get; }

    public bool TryCreateInterface(InterfaceRequest request, out SessionHandle session, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        session = default;
        if (request.Encapsulation == Configuration.TunnelEncapsulation.Gre)
        {
            failure = new InterfaceFailure("GRE", "the data plane in the kernel carries none: `data-plane: { kind: user-space }` does");
            return false;
        }

        if (!interfaces.TryCreate(request, CreateDevice, out var device, out var lent, out failure)) return false;
        var created = new XfrmSession(new SessionHandle(Interlocked.Increment(ref lastHandle)), request, device, lent, request.Path);
        sessions[created.Handle.Value] = created;
        informs.Add(created);
        session = created.Handle;
        return true;
    }

    public bool TryUpdateInterface(SessionHandle session, Func<InterfaceRequest, InterfaceRequest> change, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        Try(session, "change interface", found => interfaces.Update(found, change(found.Request)), out failure);

    public bool TryAddRoutes(SessionHandle session, ImmutableArray<InterfaceRoute> routes, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        Try(session, "add routes", found => interfaces.AddRoutes(found, routes), out failure);

    public bool TryInstallSa(SessionHandle session, EspSaParameters parameters, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        Try(session, "install SA", found => Install(found, parameters), out failure);

    public bool RemoveSa(uint inboundSpi)
    {
        if (!byInboundSpi.TryRemove(inboundSpi, out var entry)) return false;
        lock (entry.Session.Gate)
        {
            if (!entry.Session.IsClosed) Remove(entry.Session, entry.Pair);
        }

        return true;
    }

    public bool UpdatePath(SessionHandle session, EspPath path)
    {
        if (!sessions.TryGetValue(session.Value, out var found)) return false;
        lock (found.Gate)
        {
            return found.IsClosed || Move(found, path);
        }
    }

    public bool RemoveInterface(SessionHandle session, out SessionCounters final)
    {
        final = default;
        if (!sessions.TryRemove(session.Value, out var found)) return false;
        informs.Remove(found);
        lock (found.Gate)
        {
            found.IsClosed = true;
            foreach (var pair in found.Pairs.ToArray()) Remove(found, pair);
            // Behind the last packet, before the device and its counters go.
            if (TryReadCounters(found, out var counters)) found.Read(counters, time.GetTimestamp());
            final = found.Counters();
            interfaces.Remove(found);
        }

        return true;
    }

    public bool TryGetCounters(SessionHandle session, out SessionCounters counters)
    {
        counters = default;
        if (!sessions.TryGetValue(session.Value, out var found)) return false;
        lock (found.Gate)
        {
            counters = TryReadCounters(found, out var read) ? found.Read(read, time.GetTimestamp()) : found.Counters();
        }

        return true;
    }

    /// <summary>As the kernel counts a state: octets of ESP's payload with what belongs to it, not of inner packets; sequence numbers are not read.</summary>
    public ImmutableArray<SaCounters> GetSaCounters(SessionHandle session)
    {
        if (!sessions.TryGetValue(session.Value, out var found)) return [];
        lock (found.Gate)
        {
            return [.. found.Pairs.Select(pair => CountersOf(found, pair))];
        }
    }

    /// <summary>Of the whole network namespace since the start: the kernel tells no sessions apart.</summary>
    public ImmutableArray<long> GetDrops() => XfrmDropTable.Difference(dropsBefore, XfrmDropTable.Read());

    /// <summary>Nothing comes here: the kernel takes ESP before any socket sees it.</summary>
    public void ReceiveEsp(Span<byte> packet, in TransportAddress local, in TransportAddress remote, byte trafficClass, long now)
    {
    }

    /// <summary>Waits until the kernel has deleted the interfaces removed so far.</summary>
    public void WaitForDeletions() => interfaces.WaitForDeletions();

    /// <summary>Removes every interface and joins the thread. The UDP sockets stay open.</summary>
    public void Dispose()
    {
        foreach (var handle in sessions.Keys) RemoveInterface(new SessionHandle(handle), out _);
        Volatile.Write(ref stopping, true);
        eventThread.Join();
        events.Dispose();
        informs.Dispose();
        interfaces.Dispose();
        xfrm.Dispose();
        statistics.Dispose();
        netlink.Dispose();
    }

    private XfrmDevice? CreateDevice(InterfaceRequest request, out int errno)
    {
        errno = Errno.EINVAL;
        return XfrmMark.TryGetId(stateId, request.Number, out var interfaceId)
            ? XfrmDevice.Create(netlink, request.Device, interfaceId, InterfaceMark.Alias(stateId, request.Label, null), out errno)
            : null;
    }

    private bool Try(SessionHandle session, string step, Func<XfrmSession, InterfaceFailure?> perform, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = new InterfaceFailure(step, "no such session");
        if (!sessions.TryGetValue(session.Value, out var found)) return false;
        lock (found.Gate)
        {
            if (found.IsClosed) return false;
            failure = perform(found);
        }

        return failure is null;
    }

    private bool TryReadCounters(XfrmSession session, out LinkCounters counters)
    {
        LinkCounters? read = null;
        statistics.Dump(NetlinkCodec.GetLinkCounters(session.Device.Index), (_, body) =>
        {
            if (NetlinkCodec.TryReadLinkCounters(body, out var found)) read = found;
        });
        counters = read ?? default;
        return read is not null;
    }
}
