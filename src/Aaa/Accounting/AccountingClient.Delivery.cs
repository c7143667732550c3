using Headend.Aaa.Client;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Accounting;

/// <summary>The delivery: as many records of a list as its window allows, one of a session at a time. No task and no timer for a record that only waits.</summary>
public sealed partial class AccountingClient
{
    private readonly DateTimeOffset openedAt;
    private readonly long openedTimestamp;
    private bool isStarted;

    /// <summary>The wall clock as if nobody had set it since the start: a pause of seconds must not become one of hours.</summary>
    private DateTimeOffset SteadyNow => openedAt + time.GetElapsedTime(openedTimestamp);

    private void PumpAll()
    {
        foreach (var list in lists.Values) Pump(list);
    }

    private void Pump(ListDelivery list)
    {
        List<SpoolEntry>? sending = null;
        RadiusServerGroup[] order;
        lock (gate)
        {
            if (!isStarted) return;
            var now = SteadyNow;
            while (list.MaySend(now) && list.Table.TryTake(now, out var entry))
            {
                if (entry.Droppable is { } node) droppable.Remove(node);
                entry.Droppable = null;
                list.InFlight++;
                (sending ??= []).Add(entry);
            }
            if (list.NextLook(now) is { } next) list.Timer!.Change(next > now ? next - now : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            if (sending is null) return;
            order = list.Order(now);
        }
        foreach (var entry in sending) _ = SendAsync(list, entry, order);
    }

    private async Task SendAsync(ListDelivery list, SpoolEntry entry, RadiusServerGroup[] order)
    {
        var begunAt = SteadyNow;
        var request = new RadiusRequest(RadiusCode.AccountingRequest);
        RadiusOutcome outcome = new RadiusOutcome.Unsendable("the stored record is damaged");
        var group = order[0];
        if (request.TryAddEncoded(entry.Record.Attributes.Span, entry.Record.EventAt))
        {
            try
            {
                foreach (var next in order)
                {
                    group = next;
                    outcome = await radius.SendAsync(group, request, stopping.Token).ConfigureAwait(false);
                    if (!IsSilence(outcome)) break;
                    lock (gate) list.GroupFailed(group, SteadyNow);
                }
            }
            catch (OperationCanceledException)
            {
                // Disposed: the record is in the spool, and the next start sends it again.
                return;
            }
        }
        if (outcome is RadiusOutcome.Unavailable { Reason: UnavailableReason.Stopping }) return;
        Settle(list, entry, group, outcome, begunAt);
        Pump(list);
    }

    private static bool IsSilence(RadiusOutcome outcome) =>
        outcome is RadiusOutcome.Unavailable { Reason: UnavailableReason.NoAnswer or UnavailableReason.SocketError };

    private void Settle(ListDelivery list, SpoolEntry entry, RadiusServerGroup group, RadiusOutcome outcome, DateTimeOffset begunAt)
    {
        SpoolEntry? abandoned = null;
        IReadOnlyList<string> overdue = [];
        var pause = TimeSpan.Zero;
        var stuckNow = false;
        lock (gate)
        {
            list.InFlight--;
            var now = SteadyNow;
            switch (outcome)
            {
                case RadiusOutcome.Answer:
                    delivered++;
                    list.Succeeded(group, now);
                    list.Table.Complete(entry, out abandoned);
                    Finish(entry);
                    break;
                case RadiusOutcome.Unsendable or RadiusOutcome.Unavailable { Reason: UnavailableReason.UnknownServer }:
                    unsendable++;
                    list.Table.Complete(entry, out abandoned);
                    Finish(entry);
                    break;
                case RadiusOutcome.Unavailable { Reason: UnavailableReason.TooManyInFlight }:
                    list.Postpone(now);
                    list.Table.Fail(entry, othersPassed: false, now);
                    MakeDroppable(entry);
                    break;
                default:
                    var others = list.OthersPassed(begunAt, now);
                    var stuckBefore = list.Table.Stuck;
                    list.Table.Fail(entry, others, now);
                    stuckNow = list.Table.Stuck > stuckBefore;
                    if (!others) pause = list.Failed(begunAt, now);
                    overdue = FindOverdue(list, time.GetUtcNow());
                    MakeDroppable(entry);
                    CheckDrained();
                    break;
            }
            if (abandoned is not null)
            {
                unsendable++;
                Finish(abandoned);
            }
        }
        Tell(list, entry, outcome, pause, abandoned, stuckNow, overdue);
    }

    private void Tell(
        ListDelivery list, SpoolEntry entry, RadiusOutcome outcome, TimeSpan pause, SpoolEntry? abandoned, bool stuckNow, IReadOnlyList<string> overdue)
    {
        if (outcome is RadiusOutcome.Answer) observer.Delivered(entry.Record);
        else if (outcome is RadiusOutcome.Unavailable unavailable && IsSilence(outcome)) observer.Delayed(entry.Record, unavailable, pause);
        else if (outcome is RadiusOutcome.Unavailable { Reason: not UnavailableReason.TooManyInFlight } invalid) observer.Dropped(entry.Record, invalid.Explain());
        else if (outcome is RadiusOutcome.Unsendable unsendable) observer.Dropped(entry.Record, unsendable.Explain());
        if (abandoned is not null) observer.Dropped(abandoned.Record, "the servers ignore it and answer others");
        if (stuckNow) observer.Stuck(entry.Record);
        if (overdue.Count > 0) observer.SessionsOverdue(list.Options.Name, overdue);
    }

    private void MakeDroppable(SpoolEntry entry)
    {
        if (entry.Record.Status == AcctStatusType.InterimUpdate) entry.Droppable = droppable.AddFirst(entry);
    }

    private IReadOnlyList<string> FindOverdue(ListDelivery list, DateTimeOffset now)
    {
        if (list.Options.EndSessionsAfter is not { } limit) return [];
        return [.. list.Table.Heads.Where(r => now - r.EventAt > limit && open.ContainsKey(r.SessionId)).Select(r => r.SessionId)];
    }
}
