using System.Collections.Immutable;
using Headend.Admin;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;

namespace Headend.Sessions;

/// <summary>Answers what the policies of a session's interface have counted.</summary>
/// <param name="table">The sessions.</param>
/// <param name="read">Counters of a device in one direction, true = what comes from the client.</param>
internal sealed class SessionPolicyAdmin(SessionTable table, Func<string, bool, ImmutableArray<QosClassCounters>> read)
{
    private static readonly bool[] Directions = [true, false];

    /// <summary>Both directions of a virtual-access interface; empty without a session or a policy.</summary>
    public IReadOnlyList<PolicyMapRecord> Describe(int number)
    {
        var session = table.All.FirstOrDefault(s => s.Names.Number == number && !s.IsClosed);
        return session is null
            ? []
            : [.. Directions.Select(isInput => Describe(session, isInput)).OfType<PolicyMapRecord>()];
    }

    private PolicyMapRecord? Describe(ClientSession session, bool isInput)
    {
        var counters = read(session.DeviceName, isInput);
        return counters.IsEmpty
            ? null
            : new PolicyMapRecord
            {
                Interface = session.InterfaceName,
                Direction = isInput ? "input" : "output",
                Policy = counters[0].Policy.Name,
                Classes = [.. counters.Select(ToRecord)],
            };
    }

    private static PolicyClassRecord ToRecord(QosClassCounters counted)
    {
        var wanted = counted.Class;
        return new PolicyClassRecord
        {
            Policy = counted.Policy.Name,
            Class = wanted.Name,
            Depth = counted.Depth,
            Match = [.. Conditions(wanted.Class)],
            MatchAll = wanted.Class is { MatchesAll: true },
            Packets = counted.Packets,
            Octets = counted.Octets,
            DroppedPackets = counted.Drops,
            QueuedPackets = counted.Waiting,
            RateBps = counted.CurrentOctetsPerSecond * 8,
            LimitBps = counted.OctetsPerSecond * 8,
            PoliceBps = wanted.Police?.BitsPerSecond,
            PoliceBurstOctets = wanted.Police?.BurstOctets,
            PolicePeakBps = wanted.Police?.PeakBitsPerSecond,
            ShapeBps = wanted.Shape,
            BandwidthBps = wanted.Bandwidth,
            BandwidthPercent = wanted.BandwidthPercent,
            Priority = wanted.IsPriority,
            PriorityBps = wanted.PriorityRate,
            SetDscp = wanted.Dscp is { } dscp ? DscpTable.NameOf(dscp) : null,
            ServicePolicy = wanted.Nested?.Name,
        };
    }

    private static IEnumerable<string> Conditions(ClassMap? map)
    {
        if (map is null or { Any: true })
            yield return "any";
        if (map is null)
            yield break;
        foreach (var list in map.AccessGroups)
            yield return "access-group name " + list.Name;
        if (!map.Dscp.IsEmpty)
            yield return "dscp " + string.Join(' ', map.Dscp.Select(DscpTable.NameOf));
        foreach (var protocol in map.Protocols)
            yield return "protocol " + protocol.ToString().ToLowerInvariant();
    }
}
