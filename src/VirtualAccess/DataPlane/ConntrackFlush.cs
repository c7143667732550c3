using System.Net;
using System.Net.Sockets;
using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Ends the kernel's memory of connections from and to clients that are gone or translated otherwise. It has no index by address: each flush walks all connections, so
/// that what has queued up meanwhile goes together. Thread-safe.
/// </summary>
internal sealed class ConntrackFlush : IDisposable
{
    private const int DeletionsAtOnce = 256;

    private readonly Lock gate = new();
    private readonly NetlinkSocket netfilter = new(NetlinkSocket.Netfilter);
    private readonly SemaphoreSlim arrived = new(0);
    private readonly Thread thread;
    private List<IPNetwork> queue = [];
    private bool stopping;

    public ConntrackFlush()
    {
        thread = new Thread(Run) { IsBackground = true, Name = "conntrack-flush" };
        thread.Start();
    }

    /// <summary>Later, with what else there is.</summary>
    public void Post(IEnumerable<IPNetwork> networks)
    {
        lock (gate) queue.AddRange(networks);
        arrived.Release();
    }

    /// <summary>Forgets the connections of these hosts, and the translated ones of these networks, on the caller's thread.</summary>
    public void Flush(IReadOnlyCollection<IPNetwork> networks)
    {
        foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
        {
            var ofFamily = networks.Where(n => n.BaseAddress.AddressFamily == family).ToArray();
            if (ofFamily.Length > 0) Flush(family, ofFamily);
        }
    }

    /// <summary>Behind what was posted.</summary>
    public void Dispose()
    {
        lock (gate) stopping = true;
        arrived.Release();
        thread.Join();
        netfilter.Dispose();
        arrived.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            arrived.Wait();
            List<IPNetwork> batch;
            lock (gate)
            {
                (batch, queue) = (queue, []);
                if (batch.Count == 0 && stopping) return;
            }

            Flush(batch);
        }
    }

    private void Flush(AddressFamily family, IPNetwork[] networks)
    {
        var hosts = networks.Where(IsHost).Select(n => n.BaseAddress).ToHashSet();
        var wider = networks.Where(n => !IsHost(n)).Distinct().ToArray();
        var deletions = new List<NetlinkStep>();
        netfilter.Dump(ConntrackCodec.Dump(family), (type, body) =>
        {
            if (!ConntrackCodec.TryRead(type, body, out var one)) return;
            // A network behind a client may be wide, and what is not translated in it another's.
            var isMeant = hosts.Contains(one.Originator) || hosts.Contains(one.Responder) || (one.IsTranslated && (IsBehind(one.Originator) || IsBehind(one.Responder)));
            if (isMeant) deletions.Add(new NetlinkStep("connection", ConntrackCodec.Delete(body)));
        });
        // One that ended by itself meanwhile is no failure, and there is nothing to be done about another.
        foreach (var chunk in deletions.Chunk(DeletionsAtOnce)) netfilter.Execute(chunk);

        bool IsBehind(IPAddress address) => Array.Exists(wider, n => n.Contains(address));
    }

    private static bool IsHost(IPNetwork network) => network.PrefixLength == (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128);
}
