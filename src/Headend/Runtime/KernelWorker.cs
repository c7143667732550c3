using System.Diagnostics;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>
/// One thread for what makes system calls on interfaces and routes: the kernel serialises those anyway (rtnl). First in, first out, which keeps the order of
/// one session's creation and removal; the packet filters that the waiting work needs are made together. Without a kernel data plane the work runs on the caller's thread.
/// </summary>
internal sealed partial class KernelWorker : IDisposable
{
    /// <summary>Filters made together: some milliseconds in which the work behind them waits.</summary>
    private const int MostForeseen = 31;

    /// <summary>A transaction of filters costs the more the more filters stand. One that took so long, and up to the most, is followed by as long a pause in which others join the next.</summary>
    private static readonly TimeSpan WorthGathering = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestGathering = TimeSpan.FromMilliseconds(20);

    private readonly object gate = new();
    private readonly Queue<Work> queue = new();
    private readonly IFilterPreparation? filters;
    private readonly Thread? thread;
    private readonly ILogger logger;
    private bool stopping;

    /// <summary>How many of the work in hand and behind it have their filters made already.</summary>
    private int foreseen;

    // The worker's own: when the last transaction of filters ended, and how long it took.
    private long lastEnd;
    private TimeSpan lastCost;

    public KernelWorker(bool inline, IFilterPreparation? filters, ILogger logger)
    {
        this.filters = filters;
        this.logger = logger;
        if (inline)
            return;
        thread = new Thread(Run) { IsBackground = true, Name = "kernel" };
        thread.Start();
    }

    /// <summary>Work is done by whoever posts it.</summary>
    public bool IsInline => thread is null;

    /// <param name="action">The work.</param>
    /// <param name="filter">The packet filter that it will want, as far as that can be told now; it may want another one.</param>
    public void Post(Action action, InterfaceFilter? filter = null)
    {
        if (thread is null)
        {
            Perform(action);
            return;
        }

        lock (gate)
        {
            queue.Enqueue(new Work(action, filter));
            // The second: as many as one transaction takes, so that nothing is gained by gathering more.
            if (queue.Count is 1 or MostForeseen)
                Monitor.Pulse(gate);
        }
    }

    /// <summary>Finishes what was posted, then ends the thread.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            stopping = true;
            Monitor.PulseAll(gate);
        }

        thread?.Join();
    }

    private void Run()
    {
        while (true)
        {
            if (IsIdle())
                Perform(Settle);
            Work next;
            InterfaceFilter[] coming = [];
            lock (gate)
            {
                while (!queue.TryDequeue(out next))
                {
                    if (stopping)
                        return;
                    Monitor.Wait(gate);
                }

                if (foreseen > 0)
                    foreseen--;
                else if (next.Filter is not null && Gather())
                    coming = Foresee(next);
                else if (next.Filter is not null)
                    coming = [next.Filter];
            }

            if (coming.Length > 1)
                Measure(() => filters?.Prepare(coming));
            if (coming.Length == 1)
                Measure(next.Action);
            else
                Perform(next.Action);
        }
    }

    /// <summary>Waits for more work with filters where that is worth it. Under the gate, which it gives up meanwhile. False when there is none.</summary>
    private bool Gather()
    {
        while (lastCost >= WorthGathering && queue.Count < MostForeseen && !stopping
            && (lastCost < LongestGathering ? lastCost : LongestGathering) - Stopwatch.GetElapsedTime(lastEnd) is { Ticks: > 0 } left)
        {
            Monitor.Wait(gate, TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)));
        }

        return queue.Count > 0;
    }

    private void Measure(Action transaction)
    {
        var begin = Stopwatch.GetTimestamp();
        Perform(transaction);
        lastEnd = Stopwatch.GetTimestamp();
        lastCost = Stopwatch.GetElapsedTime(begin, lastEnd);
    }

    private bool IsIdle()
    {
        lock (gate)
        {
            return queue.Count == 0;
        }
    }

    private void Settle() => filters?.Settle();

    private InterfaceFilter[] Foresee(in Work next)
    {
        foreseen = Math.Min(queue.Count, MostForeseen);
        return [next.Filter!, .. queue.Take(foreseen).Where(static work => work.Filter is not null).Select(static work => work.Filter!)];
    }

    // One session's fault must not stop everybody's interfaces.
    private void Perform(Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is not OutOfMemoryException)
        {
            LogFault(logger, fault);
        }
    }

    [LoggerMessage(EventId = 1102, EventName = "kernel-fault", Level = LogLevel.Error, Message = "a data plane step failed unexpectedly")]
    private static partial void LogFault(ILogger logger, Exception fault);

    private readonly record struct Work(Action Action, InterfaceFilter? Filter);
}
