using System.Collections.Concurrent;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Answers DHCPINFORM of clients, on a thread of its own: packet threads put requests into a bounded queue and go on. A client sends its request again when it hears
/// nothing, so that what finds the queue full is dropped.
/// </summary>
internal sealed class DhcpInformResponder : IDisposable
{
    private const int MostWaiting = 64;

    private readonly BlockingCollection<(DataPlaneSession Session, DhcpInformRequest Request)> waiting = new(MostWaiting);

    /// <summary>Held from choosing the SA to having sent.</summary>
    private readonly Lock turn = new();
    private readonly TimeProvider time;
    private readonly DropTable drops;
    private readonly Action<PathMtuReport> onPathMtu;
    private readonly Action<DataPlaneSession, EspSa> onSoftLimit;
    private readonly Thread thread;

    /// <param name="time">Clock.</param>
    /// <param name="drops">Where answers that cannot be sent are counted.</param>
    /// <param name="onPathMtu">Gets what sending tells of the path.</param>
    /// <param name="onSoftLimit">Gets an SA that an answer has brought to its soft limit.</param>
    public DhcpInformResponder(TimeProvider time, DropTable drops, Action<PathMtuReport> onPathMtu, Action<DataPlaneSession, EspSa> onSoftLimit)
    {
        this.time = time;
        this.drops = drops;
        this.onPathMtu = onPathMtu;
        this.onSoftLimit = onSoftLimit;
        thread = new Thread(Run) { IsBackground = true, Name = "dhcp-inform" };
        thread.Start();
    }

    /// <summary>Takes a packet that is for this responder. On packet threads; never blocks.</summary>
    /// <returns>True when nobody else is to see the packet.</returns>
    public bool TryTake(DataPlaneSession session, EspSa sa, ReadOnlySpan<byte> packet, in IpPacket ip, long now)
    {
        if (session.InformServer is not { } server || !DhcpInformCodec.TryRead(packet, ip, server, out var request) || !session.IsOwnAddress(ip.Source)) return false;
        session.CountConsumed(sa, packet.Length);
        if (session.MayInform(now / time.TimestampFrequency)) waiting.TryAdd((session, request));
        return true;
    }

    /// <summary>Waits for the answer in hand: nothing is counted for a session whose SAs are gone.</summary>
    public void WaitTurn()
    {
        lock (turn)
        {
        }
    }

    public void Dispose()
    {
        waiting.CompleteAdding();
        thread.Join();
        waiting.Dispose();
    }

    private void Run()
    {
        using var batch = new EspSendBatch(drops, onPathMtu);
        foreach (var (session, request) in waiting.GetConsumingEnumerable())
        {
            lock (turn)
            {
                var now = time.GetTimestamp();
                var drop = Answer(session, request, batch, now);
                if (drop == EspDrop.None)
                {
                    batch.Flush(now, onSoftLimit);
                    continue;
                }

                drops.Count(drop);
                session.CountOutboundDrop();
            }
        }
    }

    private EspDrop Answer(DataPlaneSession session, in DhcpInformRequest request, EspSendBatch batch, long now)
    {
        if (session.InformServer is not { } server || session.Request.Inform is not { } information) return EspDrop.None;
        var length = DhcpInformCodec.Write(batch.InnerSlot, request, information, server, session.IpMtu);
        if (!IpPacket.TryRead(batch.InnerSlot[..length], out var ip)) return EspDrop.Malformed;
        var sa = session.Select(ip, out var drop);
        if (sa is null) return drop;
        if (session.Path is not { Descriptor: >= 0 } path) return EspDrop.NoSocket;
        drop = batch.Seal(session, sa, path, length, ip, now, out var nearExhaustion);
        // Either asks for a rekey.
        if (nearExhaustion) onSoftLimit(session, sa);
        return drop;
    }
}
