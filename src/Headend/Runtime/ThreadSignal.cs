using System.Runtime.InteropServices;

namespace Headend.Runtime;

/// <summary>
/// Wakes one thread at a time: a semaphore of the C library. A monitor's pulse wakes the waiter into the lock that its waker still holds, and costs two changes of thread more; this is one system call on either side,
/// after the lock. A signal that finds nobody stays for the next one to wait, so a waiter may wake up for nothing. Thread-safe.
/// </summary>
internal sealed unsafe partial class ThreadSignal
{
    /// <summary>sizeof(sem_t) on 64-bit Linux.</summary>
    private const int SemaphoreOctets = 32;

    private const int ClockMonotonic = 1;
    private const int Eintr = 4;
    private const long NanosecondsPerSecond = 1_000_000_000;

    // On the pinned heap, so that it lives and dies with this object: whoever signals late signals nobody.
    private readonly byte[] semaphore = GC.AllocateArray<byte>(SemaphoreOctets, pinned: true);

    public ThreadSignal()
    {
        if (Initialize(Address, 0, 0) != 0)
            throw new InvalidOperationException($"sem_init: errno {Marshal.GetLastPInvokeError()}");
    }

    private byte* Address => (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(semaphore, 0);

    /// <summary>Wakes one that waits, or lets the next one through.</summary>
    public void Set()
    {
        _ = Post(Address);
        GC.KeepAlive(semaphore);
    }

    /// <summary>Waits for a signal.</summary>
    /// <param name="timeout">At most so long; null for ever, zero or less not at all.</param>
    public void Wait(TimeSpan? timeout = null)
    {
        if (timeout is { } limit)
            WaitUntil(After(limit));
        else
            while (Wait(Address) != 0 && Marshal.GetLastPInvokeError() == Eintr) { }
        GC.KeepAlive(semaphore);
    }

    private void WaitUntil(TimeSpecification deadline)
    {
        while (Wait(Address, ClockMonotonic, &deadline) != 0 && Marshal.GetLastPInvokeError() == Eintr) { }
    }

    private static TimeSpecification After(TimeSpan wait)
    {
        TimeSpecification at;
        _ = GetTime(ClockMonotonic, &at);
        var nanoseconds = at.Nanoseconds + (Math.Max(0, wait.Ticks) % TimeSpan.TicksPerSecond * TimeSpan.NanosecondsPerTick);
        at.Seconds += (Math.Max(0, wait.Ticks) / TimeSpan.TicksPerSecond) + (nanoseconds / NanosecondsPerSecond);
        at.Nanoseconds = nanoseconds % NanosecondsPerSecond;
        return at;
    }

    [LibraryImport("libc", EntryPoint = "sem_init", SetLastError = true)]
    private static partial int Initialize(byte* semaphore, int shared, uint value);

    [LibraryImport("libc", EntryPoint = "sem_post")]
    private static partial int Post(byte* semaphore);

    [LibraryImport("libc", EntryPoint = "sem_wait", SetLastError = true)]
    private static partial int Wait(byte* semaphore);

    [LibraryImport("libc", EntryPoint = "sem_clockwait", SetLastError = true)]
    private static partial int Wait(byte* semaphore, int clock, TimeSpecification* deadline);

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static partial int GetTime(int clock, TimeSpecification* at);

    /// <summary>struct timespec of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TimeSpecification
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
