using System.Net;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;
using static Headend.Aaa.Tests.DynamicAuthorization.DynamicWire;

namespace Headend.Aaa.Tests.DynamicAuthorization;

/// <summary>spec/aaa.md: allow-list, length, Request Authenticator, Message-Authenticator, Event-Timestamp, then what was seen before.</summary>
public sealed class DynamicAuthorizationChecksTests
{
    private readonly ManualTimeProvider time = new();

    [Fact]
    public void A_sealed_request_is_handed_out()
    {
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var verdict = checks.Check(Request(Disconnect, 7, AcctSessionId), Source, Local);
        Assert.NotNull(verdict.Request);
        Assert.True(verdict.Request.IsDisconnect);
        Assert.Equal(1, checks.InProgress);
    }

    // Made with hashlib and hmac of Python 3.11: a second implementation of RFC 5176 2.3 and RFC 3579 3.2.
    [Theory]
    [InlineData("2801003a1cbd6d4a5ff8a3ce3a92ff0c61ea8ed1", DynamicDiscard.Malformed)]
    public void A_cut_packet_is_malformed(string hex, DynamicDiscard expected)
        => Assert.Equal(expected, new DynamicAuthorizationChecks(Options(), time).Check(Convert.FromHexString(hex), Source, Local).Discard);

    [Fact]
    public void Who_is_no_client_gets_silence_whatever_the_packet()
    {
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var stranger = new IPEndPoint(IPAddress.Parse("192.0.2.8"), 40000);
        Assert.Equal(DynamicDiscard.UnknownClient, checks.Check(Request(Disconnect, 1, AcctSessionId), stranger, Local).Discard);
        Assert.Equal(DynamicDiscard.UnknownClient, checks.Check([1, 2, 3], stranger, Local).Discard);
    }

    [Fact]
    public void The_longest_prefix_gives_the_secret()
    {
        var checks = new DynamicAuthorizationChecks(
            Options(
                new DynamicAuthorizationClientOptions(IPNetwork.Parse("192.0.2.0/24"), RadiusSecret.FromText("another-secret-of-24-oct")),
                new DynamicAuthorizationClientOptions(IPNetwork.Parse("192.0.2.7/32"), RadiusSecret.FromText(Secret)),
                new DynamicAuthorizationClientOptions(IPNetwork.Parse("2001:db8::/32"), RadiusSecret.FromText(Secret))),
            time);
        Assert.NotNull(checks.Check(Request(Disconnect, 1, AcctSessionId), Source, Local).Request);
        Assert.NotNull(checks.Check(Request(Disconnect, 2, AcctSessionId), new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.7"), 1), Local).Request);
        Assert.NotNull(checks.Check(Request(Disconnect, 3, AcctSessionId), new IPEndPoint(IPAddress.Parse("2001:db8::9"), 1), Local).Request);
        Assert.Equal(DynamicDiscard.BadAuthenticator, checks.Check(Request(Disconnect, 4, AcctSessionId), new IPEndPoint(IPAddress.Parse("192.0.2.9"), 1), Local).Discard);
    }

    [Fact]
    public void Lengths_come_before_authenticators()
    {
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var request = Request(Disconnect, 1, AcctSessionId);
        Assert.Equal(DynamicDiscard.Malformed, checks.Check(request.AsSpan(0, request.Length - 1), Source, Local).Discard);
        request[21] = 1;
        Assert.Equal(DynamicDiscard.Malformed, checks.Check(request, Source, Local).Discard);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(12)]
    [InlineData(41)]
    [InlineData(44)]
    [InlineData(45)]
    [InlineData(255)]
    public void Other_codes_get_silence(byte code)
        => Assert.Equal(DynamicDiscard.UnexpectedCode, new DynamicAuthorizationChecks(Options(), time).Check(Request(code, 1, AcctSessionId), Source, Local).Discard);

    [Fact]
    public void A_wrong_secret_is_a_bad_authenticator()
    {
        var packet = Seal(Wire.Packet(Coa, 1, new byte[16], AcctSessionId, Wire.Attribute(80, new byte[16])), "some-other-secret");
        Assert.Equal(DynamicDiscard.BadAuthenticator, new DynamicAuthorizationChecks(Options(), time).Check(packet, Source, Local).Discard);
    }

    [Fact]
    public void A_wrong_message_authenticator_under_a_right_authenticator_gets_silence()
    {
        var packet = Request(Coa, 1, AcctSessionId);
        packet[^1] ^= 1;
        SealAuthenticator(packet, Secret);
        Assert.Equal(DynamicDiscard.BadMessageAuthenticator, new DynamicAuthorizationChecks(Options(), time).Check(packet, Source, Local).Discard);
    }

    [Fact]
    public void A_missing_message_authenticator_gets_silence_unless_the_client_may()
    {
        var packet = RequestWithoutMessageAuthenticator(Disconnect, 1, AcctSessionId);
        Assert.Equal(DynamicDiscard.MissingMessageAuthenticator, new DynamicAuthorizationChecks(Options(), time).Check(packet, Source, Local).Discard);
        var lenient = new DynamicAuthorizationClientOptions(new IPNetwork(Source.Address, 32), RadiusSecret.FromText(Secret)) { RequireMessageAuthenticator = false };
        Assert.NotNull(new DynamicAuthorizationChecks(Options(lenient), time).Check(packet, Source, Local).Request);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(-300, true)]
    [InlineData(300, true)]
    [InlineData(-301, false)]
    [InlineData(301, false)]
    public void An_event_timestamp_outside_of_the_window_gets_silence(int seconds, bool fits)
    {
        // RFC 5176 6.3: "If the Event-Timestamp Attribute is not current, then the packet MUST be silently discarded."
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var verdict = checks.Check(Request(Coa, 1, AcctSessionId, EventTimestamp(time.GetUtcNow().AddSeconds(seconds))), Source, Local);
        Assert.Equal(fits ? DynamicDiscard.None : DynamicDiscard.StaleEventTimestamp, verdict.Discard);
    }

    [Fact]
    public void A_client_may_be_made_to_send_event_timestamps()
    {
        var strict = new DynamicAuthorizationClientOptions(new IPNetwork(Source.Address, 32), RadiusSecret.FromText(Secret)) { RequireEventTimestamp = true };
        var checks = new DynamicAuthorizationChecks(Options(strict), time);
        Assert.Equal(DynamicDiscard.MissingEventTimestamp, checks.Check(Request(Coa, 1, AcctSessionId), Source, Local).Discard);
        Assert.NotNull(checks.Check(Request(Coa, 1, AcctSessionId, EventTimestamp(time.GetUtcNow())), Source, Local).Request);
    }

    [Fact]
    public void The_same_request_gets_the_same_octets_whoever_sends_it_again()
    {
        var checks = new DynamicAuthorizationChecks(Options(new DynamicAuthorizationClientOptions(IPNetwork.Parse("192.0.2.0/24"), RadiusSecret.FromText(Secret))), time);
        var packet = Request(Disconnect, 9, AcctSessionId);
        var request = checks.Check(packet, Source, Local).Request!;
        Assert.Equal(DynamicDiscard.InProgress, checks.Check(packet, Source, Local).Discard);

        var reply = checks.Complete(request, null);
        Assert.Equal(reply, checks.Check(packet, Source, Local).Reply);
        Assert.Equal(reply, checks.Check(packet, new IPEndPoint(IPAddress.Parse("192.0.2.99"), 5), Local).Reply);
        Assert.Equal(0, checks.InProgress);

        // As long as its Event-Timestamp could pass.
        time.Advance(TimeSpan.FromSeconds(599));
        Assert.Equal(reply, checks.Check(packet, Source, Local).Reply);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.NotNull(checks.Check(packet, Source, Local).Request);
    }

    [Fact]
    public void An_abandoned_request_counts_as_new()
    {
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var packet = Request(Disconnect, 9, AcctSessionId);
        checks.Abandon(checks.Check(packet, Source, Local).Request!);
        Assert.NotNull(checks.Check(packet, Source, Local).Request);
        Assert.Equal(1, checks.InProgress);
    }

    [Fact]
    public void The_memory_of_requests_is_bounded_and_forgets_the_oldest()
    {
        var checks = new DynamicAuthorizationChecks(Options() with { MaximumReplies = 4 }, time);
        byte[][] packets = [.. Enumerable.Range(0, 5).Select(i => Request(Disconnect, (byte)i, AcctSessionId))];
        foreach (var packet in packets) checks.Complete(checks.Check(packet, Source, Local).Request!, null);
        Assert.NotNull(checks.Check(packets[4], Source, Local).Reply);
        Assert.NotNull(checks.Check(packets[0], Source, Local).Request);
    }

    [Fact]
    public void The_memory_of_answers_is_bounded_in_octets_too()
    {
        var table = new ReplyTable(TimeSpan.FromSeconds(600), capacity: 1000, maximumOctets: 10_000);
        for (ulong i = 0; i < 100; i++)
        {
            Assert.True(table.TryBegin(new RequestKey(i, 0, 0), 0, out _));
            table.Complete(new RequestKey(i, 0, 0), new byte[4000]);
        }
        Assert.InRange(table.Count, 1, 3);
        Assert.False(table.TryBegin(new RequestKey(99, 0, 0), 0, out var reply));
        Assert.NotNull(reply);
    }

    [Fact]
    public void Too_many_at_a_time_are_refused_with_506_and_may_come_again()
    {
        var checks = new DynamicAuthorizationChecks(Options() with { MaximumInProgress = 1 }, time);
        var first = checks.Check(Request(Coa, 1, AcctSessionId), Source, Local).Request!;
        var packet = Request(Coa, 2, AcctSessionId);
        var verdict = checks.Check(packet, Source, Local);
        Assert.True(verdict.Overloaded);
        Assert.Equal((45, 506u), (Read(verdict.Reply!, packet).Code, Read(verdict.Reply!, packet).ErrorCause!.Value));
        checks.Complete(first, null);
        Assert.NotNull(checks.Check(packet, Source, Local).Request);
    }

    [Fact]
    public void A_reply_echoes_proxy_states_and_state_in_order()
    {
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var packet = Request(Coa, 3, Wire.Attribute(33, 1, 2), AcctSessionId, Wire.Attribute(24, 9), Wire.Attribute(33, 3), Wire.Attribute(33));
        var reply = checks.Complete(checks.Check(packet, Source, Local).Request!, ErrorCause.RequestInitiated);
        var (code, cause, attributes) = Read(reply, packet);
        Assert.Equal((45, 507u), (code, cause!.Value));
        Assert.Equal([80, 101, 6, 33, 24, 33, 33], attributes.Select(a => a.Type.Value));
        Assert.Equal([1, 2], attributes[3].Value.ToArray());
        Assert.Equal([9], attributes[4].Value.ToArray());
        Assert.Equal([3], attributes[5].Value.ToArray());
    }

    [Fact]
    public void What_leaves_no_room_for_the_answer_is_discarded()
    {
        var lenient = new DynamicAuthorizationClientOptions(new IPNetwork(Source.Address, 32), RadiusSecret.FromText(Secret)) { RequireMessageAuthenticator = false };
        var checks = new DynamicAuthorizationChecks(Options(lenient), time);
        var full = RequestWithoutMessageAuthenticator(Coa, 1, [.. Enumerable.Repeat(Wire.Attribute(33, new byte[253]), 15), Wire.Attribute(33, new byte[249])]);
        Assert.Equal(4096, full.Length);
        Assert.Equal(DynamicDiscard.TooMuchToEcho, checks.Check(full, Source, Local).Discard);
        var fits = RequestWithoutMessageAuthenticator(Coa, 1, [.. Enumerable.Repeat(Wire.Attribute(33, new byte[253]), 15), Wire.Attribute(33, new byte[219])]);
        var reply = checks.Complete(checks.Check(fits, Source, Local).Request!, ErrorCause.RequestInitiated);
        Assert.Equal(4096, reply.Length);
        Read(reply, fits);
    }

    [Fact]
    public void No_request_survives_the_change_of_any_octet()
    {
        var checks = new DynamicAuthorizationChecks(Options(), time);
        var packet = Request(Coa, 1, AcctSessionId, DynamicWire.UInt32(27, 60));
        for (var at = 0; at < packet.Length; at++)
        {
            for (var flip = 1; flip < 256; flip <<= 1)
            {
                packet[at] ^= (byte)flip;
                var verdict = checks.Check(packet, Source, Local);
                Assert.True(verdict.Request is null && verdict.Reply is null, $"octet {at} xor {flip}");
                packet[at] ^= (byte)flip;
            }
        }
        Assert.NotNull(checks.Check(packet, Source, Local).Request);
    }
}
