namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// One session. Its device is read in a turn of its <see cref="TunReader"/> and written with its own gate held; closing waits for each of them, so
/// that no thread uses a descriptor number that the kernel has given to somebody else.
/// </summary>
internal sealed class DataPlaneSession(SessionHandle handle, InterfaceRequest request, TunDevice device, LentAddresses lent, SessionPath path) : IStandingInterface
{
    private readonly Lock gate = new();
    private readonly Lock deliveryGate = new();
    private readonly List<EspSa> all = [];
    private readonly List<EspSa> waiting = [];
    private volatile EspSa[] sending = [];
    private volatile SessionPath path = path;
    private volatile InterfaceLimits current = new(request);
    private long inOctets, outOctets, inPackets, outPackets, inDropped, outDropped, lastInbound, lastOutbound;
    private long tooBigWindow;
    private int tooBigSent;
    private InformLimit informs;
    private bool closed;
    private bool deliveryClosed;

    public SessionHandle Handle { get; } = handle;

    /// <summary>What the interface is made of now; changed by one thread at a time, read by all.</summary>
    public InterfaceRequest Request
    {
        get => current.Request;
        set => current = new InterfaceLimits(value);
    }

    public TunDevice Device { get; } = device;

    IInterfaceDevice IStandingInterface.Device => Device;

    /// <summary>Held while the interface is changed.</summary>
    public Lock ChangeGate { get; } = new();

    /// <summary>The addresses that others lend to the interface.</summary>
    public LentAddresses Lent { get; set; } = lent;

    public int IpMtu => current.IpMtu;

    public int Ipv6Mtu => current.Ipv6Mtu;

    /// <summary>Null in tunnel mode.</summary>
    public GreTunnel? Gre => current.Gre;

    /// <summary>0 = off.</summary>
    public int AdjustMss => current.AdjustMss;

    /// <summary>The headend's IPv4 address on the interface, from which a DHCPINFORM is answered; null where it is not.</summary>
    public uint? InformServer => Request.InformServer(Lent);

    /// <summary>Set by <see cref="PeerIndex.Move"/> alone, so that the session is found under the address that it has.</summary>
    public SessionPath Path
    {
        get => path;
        set => path = value;
    }

    /// <summary>Takes a report of the path's MTU into account.</summary>
    /// <param name="report">The report.</param>
    /// <param name="now">Timestamp.</param>
    /// <param name="until">Timestamp at which it is forgotten.</param>
    /// <returns>True when it is about this session, believable, and says something new.</returns>
    public bool Learn(in Linux.PathMtuReport report, long now, long until)
    {
        var current = path;
        var remote = current.Path.Remote;
        if (remote.Address != report.Remote.Address || (remote.Port != report.Remote.Port && !report.IsLocal)) return false;
        if (!MayLearn(report.Spi, remote.IsIPv4)) return false;
        // A path that changes meanwhile is another path.
        return current.Learn(report.Mtu, now, until) is { } learned && Interlocked.CompareExchange(ref path, learned, current) == current;
    }

    /// <summary>Adds an SA.</summary>
    /// <returns>False when the session is closed.</returns>
    public bool Add(EspSa sa, OutboundMode mode)
    {
        lock (gate)
        {
            if (closed) return false;
            all.Add(sa);
            // With nothing to send on, waiting would only lose packets.
            if (mode == OutboundMode.AfterFirstInbound && sending.Length > 0) waiting.Add(sa);
            else sending = [sa, .. sending];
            return true;
        }
    }

    /// <summary>Lets a waiting SA send; called for the first authentic packet of an SA.</summary>
    public void Activate(EspSa sa)
    {
        lock (gate)
        {
            if (waiting.Remove(sa)) sending = [sa, .. sending];
        }
    }

    public void Remove(EspSa sa)
    {
        lock (gate)
        {
            all.Remove(sa);
            waiting.Remove(sa);
            sending = [.. sending.Where(other => other != sa)];
            foreach (var heir in waiting.Where(w => w.Replaces == sa.InboundSpi || w.Replaces == 0 || sending.Length == 0).ToArray())
            {
                waiting.Remove(heir);
                sending = [heir, .. sending];
            }
        }
    }

    // Where DF stays clear nobody has a reason to report. Routers that quote enough name the SA.
    private bool MayLearn(uint spi, bool ipv4)
    {
        lock (gate) return all.Exists(sa => (spi == 0 || sa.OutboundSpi == spi) && (!ipv4 || sa.DfBit != DfBit.Clear));
    }

    /// <summary>Closes for new SAs.</summary>
    /// <returns>The SAs to dispose.</returns>
    public EspSa[] Close()
    {
        lock (gate)
        {
            closed = true;
            EspSa[] closing = [.. all];
            all.Clear();
            waiting.Clear();
            sending = [];
            return closing;
        }
    }

    /// <summary>Hands packets from the client to the kernel and counts them.</summary>
    /// <param name="sa">The SA that they came on.</param>
    /// <param name="vectors">Header and pieces of one write.</param>
    /// <param name="count">How many.</param>
    /// <param name="packets">Packets that are joined in it.</param>
    /// <param name="octets">Their octets together.</param>
    public unsafe EspDrop Deliver(EspSa sa, Linux.IoVector* vectors, int count, int packets, int octets)
    {
        EspDrop drop;
        lock (deliveryGate)
        {
            drop = deliveryClosed ? EspDrop.UnknownSpi : Device.Write(vectors, count);
            if (drop == EspDrop.None)
            {
                sa.CountInbound(octets, packets);
                Interlocked.Add(ref inOctets, octets);
                Interlocked.Add(ref inPackets, packets);
            }
            else
            {
                Interlocked.Add(ref inDropped, packets);
            }
        }

        return drop;
    }

    /// <summary>Counts a packet from the client that ends here.</summary>
    public void CountConsumed(EspSa sa, int octets)
    {
        lock (deliveryGate)
        {
            if (deliveryClosed) return;
            sa.CountInbound(octets, 1);
            Interlocked.Add(ref inOctets, octets);
            Interlocked.Increment(ref inPackets);
        }
    }

    /// <summary>Whether it is one of the addresses that the client was given.</summary>
    public bool IsOwnAddress(UInt128 address) => Request.IsClient(address);

    /// <summary>Token for an answer to DHCPINFORM.</summary>
    public bool MayInform(long second)
    {
        lock (gate)
        {
            return informs.TryTake(second);
        }
    }

    /// <summary>Waits for the delivery in hand; nothing is written or counted inbound after it.</summary>
    public void CloseDelivery()
    {
        lock (deliveryGate) deliveryClosed = true;
    }

    /// <summary>The SA for an outbound packet: the newest that covers it (RFC 4301 4.4.1).</summary>
    public EspSa? Select(in IpPacket ip, out EspDrop drop)
    {
        var candidates = sending;
        foreach (var sa in candidates)
        {
            if (!sa.Covers(ip)) continue;
            drop = EspDrop.None;
            return sa;
        }

        drop = candidates.Length == 0 ? EspDrop.NoOutboundSa : EspDrop.OutboundSelector;
        return null;
    }

    /// <summary>The largest inner packet of a family on this SA.</summary>
    public int LargestInner(EspSa sa, bool ipv6, long now)
    {
        var limit = ipv6 ? Ipv6Mtu : IpMtu;
        var outer = path;
        var mtu = outer.MtuAt(now);
        if (mtu == 0) return limit;
        var fits = EspCodec.LargestInner(sa.Algorithm, mtu - outer.HeaderLength) - (Gre?.HeaderLength ?? 0);
        // An IPv6 link below 1280 does not exist (RFC 8200 5): there the outer packet is fragmented instead.
        return Math.Min(limit, ipv6 ? Math.Max(fits, Configuration.InterfaceConfig.MinimumIpv6Mtu) : Math.Max(fits, 68));
    }

    /// <summary>Token for a "too big" message; on the reading thread only.</summary>
    public bool MayReportTooBig(long second, int perSecond)
    {
        if (second != tooBigWindow) (tooBigWindow, tooBigSent) = (second, 0);
        return tooBigSent++ < perSecond;
    }

    public void TouchInbound(long now) => Volatile.Write(ref lastInbound, now);

    public void CountOutbound(int octets, int packets, long now)
    {
        Interlocked.Add(ref outOctets, octets);
        Interlocked.Add(ref outPackets, packets);
        Volatile.Write(ref lastOutbound, now);
    }

    public void CountInboundDrop() => Interlocked.Increment(ref inDropped);

    public void CountOutboundDrop() => Interlocked.Increment(ref outDropped);

    public SessionCounters Counters() => new(
        Volatile.Read(ref inOctets), Volatile.Read(ref outOctets), Volatile.Read(ref inPackets), Volatile.Read(ref outPackets),
        Volatile.Read(ref inDropped), Volatile.Read(ref outDropped), Volatile.Read(ref lastInbound), Volatile.Read(ref lastOutbound));

    public SaCounters[] SaCounters()
    {
        lock (gate)
        {
            var active = sending;
            return [.. all.OrderBy(sa => sa.Serial).Select(sa => sa.Counters(active.Contains(sa)))];
        }
    }
}

/// <summary>What the packet paths read of a configuration, computed once and swapped as a whole.</summary>
internal sealed class InterfaceLimits(InterfaceRequest request)
{
    public InterfaceRequest Request { get; } = request;

    public int IpMtu { get; } = request.Config.EffectiveIpMtu;

    public int Ipv6Mtu { get; } = request.Config.EffectiveIpv6Mtu;

    public int AdjustMss { get; } = request.Config.TcpAdjustMss?.Value ?? 0;

    public GreTunnel? Gre { get; } = request.Encapsulation == Configuration.TunnelEncapsulation.Gre ? new GreTunnel(request) : null;
}
