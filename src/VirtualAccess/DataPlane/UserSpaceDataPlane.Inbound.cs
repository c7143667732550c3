using System.Buffers.Binary;

namespace Headend.VirtualAccess.DataPlane;

public sealed partial class UserSpaceDataPlane
{
    private long unknownSpiSecond;
    private int unknownSpiHints;

    /// <inheritdoc/>
    public void ReceiveEsp(Span<byte> packet, in TransportAddress local, in TransportAddress remote, byte trafficClass, long now)
    {
        if (packet.Length < EspCodec.HeaderLength)
        {
            drops.Count(EspDrop.Malformed);
            return;
        }

        var spi = BinaryPrimitives.ReadUInt32BigEndian(packet);
        if (!inbound.TryGetValue(spi, out var entry))
        {
            drops.Count(EspDrop.UnknownSpi);
            if (MayHintUnknownSpi(now)) observer.OnHint(new DataPlaneHint(DataPlaneHintKind.UnknownSpi, default, spi, remote, local));
            return;
        }

        Receive(entry, packet, local, remote, trafficClass, now);
    }

    /// <inheritdoc/>
    public void EndReceive() => coalescers.Value!.Flush();

    private void Receive(InboundSa entry, Span<byte> packet, in TransportAddress local, in TransportAddress remote, byte trafficClass, long now)
    {
        var (session, sa) = (entry.Session, entry.Sa);
        bool authentic;
        bool moved;
        bool first;
        EspDrop drop;
        lock (sa.InboundGate)
        {
            drop = sa.Open(packet, session.Gre, out var inner, out var ip, out authentic, out var newest);

            // Before the packet is delivered: its answer may be on its way before this thread comes any further.
            first = authentic && entry.FirstPacket();
            if (first) session.Activate(sa);
            if (drop == EspDrop.None && !CongestionMark.TryCombine(inner, ip, trafficClass)) drop = EspDrop.Congestion;
            if (drop == EspDrop.None && !(DhcpInformCodec.IsCandidate(ip) && informs.TryTake(session, sa, inner, ip, now)))
            {
                if (session.AdjustMss != 0) TcpMssClamp.Apply(inner, ip, session.AdjustMss);
                coalescers.Value!.Add(session, sa, inner, ip);
            }

            moved = newest && HasMoved(session, sa, remote);
        }

        if (drop != EspDrop.None)
        {
            drops.Count(drop);
            // A dummy is not a loss (RFC 4303 2.6).
            if (drop != EspDrop.Dummy) session.CountInboundDrop();
        }

        if (!authentic) return;
        session.TouchInbound(now);
        if (first) observer.OnHint(new DataPlaneHint(DataPlaneHintKind.FirstInbound, session.Handle, sa.InboundSpi, remote, local));
        if (moved) observer.OnHint(new DataPlaneHint(DataPlaneHintKind.RemoteAddressChanged, session.Handle, sa.InboundSpi, remote, local));
        if (sa.ReachedSoftLimit()) observer.OnHint(new DataPlaneHint(DataPlaneHintKind.SoftLimitReached, session.Handle, sa.InboundSpi, remote, local));
    }

    /// <summary>RFC 7296 2.23: only the newest authentic packet may say where the peer is. A switch between plain and UDP at the same address is not a move.</summary>
    private static bool HasMoved(DataPlaneSession session, EspSa sa, in TransportAddress remote)
    {
        var expected = session.Path.Path.Remote;
        var samePlace = (remote.Port == 0) != (expected.Port == 0) && remote.Address == expected.Address;
        return !samePlace && sa.IsNewRemote(remote, expected);
    }

    private bool MayHintUnknownSpi(long now)
    {
        var second = now / time.TimestampFrequency;
        if (Interlocked.Exchange(ref unknownSpiSecond, second) != second) Volatile.Write(ref unknownSpiHints, 0);
        return Interlocked.Increment(ref unknownSpiHints) <= options.UnknownSpiHintsPerSecond;
    }
}
