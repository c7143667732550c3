using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// The policy of one direction of an interface as it stands in the kernel. What goes to the client waits in htb at the root of its device, what comes from the client in
/// htb at the root of an ifb device. Calls never overlap.
/// </summary>
/// <remarks>
/// A change between trees of one shape gives the standing classes other rates; any other change builds its classes beside those that stand, in the other half of the
/// numbers, points the filters to them and takes the old ones away. Until the filters point to them a failure leaves the traffic untouched.
/// </remarks>
internal sealed class QosDirection(NetlinkSocket netlink, LinkCloser closer, InterfaceTarget target, QosStageOptions options, bool isInput)
{
    private const ushort FirstHalf = 1, SecondHalf = 0x8000;
    private const ushort Classifier = 1, CatchAll = 2;

    private IfbDevice? ifb;

    /// <summary>What the kernel holds; null for nothing.</summary>
    public QosTree? Standing { get; private set; }

    /// <summary>Brings the direction to <paramref name="wanted"/>; on failure what stood stands.</summary>
    public InterfaceFailure? Change(PolicyMap? wanted)
    {
        if (wanted is null)
        {
            Clear();
            return null;
        }

        var half = Standing is { FirstMinor: FirstHalf } ? SecondHalf : FirstHalf;
        if (!QosCompiler.TryCompile(wanted, half, options.FairQueues, out var tree, out var refused))
            return new InterfaceFailure($"policy-map {wanted.Name}", refused.ToString()) { BadValue = true };
        if (Standing is not { } standing) return Create(tree);
        return QosCompiler.TryCompile(wanted, standing.FirstMinor, options.FairQueues, out var same, out _) && same.HasShapeOf(standing)
            ? Adjust(standing, same)
            : Replace(standing, tree);
    }

    /// <summary>The counters of the standing classes, by minor number.</summary>
    public Dictionary<ushort, ClassCounters> Read()
    {
        var found = new Dictionary<ushort, ClassCounters>();
        if (Standing is not null)
        {
            netlink.Dump(TrafficControlCodec.DumpClasses(Index), (type, body) =>
            {
                if (TrafficControlCodec.TryReadClass(type, body, out var counters)) found[counters.Minor] = counters;
            });
        }

        return found;
    }

    /// <summary>Takes everything away. The device may be gone already.</summary>
    public void Clear()
    {
        if (Standing is null) return;
        Standing = null;
        if (!isInput)
        {
            netlink.Execute([new NetlinkStep("no queues", TrafficControlCodec.DeleteRoot(target.Index))]);
            return;
        }

        netlink.Execute([new NetlinkStep("no way in", TrafficControlCodec.DeleteIngress(target.Index))]);
        if (ifb is not null) closer.Close(ifb);
        ifb = null;
    }

    private int Index => isInput ? ifb!.Index : target.Index;

    private InterfaceFailure? Create(QosTree tree)
    {
        if (isInput && !IfbDevice.TryCreate(netlink, closer, target, options.StateId, out ifb, out var refused)) return refused;
        Standing = tree;
        List<NetlinkStep> steps = [new($"queues of {Name}", TrafficControlCodec.AddHtb(Index)), .. Classes(tree), .. Filters(tree)];
        if (isInput)
        {
            // Last: nothing comes in before it finds its class.
            steps.Add(new($"way into {target.Device}", TrafficControlCodec.AddIngress(target.Index)));
            steps.Add(new($"way from {target.Device} to {Name}", TrafficControlCodec.Redirect(target.Index, Index)));
        }

        var failure = InterfacePlan.Apply(netlink, steps, undo: null);
        if (failure is not null) Clear();
        return failure;
    }

    private InterfaceFailure? Adjust(QosTree from, QosTree to)
    {
        var steps = new List<(NetlinkStep Step, NetlinkStep Undo)>();
        for (var i = 0; i < to.Classes.Length; i++)
        {
            var (old, one) = (from.Classes[i], to.Classes[i]);
            steps.Add((ClassStep(one), ClassStep(old)));
            if (one.QueueLimit != old.QueueLimit && one.Queue == QosQueue.Fifo) steps.Add((QueueStep(one), QueueStep(old)));
        }

        steps.AddRange(Filters(to).Zip(Filters(from)));
        var failure = InterfacePlan.Apply(netlink, [.. steps.Select(s => s.Step)], i => steps[i].Undo);
        if (failure is null) Standing = to;
        return failure;
    }

    private InterfaceFailure? Replace(QosTree from, QosTree to)
    {
        var failure = InterfacePlan.Apply(netlink, [.. Classes(to)], undo: null);
        if (failure is null)
        {
            var back = Filters(from).ToArray();
            failure = InterfacePlan.Apply(netlink, [.. Filters(to)], i => back[i]);
        }

        // Whichever tree the filters do not point to goes, the inner classes first.
        netlink.Execute([.. (failure is null ? from : to).Classes.Reverse().Select(one => new NetlinkStep($"no class {one.Path}", TrafficControlCodec.DeleteClass(Index, one)))]);
        if (failure is null) Standing = to;
        return failure;
    }

    private IEnumerable<NetlinkStep> Classes(QosTree tree)
    {
        foreach (var one in tree.Classes) yield return ClassStep(one);
        foreach (var one in tree.Classes)
        {
            if (one.Queue != QosQueue.None) yield return QueueStep(one);
        }
    }

    private IEnumerable<NetlinkStep> Filters(QosTree tree)
    {
        yield return new($"filter of {Name}", TrafficControlCodec.SetClassifier(Index, Classifier, tree.Program));
        // Packets that the program cannot read to their end must not pass without a class.
        yield return new($"last filter of {Name}", TrafficControlCodec.SetClassifier(Index, CatchAll, [new BpfInstruction(0x06, 0, 0, QosTree.Major | tree.DefaultMinor)]));
    }

    private NetlinkStep ClassStep(QosClass one) => new($"class {one.Path} of {Name}", TrafficControlCodec.SetClass(Index, one));

    private NetlinkStep QueueStep(QosClass one) => new($"queue of class {one.Path} of {Name}", TrafficControlCodec.SetQueue(Index, one));

    private string Name => isInput ? ifb!.Name : target.Device;
}
