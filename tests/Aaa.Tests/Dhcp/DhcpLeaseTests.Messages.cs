using System.Net;
using Headend.Aaa.Dhcp;
using static Headend.Aaa.Tests.Dhcp.DhcpWire;

namespace Headend.Aaa.Tests.Dhcp;

public sealed partial class DhcpLeaseTests
{
    private DhcpLease Begin(params IPAddress[] servers) => Begin(() => 500, servers);

    private DhcpLease Begin(Func<int> fuzz, params IPAddress[] servers)
    {
        // 500 of 1000 is the middle: no deviation for retransmissions.
        var lease = new DhcpLease(new DhcpLeaseOptions(servers, Relay, Alice), () => ++lastTransaction, bound => fuzz() * bound / 1000);
        lease.Begin(now);
        return lease;
    }

    /// <summary>A lease bound at 0 with these options; T1 without jitter.</summary>
    private DhcpLease Bound(byte[] times, params IPAddress[] servers)
    {
        var lease = Begin(() => 0, servers.Length == 0 ? [First] : servers);
        lease.Handle(Offer(lease), First, now);
        lease.Handle(Ack(lease, times), First, now);
        Drain(lease);
        Assert.Equal(DhcpLeaseState.Bound, lease.State);
        return lease;
    }

    private void Rebind(DhcpLease lease)
    {
        At(60);
        lease.Advance(now);
        Drain(lease);
        At(105);
        lease.Advance(now);
        Assert.Equal(DhcpLeaseState.Rebinding, lease.State);
    }

    private void Run(DhcpLease lease, double until)
    {
        while (lease.NextDeadline is { } due && due.TotalSeconds <= until)
        {
            now = due;
            lease.Advance(now);
        }
    }

    private void At(double seconds) => now = TimeSpan.FromSeconds(seconds);

    private static DhcpReply Offer(DhcpLease lease) => Read(Full(DhcpMessageType.Offer, lease.TransactionId));

    private static DhcpReply Ack(DhcpLease lease) => Read(Full(DhcpMessageType.Ack, lease.TransactionId));

    private static DhcpReply Ack(DhcpLease lease, byte[] times) => Reply(5, lease, Option(54, First), times);

    private static DhcpReply Nak(DhcpLease lease) =>
        Read(DhcpWire.Reply(lease.TransactionId, IPAddress.Any, Option(53, 6), Option(54, First), Option(56, "wrong network"u8.ToArray()), [255]));

    private static DhcpReply Reply(byte type, DhcpLease lease, params byte[][] options) =>
        Read(DhcpWire.Reply(lease.TransactionId, Address, [Option(53, type), .. options, [255]]));

    private static List<DhcpLeaseEffect> Drain(DhcpLease lease)
    {
        List<DhcpLeaseEffect> effects = [];
        while (lease.TryTake(out var effect)) effects.Add(effect);
        return effects;
    }

    private static DhcpLeaseEffect Only(DhcpLease lease) => Assert.Single(Drain(lease), e => e is not DhcpLeaseEffect.Transmit);

    private static DhcpLeaseEffect.Transmit Sent(DhcpLease lease, DhcpMessageType type)
    {
        var sent = Assert.IsType<DhcpLeaseEffect.Transmit>(Assert.Single(Drain(lease)));
        Assert.Equal(type, sent.Message.Type);
        return sent;
    }
}
