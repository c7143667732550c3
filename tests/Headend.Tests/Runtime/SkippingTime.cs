namespace Headend.Tests.Runtime;

/// <summary>
/// The machine's clock, of which a test may skip a piece: every timer is then as much nearer, and what came due fires at once. Threads that wait by themselves (shards) notice
/// when they are woken.
/// </summary>
internal sealed class SkippingTime : TimeProvider
{
    private readonly Lock gate = new();
    private readonly HashSet<SkippingTimer> timers = [];
    private long skipped;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Volatile.Read(ref skipped));

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Volatile.Read(ref skipped) * ((double)TimestampFrequency / TimeSpan.TicksPerSecond));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SkippingTimer(this, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    public void Skip(TimeSpan span)
    {
        lock (gate)
        {
            Volatile.Write(ref skipped, skipped + span.Ticks);
            foreach (var timer in timers)
                timer.Arm();
        }
    }

    private sealed class SkippingTimer : ITimer
    {
        private readonly SkippingTime time;
        private readonly Action fire;
        private readonly ITimer inner;
        private TimeSpan period = Timeout.InfiniteTimeSpan;

        /// <summary>Null: fired for the last time, or not set.</summary>
        private DateTimeOffset? due;

        public SkippingTimer(SkippingTime time, Action fire)
        {
            (this.time, this.fire) = (time, fire);
            inner = System.CreateTimer(_ => Fire(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public bool Change(TimeSpan dueTime, TimeSpan newPeriod)
        {
            lock (time.gate)
            {
                due = dueTime == Timeout.InfiniteTimeSpan ? null : time.GetUtcNow() + dueTime;
                period = newPeriod == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : newPeriod;
                time.timers.Add(this);
                return due is null ? inner.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan) : Arm();
            }
        }

        /// <summary>Sets it anew for what is left; under the lock.</summary>
        public bool Arm() => due is not { } at || inner.Change(at > time.GetUtcNow() ? at - time.GetUtcNow() : TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        public void Dispose()
        {
            lock (time.gate)
                time.timers.Remove(this);
            inner.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Fire()
        {
            lock (time.gate)
            {
                // A skip may have set it once more while it was on the way here.
                if (due is null)
                    return;
                due = period == Timeout.InfiniteTimeSpan ? null : time.GetUtcNow() + period;
                Arm();
            }

            fire();
        }
    }
}
