using FsCheck;
using FsCheck.Fluent;
using Headend.Aaa.Accounting;

namespace Headend.Aaa.Tests.Accounting;

public sealed class DeliveryTableTests
{
    private static readonly DateTimeOffset Begin = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    // Any mix of arrivals, deliveries, refusals and drops: a session's records leave in order with one under way, an Accounting-On passes nobody and nobody
    // passes it unless it waits for a record that was refused again and again.
    [Fact]
    public void Order_holds_for_any_run_of_events() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => Run(seed)).Check(Config.QuickThrowOnFailure.WithMaxTest(400));

    // A record that is due while as many are under way as may be: what looks again is the end of one of those, not a timer that would fire without end.
    [Fact]
    public void Nobody_looks_again_for_what_may_not_be_sent_yet()
    {
        var list = new ListDelivery(new AccountingListOptions("acct", []), new AccountingLimits { MaximumConcurrent = 1 });
        list.Table.Add(Entry(1, "a", AcctStatusType.Start));
        Assert.True(list.Table.TryTake(Begin, out var refused));
        list.Table.Fail(refused, othersPassed: true, Begin);
        Assert.True(list.NextLook(Begin) > Begin);
        var due = list.NextLook(Begin)!.Value + TimeSpan.FromSeconds(1);
        list.InFlight = 1;
        Assert.False(list.MaySend(due));
        Assert.Null(list.NextLook(due));
        list.InFlight = 0;
        Assert.True(list.MaySend(due));
        Assert.True(list.Table.TryTake(due, out _));
        Assert.Null(list.NextLook(due));
    }

    private static void Run(int seed)
    {
        var random = new Random(seed);
        var table = new DeliveryTable();
        var now = Begin;
        var waiting = new List<SpoolEntry>();
        var underWay = new List<SpoolEntry>();
        var failures = new Dictionary<string, int>(StringComparer.Ordinal);
        long id = 1;
        for (var step = 0; step < 400; step++)
        {
            now += TimeSpan.FromSeconds(random.Next(3));
            switch (random.Next(step < 250 ? 6 : 5))
            {
                case 0 or 5:
                    var isNas = random.Next(20) == 0;
                    var entry = Entry(id++, isNas ? "nas" : $"s{random.Next(8)}", isNas ? AcctStatusType.AccountingOn : AcctStatusType.InterimUpdate);
                    table.Add(entry);
                    waiting.Add(entry);
                    break;
                case 1 or 2:
                    if (!table.TryTake(now, out var taken)) break;
                    Assert.Contains(taken, waiting);
                    Assert.DoesNotContain(underWay, e => e.Record.SessionId == taken.Record.SessionId && !taken.IsNas);
                    Assert.Equal(waiting.Where(e => e.Record.SessionId == taken.Record.SessionId).Min(e => e.Record.Id), taken.Record.Id);
                    // No refusals in this run: barriers are strict.
                    Assert.DoesNotContain(waiting.Concat(underWay), e => e.Record.Id < taken.Record.Id && (e.IsNas || taken.IsNas));
                    waiting.Remove(taken);
                    underWay.Add(taken);
                    break;
                case 3:
                    if (underWay.Count == 0) break;
                    var finished = underWay[random.Next(underWay.Count)];
                    underWay.Remove(finished);
                    // Failures short of the patience with what comes before an Accounting-On, so that it is never passed.
                    var failed = failures.GetValueOrDefault(finished.Record.SessionId);
                    if (random.Next(4) == 0 && failed < DeliveryTable.BarrierPatience - 1 && !finished.IsNas)
                    {
                        failures[finished.Record.SessionId] = failed + 1;
                        table.Fail(finished, othersPassed: false, now);
                        waiting.Add(finished);
                        break;
                    }
                    table.Complete(finished, out var abandoned);
                    Assert.Null(abandoned);
                    failures.Remove(finished.Record.SessionId);
                    break;
                case 4:
                    var droppable = waiting.Where(e => !e.IsNas).ToList();
                    if (droppable.Count == 0 || random.Next(4) > 0) break;
                    var victim = droppable[random.Next(droppable.Count)];
                    table.Remove(victim);
                    waiting.Remove(victim);
                    break;
            }
            Assert.Equal(waiting.Count + underWay.Count, table.Count);
        }
        // Everything gets through in the end.
        while (table.Count > 0)
        {
            while (table.TryTake(now, out var taken)) underWay.Add(taken);
            Assert.NotEmpty(underWay);
            foreach (var entry in underWay) table.Complete(entry, out _);
            underWay.Clear();
        }
    }

    [Fact]
    public void A_refused_record_is_postponed_longer_each_time_and_then_nothing_waits_for_it()
    {
        var table = new DeliveryTable();
        var poison = Entry(1, "poison", AcctStatusType.Start);
        table.Add(poison);
        table.Add(Entry(2, "nas", AcctStatusType.AccountingOn));
        var now = Begin;
        foreach (var seconds in (int[])[5, 10, 20])
        {
            Assert.True(table.TryTake(now, out var taken) && taken == poison);
            Assert.False(table.TryTake(now, out _));
            table.Fail(poison, othersPassed: true, now);
            Assert.Equal(now + TimeSpan.FromSeconds(seconds), table.NextDue);
            now += TimeSpan.FromSeconds(seconds);
        }
        Assert.Equal(1, table.Stuck);
        Assert.True(table.TryTake(now - TimeSpan.FromSeconds(1), out var on) && on.IsNas);
        table.Complete(on, out _);
        Assert.True(table.TryTake(now, out var again) && again == poison);
        table.Complete(again, out _);
        Assert.Equal((0, 0), (table.Count, table.Stuck));
    }

    private static SpoolEntry Entry(long id, string session, AcctStatusType status) => new(new SpooledRecord(id, "acct", session, status, Begin, new byte[10]));
}
