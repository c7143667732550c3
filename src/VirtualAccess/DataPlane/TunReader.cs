using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>One thread that reads the TUN devices given to it, seals what it reads and sends it.</summary>
internal sealed unsafe class TunReader : IDisposable
{
    private const long StopToken = 0;

    /// <summary>Packets of one turn from which on more will follow at once: two long TCP packets cut. Whoever sends a packet at a time sees the thread go to sleep, and be woken by it.</summary>
    private const int BusyPackets = 16;

    private readonly ConcurrentDictionary<long, DataPlaneSession> sessions = new();

    /// <summary>Held from reading the first packet to having sent the last.</summary>
    private readonly Lock turn = new();
    private readonly EpollSet epoll = new();
    private readonly EventSignal stop = new();
    private readonly Thread thread;
    private readonly TimeProvider time;
    private readonly DropTable drops;
    private readonly IDataPlaneObserver observer;
    private readonly Action<PathMtuReport> onPathMtu;
    private readonly int tooBigPerSecond;
    private readonly Action<DataPlaneSession, EspSa> onSoftLimit;

    /// <summary>What the last read brought.</summary>
    private readonly byte* frame = (byte*)NativeMemory.AlignedAlloc(TunDevice.LongestRead, 64);

    public TunReader(int number, TimeProvider time, DropTable drops, IDataPlaneObserver observer, Action<PathMtuReport> onPathMtu, int tooBigPerSecond)
    {
        this.time = time;
        this.drops = drops;
        this.observer = observer;
        this.onPathMtu = onPathMtu;
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
        NativeMemory.AlignedFree(frame);
    }

    private void Run()
    {
        using var batch = new EspSendBatch(drops, onPathMtu);
        while (true)
        {
            var ready = epoll.Wait();
            var now = time.GetTimestamp();
            var packets = 0;
            lock (turn)
            {
                for (var i = 0; i < ready; i++)
                {
                    var token = epoll.Token(i);
                    if (token == StopToken) return;
                    if (sessions.TryGetValue(token, out var session)) packets += Drain(session, batch, now);
                }

                batch.Flush(now, onSoftLimit);
            }

            // Whoever fills the devices gets the processor before this thread looks again: more for each turn, and nobody has to wake a thread that does not sleep. With nobody else to
            // run it costs a system call, and unlike a pause it sets no timer.
            if (packets >= BusyPackets) _ = Thread.Yield();
        }
    }

    /// <summary>Reads at most one batch, so that a busy session does not starve the others.</summary>
    /// <returns>Packets that were in it.</returns>
    private int Drain(DataPlaneSession session, EspSendBatch batch, long now)
    {
        var packets = 0;
        while (packets < EspSendBatch.Capacity)
        {
            var length = session.Device.Read(frame, TunDevice.LongestRead);
            if (length < 0)
            {
                // Somebody deleted the device: it would be readable for ever.
                epoll.Remove(session.Device.Descriptor);
                break;
            }

            if (length == 0) break;
            var drop = Take(session, batch, length, now, out var count);
            packets += count;
            if (drop == EspDrop.None) continue;
            drops.Count(drop);
            session.CountOutboundDrop();
        }

        return packets;
    }

    /// <summary>Seals what was read: one packet, or as many as are to be cut out of it.</summary>
    private EspDrop Take(DataPlaneSession session, EspSendBatch batch, int length, long now, out int count)
    {
        count = 1;
        if (length < VirtioHeader.Length) return EspDrop.Malformed;
        var header = *(VirtioHeader*)frame;
        var packet = new Span<byte>(frame + VirtioHeader.Length, length - VirtioHeader.Length);
        if (!IpPacket.TryRead(packet, out var ip)) return EspDrop.Malformed;
        var sa = session.Select(ip, out var drop);
        if (sa is null) return drop;
        var path = session.Path;
        if (path.Descriptor < 0) return EspDrop.NoSocket;
        if (header.GsoType == VirtioHeader.GsoNone) return SealOne(session, sa, path, batch, packet, header, ip, now);
        if (!TcpSegmentCutter.TryPrepare(header, packet, ip, out var cutter) || cutter.LongestSegment > EspSendBatch.MaximumInner) return EspDrop.Malformed;
        if (ip.DontFragment && session.LargestInner(sa, ip.IsIPv6, now) is var largest && cutter.LongestSegment > largest)
        {
            ReportTooBig(session, packet, ip, largest, now);
            return EspDrop.TooBig;
        }

        count = cutter.Count;
        for (var index = 0; index < count && drop == EspDrop.None; index++)
        {
            if (batch.IsFull) batch.Flush(now, onSoftLimit);
            var segment = cutter.Write(index, batch.InnerSlot);
            drop = Seal(session, sa, path, batch, segment, ip, now);
        }

        return drop;
    }

    private EspDrop SealOne(
        DataPlaneSession session, EspSa sa, SessionPath path, EspSendBatch batch, Span<byte> packet, in VirtioHeader header, in IpPacket ip, long now)
    {
        if (packet.Length > EspSendBatch.MaximumInner) return EspDrop.TooBig;
        if ((header.Flags & VirtioHeader.NeedsChecksum) != 0 && !TryFinishChecksum(packet, header)) return EspDrop.Malformed;
        if (ip.DontFragment && session.LargestInner(sa, ip.IsIPv6, now) is var largest && packet.Length > largest)
        {
            ReportTooBig(session, packet, ip, largest, now);
            return EspDrop.TooBig;
        }

        if (session.AdjustMss != 0) TcpMssClamp.Apply(packet, ip, session.AdjustMss);
        if (batch.IsFull) batch.Flush(now, onSoftLimit);
        packet.CopyTo(batch.InnerSlot);
        return Seal(session, sa, path, batch, packet.Length, ip, now);
    }

    /// <summary>Seals the packet in the batch's slot and adds it.</summary>
    private EspDrop Seal(DataPlaneSession session, EspSa sa, SessionPath path, EspSendBatch batch, int length, in IpPacket ip, long now)
    {
        var drop = batch.Seal(session, sa, path, length, ip, now, out var nearExhaustion);
        if (nearExhaustion) Hint(DataPlaneHintKind.SequenceNearExhaustion, session, sa);
        return drop;
    }

    /// <summary>Adds what the kernel left open of a transport checksum: the field holds the pseudo header's sum.</summary>
    private static bool TryFinishChecksum(Span<byte> packet, in VirtioHeader header)
    {
        var place = header.ChecksumStart + header.ChecksumOffset;
        if (place + sizeof(ushort) > packet.Length) return false;
        var checksum = InternetChecksum.Compute(packet[header.ChecksumStart..]);
        // RFC 768: zero would mean "no checksum"; 0xffff is the same number.
        BinaryPrimitives.WriteUInt16BigEndian(packet[place..], checksum == 0 ? ushort.MaxValue : checksum);
        return true;
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
