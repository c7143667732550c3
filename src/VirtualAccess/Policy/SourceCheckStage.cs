using System.Diagnostics.CodeAnalysis;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// <c>ipv6 verify unicast source reachable-via rx</c>: the kernel has a reverse path filter of its own for IPv4 only. One nftables table of this headend's, which stands as
/// long as an interface needs it, with one set of interfaces: a packet's way does not grow with sessions.
/// </summary>
public sealed class SourceCheckStage : IInterfaceStage
{
    private const string Members = "members";

    /// <summary>How long packets may pass unchecked when somebody deletes our table.</summary>
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(200);

    private readonly Lock gate = new();
    private readonly string table;
    private readonly LibNftables? library;
    private readonly NetlinkSocket? netfilter;
    private readonly string? missing;
    private readonly HashSet<string> interfaces = new(StringComparer.Ordinal);
    private readonly Action<string?>? restored;
    private readonly ITimer? watch;
    private bool stands;
    private bool disposed;

    /// <summary>Removes what an earlier run with the same state id left.</summary>
    /// <param name="stateId">As in <see cref="InterfaceOptions.StateId"/>.</param>
    /// <param name="time">Clock of the watch over the table.</param>
    /// <param name="restored">Called when somebody else has deleted the table: null = all of it stands again, else why not. On a timer's thread.</param>
    public SourceCheckStage(string stateId, TimeProvider time, Action<string?>? restored = null)
    {
        this.restored = restored;
        table = $"headend-rpf-{stateId}";
        if (!LibNftables.TryOpen(out var opened, out missing)) return;
        if (opened.Run(Clear()) is { } refused)
        {
            opened.Dispose();
            missing = $"the kernel makes no nftables table ({refused})";
            return;
        }

        library = opened;
        netfilter = new NetlinkSocket(NetlinkSocket.Netfilter);
        watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
    }

    /// <inheritdoc/>
    public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        lock (gate)
        {
            var wanted = to.Config.VerifyIpv6Source is not null;
            var reason = wanted == interfaces.Contains(target.Device) ? null : wanted ? Enter(target.Device) : Leave(target.Device);
            var command = (to.Config.VerifyIpv6Source ?? from?.Config.VerifyIpv6Source)?.Command;
            failure = reason is null ? null : new InterfaceFailure(command ?? "ipv6 verify unicast source", reason) { IsCommand = true };
            return failure is null;
        }
    }

    /// <inheritdoc/>
    public void Remove(InterfaceTarget target, InterfaceRequest standing)
    {
        lock (gate)
        {
            if (!interfaces.Contains(target.Device)) return;
            Leave(target.Device);
            // Whatever came of it, the device goes.
            interfaces.Remove(target.Device);
            RemoveUnused();
        }
    }

    /// <summary>Removes the table.</summary>
    public void Dispose()
    {
        watch?.Dispose();
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            if (stands) library?.Run(Clear());
            stands = false;
            library?.Dispose();
            netfilter?.Dispose();
        }
    }

    private string Clear() => $"add table inet {table}\ndelete table inet {table}\n";

    // Before connections are tracked, and before any list counts the packet.
    private string Setup() => Clear()
        + $"add table inet {table}\nadd set inet {table} {Members} {{ type ifname; }}\n"
        + $"add chain inet {table} received {{ type filter hook prerouting priority raw; policy accept; }}\n"
        + $"add rule inet {table} received meta nfproto ipv6 iifname @{Members} fib saddr . iif oif missing counter drop\n";

    private string? Enter(string device)
    {
        if (library is null) return missing;
        if (!stands)
        {
            if (library.Run(Setup()) is { } refused) return $"the kernel looks no routes up for nftables ({refused})";
            stands = true;
        }

        var reason = Run(NfTablesCodec.AddInterface(table, Members, device));
        if (reason is null) interfaces.Add(device);
        RemoveUnused();
        return reason;
    }

    private string? Leave(string device)
    {
        var reason = Run(NfTablesCodec.RemoveInterface(table, Members, device));
        if (reason is null) interfaces.Remove(device);
        RemoveUnused();
        return reason;
    }

    // Whoever loads a firewall with "flush ruleset" in it takes our table along, and then no interface could enter or leave it.
    private void Watch()
    {
        string? failure;
        lock (gate)
        {
            if (disposed || !stands || netfilter!.Execute([new NetlinkStep("table", NfTablesCodec.GetTable(table))])[0] != Errno.ENOENT) return;
            failure = library!.Run(Setup());
            if (failure is null)
            {
                string?[] each = [.. interfaces.Select(device => Run(NfTablesCodec.AddInterface(table, Members, device)))];
                failure = Array.Find(each, static f => f is not null);
            }
        }

        restored?.Invoke(failure);
    }

    private void RemoveUnused()
    {
        if (stands && interfaces.Count == 0 && library!.Run(Clear()) is null) stands = false;
    }

    private string? Run(byte[] message)
    {
        var errno = netfilter!.ExecuteTransaction([new NetlinkStep("interface", message)], out _);
        return errno == 0 ? null : Errno.Describe(errno);
    }
}
