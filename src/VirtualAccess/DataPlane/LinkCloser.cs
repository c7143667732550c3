using Headend.VirtualAccess.Linux;

namespace Headend.VirtualAccess.DataPlane;

/// <summary>
/// Deletes devices on a thread of its own. Deleting one costs the kernel an RCU barrier of some 20 ms, whoever waits for it; the devices of
/// a link group share one, so what has queued up meanwhile goes together.
/// </summary>
internal sealed class LinkCloser : IDisposable
{
    /// <summary>"head": a link group that only devices about to be deleted are put into.</summary>
    private const uint Group = 0x68656164;

    /// <summary>Waited on for deletions.</summary>
    private readonly object gate = new();
    private readonly NetlinkSocket netlink = new();
    private readonly SemaphoreSlim arrived = new(0);
    private readonly Thread thread;
    private List<IInterfaceDevice> queue = [];
    private List<IInterfaceDevice> deleting = [];
    private bool stopping;

    public LinkCloser()
    {
        thread = new Thread(Run) { IsBackground = true, Name = "link-close" };
        thread.Start();
    }

    public void Close(IInterfaceDevice device)
    {
        lock (gate) queue.Add(device);
        arrived.Release();
    }

    public void WaitIdle() => WaitWhile(static _ => true);

    /// <summary>Waits until a device of this name is gone, where it is on its way: the name can be used again then.</summary>
    public void WaitFor(string name) => WaitWhile(device => device.Name == name);

    public void Dispose()
    {
        lock (gate) stopping = true;
        arrived.Release();
        thread.Join();
        netlink.Dispose();
        arrived.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            arrived.Wait();
            lock (gate)
            {
                (deleting, queue) = (queue, []);
                if (deleting.Count == 0 && stopping) return;
            }

            Delete(deleting);
            lock (gate)
            {
                deleting = [];
                Monitor.PulseAll(gate);
            }
        }
    }

    private void WaitWhile(Predicate<IInterfaceDevice> isMeant)
    {
        lock (gate)
        {
            while (queue.Exists(isMeant) || deleting.Exists(isMeant)) Monitor.Wait(gate);
        }
    }

    /// <summary>When a netlink step fails, disposing a device deletes it all the same.</summary>
    private void Delete(List<IInterfaceDevice> batch)
    {
        if (batch.Count > 1)
        {
            foreach (var chunk in batch.Chunk(256))
            {
                netlink.Execute(
                [
                    .. chunk.Select(device => new NetlinkStep($"group of {device.Name}", NetlinkCodec.SetGroup(device.Index, Group))),
                    new NetlinkStep("delete group", NetlinkCodec.DeleteGroup(Group)),
                ]);
            }
        }

        foreach (var device in batch) device.Dispose();
    }
}
