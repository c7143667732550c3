using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text.Json;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// Translation of clients' addresses on nftables: one table of this headend's, which stands as long as any interface translates, because the kernel tracks every
/// connection of the machine while it does. All translations of an interface change by one transaction.
/// </summary>
public sealed class NatStage : IInterfaceStage
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly NatTable table;
    private readonly LibNftables? library;
    private readonly NetlinkSocket? netfilter;
    private readonly NetlinkSocket? route;
    private readonly GlobalAddressTable? globals;
    private readonly ConntrackFlush? connections;
    private readonly Dictionary<string, Applied> interfaces = new(StringComparer.Ordinal);
    private readonly string? missing;
    private readonly Action<string?>? restored;
    private readonly ITimer? watch;
    private bool stands;
    private bool disposed;

    /// <summary>Removes what an earlier run with the same state id left.</summary>
    /// <param name="stateId">As in <see cref="InterfaceOptions.StateId"/>.</param>
    /// <param name="routeProtocol">As in <see cref="InterfaceOptions.RouteProtocol"/>.</param>
    /// <param name="time">Clock of the watch over the table.</param>
    /// <param name="restored">Called when somebody else has deleted the table: null = all of it stands again, else why not. On a timer's thread.</param>
    public NatStage(string stateId, byte routeProtocol, TimeProvider time, Action<string?>? restored = null)
    {
        this.restored = restored;
        table = new NatTable(stateId);
        if (!LibNftables.TryOpen(out var opened, out missing)) return;
        if (opened.Run(table.Clear()) is { } refused)
        {
            opened.Dispose();
            missing = $"the kernel makes no nftables table ({refused})";
            return;
        }

        library = opened;
        netfilter = new NetlinkSocket(NetlinkSocket.Netfilter);
        route = new NetlinkSocket();
        globals = new GlobalAddressTable(route, routeProtocol);
        globals.RemoveLeftovers();
        connections = new ConntrackFlush();
        watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
    }

    /// <summary>Tries a table of translations; null = this kernel has all of it, else what is missing.</summary>
    public static string? FindObstacle()
    {
        if (!LibNftables.TryOpen(out var library, out var missing)) return missing;
        using (library)
        {
            var probe = new NatTable("probe");
            var refused = library.Run(probe.Setup());
            if (refused is null) library.Run(probe.Teardown());
            return refused is null ? null : Explain(refused);
        }
    }

    /// <inheritdoc/>
    public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        if (!NatCompiler.TryCompile(to, out var wanted, out failure)) return false;
        bool changed;
        lock (gate)
        {
            var standing = interfaces.GetValueOrDefault(target.Device)?.Rules ?? [];
            changed = !standing.SequenceEqual(wanted);
            if (changed && (library is null || disposed)) failure = Of(wanted.Concat(standing).First(), missing ?? "closed");
            else if (changed) failure = Change(target, standing, wanted);
            // A change of the link may have taken the routes of what stays.
            if (failure is null && from is not null && !wanted.IsEmpty) globals!.Repair(target);
        }

        // Connections that stand would keep the addresses that they began with; also those of a network that went with its translation.
        if (failure is null && changed && from is not null) connections?.Flush([.. NetworksOf(from).Union(NetworksOf(to))]);
        return failure is null;
    }

    /// <inheritdoc/>
    public void Remove(InterfaceTarget target, InterfaceRequest standing)
    {
        lock (gate)
        {
            if (disposed || !interfaces.Remove(target.Device, out var applied)) return;
            // Whatever comes of it: the device goes, and a number that is used again begins with nothing.
            Exchange(target.Device, applied.Rules, []);
            globals!.Release(GlobalsOf(applied.Rules));
            RemoveUnused();
            connections!.Post(NetworksOf(standing));
        }
    }

    /// <summary>What the translations of an interface have met; empty without any. Takes as long as the kernel's listing: not for a shard's thread.</summary>
    public ImmutableArray<NatRuleCounters> Read(string device)
    {
        ImmutableArray<NatRule> rules;
        lock (gate) rules = interfaces.GetValueOrDefault(device)?.Rules ?? [];
        if (rules.IsEmpty || library is null) return [];
        var listings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var set in rules.SelectMany(r => NatTable.CountingSets(device, r)).Distinct())
        {
            if (library.Run($"list set inet {table.Name} {set}", out var json) is null) listings[set] = json;
        }

        try
        {
            return [.. rules.Select(r => NatTable.Count(device, r, listings))];
        }
        catch (JsonException)
        {
            return [.. rules.Select(r => new NatRuleCounters(r, 0, 0))];
        }
    }

    /// <summary>Removes the table, and waits until the connections of sessions that went are forgotten.</summary>
    public void Dispose()
    {
        watch?.Dispose();
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            globals?.Release(interfaces.Values.SelectMany(a => GlobalsOf(a.Rules)).ToArray());
            if (stands) library!.Run(table.Teardown());
            library?.Dispose();
            netfilter?.Dispose();
            connections?.Dispose();
            route?.Dispose();
        }
    }

    private static string Explain(string refused) => $"the kernel translates no addresses ({refused})";

    private static InterfaceFailure Of(NatRule rule, string reason, bool isMistake = false) => new(rule.Command, reason) { IsCommand = true, BadValue = isMistake };

    private static IEnumerable<IPAddress> GlobalsOf(IEnumerable<NatRule> rules) => rules.Select(r => r.Global).OfType<IPAddress>();

    private static IPNetwork[] NetworksOf(InterfaceRequest request) => [.. request.AllRoutes().Select(r => r.Network)];

    private InterfaceFailure? Change(InterfaceTarget target, ImmutableArray<NatRule> standing, ImmutableArray<NatRule> wanted)
    {
        var lost = wanted.Except(standing).FirstOrDefault(r => r.WayOut is { } wayOut && NativeMethods.InterfaceIndex(wayOut) == 0);
        if (lost is not null) return Of(lost, $"there is no interface {lost.WayOut}", isMistake: true);
        var coming = GlobalsOf(wanted).Except(GlobalsOf(standing)).ToArray();
        if (!stands)
        {
            globals!.RemoveLeftovers();
            if (library!.Run(table.Setup()) is { } refused) return Of(wanted[0], Explain(refused));
            stands = true;
        }

        InterfaceFailure? failure = null;
        if (globals!.Take(target, coming) is { } obstacle)
        {
            var rule = wanted.First(r => obstacle.Address.Equals(r.Global));
            failure = Of(rule, $"{obstacle.Address}: {obstacle.Reason}", obstacle.IsMistake);
        }
        else if (Exchange(target.Device, standing, wanted) is { } reason)
        {
            globals.Release(coming);
            failure = Of(wanted.Concat(standing).First(), reason);
        }
        else
        {
            globals.Release(GlobalsOf(standing).Except(GlobalsOf(wanted)).ToArray());
            if (wanted.IsEmpty) interfaces.Remove(target.Device);
            else interfaces[target.Device] = new Applied(target, wanted);
        }

        RemoveUnused();
        return failure;
    }

    private void RemoveUnused()
    {
        if (stands && interfaces.Count == 0 && library!.Run(table.Clear()) is null) stands = false;
    }

    /// <summary>One transaction, so that no connection begins between the old and the new.</summary>
    private string? Exchange(string device, ImmutableArray<NatRule> standing, ImmutableArray<NatRule> wanted)
    {
        var (old, all) = (NatTable.Elements(device, standing).ToArray(), NatTable.Elements(device, wanted).ToArray());
        return Run([.. old.Except(all).Select(table.Remove), .. all.Except(old).Select(table.Add)]);
    }

    private string? Run(List<NetlinkStep> steps)
    {
        if (steps.Count == 0) return null;
        var errno = netfilter!.ExecuteTransaction(steps, out var failed);
        return errno == 0 ? null : $"{(failed < 0 ? "transaction" : steps[failed].Name)}: {Errno.Describe(errno)}";
    }

    // Whoever loads a firewall with "flush ruleset" in it takes our table along, and with it every session's translations.
    private void Watch()
    {
        string? failure;
        lock (gate)
        {
            if (disposed || !stands || netfilter!.Execute([new NetlinkStep("table", NfTablesCodec.GetTable(table.Name))])[0] != Errno.ENOENT) return;
            failure = library!.Run(table.Setup());
            // One that cannot be had again keeps none of the others from it.
            if (failure is null)
            {
                string?[] each = [.. interfaces.Values.Select(a => Run([.. NatTable.Elements(a.Target.Device, a.Rules).Select(table.Add)]))];
                failure = Array.Find(each, static f => f is not null);
            }
        }

        restored?.Invoke(failure);
    }

    private sealed record Applied(InterfaceTarget Target, ImmutableArray<NatRule> Rules);
}
