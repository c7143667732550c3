using Headend.VirtualAccess.Linux;
using Headend.VirtualAccess.Policy;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>Gives the packets of interfaces the DSCP of their class, by nftables. Thread-safe.</summary>
internal sealed class DscpMarker : IDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly MarkingTable table;
    private readonly Dictionary<string, SessionQos> standing = new(StringComparer.Ordinal);
    private readonly Action<string?>? restored;
    private readonly ITimer? watch;
    private readonly LibNftables? library;
    private readonly NetlinkSocket? netfilter;
    private readonly string? missing;
    private bool disposed;

    /// <summary>Makes the table; what an earlier run with the same state id left goes.</summary>
    /// <param name="stateId">As in <see cref="InterfaceOptions.StateId"/>.</param>
    /// <param name="policies">Every policy-map that an interface may get.</param>
    /// <param name="time">Clock of the watch over the table.</param>
    /// <param name="restored">Called when somebody else has deleted the table: null = all of it stands again, else why not. On a timer's thread.</param>
    public DscpMarker(string stateId, IReadOnlyList<PolicyMap> policies, TimeProvider time, Action<string?>? restored)
    {
        this.restored = restored;
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
        watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
    }

    /// <summary>Brings an interface from one pair of policies to another, in one transaction. Null when done, else what is missing.</summary>
    public InterfaceFailure? Change(string device, SessionQos from, SessionQos to)
    {
        lock (gate)
        {
            var failure = Exchange(device, from, to);
            if (to == SessionQos.None) standing.Remove(device);
            else if (failure is null) standing[device] = to;
            return failure;
        }
    }

    public void Dispose()
    {
        watch?.Dispose();
        lock (gate)
        {
            if (library is null || disposed) return;
            disposed = true;
            library.Run(table.Teardown());
            library.Dispose();
            netfilter?.Dispose();
        }
    }

    private InterfaceFailure? Exchange(string device, SessionQos from, SessionQos to)
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

    // Whoever loads a firewall with "flush ruleset" in it takes our table along; without it no further interface could have its marks.
    private void Watch()
    {
        string? failure;
        lock (gate)
        {
            if (disposed || netfilter!.Execute([new NetlinkStep("table", NfTablesCodec.GetTable(table.Name))])[0] != Errno.ENOENT) return;
            failure = library!.Run(table.Setup());
            if (failure is null)
            {
                InterfaceFailure?[] each = [.. standing.Select(one => Exchange(one.Key, SessionQos.None, one.Value))];
                failure = Array.Find(each, static f => f is not null)?.ToString();
            }
        }

        restored?.Invoke(failure);
    }

    private string? SetOf(SessionQos qos, bool isInput) => table.SetOf(isInput ? qos.Input : qos.Output, isInput);
}
