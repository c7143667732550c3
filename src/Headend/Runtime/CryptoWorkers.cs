using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>
/// Threads for signatures and Diffie-Hellman. Work of established sessions is taken before the work of logins; within each it is first come, first
/// served. The answer goes straight to the shard that asked.
/// </summary>
internal sealed partial class CryptoWorkers : IDisposable
{
    private readonly object gate = new();
    private readonly Queue<(IkeOperation Operation, IkeShard Shard)> established = new();
    private readonly Queue<(IkeOperation Operation, IkeShard Shard)> logins = new();
    private readonly Thread[] threads;
    private readonly ICryptoProvider crypto;
    private readonly ILogger logger;
    private int idle;
    private bool stopping;

    public CryptoWorkers(int threadCount, ICryptoProvider crypto, ILogger logger)
    {
        this.crypto = crypto;
        this.logger = logger;
        threads = new Thread[threadCount];
        for (var i = 0; i < threadCount; i++)
        {
            threads[i] = new Thread(Run) { IsBackground = true, Name = $"crypto-{i}" };
            threads[i].Start();
        }
    }

    /// <summary>Operations of logins that wait; approximate.</summary>
    public int WaitingLogins => logins.Count;

    public void Post(IkeOperation operation, IkeShard shard)
    {
        lock (gate)
        {
            (operation.Established ? established : logins).Enqueue((operation, shard));
            if (idle > 0)
                Monitor.Pulse(gate);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            stopping = true;
            Monitor.PulseAll(gate);
        }

        foreach (var thread in threads)
            thread.Join();
    }

    private void Run()
    {
        while (TryTake(out var work))
        {
            try
            {
                IkeCompletion completion = work.Operation switch
                {
                    KeyAgreementEffect agreement => agreement.Perform(crypto),
                    SignAuthEffect sign => sign.Perform(),
                    _ => throw new InvalidOperationException($"{work.Operation.GetType().Name} is no arithmetic"),
                };
                work.Shard.Post(completion, work.Operation.Established);
            }
            catch (CryptographicException fault)
            {
                LogFault(logger, fault, work.Operation.GetType().Name);
                work.Shard.Post(new OperationFailedCompletion(work.Operation.Id, $"{work.Operation.GetType().Name}: {fault.Message}"), work.Operation.Established);
            }
        }
    }

    private bool TryTake(out (IkeOperation Operation, IkeShard Shard) work)
    {
        lock (gate)
        {
            while (true)
            {
                if (stopping)
                {
                    work = default;
                    return false;
                }

                if (established.TryDequeue(out work) || logins.TryDequeue(out work))
                    return true;
                idle++;
                Monitor.Wait(gate);
                idle--;
            }
        }
    }

    [LoggerMessage(EventId = 1101, EventName = "crypto-fault", Level = LogLevel.Error, Message = "{Operation} failed")]
    private static partial void LogFault(ILogger logger, Exception fault, string operation);
}
