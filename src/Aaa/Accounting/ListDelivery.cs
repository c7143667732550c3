using Headend.Aaa.Client;

namespace Headend.Aaa.Accounting;

/// <summary>How one list stands with its servers. Guarded by its owner's lock.</summary>
internal sealed class ListDelivery
{
    private readonly GroupState[] groups;
    private readonly AccountingLimits limits;
    private int window;
    private TimeSpan backoff;
    private DateTimeOffset pausedUntil;

    public ListDelivery(AccountingListOptions options, AccountingLimits limits)
    {
        Options = options;
        this.limits = limits;
        groups = [.. options.Groups.Select(g => new GroupState(g))];
        window = limits.MaximumConcurrent;
    }

    public AccountingListOptions Options { get; }

    public DeliveryTable Table { get; } = new();

    public int InFlight { get; set; }

    public long Delivered { get; private set; }

    public long Failures { get; private set; }

    public DateTimeOffset? SilentSince { get; private set; }

    private DateTimeOffset LastSuccessAt { get; set; }

    /// <summary>Wakes the delivery when a pause is over.</summary>
    public ITimer? Timer { get; set; }

    /// <summary>Whether one more may be sent now. While the servers are silent one record at a time asks whether they are back.</summary>
    public bool MaySend(DateTimeOffset now) => InFlight < window && now >= pausedUntil;

    /// <summary>When to look again, or null when only an event brings more to do.</summary>
    public DateTimeOffset? NextLook(DateTimeOffset now)
    {
        if (now < pausedUntil)
            return pausedUntil;
        // What is due already waits for one that is under way; a timer set for it would fire again and again.
        return InFlight < window ? Table.NextDue : null;
    }

    /// <summary>The groups in the order in which a record asks them: those that answered last time, then the silent.</summary>
    public RadiusServerGroup[] Order(DateTimeOffset now) =>
        [.. groups.Where(g => g.SilentUntil <= now).Concat(groups.Where(g => g.SilentUntil > now)).Select(g => g.Group)];

    public void GroupFailed(RadiusServerGroup group, DateTimeOffset now)
    {
        // With nobody to turn to instead there is nothing to pass over.
        if (groups.Length > 1) StateOf(group).SilentUntil = now + limits.MaximumBackoff;
    }

    /// <summary>Whether the servers took other records well into an attempt that began at <paramref name="begunAt"/> and has failed now.</summary>
    public bool OthersPassed(DateTimeOffset begunAt, DateTimeOffset now) => LastSuccessAt > begunAt + ((now - begunAt) / 2);

    public void Succeeded(RadiusServerGroup group, DateTimeOffset now)
    {
        Delivered++;
        LastSuccessAt = now;
        StateOf(group).SilentUntil = default;
        SilentSince = null;
        backoff = TimeSpan.Zero;
        pausedUntil = default;
        // Not all at once onto a server that has just come back.
        window = Math.Min(window * 2, limits.MaximumConcurrent);
    }

    /// <summary>No server answered an attempt that began at <paramref name="begunAt"/>; returns the pause.</summary>
    public TimeSpan Failed(DateTimeOffset begunAt, DateTimeOffset now)
    {
        Failures++;
        // The records that were under way together fail together: one outage, one step.
        if (SilentSince is { } since && begunAt < since) return pausedUntil > now ? pausedUntil - now : TimeSpan.Zero;
        SilentSince ??= now;
        window = 1;
        backoff = backoff == TimeSpan.Zero ? limits.InitialBackoff : backoff * 2;
        if (backoff > limits.MaximumBackoff) backoff = limits.MaximumBackoff;
        pausedUntil = now + backoff;
        return backoff;
    }

    /// <summary>Not the servers' fault: the same again a little later.</summary>
    public void Postpone(DateTimeOffset now) => pausedUntil = now + limits.InitialBackoff;

    /// <summary>At shutdown it is worth asking at once.</summary>
    public void EndPause() => pausedUntil = default;

    private GroupState StateOf(RadiusServerGroup group) => Array.Find(groups, g => g.Group == group)!;

    private sealed class GroupState(RadiusServerGroup group)
    {
        public RadiusServerGroup Group { get; } = group;

        public DateTimeOffset SilentUntil { get; set; }
    }
}
