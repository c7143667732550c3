namespace Headend.Ikev2;

/// <summary>A point on the caller's monotonic clock, in ticks of 100 ns since an arbitrary start. The core never reads a clock; it is handed one.</summary>
public readonly record struct MonotonicTime(long Ticks) : IComparable<MonotonicTime>
{
    public static MonotonicTime Zero => default;

    public int CompareTo(MonotonicTime other) => Ticks.CompareTo(other.Ticks);

    public static MonotonicTime operator +(MonotonicTime time, TimeSpan span) => new(time.Ticks + span.Ticks);

    public static TimeSpan operator -(MonotonicTime left, MonotonicTime right) => TimeSpan.FromTicks(left.Ticks - right.Ticks);

    public static bool operator <(MonotonicTime left, MonotonicTime right) => left.Ticks < right.Ticks;

    public static bool operator >(MonotonicTime left, MonotonicTime right) => left.Ticks > right.Ticks;

    public static bool operator <=(MonotonicTime left, MonotonicTime right) => left.Ticks <= right.Ticks;

    public static bool operator >=(MonotonicTime left, MonotonicTime right) => left.Ticks >= right.Ticks;
}
