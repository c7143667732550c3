using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>What a stage of traffic policies needs to know.</summary>
internal sealed record QosStageOptions(string StateId, bool FairQueues);

/// <summary>Counters of one class of an interface's policy.</summary>
/// <param name="Policy">The policy-map that the class stands in.</param>
/// <param name="Class">The class of the policy-map.</param>
/// <param name="Depth">1 for the classes of the outermost policy-map.</param>
/// <param name="OctetsPerSecond">Most that the class lets through; null for no limit.</param>
/// <param name="Packets">Sent.</param>
/// <param name="Octets">Sent.</param>
/// <param name="Drops">Packets dropped.</param>
/// <param name="Waiting">Packets that wait now.</param>
/// <param name="CurrentOctetsPerSecond">What passes, smoothed over half a minute.</param>
public sealed record QosClassCounters(
    PolicyMap Policy, PolicyClass Class, int Depth, long? OctetsPerSecond, ulong Packets, ulong Octets, ulong Drops, ulong Waiting, ulong CurrentOctetsPerSecond);

/// <summary>
/// The traffic policies of interfaces: rates and queues of both directions. Each device has its own, so that neither a packet nor a change costs more with more sessions.
/// </summary>
public sealed class QosStage : IInterfaceStage
{
    private readonly NetlinkSocket netlink = new();
    private readonly LinkCloser closer = new();
    private readonly ConcurrentDictionary<int, Directions> standing = new();
    private readonly Lazy<QosStageOptions> options;
    private readonly DscpMarker marker;

    /// <param name="stateId">As in <see cref="InterfaceOptions.StateId"/>.</param>
    /// <param name="policies">Every policy-map that an interface may get, alone or within a rate.</param>
    /// <param name="time">Clock of the watch over the table of DSCP marks.</param>
    /// <param name="restored">Called when somebody else has deleted that table: null = all of it stands again, else why not. On a timer's thread.</param>
    /// <exception cref="IOException">No netlink in this system.</exception>
    public QosStage(string stateId, IReadOnlyList<PolicyMap> policies, TimeProvider time, Action<string?>? restored = null)
    {
        options = new(() => new QosStageOptions(stateId, HasFairQueues()));
        marker = new DscpMarker(stateId, policies, time, restored);
    }

    public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        failure = null;
        var before = from?.Qos ?? SessionQos.None;
        if (before == to.Qos) return true;
        var directions = standing.GetOrAdd(target.Index, _ => new Directions(netlink, closer, target, options.Value));
        failure = marker.Change(target.Device, before, to.Qos);
        if (failure is null)
        {
            failure = directions.Change(to.Qos);
            // What could be left a moment ago can be entered again.
            if (failure is not null) marker.Change(target.Device, to.Qos, before);
        }

        if (directions.IsEmpty) standing.TryRemove(target.Index, out _);
        return failure is null;
    }

    public void Remove(InterfaceTarget target, InterfaceRequest standing)
    {
        marker.Change(target.Device, standing.Qos, SessionQos.None);
        if (this.standing.TryRemove(target.Index, out var directions)) directions.Clear();
    }

    /// <summary>Counters of what stands at a device in one direction; empty without a policy.</summary>
    /// <param name="device">Its name, <c>viN</c>.</param>
    /// <param name="isInput">What comes from the client.</param>
    public ImmutableArray<QosClassCounters> Read(string device, bool isInput)
    {
        return standing.TryGetValue((int)NativeMethods.InterfaceIndex(device), out var directions) ? directions.Read(isInput) : [];
    }

    /// <summary>Waits until the kernel has deleted the devices of policies removed so far.</summary>
    public void WaitForDeletions() => closer.WaitIdle();

    /// <summary>Removes what stands and waits for the kernel.</summary>
    public void Dispose()
    {
        foreach (var index in standing.Keys)
        {
            if (standing.TryRemove(index, out var directions)) directions.Clear();
        }

        marker.Dispose();
        closer.Dispose();
        netlink.Dispose();
    }

    /// <summary>Tried on a device that is there for nothing else.</summary>
    private bool HasFairQueues()
    {
        using var device = TunDevice.Create("vitest%d", out _);
        return device is not null && netlink.Execute([new NetlinkStep("fq_codel", TrafficControlCodec.SetRootFairQueue(device.Index))]) is [0];
    }

    /// <summary>Changes come one at a time; counters are read beside them.</summary>
    private sealed class Directions(NetlinkSocket netlink, LinkCloser closer, InterfaceTarget target, QosStageOptions options)
    {
        private readonly Lock gate = new();
        private readonly QosDirection input = new(netlink, closer, target, options, isInput: true);
        private readonly QosDirection output = new(netlink, closer, target, options, isInput: false);

        public bool IsEmpty => input.Standing is null && output.Standing is null;

        public InterfaceFailure? Change(SessionQos wanted)
        {
            lock (gate)
            {
                var before = input.Standing?.Policy;
                var failure = before == wanted.Input ? null : input.Change(wanted.Input);
                if (failure is not null || output.Standing?.Policy == wanted.Output) return failure;
                failure = output.Change(wanted.Output);
                if (failure is not null && before != wanted.Input) input.Change(before);
                return failure;
            }
        }

        public void Clear()
        {
            lock (gate)
            {
                output.Clear();
                input.Clear();
            }
        }

        public ImmutableArray<QosClassCounters> Read(bool isInput)
        {
            lock (gate)
            {
                var direction = isInput ? input : output;
                return direction.Standing is { } tree ? Join(tree, direction.Read()) : [];
            }
        }

        private static ImmutableArray<QosClassCounters> Join(QosTree tree, Dictionary<ushort, ClassCounters> counters) =>
        [
            .. tree.Classes.Select(one =>
            {
                var now = counters.GetValueOrDefault(one.Minor);
                return new QosClassCounters(
                    one.Policy, one.Source, one.Depth, one.Ceiling == QosCompiler.Unlimited ? null : one.Ceiling, now.Packets, now.Octets, now.Drops, now.Waiting, now.OctetsPerSecond);
            }),
        ];
    }
}
