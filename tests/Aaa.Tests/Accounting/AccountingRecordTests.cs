using System.Net;
using System.Text;
using Headend.Aaa.Accounting;
using Headend.Aaa.Authorization;
using Headend.Aaa.Radius;
using Headend.Aaa.Tests.Authentication;

namespace Headend.Aaa.Tests.Accounting;

public sealed class AccountingRecordTests
{
    private readonly ManualTimeProvider time = new();

    [Fact]
    public void A_stop_carries_the_session_the_counters_and_the_cause()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var stop = Session("s1").Stop(time.GetUtcNow() + TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(90), new TrafficCounters(0x2_0000_0005, 7, 3, 4), AcctTerminateCause.IdleTimeout);
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

    // A retransmission after a restart is the same record: only Acct-Delay-Time differs.
    [Fact]
    public void A_stored_record_is_sent_as_it_was()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var interim = Session("s1").Interim(time.GetUtcNow(), TimeSpan.Zero, new TrafficCounters(1, 2, 3, 4)).ToRequest();
        var stored = interim.EncodedAttributes.ToArray();
        var restored = new RadiusRequest(RadiusCode.AccountingRequest);
        Assert.True(restored.TryAddEncoded(stored, time.GetUtcNow()));
        var before = Wire.Encode(interim, secret, new byte[16], time.GetUtcNow() + TimeSpan.FromSeconds(3));
        var after = Wire.Encode(restored, secret, new byte[16], time.GetUtcNow() + TimeSpan.FromSeconds(700));
        Assert.Equal(
            Wire.List(before).Where(a => a.Type != RadiusAttributeType.AcctDelayTime).Select(a => (a.Type, Convert.ToHexString(a.Value.Span))),
            Wire.List(after).Where(a => a.Type != RadiusAttributeType.AcctDelayTime).Select(a => (a.Type, Convert.ToHexString(a.Value.Span))));
        Assert.True(after.TryGet(RadiusAttributeType.AcctDelayTime, out var delay) && delay.TryGetUInt32(out var seconds) && seconds == 700);
    }

    // An Access-Accept has room for more Class values than a record that echoes them (RFC 2865 5.25).
    [Fact]
    public void More_than_fits_costs_some_of_it_and_never_the_record()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var routes = Enumerable.Range(0, 16).Select(i => new PeerRoute(new IPNetwork(IPAddress.Parse($"10.{i}.0.0"), 16), null, null)).ToArray();
        var classes = Enumerable.Range(0, 15).Select(i => (ReadOnlyMemory<byte>)Enumerable.Repeat((byte)i, 253).ToArray());
        var session = new AccountingSession(
            AccessRequestTests.Session with { AcctSessionId = "s1" },
            SessionProfile.Empty with { UserName = new string('\u00fc', 200), PeerRoutes = [.. routes], Classes = [.. classes] },
            [IPAddress.Parse("10.99.0.7")], AcctAuthentic.Radius, time.GetUtcNow());
        var most = new TrafficCounters(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);
        foreach (var record in new[] { session.Start(), session.Stop(time.GetUtcNow(), TimeSpan.MaxValue, most, AcctTerminateCause.NasReboot) })
        {
            var request = record.ToRequest();
            Assert.Null(request.Error);
            var packet = Wire.Encode(request, secret, new byte[16], time.GetUtcNow());
            var list = Wire.List(packet);
            Assert.Equal(new string('\u00fc', 126), Encoding.UTF8.GetString(list.Single(a => a.Type == RadiusAttributeType.UserName).Value.Span));
            Assert.InRange(list.Count(a => a.Type == RadiusAttributeType.Class), 10, 15);
            Assert.Contains(list, a => a.Type == RadiusAttributeType.AcctSessionId);
        }
    }

    [Fact]
    public void Nothing_that_a_client_says_makes_a_record_unsendable()
    {
        var session = new AccountingSession(
            AccessRequestTests.Longest with { UserName = new string('\u20ac', 4000) },
            SessionProfile.Empty with { ChargeableUserIdentity = new byte[253], Classes = [new byte[253]] },
            [IPAddress.Parse("10.99.0.7"), IPAddress.Parse("2001:db8::7")], AcctAuthentic.Radius, time.GetUtcNow())
        {
            FramedIpv6Prefix = IPNetwork.Parse("2001:db8:1::/64"),
            DelegatedIpv6Prefix = IPNetwork.Parse("2001:db8:2::/56"),
            Netmask = IPAddress.Parse("255.255.255.0"),
        };
        var most = new TrafficCounters(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);
        Assert.Null(session.Start().ToRequest().Error);
        Assert.Null(session.Interim(time.GetUtcNow(), TimeSpan.MaxValue, most).ToRequest().Error);
        Assert.Null(session.Stop(time.GetUtcNow(), TimeSpan.MaxValue, most, AcctTerminateCause.AdminReset).ToRequest().Error);
    }

    // A Stop says more than a Start.
    [Fact]
    public void Whatever_has_a_start_has_room_for_its_stop()
    {
        var started = 0;
        for (var addresses = 190; addresses < 230; addresses++)
        {
            var session = new AccountingSession(
                AccessRequestTests.Session, SessionProfile.Empty with { UserName = "alice" }, Enumerable.Repeat(IPAddress.Parse("2001:db8::7"), addresses), AcctAuthentic.Radius, time.GetUtcNow());
            var start = session.Start().ToRequest();
            if (start.Error is not null)
                continue;
            started++;
            Assert.Null(session.Stop(time.GetUtcNow(), TimeSpan.MaxValue, default, AcctTerminateCause.AdminReset).ToRequest().Error);
        }

        Assert.InRange(started, 1, 39);
    }

    [Theory]
    [InlineData("01")]
    [InlineData("0100")]
    [InlineData("0101")]
    [InlineData("0105AABB")]
    public void What_is_no_sequence_of_attributes_is_not_restored(string hex) =>
        Assert.False(new RadiusRequest(RadiusCode.AccountingRequest).TryAddEncoded(Convert.FromHexString(hex), time.GetUtcNow()));

    private AccountingSession Session(string id) => new(
        AccessRequestTests.Session with { AcctSessionId = id },
        SessionProfile.Empty with { UserName = "alice@corp", Ipv4Netmask = IPAddress.Parse("255.255.255.0"), Classes = [new byte[] { 0xFF, 0 }, new byte[] { 1 }] },
        [IPAddress.Parse("10.99.0.7"), IPAddress.Parse("2001:db8::7")], AcctAuthentic.Radius, time.GetUtcNow());
}
