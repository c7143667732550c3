using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>The timer of a session that waits for its client: it ends by the clock, whatever timers can do.</summary>
public sealed class SessionInactivityTests
{
    private static readonly TimeSpan Far = TimeSpan.FromDays(100);

    private readonly FiringTime time = new();
    private readonly MonotonicClock clock;
    private int ended;

    public SessionInactivityTests() => clock = new MonotonicClock(time);

    /// <summary>A timer of the machine takes 49.7 days at most and throws otherwise, at every start anew.</summary>
    [Fact]
    public void An_end_that_no_timer_reaches_is_watched_all_the_same()
    {
        var real = new MonotonicClock(TimeProvider.System);
        using var waits = Waits(real.Now + Far);
        waits.Watch(real, () => ended++);
        Assert.Equal(0, ended);
    }

    [Fact]
    public void A_timer_that_fires_early_is_set_again_for_the_rest()
    {
        using var waits = Waits(clock.Now + TimeSpan.FromMinutes(10));
        waits.Watch(clock, () => ended++);
        time.Advance(TimeSpan.FromMinutes(9));
        time.FireLast();
        Assert.Equal((0, TimeSpan.FromMinutes(1)), (ended, time.LastDue));
        time.Advance(TimeSpan.FromMinutes(1));
        time.FireLast();
        Assert.Equal((1, 2), (ended, time.Timers));
    }

    [Fact]
    public void A_far_end_comes_in_steps_and_once()
    {
        using var waits = Waits(clock.Now + Far);
        waits.Watch(clock, () => ended++);
        while (ended == 0)
        {
            time.Advance(time.LastDue);
            time.FireLast();
        }

        Assert.Equal((1, MonotonicTime.Zero + Far), (ended, clock.Now));
        Assert.InRange(time.Timers, 3, 20);
    }

    /// <summary>Its client was back before it was watched, or while its timer was on the way.</summary>
    [Fact]
    public void Nothing_is_set_behind_the_end_of_the_wait()
    {
        var waits = Waits(clock.Now + Far);
        waits.Watch(clock, () => ended++);
        waits.Dispose();
        time.FireLast();
        waits.Watch(clock, () => ended++);
        Assert.Equal((0, 1), (ended, time.Timers));
    }

    private static SessionInactivity Waits(MonotonicTime until) => new() { Grant = SessionGrant.Empty, Since = MonotonicTime.Zero, Until = until, ExpiresAt = null, IdleAt = null };

    /// <summary>Its timers fire when the test says so.</summary>
    private sealed class FiringTime : TimeProvider
    {
        private Action last = static () => { };
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public int Timers { get; private set; }

        public TimeSpan LastDue { get; private set; }

        public override long GetTimestamp() => ticks;

        public void Advance(TimeSpan by) => ticks += by.Ticks;

        public void FireLast() => last();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Timers++;
            LastDue = dueTime;
            last = () => callback(state);
            // Never fires by itself; whoever made it disposes of it.
            return System.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
