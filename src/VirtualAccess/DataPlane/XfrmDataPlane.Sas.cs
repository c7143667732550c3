using System.Security.Cryptography;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

public sealed partial class XfrmDataPlane
{
    /// <summary>Three quarters of what 32-bit sequence numbers allow.</summary>
    private const long SequenceLimit = 3L << 30;

    private const int SmallestWindow = 32;

    private InterfaceFailure? Install(XfrmSession session, EspSaParameters parameters)
    {
        if (parameters.InboundSpi < FirstSpi || parameters.OutboundSpi < FirstSpi) return new InterfaceFailure("install SA", "reserved SPI");
        if (!XfrmSelectorCompiler.TryCompile(parameters.LocalSelectors, parameters.RemoteSelectors, out var selectors, out var reason)) return new InterfaceFailure("install SA", reason);
        if (!XfrmTransform.TryTranslate(parameters.Algorithm, parameters.InboundKeys, out var inbound) || !XfrmTransform.TryTranslate(parameters.Algorithm, parameters.OutboundKeys, out var outbound))
            return new InterfaceFailure("install SA", $"the kernel does not compute {parameters.Algorithm}");
        inbound = inbound with { IsEsn = parameters.ExtendedSequenceNumbers };
        outbound = outbound with { IsEsn = parameters.ExtendedSequenceNumbers };
        var pair = new XfrmSaPair(parameters.InboundSpi, parameters.OutboundSpi, selectors, inbound.IsTransportMode, parameters.SoftLimits, inbound.IsEsn);
        if (!byInboundSpi.TryAdd(pair.InboundSpi, (session, pair))) return new InterfaceFailure("install SA", $"SPI {pair.InboundSpi:x8} is in use");
        var failure = Apply(session, pair, inbound, outbound, parameters);
        if (failure is not null)
        {
            byInboundSpi.TryRemove(pair.InboundSpi, out _);
            return failure;
        }

        byOutboundSpi[pair.OutboundSpi] = (session, pair);
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
        SoftOctets = parameters.SoftLimits.Octets,
        SoftPackets = PacketLimit(parameters.SoftLimits.Packets, transform.IsEsn),
    };

    private static long PacketLimit(long asked, bool isEsn) => isEsn ? asked : asked is > 0 and < SequenceLimit ? asked : SequenceLimit;

    private void Remove(XfrmSession session, XfrmSaPair pair)
    {
        byInboundSpi.TryRemove(pair.InboundSpi, out _);
        byOutboundSpi.TryRemove(pair.OutboundSpi, out _);
        session.Pairs.Remove(pair);
        session.Waiting.Remove(pair);
        // Policies first: packets of ours move to the heir before the state that carried them is gone.
        var steps = session.PlanRemoval(pair);
        steps.Add(new NetlinkStep("no outbound SA", XfrmCodec.DeleteSa(session.Remote, pair.OutboundSpi)));
        steps.Add(new NetlinkStep("no inbound SA", XfrmCodec.DeleteSa(session.Local, pair.InboundSpi)));
        xfrm.Execute(steps);
        foreach (var heir in session.Pairs.Where(session.IsSending)) session.Waiting.Remove(heir);
    }

    private void Move(XfrmSession session, EspPath path)
    {
        if (session.Path == path) return;
        var (oldLocal, oldRemote) = (session.Local, session.Remote);
        session.Path = path;
        var steps = new List<NetlinkStep>();
        foreach (var pair in session.Pairs)
        {
            PlanMove(steps, pair.InboundSpi, oldLocal, session.Remote, session.Local, path.Encapsulation);
            PlanMove(steps, pair.OutboundSpi, oldRemote, session.Local, session.Remote, path.Encapsulation);
        }

        steps.AddRange(session.PlanMove());
        xfrm.Execute(steps);
        foreach (var step in steps) CryptographicOperations.ZeroMemory(step.Message);
    }

    // The kernel has no way to give a state another address that every kernel knows: it is read, deleted and written back with its replay state.
    private void PlanMove(List<NetlinkStep> steps, uint spi, TransportAddress oldDestination, TransportAddress source, TransportAddress destination, EspEncapsulation encapsulation)
    {
        xfrm.Dump(XfrmCodec.GetSa(oldDestination, spi), (type, body) =>
        {
            if (type != Xfrm.XFRM_MSG_NEWSA || !XfrmCodec.TryReadSa(body, out var report)) return;
            steps.Add(new NetlinkStep($"no SA {spi:x8} at its old address", XfrmCodec.DeleteSa(oldDestination, spi)));
            steps.Add(new NetlinkStep($"SA {spi:x8} at its new address", XfrmCodec.MoveSa(report, source, destination, encapsulation)));
        });
        xfrm.Forget();
    }

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
