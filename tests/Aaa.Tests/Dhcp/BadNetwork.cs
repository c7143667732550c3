using System.Diagnostics.CodeAnalysis;
using System.Net;
using Headend.Aaa.Dhcp;
using static Headend.Aaa.Tests.Dhcp.DhcpWire;

namespace Headend.Aaa.Tests.Dhcp;

/// <summary>Two servers that share their leases (one address, two minutes), behind a network that loses, repeats and delays.</summary>
internal sealed class BadNetwork(Random random, int lossPercent)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(120);

    private readonly PriorityQueue<(DhcpReply Reply, IPAddress Source), TimeSpan> arriving = new();
    private readonly PriorityQueue<DhcpLeaseEffect.Transmit, TimeSpan> asked = new();
    private TimeSpan leasedUntil = TimeSpan.MinValue;

    public TimeSpan? NextArrival
    {
        get
        {
            var reply = arriving.TryPeek(out _, out var a) ? a : TimeSpan.MaxValue;
            var request = asked.TryPeek(out _, out var b) ? b : TimeSpan.MaxValue;
            var next = reply < request ? reply : request;
            return next == TimeSpan.MaxValue ? null : next;
        }
    }

    public void Carry(DhcpLeaseEffect.Transmit transmit, TimeSpan now)
    {
        for (var copies = Copies(); copies > 0; copies--) asked.Enqueue(transmit, now + Delay());
    }

    public bool TryTake(TimeSpan now, [NotNullWhen(true)] out DhcpReply? reply, [NotNullWhen(true)] out IPAddress? source)
    {
        while (asked.TryPeek(out var transmit, out var at) && at <= now)
        {
            asked.Dequeue();
            Answer(transmit, at);
        }
        (reply, source) = (null, null);
        if (!arriving.TryPeek(out var next, out var arrival) || arrival > now) return false;
        arriving.Dequeue();
        (reply, source) = next;
        return true;
    }

    public bool IsLeased(IPAddress address, TimeSpan now) => address.Equals(Address) && now <= leasedUntil;

    private void Answer(DhcpLeaseEffect.Transmit transmit, TimeSpan now)
    {
        var type = transmit.Message.Type == DhcpMessageType.Discover ? (byte)2 : (byte)5;
        if (transmit.Message.Type == DhcpMessageType.Request) leasedUntil = now + LeaseTime;
        var packet = Reply(transmit.Message.TransactionId, Address, Option(53, type), Option(54, transmit.Server), Seconds(51, (uint)LeaseTime.TotalSeconds), [255]);
        for (var copies = Copies(); copies > 0; copies--) arriving.Enqueue((Read(packet), transmit.Server), now + Delay());
    }

    private int Copies() => random.Next(100) < lossPercent ? 0 : random.Next(100) < 10 ? 2 : 1;

    private TimeSpan Delay() => TimeSpan.FromMilliseconds(random.Next(100) < 10 ? random.Next(5000) : random.Next(50));
}
