using System.Net;
using Headend.Aaa.Accounting;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Accounting;

public sealed class AccountingClientTests : IAsyncLifetime
{
    private const uint Start = 1, Stop = 2, Interim = 3, On = 7, Off = 8;

    private readonly AccountingFixture fixture = new();
    private readonly MemorySpool spool = new();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        spool.Disk.Set();
        await fixture.DisposeAsync();
    }

    [Fact]
    public async Task A_record_is_on_disk_before_it_is_sent()
    {
        fixture.Acknowledge();
        var client = fixture.Open(spool);
        spool.Disk.Reset();
        var durable = client.Enqueue("acct", fixture.Session("s1").Start());
        for (var i = 0; i < 20; i++)
        {
            await Task.Delay(2);
            fixture.Time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.False(durable.IsCompleted);
        Assert.Empty(fixture.Seen);
        spool.Disk.Set();
        await durable.WaitAsync(TimeSpan.FromSeconds(30));
        await fixture.Until(() => client.Waiting == 0);
        Assert.Equal([("s1", Start)], fixture.Acknowledged);
        await fixture.Until(() => spool.Load().Records.Count == 0);
        Assert.Equal("s1", Assert.Single(spool.Load().OpenSessions).SessionId);
    }

    [Fact]
    public async Task Records_of_a_session_are_delivered_in_order_whatever_is_lost()
    {
        var random = new Random(7);
        fixture.Acknowledge(_ => random.Next(3) > 0);
        var client = fixture.Open(spool);
        for (var i = 0; i < 60; i++)
        {
            var session = fixture.Session($"s{i}");
            _ = client.Enqueue("acct", session.Start());
            _ = client.Enqueue("acct", session.Interim(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(1), new TrafficCounters(1, 0, 0, 0)));
            _ = client.Enqueue("acct", session.Stop(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(1), new TrafficCounters(2, 0, 0, 0), AcctTerminateCause.UserRequest));
        }
        await fixture.Until(() => client.Waiting == 0, TimeSpan.FromSeconds(1));
        foreach (var session in fixture.Acknowledged.GroupBy(a => a.Session))
            Assert.Equal([Start, Interim, Stop], session.Select(a => a.Status).Distinct());
        Assert.Equal(60, fixture.Acknowledged.Select(a => a.Session).Distinct().Count());
    }

    [Fact]
    public async Task An_outage_is_waited_out_one_record_at_a_time_with_growing_pauses_and_delay_times()
    {
        fixture.Silence();
        var client = fixture.Open(spool);
        for (var i = 0; i < 2000; i++) _ = client.Enqueue("acct", fixture.Session($"s{i}").Start());
        await fixture.Until(() => client.GetStatistics().Lists[0].SilentSince is not null, TimeSpan.FromSeconds(1));
        await fixture.Until(() => client.GetStatistics().Lists[0].InFlight <= 1, TimeSpan.FromSeconds(1));
        var before = fixture.Seen.Count;
        // Ten minutes of outage: 5 s of patience and up to 30 s of pause for each probe, not 2000 records in turn.
        for (var i = 0; i < 600; i++)
        {
            fixture.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }
        Assert.InRange(fixture.Seen.Count - before, 5, 60);
        fixture.Acknowledge();
        await fixture.Until(() => client.Waiting == 0, TimeSpan.FromSeconds(1));
        Assert.Equal(2000, fixture.Acknowledged.Select(a => a.Session).Distinct().Count());
        var sent = fixture.Seen.GroupBy(p => AccountingFixture.Text(p, RadiusAttributeType.AcctSessionId)).MaxBy(g => g.Count())!.ToList();
        Assert.True(sent.Count > 1);
        Assert.Single(sent.Select(p => AccountingFixture.Number(p, RadiusAttributeType.EventTimestamp)).Distinct());
        var delays = sent.ConvertAll(p => AccountingFixture.Number(p, RadiusAttributeType.AcctDelayTime));
        Assert.Equal(delays.Order(), delays);
        Assert.True(delays[^1] > 500, string.Join(' ', delays));
        Assert.Null(client.GetStatistics().Lists[0].SilentSince);
    }

    [Fact]
    public async Task Want_of_room_drops_the_oldest_interims_and_nothing_else()
    {
        fixture.Silence();
        var client = fixture.Open(spool, new AccountingLimits { MaximumRecords = 4, MaximumConcurrent = 1 });
        var (one, two) = (fixture.Session("s1"), fixture.Session("s2"));
        await client.Enqueue("acct", one.Start());
        await fixture.Until(() => fixture.Seen.Count > 0);
        _ = client.Enqueue("acct", two.Start());
        _ = client.Enqueue("acct", one.Interim(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(1), new TrafficCounters(1, 0, 0, 0)));
        _ = client.Enqueue("acct", two.Interim(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(1), new TrafficCounters(2, 0, 0, 0)));
        _ = client.Enqueue("acct", one.Stop(fixture.Time.GetUtcNow(), default, default, AcctTerminateCause.NasReboot));
        _ = client.Enqueue("acct", two.Stop(fixture.Time.GetUtcNow(), default, default, AcctTerminateCause.NasReboot));
        _ = client.Enqueue("acct", fixture.Session("s3").Start());
        Assert.Equal(
            ["dropped s1 Interim-Update: the accounting spool is full", "dropped s2 Interim-Update: the accounting spool is full"],
            fixture.Events.Where(e => e.StartsWith("dropped", StringComparison.Ordinal)));
        Assert.Equal((5, 2), (client.Waiting, client.GetStatistics().DroppedInterims));
        fixture.Acknowledge();
        await fixture.Until(() => client.Waiting == 0 && spool.Load().Records.Count == 0, TimeSpan.FromSeconds(1));
        Assert.Equal([("s1", Start), ("s1", Stop), ("s2", Start), ("s2", Stop), ("s3", Start)], fixture.Acknowledged.Distinct().Order());
    }

    [Fact]
    public async Task A_disk_that_refuses_delays_nothing_and_gets_the_records_later()
    {
        fixture.Silence();
        spool.Failure = "database or disk is full";
        var client = fixture.Open(spool);
        var (one, two) = (fixture.Session("s1"), fixture.Session("s2"));
        await client.Enqueue("acct", one.Start()).WaitAsync(TimeSpan.FromSeconds(30));
        await fixture.Until(() => fixture.Events.Contains("spool failed: database or disk is full"));
        await client.Enqueue("acct", two.Start()).WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(2, client.GetStatistics().Unsaved);
        await fixture.Until(() => fixture.Seen.Count >= 2, TimeSpan.FromSeconds(1));
        spool.Failure = null;
        await fixture.Until(() => fixture.Events.Contains("spool recovered"), TimeSpan.FromSeconds(1));
        await fixture.Until(() => client.GetStatistics().Unsaved == 0, TimeSpan.FromSeconds(1));
        Assert.Equal(["s1", "s2"], spool.Load().Records.Select(r => r.SessionId));
        Assert.Equal(["s1", "s2"], spool.Load().OpenSessions.Select(s => s.SessionId).Order());
        fixture.Acknowledge();
        await fixture.Until(() => client.Waiting == 0 && spool.Load().Records.Count == 0, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_flush_waits_for_servers_that_answer_and_not_for_silent_ones()
    {
        fixture.Acknowledge();
        var client = fixture.Open(spool);
        _ = client.Enqueue("acct", fixture.Session("s1").Start());
        var flush = client.FlushAsync(TimeSpan.FromHours(1));
        await fixture.Until(() => flush.IsCompleted);
        Assert.Equal(0, await flush);
        fixture.Silence();
        _ = client.Enqueue("acct", fixture.Session("s2").Start());
        flush = client.FlushAsync(TimeSpan.FromHours(1));
        await fixture.Until(() => flush.IsCompleted);
        Assert.Equal(1, await flush);
        Assert.Equal("s2", Assert.Single(spool.Load().Records).SessionId);
    }

    [Fact]
    public async Task Accounting_on_is_behind_what_was_left_and_before_what_is_new()
    {
        fixture.Silence();
        var client = fixture.Open(spool);
        await client.Enqueue("acct", fixture.Session("old1").Start());
        await client.Enqueue("acct", fixture.Session("old2").Start());
        await client.DisposeAsync();
        var left = spool.Load();
        Assert.Equal((2, 2), (left.Records.Count, left.OpenSessions.Count));

        fixture.Acknowledge();
        client = fixture.Open(spool);
        client.Announce(AcctStatusType.AccountingOn, "boot", "gw1", IPAddress.Parse("192.0.2.1"));
        await client.Enqueue("acct", fixture.Session("new").Start());
        client.Announce(AcctStatusType.AccountingOff, "boot", "gw1", IPAddress.Parse("2001:db8::1"));
        await fixture.Until(() => client.Waiting == 0, TimeSpan.FromSeconds(1));
        // A request that the virtual clock outran comes again.
        var order = fixture.Acknowledged.Distinct().ToList();
        Assert.Equal(7, order.Count);
        Assert.Equal(["old1", "old1", "old2", "old2"], order.Take(4).Select(a => a.Session).Order());
        Assert.Equal([("boot", On), ("new", Start), ("boot", Off)], order.Skip(4));
        var on = fixture.Seen.First(p => AccountingFixture.Number(p, RadiusAttributeType.AcctStatusType) == On);
        Assert.Equal("gw1", AccountingFixture.Text(on, RadiusAttributeType.NasIdentifier));
        // RFC 2866 4.1: servers close the sessions of the NAS that the On names, as their records named it.
        Assert.True(on.TryGet(RadiusAttributeType.NasIpAddress, out var four) && four.TryGetAddress(out var nas) && Equals(nas, IPAddress.Parse("192.0.2.1")));
        var off = fixture.Seen.First(p => AccountingFixture.Number(p, RadiusAttributeType.AcctStatusType) == Off);
        Assert.True(off.TryGet(RadiusAttributeType.NasIpv6Address, out var six) && six.TryGetAddress(out nas) && Equals(nas, IPAddress.Parse("2001:db8::1")));
    }

    [Fact]
    public async Task A_clock_that_is_set_back_takes_no_time_from_a_session_and_holds_up_nothing()
    {
        fixture.Silence();
        var client = fixture.Open(spool);
        var session = fixture.Session("s1");
        await client.Enqueue("acct", session.Start());
        _ = client.Enqueue("acct", session.Interim(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(500), default));
        // The pause after the silence has begun when the clock is set back by a day.
        await fixture.Until(() => client.GetStatistics().Lists[0].SilentSince is not null);
        fixture.Time.WallShift = TimeSpan.FromDays(-1);
        fixture.Acknowledge();
        var begun = fixture.Time.GetTimestamp();
        await fixture.Until(() => client.Waiting == 0, TimeSpan.FromSeconds(1));
        Assert.True(fixture.Time.GetElapsedTime(begun) < TimeSpan.FromHours(1));
        await fixture.Until(() => spool.Load().Records.Count == 0);
        var crashed = new MemorySpool(spool.Load());
        await client.DisposeAsync();

        client = fixture.Open(crashed);
        await fixture.Until(() => client.Waiting == 0);
        Assert.Equal(Stop, AccountingFixture.Number(fixture.Seen[^1], RadiusAttributeType.AcctStatusType));
        Assert.InRange(AccountingFixture.Number(fixture.Seen[^1], RadiusAttributeType.AcctSessionTime), 500u, 4100u);
    }

    // RFC 2866 5.10: NAS-Reboot (11) "NAS ended session in order to reboot".
    [Fact]
    public async Task After_a_crash_every_open_session_gets_its_stop_with_the_last_known_counters()
    {
        fixture.Acknowledge();
        var client = fixture.Open(spool);
        var begun = fixture.Time.GetUtcNow();
        var session = fixture.Session("s1", "bob");
        await client.Enqueue("acct", session.Start());
        fixture.Time.Advance(TimeSpan.FromSeconds(60));
        _ = client.Enqueue("acct", session.Interim(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(60), new TrafficCounters(5_000_000_000, 50, 5, 4)));
        fixture.Time.Advance(TimeSpan.FromSeconds(30));
        // A checkpoint that read less than the interim said does not take it back.
        client.Checkpoint([("s1", TimeSpan.FromSeconds(90), new TrafficCounters(4_000_000_000, 70, 4, 6))]);
        await fixture.Until(() => spool.Load().AliveAt is not null && client.Waiting == 0);
        var crashed = new MemorySpool(spool.Load());
        await client.DisposeAsync();

        var restartedAt = fixture.Time.GetUtcNow() + TimeSpan.FromHours(1);
        fixture.Time.Advance(TimeSpan.FromHours(1));
        client = fixture.Open(crashed);
        Assert.Equal(1, client.GetStatistics().Recovered);
        await fixture.Until(() => client.Waiting == 0);
        var stop = fixture.Seen[^1];
        uint Value(RadiusAttributeType type) => AccountingFixture.Number(stop, type);
        Assert.Equal((Stop, 11u), (Value(RadiusAttributeType.AcctStatusType), Value(RadiusAttributeType.AcctTerminateCause)));
        Assert.Equal(5_000_000_000, ((long)Value(RadiusAttributeType.AcctInputGigawords) << 32) + Value(RadiusAttributeType.AcctInputOctets));
        Assert.Equal((70u, 5u, 6u), (Value(RadiusAttributeType.AcctOutputOctets), Value(RadiusAttributeType.AcctInputPackets), Value(RadiusAttributeType.AcctOutputPackets)));
        Assert.Equal(90u, Value(RadiusAttributeType.AcctSessionTime));
        Assert.Equal((uint)begun.ToUnixTimeSeconds() + 90, Value(RadiusAttributeType.EventTimestamp));
        Assert.InRange(Value(RadiusAttributeType.AcctDelayTime), 3600u - 1, 3600u + 3600);
        Assert.Equal("bob", AccountingFixture.Text(stop, RadiusAttributeType.UserName));
        await fixture.Until(() => crashed.Load() is { Records.Count: 0, OpenSessions.Count: 0 });
        Assert.True(fixture.Time.GetUtcNow() >= restartedAt);
    }

    [Fact]
    public async Task A_session_that_goes_on_after_a_crash_has_one_stop_at_its_end()
    {
        fixture.Acknowledge();
        var client = fixture.Open(spool);
        var (one, two) = (fixture.Session("s1", "bob"), fixture.Session("s2", "eve"));
        await client.Enqueue("acct", one.Start());
        await client.Enqueue("acct", two.Start());
        client.Checkpoint([("s1", TimeSpan.FromSeconds(9), new TrafficCounters(1, 2, 3, 4)), ("s2", TimeSpan.FromSeconds(9), new TrafficCounters(5, 6, 7, 8))]);
        await fixture.Until(() => spool.Load().AliveAt is not null && client.Waiting == 0);
        var crashed = new MemorySpool(spool.Load());
        await client.DisposeAsync();

        client = fixture.Open(crashed, continuing: ["s1", "s2", "never heard of"]);
        Assert.Equal((0, 2), (client.GetStatistics().Recovered, client.GetStatistics().OpenSessions));
        Assert.Equal((new TrafficCounters(1, 2, 3, 4), TimeSpan.FromSeconds(9)), (client.FindContinued("s1")!.Counters, client.FindContinued("s1")!.SessionTime));
        Assert.Null(client.FindContinued("never heard of"));

        // One cannot go on after all; the other does and ends.
        client.EndContinued("s2", fixture.Time.GetUtcNow() + TimeSpan.FromSeconds(50), AcctTerminateCause.LostCarrier);
        client.EndContinued("s2", fixture.Time.GetUtcNow(), AcctTerminateCause.NasReboot);
        _ = client.Enqueue("acct", one.Stop(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(70), new TrafficCounters(10, 20, 30, 40), AcctTerminateCause.UserRequest));
        await fixture.Until(() => client.Waiting == 0);
        var stops = fixture.Seen.Where(r => AccountingFixture.Number(r, RadiusAttributeType.AcctStatusType) == Stop).ToList();
        Assert.Equal(
            [("s1", 1u, 10u), ("s2", 2u, 5u)],
            stops.Select(s => (AccountingFixture.Text(s, RadiusAttributeType.AcctSessionId), AccountingFixture.Number(s, RadiusAttributeType.AcctTerminateCause), AccountingFixture.Number(s, RadiusAttributeType.AcctInputOctets)))
                .OrderBy(s => s.Item1, StringComparer.Ordinal));
        await fixture.Until(() => crashed.Load() is { Records.Count: 0, OpenSessions.Count: 0 });
    }

    [Fact]
    public async Task A_record_that_servers_refuse_holds_up_its_session_and_not_accounting_on()
    {
        fixture.Acknowledge(p => AccountingFixture.Text(p, RadiusAttributeType.AcctSessionId) != "poison");
        var client = fixture.Open(spool);
        await client.Enqueue("acct", fixture.Session("poison").Start());
        client.Announce(AcctStatusType.AccountingOn, "boot", "gw1", null);
        var count = 0;
        await fixture.Until(
            () =>
            {
                // Others of before the Accounting-On cannot come; those behind it wait for it.
                if (count++ % 50 == 0) _ = client.Enqueue("acct", fixture.Session($"s{count}").Start());
                return fixture.Acknowledged.Contains(("boot", On)) || fixture.Events.Any(e => e.StartsWith("dropped boot", StringComparison.Ordinal));
            },
            TimeSpan.FromSeconds(1));
        await fixture.Until(() => client.Waiting == 1, TimeSpan.FromSeconds(1));
        Assert.Equal("poison", Assert.Single(spool.Load().Records, r => r.SessionId == "poison").SessionId);
    }

    [Fact]
    public async Task Servers_that_ignore_accounting_on_get_everything_else()
    {
        fixture.Acknowledge(p => AccountingFixture.Number(p, RadiusAttributeType.AcctStatusType) != On);
        var client = fixture.Open(spool);
        client.Announce(AcctStatusType.AccountingOn, "boot", "gw1", null);
        for (var i = 0; i < 20; i++) _ = client.Enqueue("acct", fixture.Session($"s{i}").Start());
        await fixture.Until(() => client.Waiting == 0, TimeSpan.FromSeconds(1));
        Assert.Contains("dropped boot Accounting-On: the servers ignore it and answer others", fixture.Events);
        Assert.Equal(20, fixture.Acknowledged.Distinct().Count());
        Assert.True(fixture.Seen.Count(p => AccountingFixture.Number(p, RadiusAttributeType.AcctStatusType) == On) >= DeliveryTable.BarrierPatience);
    }

    [Fact]
    public async Task Only_a_list_that_says_so_ends_sessions_in_an_outage()
    {
        fixture.Silence();
        var client = fixture.Open(spool, endSessionsAfter: TimeSpan.FromMinutes(5));
        await client.Enqueue("acct", fixture.Session("s1").Start());
        var over = fixture.Session("s2");
        await client.Enqueue("acct", over.Start());
        var begun = fixture.Time.GetUtcNow();
        await fixture.Until(() => fixture.Events.Contains("overdue s1 s2") || fixture.Events.Contains("overdue s2 s1"), TimeSpan.FromSeconds(1));
        Assert.True(fixture.Time.GetUtcNow() - begun > TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task A_start_that_cannot_be_encoded_is_said_and_holds_up_nobody()
    {
        fixture.Acknowledge();
        var client = fixture.Open(spool);
        var bad = fixture.Session("s1");
        bad.Session = bad.Session with { NasIdentifier = new string('x', 300) };
        Assert.Equal("NAS-Identifier has 300 octets, more than 253", await client.Enqueue("acct", bad.Start()));
        Assert.Null(await client.Enqueue("acct", fixture.Session("s2").Start()));
        await fixture.Until(() => client.Waiting == 0);
        Assert.Contains(fixture.Events, e => e.StartsWith("dropped s1 Start: NAS-Identifier has 300 octets", StringComparison.Ordinal));
        Assert.Equal([("s2", Start)], fixture.Acknowledged);
    }

    [Fact]
    public async Task A_session_that_had_its_start_has_its_stop_though_what_is_to_be_said_of_it_does_not_fit_any_more()
    {
        fixture.Acknowledge();
        var client = fixture.Open(spool);
        var session = fixture.Session("s1");
        Assert.Null(await client.Enqueue("acct", session.Start()));
        session.Session = session.Session with { NasIdentifier = new string('x', 300) };
        Assert.Null(await client.Enqueue("acct", session.Interim(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(1), new TrafficCounters(1, 0, 0, 0))));
        Assert.Null(await client.Enqueue("acct", session.Stop(fixture.Time.GetUtcNow(), TimeSpan.FromSeconds(2), new TrafficCounters(2, 0, 0, 0), AcctTerminateCause.UserRequest)));
        await fixture.Until(() => client.Waiting == 0);
        Assert.Equal([("s1", Start), ("s1", Interim), ("s1", Stop)], fixture.Acknowledged);
        Assert.Equal("gw1", AccountingFixture.Text(fixture.Seen[^1], RadiusAttributeType.NasIdentifier));
        await fixture.Until(() => spool.Load() is { Records.Count: 0, OpenSessions.Count: 0 });
    }

    [Fact]
    public async Task A_stored_session_that_leaves_no_room_for_its_stop_gets_one_with_the_beginning_of_its_description()
    {
        fixture.Acknowledge();
        var description = new RadiusRequest(RadiusCode.AccountingRequest).Add(RadiusAttributeType.AcctSessionId, "s1");
        while (description.HasRoomFor(253)) description.Add(RadiusAttributeType.Class, new byte[253]);
        while (description.HasRoomFor(4)) description.Add(RadiusAttributeType.Class, new byte[4]);
        var now = fixture.Time.GetUtcNow();
        var left = new SpoolContent([], [new OpenSessionRecord("s1", "acct", now, now, default, default, description.EncodedAttributes.ToArray())], now);
        var client = fixture.Open(new MemorySpool(left));
        Assert.Equal((1, 0), (client.GetStatistics().Recovered, client.GetStatistics().Unsendable));
        await fixture.Until(() => client.Waiting == 0);
        Assert.Equal([("s1", Stop)], fixture.Acknowledged);
    }

    [Fact]
    public async Task The_second_group_is_asked_when_the_first_is_silent_and_again_the_first_when_it_is_back()
    {
        await using var two = new AccountingFixture(groups: 2);
        two.Silence(0);
        two.Acknowledge(null, 1);
        var client = two.Open(new MemorySpool());
        await client.Enqueue("acct", two.Session("s1").Start());
        await two.Until(() => client.Waiting == 0, TimeSpan.FromSeconds(1));
        Assert.Equal(2, two.Seen.Count);
        // While the first is known to be silent nobody waits for it.
        var before = two.Time.GetUtcNow();
        await client.Enqueue("acct", two.Session("s2").Start());
        await two.Until(() => client.Waiting == 0);
        Assert.True(two.Time.GetUtcNow() - before < TimeSpan.FromSeconds(5));
        Assert.Equal(3, two.Seen.Count);
        two.Acknowledge(null, 0);
        two.Silence(1);
        two.Time.Advance(TimeSpan.FromMinutes(1));
        await client.Enqueue("acct", two.Session("s3").Start());
        await two.Until(() => client.Waiting == 0);
        Assert.Equal(["s1", "s2", "s3"], two.Acknowledged.Select(a => a.Session));
    }
}
