using Headend.Ikev2;

namespace Headend.Runtime;

/// <summary>The one clock of the process, in the units of the IKE core. Timestamps of the data plane come from the same <see cref="TimeProvider"/>.</summary>
internal sealed class MonotonicClock(TimeProvider time)
{
    private readonly double ticksPerUnit = (double)TimeSpan.TicksPerSecond / time.TimestampFrequency;

    public TimeProvider Time => time;

    public MonotonicTime Now => FromTimestamp(time.GetTimestamp());

    public MonotonicTime FromTimestamp(long timestamp) => new((long)(timestamp * ticksPerUnit));
}
