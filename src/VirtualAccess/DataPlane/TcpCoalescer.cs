using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Joins TCP segments that came one after the other on one connection into one packet for the TUN device, as a network card does for receive offload; the kernel cuts
/// them again where it must. One thread's; holds packets, in the buffers that they came in, from <see cref="Add"/> to <see cref="Flush"/>. Everything else passes at once.
/// </summary>
internal sealed unsafe class TcpCoalescer : IDisposable
{
    private const int Capacity = 8;
    private const int TcpMinimum = 20;
    private const byte Push = 0x08;
    private const byte Acknowledgment = 0x10;

    private readonly DropTable drops;
    private readonly TcpRun[] runs = new TcpRun[Capacity];
    private int next;

    public TcpCoalescer(DropTable drops)
    {
        this.drops = drops;
        for (var i = 0; i < Capacity; i++) runs[i] = new TcpRun();
    }

    /// <summary>Takes a packet from the client; it must stay where it is until <see cref="Flush"/>.</summary>
    public void Add(DataPlaneSession session, EspSa sa, Span<byte> packet, in IpPacket ip)
    {
        if (ip.Protocol != IpPacket.Tcp || !ip.HasPorts)
        {
            Pass(session, sa, packet);
            return;
        }

        var run = Find(session, ip);
        if (!TryMeasure(packet, ip, out var headers))
        {
            // A connection's packets keep their order.
            if (run is not null) Deliver(run);
            Pass(session, sa, packet);
            return;
        }

        fixed (byte* pointer = packet)
        {
            if (run is null || !run.TryAppend(sa, pointer, packet.Length, headers))
            {
                if (run is not null) Deliver(run);
                run = Free();
                run.Start(session, sa, ip, pointer, packet.Length, headers);
            }
        }

        if (run.IsComplete || (packet[ip.TransportOffset + 13] & Push) != 0) Deliver(run);
    }

    /// <summary>Delivers everything that is held.</summary>
    public void Flush()
    {
        foreach (var run in runs)
        {
            if (run.Count > 0) Deliver(run);
        }
    }

    public void Dispose()
    {
        foreach (var run in runs) run.Dispose();
    }

    /// <summary>Only whole segments with data whose flags are ACK and PSH alone, without IP options or extension headers.</summary>
    private static bool TryMeasure(ReadOnlySpan<byte> packet, in IpPacket ip, out int headers)
    {
        headers = 0;
        var transport = ip.IsIPv6 ? IpPacket.IPv6Header : IpPacket.MinimumIPv4;
        if (ip.TransportOffset != transport || packet.Length < transport + TcpMinimum) return false;
        // More fragments follow.
        if (!ip.IsIPv6 && (packet[6] & 0x20) != 0) return false;
        headers = transport + ((packet[transport + 12] >> 4) * 4);
        return headers >= transport + TcpMinimum && headers < packet.Length && (packet[transport + 13] & ~Push) == Acknowledgment;
    }

    private TcpRun? Find(DataPlaneSession session, in IpPacket ip)
    {
        foreach (var run in runs)
        {
            if (run.Count > 0 && run.IsOf(session, ip)) return run;
        }

        return null;
    }

    private TcpRun Free()
    {
        foreach (var run in runs)
        {
            if (run.Count == 0) return run;
        }

        next = (next + 1) % Capacity;
        Deliver(runs[next]);
        return runs[next];
    }

    private void Pass(DataPlaneSession session, EspSa sa, Span<byte> packet)
    {
        var header = default(VirtioHeader);
        fixed (byte* pointer = packet)
        {
            var vectors = stackalloc IoVector[2];
            vectors[0] = new IoVector { Base = (byte*)&header, Length = VirtioHeader.Length };
            vectors[1] = new IoVector { Base = pointer, Length = (nuint)packet.Length };
            Count(session.Deliver(sa, vectors, 2, 1, packet.Length), 1);
        }
    }

    private void Deliver(TcpRun run)
    {
        var packets = run.Count;
        Count(run.Deliver(), packets);
    }

    private void Count(EspDrop drop, int packets)
    {
        for (var i = 0; drop != EspDrop.None && i < packets; i++) drops.Count(drop);
    }
}
