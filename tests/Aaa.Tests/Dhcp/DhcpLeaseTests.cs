using System.Net;
using Headend.Aaa.Dhcp;
using static Headend.Aaa.Tests.Dhcp.DhcpWire;

namespace Headend.Aaa.Tests.Dhcp;

/// <summary>Every state of RFC 2131 figure 5 that a relay's client has, under virtual time and without jitter unless a test asks for it.</summary>
public sealed partial class DhcpLeaseTests
{
    private static readonly IPAddress Second = IPAddress.Parse("10.10.0.68");

    private uint lastTransaction = 100;
    private TimeSpan now;

    [Fact]
    public void Discover_offer_request_ack()
    {
        var lease = Begin(() => 0, First);
        var discover = Sent(lease, DhcpMessageType.Discover);
        Assert.Equal((First, Relay, null, null, null), (discover.Server, discover.Message.Relay, discover.Message.ClientAddress, discover.Message.RequestedAddress, discover.Message.ServerIdentifier));

        At(0.5);
        Assert.True(lease.Handle(Offer(lease), First, now));
        // RFC 2131 4.3.2: in SELECTING state the server identifier and the requested address MUST be in, ciaddr MUST be zero; 4.4.1: the xid is that of the offer.
        var request = Sent(lease, DhcpMessageType.Request).Message;
        Assert.Equal((First, Address, null, discover.Message.TransactionId), (request.ServerIdentifier, request.RequestedAddress, request.ClientAddress, request.TransactionId));

        At(0.6);
        Assert.True(lease.Handle(Ack(lease), First, now));
        var grant = Assert.IsType<DhcpLeaseEffect.Granted>(Only(lease)).Grant;
        Assert.Equal((Address, First, "corp.example", "255.255.255.0", 2), (grant.Address, grant.Server, grant.Domain, grant.Netmask!.ToString(), grant.DnsServers.Count));
        Assert.Equal(DhcpLeaseState.Bound, lease.State);
        // T1 of the server; the lease counts from the request (RFC 2131 4.4.1).
        Assert.Equal((TimeSpan.FromSeconds(1000.5), TimeSpan.FromSeconds(3600.5)), (lease.NextDeadline, lease.ExpiresAt));
    }

    // RFC 2131 4.4.5: "T1 defaults to (0.5 * duration_of_lease). T2 defaults to (0.875 * duration_of_lease)"; T1 MUST be earlier than T2, which MUST be earlier than the end.
    [Theory]
    [InlineData(null, null, 60, 105)]
    [InlineData(10u, 20u, 10, 20)]
    [InlineData(100u, 50u, 60, 105)]
    [InlineData(10u, 500u, 60, 105)]
    [InlineData(0u, 100u, 60, 105)]
    [InlineData(30u, null, 30, 105)]
    public void Timers_of_the_server_hold_where_they_make_sense(uint? first, uint? second, int renewAt, int rebindAt)
    {
        byte[] times = [.. Seconds(51, 120), .. first is { } t1 ? Seconds(58, t1) : [], .. second is { } t2 ? Seconds(59, t2) : []];
        var lease = Bound(times);
        Assert.Equal(TimeSpan.FromSeconds(renewAt), lease.NextDeadline);
        At(renewAt);
        lease.Advance(now);
        Assert.Equal(DhcpLeaseState.Renewing, lease.State);
        Drain(lease);
        At(rebindAt);
        lease.Advance(now);
        Assert.Equal(DhcpLeaseState.Rebinding, lease.State);
    }

    [Fact]
    public void A_renewal_prolongs_the_lease_and_asks_as_a_client_that_has_its_address()
    {
        var lease = Bound(Seconds(51, 120));
        At(60);
        lease.Advance(now);
        // RFC 2131 4.3.2, RENEWING: server identifier and requested address MUST NOT be filled in, ciaddr MUST be the client's address. giaddr brings the answer to us.
        var request = Sent(lease, DhcpMessageType.Request).Message;
        Assert.Equal((null, null, Address, Relay), (request.ServerIdentifier, request.RequestedAddress, request.ClientAddress, request.Relay));
        At(61);
        Assert.True(lease.Handle(Ack(lease, Seconds(51, 240)), First, now));
        Assert.IsType<DhcpLeaseEffect.Renewed>(Only(lease));
        Assert.Equal((DhcpLeaseState.Bound, TimeSpan.FromSeconds(300), TimeSpan.FromSeconds(180)), (lease.State, lease.ExpiresAt, lease.NextDeadline));
    }

    [Fact]
    public void Rebinding_asks_every_server_and_takes_the_first_answer()
    {
        var lease = Bound(Seconds(51, 120), First, Second);
        Rebind(lease);
        Assert.Equal([First, Second], Drain(lease).OfType<DhcpLeaseEffect.Transmit>().Select(t => t.Server));
        At(106);
        Assert.True(lease.Handle(Reply(5, lease, Option(54, Second), Seconds(51, 120)), Second, now));
        Assert.IsType<DhcpLeaseEffect.Renewed>(Only(lease));
        // It is the second server's lease now: that one is asked, and gets it back.
        lease.Release();
        Assert.Equal(Second, Sent(lease, DhcpMessageType.Release).Server);
    }

    // RFC 2131 4.4.5: "one-half of the remaining time until T2 ... down to a minimum of 60 seconds".
    [Fact]
    public void Renewals_are_repeated_at_half_of_what_is_left()
    {
        var lease = Bound(Seconds(51, 1000));
        List<double> sent = [];
        while (lease.State != DhcpLeaseState.Ended)
        {
            now = lease.NextDeadline!.Value;
            lease.Advance(now);
            if (lease.TryTake(out var effect) && effect is DhcpLeaseEffect.Transmit) sent.Add(now.TotalSeconds);
        }
        // T1 500, T2 875, end 1000.
        Assert.Equal([500, 687.5, 781.25, 841.25, 875, 937.5, 997.5], sent);
        Assert.Equal(1000, now.TotalSeconds);
    }

    [Fact]
    public void A_lease_that_nobody_renews_is_lost_at_its_end()
    {
        var lease = Bound(Seconds(51, 120));
        Rebind(lease);
        At(119.9);
        lease.Advance(now);
        Drain(lease);
        At(120);
        lease.Advance(now);
        Assert.Contains("ran out", Assert.IsType<DhcpLeaseEffect.Lost>(Only(lease)).Why, StringComparison.Ordinal);
        Assert.Equal((DhcpLeaseState.Ended, null, null), (lease.State, lease.Grant, lease.NextDeadline));
        // RFC 2131 4.4.6 is for a client that gives up an address that it has.
        lease.Release();
        Assert.Empty(Drain(lease));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_refused_renewal_loses_the_lease(bool renewing)
    {
        var lease = Bound(Seconds(51, 120));
        At(60);
        lease.Advance(now);
        if (!renewing) Rebind(lease);
        Drain(lease);
        Assert.True(lease.Handle(Nak(lease), First, now));
        Assert.Equal("the DHCP server 10.10.0.67 refused to renew 10.97.0.20: wrong network", Assert.IsType<DhcpLeaseEffect.Lost>(Only(lease)).Why);
    }

    [Fact]
    public void Another_address_in_a_renewal_loses_the_lease()
    {
        var lease = Bound(Seconds(51, 120));
        At(60);
        lease.Advance(now);
        Drain(lease);
        var other = Read(DhcpWire.Reply(lease.TransactionId, IPAddress.Parse("10.97.0.21"), Option(53, 5), Option(54, First), Seconds(51, 120), [255]));
        Assert.True(lease.Handle(other, First, now));
        Assert.Contains("gave 10.97.0.21 for 10.97.0.20", Assert.IsType<DhcpLeaseEffect.Lost>(Only(lease)).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lease_without_end_is_never_renewed()
    {
        var lease = Bound(Seconds(51, uint.MaxValue));
        Assert.Equal((null, null), (lease.NextDeadline, lease.ExpiresAt));
        now = TimeSpan.FromDays(40_000);
        lease.Advance(now);
        Assert.Empty(Drain(lease));
    }

    // RFC 2131 4.1: "randomized exponential backoff".
    [Theory]
    [InlineData(500, new[] { 1.0, 3, 7 })]
    [InlineData(0, new[] { 0.75, 2.25, 5.25 })]
    [InlineData(999, new[] { 1.2495, 3.7485 })]
    public void Unanswered_messages_are_repeated_with_growing_pauses(int fuzz, double[] expected)
    {
        var lease = Begin(() => fuzz, First);
        var first = Sent(lease, DhcpMessageType.Discover).Message;
        List<double> sent = [];
        while (lease.State != DhcpLeaseState.Ended)
        {
            now = lease.NextDeadline!.Value;
            lease.Advance(now);
            foreach (var transmit in Drain(lease).OfType<DhcpLeaseEffect.Transmit>())
            {
                Assert.Equal((first.TransactionId, (ushort)now.TotalSeconds), (transmit.Message.TransactionId, transmit.Message.Seconds));
                sent.Add(Math.Round(now.TotalSeconds, 4));
            }
        }
        Assert.Equal(expected, sent);
        Assert.Equal(8, now.TotalSeconds);
    }

    [Fact]
    public void Servers_are_asked_in_order_and_each_failure_is_told()
    {
        var lease = Begin(First, Second);
        var before = lease.TransactionId;
        Run(lease, until: 8);
        var discover = Assert.IsType<DhcpLeaseEffect.Transmit>(Drain(lease)[^1]);
        Assert.Equal(Second, discover.Server);
        Assert.NotEqual(before, discover.Message.TransactionId);
        // A late offer of the first server is of an exchange that is over.
        Assert.False(lease.Handle(Read(Full(DhcpMessageType.Offer, before)), First, now));
        Assert.False(lease.Handle(Offer(lease), First, now));
        Run(lease, until: 16);
        Assert.Equal(
            "the DHCP server 10.10.0.67 did not answer in 8 s; the DHCP server 10.10.0.68 did not answer in 8 s", Assert.IsType<DhcpLeaseEffect.Failed>(Drain(lease)[^1]).Why);
        Assert.Equal(DhcpLeaseState.Ended, lease.State);
    }

    [Fact]
    public void The_second_server_may_lease()
    {
        var lease = Begin(First, Second);
        Run(lease, until: 8);
        Drain(lease);
        Assert.True(lease.Handle(Reply(2, lease, Option(54, Second), Seconds(51, 60)), Second, now));
        Assert.Equal(Second, Sent(lease, DhcpMessageType.Request).Server);
        Assert.True(lease.Handle(Reply(5, lease, Option(54, Second), Seconds(51, 60)), Second, now));
        Assert.IsType<DhcpLeaseEffect.Granted>(Only(lease));
    }

    // RFC 2131 3.1.5: "If the client receives a DHCPNAK message, the client restarts the configuration process."
    [Fact]
    public void A_refused_request_begins_anew_but_not_for_ever()
    {
        var lease = Begin(First, Second);
        HashSet<uint> transactions = [];
        for (var i = 0; i < 3; i++)
        {
            Assert.True(transactions.Add(Sent(lease, DhcpMessageType.Discover).Message.TransactionId));
            Assert.True(lease.Handle(Offer(lease), First, now));
            Drain(lease);
            Assert.True(lease.Handle(Nak(lease), First, now));
        }
        Assert.Equal(Second, Sent(lease, DhcpMessageType.Discover).Server);
        Run(lease, until: 8);
        Assert.StartsWith(
            "the DHCP server 10.10.0.67 offers an address and then refuses it: wrong network; ", Assert.IsType<DhcpLeaseEffect.Failed>(Drain(lease)[^1]).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_not_the_answer_changes_nothing()
    {
        var lease = Begin(First, Second);
        Drain(lease);
        var good = Full(DhcpMessageType.Offer, lease.TransactionId);
        Assert.False(lease.Handle(Read(good), Second, now));
        Assert.False(lease.Handle(Read(Full(DhcpMessageType.Offer, lease.TransactionId + 1)), First, now));
        Assert.False(lease.Handle(Read(good) with { HardwareAddress = new byte[6] }, First, now));
        Assert.False(lease.Handle(Ack(lease), First, now));
        Assert.False(lease.Handle(Nak(lease), First, now));
        Assert.False(lease.Handle(Read(good) with { LeaseTime = null }, First, now));
        Assert.False(lease.Handle(Read(good) with { LeaseTime = TimeSpan.FromSeconds(9) }, First, now));
        foreach (var address in new[] { "0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255" })
            Assert.False(lease.Handle(Read(good) with { YourAddress = IPAddress.Parse(address) }, First, now));
        Assert.Equal(DhcpLeaseState.Selecting, lease.State);
        Assert.True(lease.Handle(Read(good), First, now));

        Drain(lease);
        var ack = Ack(lease);
        // A second offer, and what is not of the server or the address that were chosen.
        Assert.False(lease.Handle(Read(good), First, now));
        Assert.False(lease.Handle(ack with { ServerIdentifier = Second }, First, now));
        Assert.False(lease.Handle(Nak(lease) with { ServerIdentifier = Second }, First, now));
        Assert.False(lease.Handle(ack with { YourAddress = IPAddress.Parse("10.97.0.99") }, First, now));
        Assert.False(lease.Handle(ack, Second, now));
        Assert.Equal(DhcpLeaseState.Requesting, lease.State);
        Assert.True(lease.Handle(ack, First, now));

        Drain(lease);
        // Bound: a repeated ACK, and a NAK of nobody's request.
        Assert.False(lease.Handle(ack, First, now));
        Assert.False(lease.Handle(Nak(lease), First, now));
        Assert.Empty(Drain(lease));
        now = lease.NextDeadline!.Value;
        lease.Advance(now);
        // The xid of the renewal is new, so answers of the past are past.
        Assert.False(lease.Handle(ack, First, now));
        Assert.False(lease.Handle(Nak(lease), Second, now));
        Assert.Equal(DhcpLeaseState.Renewing, lease.State);
    }

    // RFC 2131 4.4.6 and table 5: the server identifier MUST be in it, and ciaddr.
    [Fact]
    public void A_release_goes_to_the_server_once()
    {
        var lease = Bound(Seconds(51, 120));
        lease.Release();
        var release = Sent(lease, DhcpMessageType.Release);
        Assert.Equal((First, Address, First, null), (release.Server, release.Message.ClientAddress, release.Message.ServerIdentifier, release.Message.RequestedAddress));
        lease.Release();
        Assert.Empty(Drain(lease));
        Assert.Equal(DhcpLeaseState.Ended, lease.State);
    }

    [Fact]
    public void A_request_that_may_have_been_granted_is_released_too()
    {
        var lease = Begin(First);
        lease.Handle(Offer(lease), First, now);
        Drain(lease);
        lease.Release();
        Assert.Equal(Address, Sent(lease, DhcpMessageType.Release).Message.ClientAddress);
        var asking = Begin(First);
        Drain(asking);
        asking.Release();
        Assert.Empty(Drain(asking));
    }

    // RFC 2131 table 5: DHCPDECLINE has the requested address and the server identifier, and ciaddr 0.
    [Fact]
    public void An_address_in_use_is_declined()
    {
        var lease = Bound(Seconds(51, 120));
        lease.Decline();
        var decline = Sent(lease, DhcpMessageType.Decline).Message;
        Assert.Equal((Address, First, null), (decline.RequestedAddress, decline.ServerIdentifier, decline.ClientAddress));
        Assert.Equal(DhcpLeaseState.Ended, lease.State);
    }

    // A network that loses, repeats and delays (and so reorders) datagrams; a server as simple as RFC 2131 table 4 lets it be. Whatever happens, client and server agree.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void Over_a_bad_network_a_lease_is_had_and_kept_or_its_loss_is_told(int seed)
    {
        var random = new Random(seed);
        var (granted, renewed, lost, failed) = (0, 0, 0, 0);
        for (var round = 0; round < 200; round++)
        {
            now = TimeSpan.Zero;
            var lease = Begin(() => random.Next(1000), First, Second);
            var network = new BadNetwork(random, lossPercent: round % 3 == 0 ? 60 : 20);
            while (lease.State != DhcpLeaseState.Ended && now < TimeSpan.FromHours(2))
            {
                foreach (var effect in Drain(lease))
                {
                    switch (effect)
                    {
                        case DhcpLeaseEffect.Transmit transmit: network.Carry(transmit, now); break;
                        case DhcpLeaseEffect.Granted: granted++; break;
                        case DhcpLeaseEffect.Renewed: renewed++; break;
                    }
                }
                var arrival = network.NextArrival;
                var deadline = lease.NextDeadline!.Value;
                var next = arrival is { } at && at < deadline ? at : deadline;
                now = next > now ? next : now;
                while (network.TryTake(now, out var reply, out var source))
                {
                    var before = lease.Grant;
                    lease.Handle(reply, source, now);
                    Assert.True(before is null || lease.Grant is null || before.Address.Equals(lease.Grant.Address));
                }
                lease.Advance(now);
                // The address is never used beyond what a server has promised.
                if (lease.Grant is { } grant) Assert.True(network.IsLeased(grant.Address, now), $"seed {seed}, round {round}, {now}");
            }
            foreach (var effect in Drain(lease))
            {
                if (effect is DhcpLeaseEffect.Lost) lost++;
                if (effect is DhcpLeaseEffect.Failed) failed++;
            }
        }
        Assert.True(granted > 100 && renewed > 500 && lost > 0 && failed > 0, $"{granted} {renewed} {lost} {failed}");
    }
}
