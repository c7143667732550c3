namespace Headend.Pki.Verification;

/// <summary>
/// One host that is asked: its slots, and whether it is left alone because it does not answer. A host that is dead or slow costs nobody who asks another one.
/// Thread-safe.
/// </summary>
internal sealed class RevocationHostGate(RevocationClientLimits limits, TimeProvider time) : IDisposable
{
    /// <summary>So many fetches in a row without an answer, and the host is left alone.</summary>
    private const int MostFailures = 3;

    /// <summary>For so long; the first failure after it begins the next rest.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim slots = new(limits.Fetches);
    private readonly Lock gate = new();
    private CancellationTokenSource waiting = new();
    private int failures;
    private long restsSince;

    private bool Rests => failures == MostFailures && time.GetElapsedTime(restsSince) < Rest;

    private static string AtRest => $"its host did not answer {MostFailures} times in a row and is left alone for {Rest.TotalSeconds} s";

    /// <summary>Null with a slot, which <see cref="Leave"/> gives back; else why there is none.</summary>
    public async Task<string?> EnterAsync()
    {
        CancellationToken rest;
        lock (gate)
        {
            if (Rests)
                return AtRest;
            rest = waiting.Token;
        }

        try
        {
            if (!await slots.WaitAsync(limits.Waiting, rest).ConfigureAwait(false))
                return $"its host has answered too slowly: {limits.Fetches} fetches were under way for {limits.Waiting.TotalSeconds} s";
        }
        catch (OperationCanceledException)
        {
            return AtRest;
        }

        lock (gate)
        {
            if (!Rests)
                return null;
        }

        // The slot came in the moment in which the rest began.
        slots.Release();
        return AtRest;
    }

    /// <param name="answered">The host said something, be it an error; false when it was silent, refused or broke off.</param>
    public void Leave(bool answered)
    {
        CancellationTokenSource? over = null;
        lock (gate)
        {
            failures = answered ? 0 : Math.Min(failures + 1, MostFailures);
            if (failures == MostFailures && !Rests)
            {
                restsSince = time.GetTimestamp();
                (over, waiting) = (waiting, new CancellationTokenSource());
            }
        }

        // Outside the lock: whoever waited goes on here. Not disposed: some may just be about to wait by it.
        over?.Cancel();
        slots.Release();
    }

    public void Dispose()
    {
        waiting.Cancel();
        waiting.Dispose();
        slots.Dispose();
    }
}
