using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Gives the packets of interfaces the DSCP of their class, by nftables. Thread-safe.</summary>
internal sealed class DscpMarker : IDisposable
{
    private readonly MarkingTable table;
    private readonly LibNftables? library;
    private readonly NetlinkSocket? netfilter;
    private readonly string? missing;

    /// <summary>Makes the table; what an earlier run with the same state id left goes.</summary>
    public DscpMarker(string stateId, IReadOnlyList<PolicyMap> policies)
    {
        table = new MarkingTable(stateId, policies);
        if (!LibNftables.TryOpen(out var opened, out missing)) return;
        missing = opened.Run(table.IsEmpty ? table.Teardown() : table.Setup());
        if (missing is not null || table.IsEmpty)
        {
            opened.Dispose();
            return;
        }

        library = opened;
        netfilter = new NetlinkSocket(NetlinkSocket.Netfilter);
    }

    /// <summary>Brings an interface from one pair of policies to another, in one transaction. Null when done, else what is missing.</summary>
    public InterfaceFailure? Change(string device, SessionQos from, SessionQos to)
    {
        var steps = new List<NetlinkStep>();
        foreach (var isInput in new[] { true, false })
        {
            var (old, wanted) = (SetOf(from, isInput), SetOf(to, isInput));
            if (old == wanted) continue;
            if (old is not null) steps.Add(new NetlinkStep($"{device} out of {old}", NfTablesCodec.RemoveInterface(table.Name, old, device), Errno.ENOENT));
            if (wanted is not null) steps.Add(new NetlinkStep($"{device} in {wanted}", NfTablesCodec.AddInterface(table.Name, wanted, device)));
        }

        if (steps.Count == 0) return null;
        var name = $"DSCP of {device}";
        if (netfilter is null) return new InterfaceFailure(name, missing ?? "closed");
        var errno = netfilter.ExecuteTransaction(steps, out _);
        return errno == 0 ? null : new InterfaceFailure(name, Errno.Describe(errno));
    }

    public void Dispose()
    {
        if (library is null) return;
        library.Run(table.Teardown());
        library.Dispose();
        netfilter?.Dispose();
    }

    private string? SetOf(SessionQos qos, bool isInput) => table.SetOf(isInput ? qos.Input : qos.Output, isInput);
}
