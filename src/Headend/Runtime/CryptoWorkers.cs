using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Microsoft.Extensions.Logging;

namespace Headend.Runtime;

/// <summary>
/// Threads for signatures, Diffie-Hellman and what local EAP methods burn. Work of established sessions is taken before the work of logins; within each it is first come, first
/// served. The answer goes straight to the shard that asked.
/// </summary>
internal sealed partial class CryptoWorkers : IDisposable
{
    private const ushort EcpP256 = 19;
    private const ushort Curve25519 = 31;

    private readonly Lock gate = new();
    private readonly ThreadSignal signal = new();
    private readonly Queue<Work> established = new();
    private readonly Queue<Work> logins = new();
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

    /// <summary>Operations and jobs of logins that wait; approximate.</summary>
    public int WaitingLogins => logins.Count;

    public void Post(IkeOperation operation, IkeShard shard) => Enqueue(operation.Established ? established : logins, new Work(operation, shard, null));

    /// <summary>
    /// Does a login's own arithmetic (a TLS handshake, a stretched password) in the logins' queue. Whoever awaits it continues on the worker's thread and must not
    /// block. A fault is the awaiter's.
    /// </summary>
    public Task<T> RunAsync<T>(Func<T> job)
    {
        var task = new Task<T>(job);
        Enqueue(logins, new Work(null, null, task));
        return task;
    }

    public void Dispose()
    {
        lock (gate)
            stopping = true;
        foreach (var _ in threads)
            signal.Set();
        foreach (var thread in threads)
            thread.Join();
    }

    /// <summary>
    /// Whether it is done on the shard's thread. Curve25519 and P-256 take less than a tenth of a millisecond, no more than the two changes of thread that a worker costs. A
    /// signature of RSA-2048 takes two to three tenths: there only while nothing else waits for the shard, so that it keeps nobody waiting for longer than that. Every other group and
    /// signature waits for a worker.
    /// </summary>
    /// <param name="operation">What is to be done.</param>
    /// <param name="nothingWaits">Nothing is behind it on its shard.</param>
    public static bool IsForShard(IkeOperation operation, bool nothingWaits) => operation switch
    {
        KeyAgreementEffect agreement => agreement.Method.Id is Curve25519 or EcpP256,
        SignAuthEffect { Credential.PrivateKey: ECDsa { KeySize: 256 } } => true,
        SignAuthEffect { Credential.PrivateKey: RSA { KeySize: <= 2048 } } => nothingWaits,
        _ => false,
    };

    /// <summary>Does the arithmetic and answers the shard.</summary>
    public void Perform(IkeOperation operation, IkeShard shard)
    {
        try
        {
            IkeCompletion completion = operation switch
            {
                KeyAgreementEffect agreement => agreement.Perform(crypto),
                SignAuthEffect sign => sign.Perform(),
                _ => throw new InvalidOperationException($"{operation.GetType().Name} is no arithmetic"),
            };
            shard.Post(completion, operation.Established);
        }
        catch (CryptographicException fault)
        {
            LogFault(logger, fault, operation.GetType().Name);
            shard.Post(new OperationFailedCompletion(operation.Id, $"{operation.GetType().Name}: {fault.Message}"), operation.Established);
        }
    }

    private void Run()
    {
        while (TryTake(out var work))
        {
            if (work.Job is { } job)
                job.RunSynchronously(TaskScheduler.Default);
            else
                Perform(work.Operation!, work.Shard!);
        }
    }

    private void Enqueue(Queue<Work> queue, Work work)
    {
        bool wakes;
        lock (gate)
        {
            queue.Enqueue(work);
            wakes = idle > 0;
            if (wakes)
                idle--;
        }

        if (wakes)
            signal.Set();
    }

    private bool TryTake(out Work work)
    {
        while (true)
        {
            lock (gate)
            {
                if (stopping)
                {
                    work = default;
                    return false;
                }

                if (established.TryDequeue(out work) || logins.TryDequeue(out work))
                    return true;
                idle++;
            }

            // Whoever signals has counted one idle thread less.
            signal.Wait();
        }
    }

    /// <summary>An operation of a shard, or a job; exactly one of them.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Work(IkeOperation? Operation, IkeShard? Shard, Task? Job);

    [LoggerMessage(EventId = 1101, EventName = "crypto-fault", Level = LogLevel.Error, Message = "{Operation} failed")]
    private static partial void LogFault(ILogger logger, Exception fault, string operation);
}
