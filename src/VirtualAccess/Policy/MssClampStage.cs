using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.Policy;

/// <summary>
/// <c>ip tcp adjust-mss</c> where packets do not pass this process: one nftables table of this headend's, one set of interfaces for each MSS in use. A packet's way
/// does not grow with sessions, and the kernel only ever lowers the option.
/// </summary>
public sealed class MssClampStage : IInterfaceStage
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    private readonly Lock gate = new();
    private readonly string table;
    private readonly LibNftables? library;
    private readonly NetlinkSocket? netfilter;
    private readonly string? missing;
    private readonly HashSet<int> sets = [];
    private readonly Dictionary<string, int> clamped = new(StringComparer.Ordinal);
    private readonly Action<string?>? restored;
    private readonly ITimer? watch;
    private bool disposed;

    /// <summary>Makes the table anew; what an earlier run with the same state id left goes.</summary>
    /// <param name="stateId">As in <see cref="InterfaceOptions.StateId"/>.</param>
    /// <param name="time">Clock of the watch over the table.</param>
    /// <param name="restored">Called when somebody else has deleted the table: null = all of it stands again, else why not. On a timer's thread.</param>
    public MssClampStage(string stateId, TimeProvider time, Action<string?>? restored = null)
    {
        this.restored = restored;
        table = TableOf(stateId);
        if (!LibNftables.TryOpen(out var opened, out missing)) return;
        if (opened.Run(Setup()) is { } refused)
        {
            opened.Dispose();
            missing = $"the kernel makes no nftables table ({refused})";
            return;
        }

        library = opened;
        netfilter = new NetlinkSocket(NetlinkSocket.Netfilter);
        watch = time.CreateTimer(_ => Watch(), null, WatchInterval, WatchInterval);
    }

    /// <summary>Takes away the table of a killed run with the same state id, where packets pass this process from now on.</summary>
    public static void RemoveLeftovers(string stateId)
    {
        // Without nftables there is none.
        if (!LibNftables.TryOpen(out var library, out _)) return;
        using (library) library.Run(Removal(TableOf(stateId)));
    }

    /// <inheritdoc/>
    public bool TryApply(InterfaceTarget target, InterfaceRequest? from, InterfaceRequest to, [NotNullWhen(false)] out InterfaceFailure? failure)
    {
        var wanted = to.Config.TcpAdjustMss?.Value ?? 0;
        lock (gate)
        {
            var standing = clamped.GetValueOrDefault(target.Device);
            var reason = wanted == standing ? null : Change(target.Device, standing, wanted);
            if (wanted == 0 && standing != 0) RemoveUnused();
            failure = reason is null ? null : new InterfaceFailure($"ip tcp adjust-mss {wanted} on {target.Device}", reason);
            return failure is null;
        }
    }

    /// <inheritdoc/>
    public void Remove(InterfaceTarget target, InterfaceRequest standing)
    {
        lock (gate)
        {
            if (!clamped.TryGetValue(target.Device, out var mss)) return;
            Change(target.Device, mss, 0);
            // Whatever came of it, the device goes.
            clamped.Remove(target.Device);
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
            library?.Run($"delete table inet {table}\n");
            library?.Dispose();
            netfilter?.Dispose();
        }
    }

    private static string TableOf(string stateId) => $"headend-mss-{stateId}";

    /// <summary>Whether it is there or not.</summary>
    private static string Removal(string table) => $"add table inet {table}\ndelete table inet {table}\n";

    // Whoever loads a firewall with "flush ruleset" in it takes our table along; without it no further interface could be clamped.
    private void Watch()
    {
        string? failure;
        lock (gate)
        {
            if (disposed || netfilter!.Execute([new NetlinkStep("table", NfTablesCodec.GetTable(table))])[0] != Errno.ENOENT) return;
            failure = library!.Run(Setup());
            sets.Clear();
            if (failure is null)
            {
                string?[] each = [.. clamped.ToArray().Select(one => Change(one.Key, 0, one.Value))];
                failure = Array.Find(each, static f => f is not null);
            }
        }

        restored?.Invoke(failure);
    }

    // With the last interface the sets of all values go.
    private void RemoveUnused()
    {
        if (clamped.Count == 0 && sets.Count > 0 && library?.Run(Setup()) is null) sets.Clear();
    }

    private string Setup()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Removal(table)}add table inet {table}\n");
        // Nearest to the interface: between them a packet of a VRF is one of the VRF's device.
        foreach (var hook in new[] { "prerouting", "postrouting" })
            text.Append(CultureInfo.InvariantCulture, $"add chain inet {table} {hook} {{ type filter hook {hook} priority mangle; policy accept; }}\n");
        return text.ToString();
    }

    private string SetOf(int mss)
    {
        var set = string.Create(CultureInfo.InvariantCulture, $"mss{mss}");
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"add set inet {table} {set} {{ type ifname; }}\n");
        foreach (var (hook, side) in new[] { ("prerouting", "iifname"), ("postrouting", "oifname") })
            text.Append(CultureInfo.InvariantCulture, $"add rule inet {table} {hook} {side} @{set} tcp flags & syn == syn tcp option maxseg size set {mss}\n");
        return text.ToString();
    }

    private string? Change(string device, int standing, int wanted)
    {
        if (library is null) return missing;
        if (wanted != 0 && !sets.Contains(wanted))
        {
            if (library.Run(SetOf(wanted)) is { } refused) return refused;
            sets.Add(wanted);
        }

        var steps = new List<NetlinkStep>();
        if (wanted != 0) steps.Add(new NetlinkStep($"{device} in mss{wanted}", NfTablesCodec.AddInterface(table, $"mss{wanted}", device)));
        if (standing != 0) steps.Add(new NetlinkStep($"{device} out of mss{standing}", NfTablesCodec.RemoveInterface(table, $"mss{standing}", device)));
        var errno = netfilter!.ExecuteTransaction(steps, out var failed);
        if (errno != 0) return $"{(failed < 0 ? "transaction" : steps[failed].Name)}: {Errno.Describe(errno)}";
        if (wanted == 0) clamped.Remove(device);
        else clamped[device] = wanted;
        return null;
    }
}
