using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Json;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Packet filters on nftables: one table of this headend's, one chain per distinct list. An interface gets its lists by its link group, so that lists of both directions
/// are replaced by one step of the kernel, and no packet passes between the old and the new.
/// </summary>
public sealed class FilterStage : IInterfaceStage, IFilterPreparation
{
    /// <summary>How long packets may pass unfiltered when somebody deletes our table.</summary>
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Characters of commands after which they are run.</summary>
    private const int MostGarbage = 32_768;

    private readonly Lock gate = new();
    private readonly FilterTable table;
    private readonly LibNftables? library;
    private readonly NetlinkSocket? netfilter;
    private readonly NetlinkSocket? route;
    private readonly Dictionary<string, Applied> interfaces = new(StringComparer.Ordinal);

    /// <summary>What <see cref="Prepare"/> made, one reference each.</summary>
    private readonly List<FilterGroup> prepared = [];

    /// <summary>Commands that unmake what nobody uses any more, while changes come one after the other.</summary>
    private readonly StringBuilder garbage = new();
    private bool gathers;
    private readonly Action<string?>? restored;
    private readonly ITimer? watch;
    private bool disposed;

    /// <summary>Makes the table; what an earlier run with the same state id left goes.</summary>
    /// <param name="stateId">As in <see cref="InterfaceOptions.StateId"/>.</param>
    /// <param name="standing">Lists of the configuration: their chains and counters stay as long as the process.</param>
    /// <param name="time">Clock of the watch over the table.</param>
    /// <param name="restored">Called when somebody else has deleted the table (<c>nft flush ruleset</c>): null = all lists stand again, else why they do not. On a timer's thread.</param>
    /// <exception cref="IOException">The kernel filters, but refuses one of these lists.</exception>
    public FilterStage(string stateId, IReadOnlyList<AccessList> standing, TimeProvider time, Action<string?>? restored = null)
    {
        this.restored = restored;
        table = new FilterTable(stateId);
        if (!LibNftables.TryOpen(out var opened, out var missing))
        {
            Missing = missing;
            return;
        }

        if (opened.Run(table.Setup()) is { } refused)
        {
            opened.Dispose();
            Missing = $"the kernel makes no nftables table ({refused})";
            return;
        }

        library = opened;
        netfilter = new NetlinkSocket(NetlinkSocket.Netfilter);
        route = new NetlinkSocket();
        foreach (var list in standing)
        {
            if (library.Run(table.AddStanding([list])) is not { } error) continue;
            Dispose();
            throw new IOException($"access list {list.Name}: {error}");
        }

        watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
    }

    /// <summary>Why this machine cannot filter; null where it can.</summary>
    public string? Missing { get; }

    /// <inheritdoc/>
    public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        lock (gate)
        {
            var standing = interfaces.GetValueOrDefault(target.Device);
            string? reason = null;
            if (to.Filter.IsNone)
            {
                if (standing is not null) reason = Leave(target, standing);
            }
            else if (library is null)
            {
                reason = Missing ?? "closed";
            }
            else
            {
                reason = Enter(library, target, standing, to.Filter);
            }

            failure = reason is null ? null : new InterfaceFailure($"packet filter of {target.Device}", reason);
            return failure is null;
        }
    }

    /// <inheritdoc/>
    public void Remove(InterfaceTarget target, InterfaceRequest standing)
    {
        lock (gate)
        {
            if (!interfaces.Remove(target.Device, out var applied) || library is null) return;
            Change(target.Device, null, applied.Group);
            Release(library, applied.Group);
        }
    }

    /// <inheritdoc/>
    /// <remarks>libnftables reads and the kernel validates the whole table in each transaction, however small.</remarks>
    public void Prepare(IEnumerable<InterfaceFilter> coming)
    {
        lock (gate)
        {
            if (library is null) return;
            gathers = true;
            ReleasePrepared(library);
            var commands = new StringBuilder();
            foreach (var filter in coming.Where(static filter => !filter.IsNone))
            {
                if (!table.TryAcquire(filter, out var made, out var group)) break;
                commands.Append(made);
                prepared.Add(group!);
            }

            if (commands.Length == 0 || Run(library, commands.ToString()) is null) return;
            foreach (var group in prepared) table.Release(group);
            prepared.Clear();
        }
    }

    /// <inheritdoc/>
    public void Settle()
    {
        lock (gate)
        {
            if (library is null || !gathers) return;
            ReleasePrepared(library);
            gathers = false;
            if (garbage.Length > 0) Run(library, "");
        }
    }

    /// <summary>The counters of all lists and interfaces. Takes as long as the kernel's listing: not for a shard's thread.</summary>
    public FilterStatistics GetStatistics()
    {
        if (library is null) return FilterStatistics.Empty;
        FilterChain[] standing;
        Applied[] applied;
        lock (gate)
        {
            standing = [.. table.Chains.Where(static c => !c.List.IsOfSession)];
            applied = [.. interfaces.Values];
        }

        if (library.Run($"list table inet {table.Name}", out var json) is not null) return FilterStatistics.Empty;
        FilterCounterParser counters;
        try
        {
            counters = FilterCounterParser.Parse(json);
        }
        catch (JsonException)
        {
            return FilterStatistics.Empty;
        }

        var users = applied.SelectMany(static a => a.Group.Chains.Distinct()).GroupBy(static c => c).ToDictionary(static g => g.Key, static g => g.Count());
        var lists = standing.Select(c => new AccessListCounters(c.List, null, counters.Of(c), users.GetValueOrDefault(c))).ToList();
        foreach (var one in applied)
        {
            lists.AddRange(one.Filter.Inbound.Concat(one.Filter.Outbound).Zip(one.Group.Chains).Where(static pair => pair.First.IsOfSession)
                .Select(pair => new AccessListCounters(pair.First, one.Device, counters.Of(pair.Second), users[pair.Second])));
        }

        return new FilterStatistics(lists, [.. applied.Select(a => Count(counters, a))]);
    }

    /// <summary>Removes the table.</summary>
    public void Dispose()
    {
        watch?.Dispose();
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            library?.Run(table.Teardown());
            library?.Dispose();
            netfilter?.Dispose();
            route?.Dispose();
        }
    }

    // Whoever loads a firewall with "flush ruleset" in it takes our table along, and with it every session's lists.
    private void Watch()
    {
        string? failure;
        lock (gate)
        {
            if (disposed || netfilter!.Execute([new NetlinkStep("table", NfTablesCodec.GetTable(table.Name))])[0] != Errno.ENOENT) return;
            garbage.Clear();
            failure = library!.Run(table.Restore(interfaces.Values.ToLookup(static a => a.Group, static a => a.Device)));
        }

        restored?.Invoke(failure);
    }

    private static InterfaceFilterCounters Count(FilterCounterParser counters, Applied applied)
    {
        var (device, filter) = (applied.Device, applied.Filter);
        var (metIn, metOut) = (counters.Of("met_in", device), counters.Of("met_out", device));
        return new InterfaceFilterCounters(
            device, filter, metIn, Math.Max(0, metIn - counters.Of("passed_in", device)), metOut, Math.Max(0, metOut - counters.Of("passed_out", device)));
    }

    private string? Enter(LibNftables nftables, InterfaceTarget target, Applied? standing, InterfaceFilter filter)
    {
        if (!table.TryAcquire(filter, out var commands, out var group)) return "65536 different filters are in use";
        if (commands.Length > 0 && Run(nftables, commands) is { } refused)
        {
            table.Release(group!);
            return refused;
        }

        var reason = group == standing?.Group ? null : Switch(target, standing?.Group, group);
        if (reason is not null)
        {
            Release(nftables, group!);
            return reason;
        }

        interfaces[target.Device] = new Applied(target.Device, filter, group!);
        if (standing is not null) Release(nftables, standing.Group);
        return null;
    }

    private string? Leave(InterfaceTarget target, Applied standing)
    {
        if (Switch(target, standing.Group, null) is { } reason) return reason;
        interfaces.Remove(target.Device);
        Release(library!, standing.Group);
        return null;
    }

    /// <summary>From the lists of one group to those of another: what the new ones need comes first, then the one step, then what the old ones needed goes.</summary>
    private string? Switch(InterfaceTarget target, FilterGroup? from, FilterGroup? to)
    {
        if (Change(target.Device, to, from, add: true) is { } reason) return reason;
        var errno = route!.Execute([new NetlinkStep($"group of {target.Device}", NetlinkCodec.SetGroup(target.Index, to?.Number ?? 0))])[0];
        Change(target.Device, errno == 0 ? to : from, errno == 0 ? from : to);
        return errno == 0 ? null : Errno.Describe(errno);
    }

    /// <summary>Adds the interface to the sets of one group that the other does not need, or takes it from those that only the other needs.</summary>
    private string? Change(string device, FilterGroup? wanted, FilterGroup? other, bool add = false)
    {
        var (keep, change) = add ? (other, wanted) : (wanted, other);
        var steps = new List<NetlinkStep>();
        foreach (var set in FilterTable.SetsOf(change).Except(FilterTable.SetsOf(keep)))
        {
            steps.Add(add
                ? new NetlinkStep($"{device} in {set}", NfTablesCodec.AddInterface(table.Name, set, device))
                : new NetlinkStep($"{device} out of {set}", NfTablesCodec.RemoveInterface(table.Name, set, device)));
        }

        if (steps.Count == 0) return null;
        var errno = netfilter!.ExecuteTransaction(steps, out var failed);
        return errno == 0 ? null : $"{(failed < 0 ? "transaction" : steps[failed].Name)}: {Errno.Describe(errno)}";
    }

    private void Release(LibNftables nftables, FilterGroup group)
    {
        garbage.Append(table.Release(group));
        if (garbage.Length > (gathers ? MostGarbage : 0)) Run(nftables, "");
    }

    private void ReleasePrepared(LibNftables nftables)
    {
        foreach (var group in prepared) Release(nftables, group);
        prepared.Clear();
    }

    /// <summary>Runs commands together with the removal of what is no longer used.</summary>
    private string? Run(LibNftables nftables, string commands)
    {
        if (garbage.Length == 0) return nftables.Run(commands);
        var unmake = garbage.ToString();
        garbage.Clear();
        if (nftables.Run(unmake + commands) is null) return null;
        // What cannot be unmade is of no effect: no interface is in the group any more, and the next start removes the table.
        if (commands.Length == 0) return null;
        nftables.Run(unmake);
        return nftables.Run(commands);
    }

    private sealed record Applied(string Device, InterfaceFilter Filter, FilterGroup Group);
}
