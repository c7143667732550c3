using System.Collections.Concurrent;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>One thread that reads the TUN devices given to it, seals what it reads and sends it.</summary>
internal sealed unsafe class TunReader : IDisposable
{
    private const long StopToken = 0;

    private readonly ConcurrentDictionary<long, DataPlaneSession> sessions = new();

    /// <summary>Held from reading the first packet to having sent the last.</summary>
    private readonly Lock turn = new();
    private readonly EpollSet epoll = new();
    private readonly EventSignal stop = new();
    private readonly Thread thread;
    private readonly TimeProvider time;
    private readonly DropTable drops;
    private readonly IDataPlaneObserver observer;
    private readonly int tooBigPerSecond;
    private readonly Action<DataPlaneSession, EspSa> onSoftLimit;

    public TunReader(int number, TimeProvider time, DropTable drops, IDataPlaneObserver observer, int tooBigPerSecond)
    {
        this.time = time;
        this.drops = drops;
        this.observer = observer;
        this.tooBigPerSecond = tooBigPerSecond;
        onSoftLimit = (session, sa) => Hint(DataPlaneHintKind.SoftLimitReached, session, sa);
        epoll.Add(stop.Descriptor, StopToken);
        thread = new Thread(Run) { IsBackground = true, Name = $"tun-{number}" };
        thread.Start();
    }

    /// <summary>Starts to read a session's device.</summary>
    /// <returns>0 or errno.</returns>
    public int Add(DataPlaneSession session)
    {
        sessions[session.Handle.Value] = session;
        var errno = epoll.Add(session.Device.Descriptor, session.Handle.Value);
        if (errno != 0) sessions.TryRemove(session.Handle.Value, out _);
        return errno;
    }

    /// <summary>Stops reading and waits for the turn in hand: all SAs of the session are disposed before, so nothing uses the device or counts any more.</summary>
    public void Remove(DataPlaneSession session)
    {
        sessions.TryRemove(session.Handle.Value, out _);
        epoll.Remove(session.Device.Descriptor);
        lock (turn)
        {
        }
    }

    public void Dispose()
    {
        stop.Set();
        thread.Join();
        stop.Dispose();
        epoll.Dispose();
    }

    private void Run()
    {
        using var batch = new EspSendBatch(drops);
        while (true)
        {
            var ready = epoll.Wait();
            var now = time.GetTimestamp();
            lock (turn)
            {
                for (var i = 0; i < ready; i++)
                {
                    var token = epoll.Token(i);
                    if (token == StopToken) return;
                    if (sessions.TryGetValue(token, out var session)) Drain(session, batch, now);
                }

                batch.Flush(now, onSoftLimit);
            }
        }
    }

    /// <summary>Reads at most one batch, so that a busy session does not starve the others.</summary>
    private void Drain(DataPlaneSession session, EspSendBatch batch, long now)
    {
        for (var i = 0; i < EspSendBatch.Capacity; i++)
        {
            if (batch.IsFull) batch.Flush(now, onSoftLimit);
            var length = session.Device.Read(batch.Slot + EspSendBatch.InnerOffset, EspSendBatch.MaximumInner);
            if (length < 0)
            {
                // Somebody deleted the device: it would be readable for ever.
                epoll.Remove(session.Device.Descriptor);
                return;
            }

            if (length == 0) return;
            var drop = Seal(session, batch, length, now);
            if (drop == EspDrop.None) continue;
            drops.Count(drop);
            session.CountOutboundDrop();
        }
    }

    private EspDrop Seal(DataPlaneSession session, EspSendBatch batch, int length, long now)
    {
        var inner = new Span<byte>(batch.Slot + EspSendBatch.InnerOffset, length);
        if (!IpPacket.TryRead(inner, out var ip)) return EspDrop.Malformed;
        var sa = session.Select(ip, out var drop);
        if (sa is null) return drop;
        var path = session.Path;
        if (path.Descriptor < 0) return EspDrop.NoSocket;
        if (ip.DontFragment && session.LargestInner(sa, ip.IsIPv6) is var largest && length > largest)
        {
            ReportTooBig(session, inner, ip, largest, now);
            return EspDrop.TooBig;
        }

        if (session.AdjustMss != 0) TcpMssClamp.Apply(inner, ip, session.AdjustMss);
        var offset = EspSendBatch.InnerOffset - EspCodec.HeaderLength - sa.Algorithm.IvLength;
        var sealedLength = EspCodec.SealedLength(sa.Algorithm, length);
        drop = sa.Seal(new Span<byte>(batch.Slot + offset, sealedLength), length, ip.IsIPv6, out var nearExhaustion);
        if (drop != EspDrop.None) return drop;
        batch.Commit(session, sa, path, offset, sealedLength, length, ip.TrafficClass);
        if (nearExhaustion) Hint(DataPlaneHintKind.SequenceNearExhaustion, session, sa);
        return EspDrop.None;
    }

    private void ReportTooBig(DataPlaneSession session, ReadOnlySpan<byte> packet, in IpPacket ip, int mtu, long now)
    {
        if (!session.MayReportTooBig(now / time.TimestampFrequency, tooBigPerSecond)) return;
        Span<byte> message = stackalloc byte[TooBigMessage.MaximumLength];
        var length = TooBigMessage.Write(message, packet, ip, mtu);
        if (length > 0) session.Device.Write(message[..length]);
    }

    private void Hint(DataPlaneHintKind kind, DataPlaneSession session, EspSa sa)
    {
        var path = session.Path.Path;
        observer.OnHint(new DataPlaneHint(kind, session.Handle, sa.InboundSpi, path.Remote, path.Local));
    }
}
