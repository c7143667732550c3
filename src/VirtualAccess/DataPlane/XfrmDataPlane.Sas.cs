using System.Security.Cryptography;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

public sealed partial class XfrmDataPlane
{
    /// <summary>Three quarters of what 32-bit sequence numbers allow.</summary>
    private const long SequenceLimit = 3L << 30;

    private const int SmallestWindow = 32;

    private uint lastSerial;

    private InterfaceFailure? Install(XfrmSession session, EspSaParameters parameters)
    {
        if (parameters.InboundSpi < FirstSpi || parameters.OutboundSpi < FirstSpi) return new InterfaceFailure("install SA", "reserved SPI");
        if (parameters.DfBit == DfBit.Set) return new InterfaceFailure("install SA", "the kernel sets DF on no packet whose inner one has it clear (df-bit: set)");
        if (!XfrmSelectorCompiler.TryCompile(parameters.LocalSelectors, parameters.RemoteSelectors, out var selectors, out var reason)) return new InterfaceFailure("install SA", reason);
        if (!XfrmTransform.TryTranslate(parameters.Algorithm, parameters.InboundKeys, out var inbound) || !XfrmTransform.TryTranslate(parameters.Algorithm, parameters.OutboundKeys, out var outbound))
            return new InterfaceFailure("install SA", $"the kernel does not compute {parameters.Algorithm}");
        inbound = inbound with { IsEsn = parameters.ExtendedSequenceNumbers };
        outbound = outbound with { IsEsn = parameters.ExtendedSequenceNumbers };
        // RFC 4301 4.4.1: where selectors overlap, the newest pair carries the packet.
        var priority = uint.MaxValue - Interlocked.Increment(ref lastSerial);
        var pair = new XfrmSaPair(parameters.InboundSpi, parameters.OutboundSpi, selectors, inbound.IsTransportMode, inbound.IsEsn, priority);
        if (!byInboundSpi.TryAdd(pair.InboundSpi, (session, pair))) return new InterfaceFailure("install SA", $"SPI {pair.InboundSpi:x8} is in use");
        var failure = Apply(session, pair, inbound, outbound, parameters);
        if (failure is not null)
        {
            byInboundSpi.TryRemove(pair.InboundSpi, out _);
            return failure;
        }

        byOutboundSpi[(session.InterfaceId, pair.OutboundSpi)] = (session, pair);
        var sends = parameters.Outbound == OutboundMode.Now;
        session.Pairs.Add(pair);
        session.Send(pair, all: sends);
        if (!sends && pair.Selectors.Any(selector => session.Pairs.Any(other => other != pair && other.Selectors.Contains(selector))))
        {
            session.Waiting.Add(pair);
            Volatile.Write(ref someoneWaits, true);
        }

        return null;
    }

    // States before policies: a policy without its state makes the kernel ask for one and hold packets back.
    private InterfaceFailure? Apply(XfrmSession session, XfrmSaPair pair, XfrmTransform inbound, XfrmTransform outbound, EspSaParameters parameters)
    {
        var steps = new List<NetlinkStep>
        {
            new($"inbound SA {pair.InboundSpi:x8}", XfrmCodec.AddSa(Describe(session, pair, inbound, parameters, isInbound: true))),
            new($"outbound SA {pair.OutboundSpi:x8}", XfrmCodec.AddSa(Describe(session, pair, outbound, parameters, isInbound: false))),
        };
        steps.AddRange(session.PlanPolicies(pair, parameters.Outbound == OutboundMode.Now));
        var results = xfrm.Execute(steps);
        foreach (var state in steps.Take(2)) CryptographicOperations.ZeroMemory(state.Message);
        var failed = Array.FindIndex(results, errno => errno != 0);
        if (failed < 0) return null;
        var undo = session.PlanRemoval(pair);
        if (results[0] == 0) undo.Add(new NetlinkStep("no inbound SA", XfrmCodec.DeleteSa(session.Local, pair.InboundSpi)));
        if (results[1] == 0) undo.Add(new NetlinkStep("no outbound SA", XfrmCodec.DeleteSa(session.Remote, pair.OutboundSpi)));
        // Outbound policies that had moved to this pair go back to those that they were taken from.
        undo.InsertRange(0, session.PlanMove());
        xfrm.Execute(undo);
        return new InterfaceFailure(steps[failed].Name, Errno.Describe(results[failed]));
    }

    private static XfrmSa Describe(XfrmSession session, XfrmSaPair pair, XfrmTransform transform, EspSaParameters parameters, bool isInbound) => new()
    {
        Spi = isInbound ? pair.InboundSpi : pair.OutboundSpi,
        Source = isInbound ? session.Remote : session.Local,
        Destination = isInbound ? session.Local : session.Remote,
        Encapsulation = session.Path.Encapsulation,
        InterfaceId = session.InterfaceId,
        Transform = transform,
        // The kernel wants a window of every state with extended sequence numbers, also where nothing is received.
        ReplayWindow = Math.Max(isInbound ? parameters.ReplayWindow : 0, transform.IsEsn ? SmallestWindow : 0),
        ClearsDontFragment = parameters.DfBit == DfBit.Clear,
        SoftOctets = parameters.SoftLimits.Octets,
        SoftPackets = PacketLimit(parameters.SoftLimits.Packets, transform.IsEsn),
    };

    private static long PacketLimit(long asked, bool isEsn) => isEsn ? asked : asked is > 0 and < SequenceLimit ? asked : SequenceLimit;

    private void Remove(XfrmSession session, XfrmSaPair pair)
    {
        byInboundSpi.TryRemove(pair.InboundSpi, out _);
        byOutboundSpi.TryRemove((session.InterfaceId, pair.OutboundSpi), out _);
        session.Pairs.Remove(pair);
        session.Waiting.Remove(pair);
        // Policies first: packets of ours move to the heir before the state that carried them is gone.
        var steps = session.PlanRemoval(pair);
        steps.Add(new NetlinkStep("no outbound SA", XfrmCodec.DeleteSa(session.Remote, pair.OutboundSpi)));
        steps.Add(new NetlinkStep("no inbound SA", XfrmCodec.DeleteSa(session.Local, pair.InboundSpi)));
        xfrm.Execute(steps);
        foreach (var heir in session.Pairs.Where(session.IsSending)) session.Waiting.Remove(heir);
    }

    /// <summary>All of a session's SAs go to another path, or none does.</summary>
    /// <returns>False when the kernel refused: they are where they were.</returns>
    private bool Move(XfrmSession session, EspPath path)
    {
        if (session.Path == path) return true;
        var before = session.Path;
        var (oldLocal, oldRemote) = (session.Local, session.Remote);
        session.Path = path;
        var steps = new List<NetlinkStep>();
        var undo = new List<NetlinkStep>();
        foreach (var pair in session.Pairs)
        {
            PlanMove(steps, undo, pair.InboundSpi, (oldRemote, oldLocal, before.Encapsulation), (session.Remote, session.Local, path.Encapsulation), isOutbound: false);
            PlanMove(steps, undo, pair.OutboundSpi, (oldLocal, oldRemote, before.Encapsulation), (session.Local, session.Remote, path.Encapsulation), isOutbound: true);
        }

        xfrm.Forget();
        var results = xfrm.Execute(steps);
        var isMoved = Array.TrueForAll(results, errno => errno == 0);
        if (!isMoved)
        {
            // A step that failed has nothing to undo.
            xfrm.Execute([.. undo.Where((_, index) => results[index] == 0).Reverse()]);
            session.Path = before;
        }

        xfrm.Execute(session.PlanMove());
        foreach (var step in steps.Concat(undo)) CryptographicOperations.ZeroMemory(step.Message);
        return isMoved;
    }

    // The kernel has no way to give a state another address that every kernel knows: it is read, deleted and written back with its replay state.
    private void PlanMove(
        List<NetlinkStep> steps,
        List<NetlinkStep> undo,
        uint spi,
        (TransportAddress Source, TransportAddress Destination, EspEncapsulation Encapsulation) from,
        (TransportAddress Source, TransportAddress Destination, EspEncapsulation Encapsulation) to,
        bool isOutbound) => xfrm.Dump(XfrmCodec.GetSa(from.Destination, spi), (type, body) =>
        {
            if (type != Xfrm.XFRM_MSG_NEWSA || !XfrmCodec.TryReadSa(body, out var report)) return;
            steps.Add(new NetlinkStep($"no SA {spi:x8} at its old address", XfrmCodec.DeleteSa(from.Destination, spi)));
            undo.Add(new NetlinkStep($"SA {spi:x8} back at its old address", XfrmCodec.MoveSa(report, from.Source, from.Destination, from.Encapsulation, isOutbound)));
            steps.Add(new NetlinkStep($"SA {spi:x8} at its new address", XfrmCodec.MoveSa(report, to.Source, to.Destination, to.Encapsulation, isOutbound)));
            undo.Add(new NetlinkStep($"no SA {spi:x8} at its new address", XfrmCodec.DeleteSa(to.Destination, spi)));
        });

    private SaCounters CountersOf(XfrmSession session, XfrmSaPair pair)
    {
        var (inOctets, inPackets) = ReadState(session.Local, pair.InboundSpi);
        var (outOctets, outPackets) = ReadState(session.Remote, pair.OutboundSpi);
        return new SaCounters(pair.InboundSpi, pair.OutboundSpi, inOctets, outOctets, inPackets, outPackets, 0, 0, session.IsSending(pair));
    }

    private (long Octets, long Packets) ReadState(TransportAddress destination, uint spi)
    {
        (long, long) read = default;
        xfrm.Dump(XfrmCodec.GetSa(destination, spi), (type, body) =>
        {
            if (type == Xfrm.XFRM_MSG_NEWSA && XfrmCodec.TryReadSa(body, out var report)) read = ((long)report.Octets, (long)report.Packets);
        });
        xfrm.Forget();
        return read;
    }
}
