using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>
/// One thread for what makes system calls on interfaces and routes: the kernel serialises those anyway (rtnl). First in, first out, which keeps the order of
/// one session's creation and removal. Without a kernel data plane the work runs on the caller's thread.
/// </summary>
internal sealed partial class KernelWorker : IDisposable
{
    private readonly object gate = new();
    private readonly Queue<Action> work = new();
    private readonly Thread? thread;
    private readonly ILogger logger;
    private bool stopping;

    public KernelWorker(bool inline, ILogger logger)
    {
        this.logger = logger;
        if (inline)
            return;
        thread = new Thread(Run) { IsBackground = true, Name = "kernel" };
        thread.Start();
    }

    public void Post(Action action)
    {
        if (thread is null)
        {
            Perform(action);
            return;
        }

        lock (gate)
        {
            work.Enqueue(action);
            if (work.Count == 1)
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
            Action? action;
            lock (gate)
            {
                while (!work.TryDequeue(out action))
                {
                    if (stopping)
                        return;
                    Monitor.Wait(gate);
                }
            }

            Perform(action);
        }
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
}
