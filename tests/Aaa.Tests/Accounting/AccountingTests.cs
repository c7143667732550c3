using System.Net;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;
using Headend.Aaa.Client;
using Headend.Aaa.Radius;
using Headend.Aaa.Tests.Authentication;
using Headend.Aaa.Tests.Client;

namespace Headend.Aaa.Tests.Accounting;

public sealed class AccountingTests : IAsyncLifetime, IAccountingObserver
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5.01);
    private readonly ManualTimeProvider time = new();
    private readonly FakeRadiusServer server = new("acct");
    private readonly List<string> dropped = [];
    private RadiusClient client = null!;
    private RadiusServerGroup group = null!;

    public Task InitializeAsync()
    {
        client = new RadiusClient(new RadiusClientOptions { Jitter = 0 }, time);
        server.Options = server.Options with { Retransmit = 0 };
        group = client.CreateGroup(new RadiusGroupOptions("acct", [server.Options]));
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await client.DisposeAsync();
        server.Dispose();
    }

    void IAccountingObserver.Dropped(AccountingRecord record, string reason) => dropped.Add($"{record.Session.AcctSessionId} {record.Status}: {reason}");

    [Fact]
    public void A_stop_carries_the_session_the_counters_and_the_cause()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var stop = Session("s1").Stop(time.GetUtcNow() + TimeSpan.FromSeconds(90), new TrafficCounters(0x2_0000_0005, 7, 3, 4), AcctTerminateCause.IdleTimeout);
        var packet = Wire.Encode(stop.ToRequest(), secret, new byte[16], time.GetUtcNow() + TimeSpan.FromSeconds(100));
        uint Number(RadiusAttributeType type) => packet.TryGet(type, out var attribute) && attribute.TryGetUInt32(out var value) ? value : uint.MaxValue;
        Assert.Equal(2u, Number(RadiusAttributeType.AcctStatusType));
        Assert.Equal((5u, 2u), (Number(RadiusAttributeType.AcctInputOctets), Number(RadiusAttributeType.AcctInputGigawords)));
        Assert.Equal((7u, 0u), (Number(RadiusAttributeType.AcctOutputOctets), Number(RadiusAttributeType.AcctOutputGigawords)));
        Assert.Equal((3u, 4u), (Number(RadiusAttributeType.AcctInputPackets), Number(RadiusAttributeType.AcctOutputPackets)));
        Assert.Equal((90u, 4u, 1u), (Number(RadiusAttributeType.AcctSessionTime), Number(RadiusAttributeType.AcctTerminateCause), Number(RadiusAttributeType.AcctAuthentic)));
        Assert.Equal((10u, (uint)stop.EventAt.ToUnixTimeSeconds()), (Number(RadiusAttributeType.AcctDelayTime), Number(RadiusAttributeType.EventTimestamp)));
        Assert.Equal((0x0A630007u, 0xFFFFFF00u), (Number(RadiusAttributeType.FramedIpAddress), Number(RadiusAttributeType.FramedIpNetmask)));
        Assert.True(packet.TryGet(RadiusAttributeType.FramedIpv6Address, out _));
        Assert.Equal(["FF00", "01"], Wire.List(packet).Where(a => a.Type == RadiusAttributeType.Class).Select(a => Convert.ToHexString(a.Value.Span)));
        Assert.Equal("alice@corp", Encoding.UTF8.GetString(Wire.List(packet).Single(a => a.Type == RadiusAttributeType.UserName).Value.Span));
        Assert.Contains("audit-session-id=a1", Wire.CiscoPairs(packet));
        Assert.Contains("disc-cause-ext=Idle Timeout", Wire.CiscoPairs(packet));
        Assert.Equal("Idle-Timeout", stop.TerminateCause.ToString());
    }

    [Fact]
    public void A_start_has_no_usage()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var packet = Wire.Encode(Session("s1").Start().ToRequest(), secret, new byte[16], time.GetUtcNow());
        Assert.False(packet.TryGet(RadiusAttributeType.AcctInputOctets, out _));
        Assert.False(packet.TryGet(RadiusAttributeType.AcctSessionTime, out _));
        Assert.False(packet.TryGet(RadiusAttributeType.AcctTerminateCause, out _));
    }

    [Fact]
    public async Task Records_of_a_session_are_delivered_in_order()
    {
        server.Answer = Acknowledge;
        await using var queue = new AccountingQueue(client, group, time, null, this);
        var session = Session("s1");
        queue.Enqueue(session.Start());
        for (var i = 1; i <= 5; i++) queue.Enqueue(session.Interim(time.GetUtcNow(), new TrafficCounters((ulong)i, 0, 0, 0)));
        queue.Enqueue(session.Stop(time.GetUtcNow(), default, AcctTerminateCause.UserRequest));
        Assert.Equal(0, await queue.FlushAsync(TimeSpan.FromSeconds(5)));
        var seen = new List<uint>();
        for (var i = 0; i < 7; i++) seen.Add(Status((await server.NextAsync()).Packet));
        Assert.Equal([1, 3, 3, 3, 3, 3, 2], seen);
        Assert.Equal(7, queue.GetStatistics().Delivered);
    }

    [Fact]
    public async Task An_outage_is_waited_out_with_growing_pauses_and_a_growing_delay_time()
    {
        await using var queue = new AccountingQueue(client, group, time, null, this);
        queue.Enqueue(Session("s1").Start());
        var first = (await server.NextAsync()).Packet;
        var waited = TimeSpan.Zero;
        RadiusPacket last = first;
        for (var round = 0; round < 3; round++)
        {
            while (!server.HasMore)
            {
                time.Advance(TimeSpan.FromSeconds(1));
                waited += TimeSpan.FromSeconds(1);
                await Task.Delay(1); // the socket's own time
            }
            last = (await server.NextAsync()).Packet;
        }
        Assert.True(waited >= TimeSpan.FromSeconds(3 * 5 + 1 + 2 + 4), waited.ToString());
        Assert.True(queue.GetStatistics().Silent);
        Assert.Equal(Value(first, RadiusAttributeType.EventTimestamp), Value(last, RadiusAttributeType.EventTimestamp));
        Assert.True(Value(last, RadiusAttributeType.AcctDelayTime) >= 22);
        server.Answer = Acknowledge;
        var flushed = queue.FlushAsync(TimeSpan.FromMinutes(10));
        while (!flushed.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(2); // the socket's own time
        }
        Assert.Equal(0, await flushed);
        Assert.False(queue.GetStatistics().Silent);
    }

    [Fact]
    public async Task Want_of_room_drops_the_oldest_interims_and_nothing_else()
    {
        await using var queue = new AccountingQueue(client, group, time, new AccountingQueueOptions { MaximumRecords = 4 }, this);
        var (one, two) = (Session("s1"), Session("s2"));
        queue.Enqueue(one.Start());
        queue.Enqueue(two.Start());
        queue.Enqueue(one.Interim(time.GetUtcNow(), new TrafficCounters(1, 0, 0, 0)));
        queue.Enqueue(two.Interim(time.GetUtcNow(), new TrafficCounters(2, 0, 0, 0)));
        queue.Enqueue(one.Stop(time.GetUtcNow(), default, AcctTerminateCause.NasReboot));
        queue.Enqueue(two.Stop(time.GetUtcNow(), default, AcctTerminateCause.NasReboot));
        queue.Enqueue(Session("s3").Start());
        Assert.Equal(["s1 Interim-Update: the accounting queue is full", "s2 Interim-Update: the accounting queue is full"], dropped);
        Assert.Equal((5, 2), (queue.GetStatistics().Waiting, queue.GetStatistics().DroppedInterims));
    }

    [Fact]
    public async Task A_flush_ends_at_its_deadline_and_says_what_is_left()
    {
        await using var queue = new AccountingQueue(client, group, time, null, this);
        queue.Enqueue(Session("s1").Start());
        queue.Enqueue(Session("s1").Stop(time.GetUtcNow(), default, AcctTerminateCause.AdminReboot));
        var flush = queue.FlushAsync(TimeSpan.FromSeconds(3));
        await server.NextAsync();
        time.Advance(Timeout);
        Assert.Equal(2, await flush);
    }

    [Fact]
    public async Task Many_sessions_end_with_every_record_delivered_despite_loss()
    {
        var round = 0;
        server.Answer = request => Interlocked.Increment(ref round) % 3 == 0 ? [] : Acknowledge(request);
        await using var queue = new AccountingQueue(client, group, time, null, this);
        for (var i = 0; i < 300; i++)
        {
            var session = Session($"s{i}");
            queue.Enqueue(session.Start());
            queue.Enqueue(session.Stop(time.GetUtcNow(), default, AcctTerminateCause.UserRequest));
        }
        var flushed = queue.FlushAsync(TimeSpan.FromDays(1));
        while (!flushed.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1); // the socket's own time
        }
        Assert.Equal(0, await flushed);
        Assert.Equal(600, queue.GetStatistics().Delivered);
    }

    private static IEnumerable<byte[]> Acknowledge(RadiusPacket request) => [Wire.Reply(request, RadiusCode.AccountingResponse, FakeRadiusServer.Secret, false)];

    private static uint Status(RadiusPacket packet) => Value(packet, RadiusAttributeType.AcctStatusType);

    private static uint Value(RadiusPacket packet, RadiusAttributeType type)
        => packet.TryGet(type, out var attribute) && attribute.TryGetUInt32(out var value) ? value : uint.MaxValue;

    private AccountingSession Session(string id) => new(
        AccessRequestTests.Session with { AcctSessionId = id },
        SessionProfile.Empty with { UserName = "alice@corp", Ipv4Netmask = IPAddress.Parse("255.255.255.0"), Classes = [new byte[] { 0xFF, 0 }, new byte[] { 1 }] },
        [IPAddress.Parse("10.99.0.7"), IPAddress.Parse("2001:db8::7")], AcctAuthentic.Radius, time.GetUtcNow());
}
