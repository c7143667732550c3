using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

public sealed partial class XfrmDataPlane
{
    /// <summary>How late a client's first packet on a new SA is noticed, and how soon <see cref="Dispose"/> is.</summary>
    private const int PollMilliseconds = 200;

    /// <summary>Between readings of all counters: the error of the times of last traffic.</summary>
    private static readonly TimeSpan ReadingInterval = TimeSpan.FromSeconds(2);

    private readonly NetlinkEventSocket events;
    private readonly Thread eventThread;
    private bool stopping;
    private bool someoneWaits;

    private void WatchEvents()
    {
        var lastReading = time.GetTimestamp();
        while (!Volatile.Read(ref stopping))
        {
            events.Wait(PollMilliseconds, OnEvent);
            if (Volatile.Read(ref someoneWaits)) PromoteWaiting();
            if (time.GetElapsedTime(lastReading) < ReadingInterval) continue;
            lastReading = time.GetTimestamp();
            ReadAllCounters(lastReading);
        }
    }

    private void OnEvent(ushort type, ReadOnlySpan<byte> body)
    {
        if (type == Xfrm.XFRM_MSG_MAPPING && XfrmMapping.TryRead(body, out var mapping) && byInboundSpi.TryGetValue(mapping.Spi, out var moved))
            OnMapping(mapping, moved.Session);
        else if (type == Xfrm.XFRM_MSG_EXPIRE && XfrmCodec.TryReadExpiry(body, out var report, out var interfaceId))
            OnExpire(report, interfaceId);
    }

    private void OnMapping(in XfrmMapping mapping, XfrmSession session)
    {
        // Another program's state may have the same SPI.
        var local = session.Local;
        if (mapping.RequestId == session.InterfaceId && mapping.Destination.Address == local.Address)
            observer.OnHint(new DataPlaneHint(DataPlaneHintKind.RemoteAddressChanged, session.Handle, mapping.Spi, mapping.Source, local));
    }

    private void OnExpire(in XfrmSaReport report, uint interfaceId)
    {
        // Our inbound SPIs are one of a kind among ours; somebody else's state may have the same.
        if (!(byInboundSpi.TryGetValue(report.Spi, out var entry) && entry.Session.InterfaceId == interfaceId) && !byOutboundSpi.TryGetValue((interfaceId, report.Spi), out entry)) return;
        var (session, pair) = entry;
        if (Interlocked.Exchange(ref pair.Hinted, 1) != 0) return;
        var kind = !pair.IsEsn && report.Packets >= SequenceLimit ? DataPlaneHintKind.SequenceNearExhaustion : DataPlaneHintKind.SoftLimitReached;
        observer.OnHint(new DataPlaneHint(kind, session.Handle, pair.InboundSpi, session.Remote, session.Local));
    }

    /// <summary>RFC 7296 2.8: we send on a rekeyed SA from the client's first packet on it.</summary>
    private void PromoteWaiting()
    {
        Volatile.Write(ref someoneWaits, false);
        foreach (var session in sessions.Values)
        {
            lock (session.Gate)
            {
                if (session.IsClosed || session.Waiting.Count == 0) continue;
                foreach (var pair in session.Waiting.ToArray())
                {
                    if (ReadState(session.Local, pair.InboundSpi).Packets == 0) continue;
                    session.Waiting.Remove(pair);
                    xfrm.Execute(session.PlanTakeover(pair));
                    session.Send(pair, all: true);
                }

                if (session.Waiting.Count > 0) Volatile.Write(ref someoneWaits, true);
            }
        }
    }

    private void ReadAllCounters(long now)
    {
        var read = new Dictionary<int, LinkCounters>();
        statistics.Dump(NetlinkCodec.GetLinkCounters(0), (_, body) =>
        {
            if (NetlinkCodec.TryReadLinkCounters(body, out var counters)) read[counters.Index] = counters;
        });
        foreach (var session in sessions.Values)
        {
            lock (session.Gate)
            {
                if (!session.IsClosed && read.TryGetValue(session.Device.Index, out var counters)) session.Read(counters, now);
            }
        }
    }
}
