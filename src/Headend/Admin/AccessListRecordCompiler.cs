using Headend.VirtualAccess.Policy;

namespace Headend.Admin;

/// <summary>Writes what the kernel has counted as records of the admin API.</summary>
internal static class AccessListRecordCompiler
{
    public static IReadOnlyList<AccessListRecord> Compile(FilterStatistics statistics)
    {
        var uses = statistics.Interfaces.SelectMany(Uses).ToLookup(static u => u.List, static u => u.Use);
        // A list of the configuration that is asked about one family alone is the same list with the same counters.
        return
        [
            .. statistics.Lists.OrderBy(static l => l.List.IsOfSession).ThenBy(static l => l.List.Name, StringComparer.Ordinal).ThenBy(static l => l.Device, StringComparer.Ordinal)
                .Select(l => Record(l, uses[(l.List.Name, l.Device)])),
        ];
    }

    private static AccessListRecord Record(AccessListCounters counters, IEnumerable<AccessListUseRecord> uses) => new()
    {
        Name = counters.List.Name,
        Type = counters.List.IsIpv6 ? "IPv6" : counters.List.IsStandard ? "Standard IP" : "Extended IP",
        Entries = [.. counters.List.Entries.Select(e => new AccessListEntryRecord(e.Sequence, e.Text, counters.Packets.GetValueOrDefault(e.Sequence)))],
        RestMatches = counters.Packets.GetValueOrDefault(NftablesCompiler.RestComment),
        PermitsRest = counters.List.PermitsRest,
        Interfaces = counters.Interfaces,
        AppliedTo = [.. uses.OrderBy(static u => u.Interface.Length).ThenBy(static u => u.Interface, StringComparer.Ordinal)],
    };

    private static IEnumerable<((string Name, string? Device) List, AccessListUseRecord Use)> Uses(InterfaceFilterCounters one)
    {
        var name = "Virtual-Access" + one.Device.AsSpan(2).ToString();
        foreach (var list in one.Filter.Inbound)
            yield return ((list.Name, list.IsOfSession ? one.Device : null), new AccessListUseRecord(name, "in", one.InboundPackets, one.InboundDenied));
        foreach (var list in one.Filter.Outbound)
            yield return ((list.Name, list.IsOfSession ? one.Device : null), new AccessListUseRecord(name, "out", one.OutboundPackets, one.OutboundDenied));
    }
}
