using System.Collections.Immutable;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>A pair of states in the kernel.</summary>
/// <param name="InboundSpi">Ours.</param>
/// <param name="OutboundSpi">The client's.</param>
/// <param name="Selectors">Of outbound packets.</param>
/// <param name="IsTransportMode">Instead of tunnel mode.</param>
/// <param name="IsEsn">Sequence numbers of 64 bits.</param>
/// <param name="Priority">Of its policies of outbound packets: the newer a pair, the lower. Inbound ones are the same for all pairs.</param>
internal sealed record XfrmSaPair(uint InboundSpi, uint OutboundSpi, ImmutableArray<XfrmSelector> Selectors, bool IsTransportMode, bool IsEsn, uint Priority)
{
    /// <summary>0 = no hint was given, 1 = it was.</summary>
    public int Hinted;
}

/// <summary>
/// One session's part of the kernel: its interface, states and policies. All of it under <see cref="Gate"/>. A policy of outbound packets names the one state that
/// carries them, so that a rekey moves traffic when it is told to and not before (RFC 7296 2.8).
/// </summary>
internal sealed class XfrmSession(SessionHandle handle, InterfaceRequest request, XfrmDevice device, LentAddresses lent, EspPath path) : IStandingInterface
{
    private readonly Dictionary<XfrmSelector, XfrmSaPair> senders = [];
    private LinkCounters seen;
    private long lastInbound;
    private long lastOutbound;

    public Lock Gate { get; } = new();

    public SessionHandle Handle { get; } = handle;

    public XfrmDevice Device { get; } = device;

    IInterfaceDevice IStandingInterface.Device => Device;

    public uint InterfaceId => Device.InterfaceId;

    public InterfaceRequest Request { get; set; } = request;

    public LentAddresses Lent { get; set; } = lent;

    public EspPath Path { get; set; } = path;

    /// <summary>Oldest first.</summary>
    public List<XfrmSaPair> Pairs { get; } = [];

    /// <summary>Pairs that carry no packet of ours until the client has sent one on them.</summary>
    public List<XfrmSaPair> Waiting { get; } = [];

    public bool IsClosed { get; set; }

    /// <summary>Of answers to DHCPINFORM.</summary>
    public InformLimit Informs;

    /// <summary>Destination of the client's packets: ours.</summary>
    public TransportAddress Local => Path.Encapsulation == EspEncapsulation.Udp ? Path.Local : Path.Local with { Port = 0 };

    public TransportAddress Remote => Path.Encapsulation == EspEncapsulation.Udp ? Path.Remote : Path.Remote with { Port = 0 };

    /// <summary>Whether a packet from the client is within the selectors of one of its SAs.</summary>
    public bool LetsIn(in IpPacket ip)
    {
        foreach (var selector in Pairs.SelectMany(pair => pair.Selectors))
        {
            if (selector.Reversed.Holds(ip)) return true;
        }

        return false;
    }

    public bool IsSending(XfrmSaPair pair) => senders.ContainsValue(pair);

    /// <summary>The policies of a new pair: what the client sends is let in; what we send goes to it unless it is to wait and another one sends already.</summary>
    public List<NetlinkStep> PlanPolicies(XfrmSaPair pair, bool sendsAtOnce)
    {
        var steps = new List<NetlinkStep>();
        foreach (var selector in pair.Selectors)
        {
            steps.Add(Policy(XfrmDirection.In, selector.Reversed, pair, default, default, 0));
            steps.Add(Policy(XfrmDirection.Forward, selector.Reversed, pair, default, default, 0));
            if (sendsAtOnce || !senders.ContainsKey(selector)) steps.Add(Outbound(selector, pair));
        }

        return steps;
    }

    /// <summary>Notes which selectors the pair sends for; what <see cref="PlanPolicies"/> or <see cref="PlanTakeover"/> planned now holds.</summary>
    public void Send(XfrmSaPair pair, bool all)
    {
        foreach (var selector in pair.Selectors)
        {
            if (all || !senders.ContainsKey(selector)) senders[selector] = pair;
        }
    }

    /// <summary>Packets of ours move to the pair.</summary>
    public List<NetlinkStep> PlanTakeover(XfrmSaPair pair) => [.. pair.Selectors.Select(selector => Outbound(selector, pair))];

    /// <summary>
    /// The policies without a pair that is no longer among <see cref="Pairs"/>: those that only it had go; where it was sending, the newest that remains takes over.
    /// </summary>
    public List<NetlinkStep> PlanRemoval(XfrmSaPair gone)
    {
        var steps = new List<NetlinkStep>();
        foreach (var selector in gone.Selectors)
        {
            var heir = Pairs.FindLast(pair => pair.Selectors.Contains(selector));
            if (heir is null)
            {
                senders.Remove(selector);
                steps.Add(Remove(XfrmDirection.Out, selector));
                steps.Add(Remove(XfrmDirection.Forward, selector.Reversed));
                steps.Add(Remove(XfrmDirection.In, selector.Reversed));
            }
            else if (senders.TryGetValue(selector, out var sender) && sender == gone)
            {
                senders[selector] = heir;
                steps.Add(Outbound(selector, heir));
            }
        }

        return steps;
    }

    /// <summary>The outbound policies under the session's present path.</summary>
    public List<NetlinkStep> PlanMove() => [.. senders.Select(sender => Outbound(sender.Key, sender.Value))];

    /// <summary>Takes a reading; what has grown since the last one was seen at <paramref name="now"/>.</summary>
    public SessionCounters Read(in LinkCounters counters, long now)
    {
        if (counters.InPackets != seen.InPackets) lastInbound = now;
        if (counters.OutPackets != seen.OutPackets) lastOutbound = now;
        seen = counters;
        return Counters();
    }

    /// <summary>By the last reading.</summary>
    public SessionCounters Counters() =>
        new(seen.InOctets, seen.OutOctets, seen.InPackets, seen.OutPackets, seen.InDropped, seen.OutDropped, lastInbound, lastOutbound);

    private NetlinkStep Outbound(in XfrmSelector selector, XfrmSaPair pair) => Policy(XfrmDirection.Out, selector, pair, Local, Remote, pair.OutboundSpi);

    private NetlinkStep Policy(XfrmDirection direction, in XfrmSelector selector, XfrmSaPair pair, TransportAddress source, TransportAddress destination, uint spi) =>
        new($"{direction} policy of SA {pair.InboundSpi:x8}", XfrmCodec.SetPolicy(direction, selector, InterfaceId, source, destination, spi, pair.IsTransportMode, direction == XfrmDirection.Out ? pair.Priority : 0));

    private NetlinkStep Remove(XfrmDirection direction, in XfrmSelector selector) =>
        new($"no {direction} policy of {Device.Name}", XfrmCodec.DeletePolicy(direction, selector, InterfaceId), Errno.ENOENT);
}
