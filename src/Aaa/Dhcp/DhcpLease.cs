using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Headend.Aaa.Dhcp;

/// <summary>
/// One session's lease: DHCP's client (RFC 2131 4.4) behind a relay agent that is the same machine. All that it sends goes to a server's unicast address with giaddr, and
/// all answers come to giaddr, also those to renewals: the client's own address lies behind the tunnel, where no server reaches a DHCP client. Does no I/O; time is a
/// parameter that only grows. Not thread-safe.
/// </summary>
public sealed class DhcpLease
{
    /// <summary>A lease that ends sooner cannot be kept up over a network that loses packets; such offers are ignored.</summary>
    public static readonly TimeSpan LeastLeaseTime = TimeSpan.FromSeconds(10);

    /// <summary>RFC 2131 4.4.5: between retransmissions of a renewal "down to a minimum of 60 seconds".</summary>
    private static readonly TimeSpan LeastRenewalInterval = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestInterval = TimeSpan.FromSeconds(16);

    /// <summary>A server that offers and then refuses is not asked for ever.</summary>
    private const int MostRefusals = 3;

    private readonly DhcpLeaseOptions options;
    private readonly Func<uint> transaction;
    private readonly Func<int, int> random;
    private readonly Queue<DhcpLeaseEffect> effects = new();
    private readonly List<string> failures = [];
    private int server;
    private int refusals;
    private DhcpReply? offer;
    private TimeSpan askedAt;
    private TimeSpan requestedAt;
    private TimeSpan giveUpAt;
    private TimeSpan interval;
    private TimeSpan rebindAt;

    /// <param name="options">Servers and identity.</param>
    /// <param name="transaction">A new xid that nobody can guess, for each exchange.</param>
    /// <param name="random">A number from 0 up to and without its argument, for jitter.</param>
    public DhcpLease(DhcpLeaseOptions options, Func<uint> transaction, Func<int, int> random)
    {
        this.options = options;
        this.transaction = transaction;
        this.random = random;
    }

    public DhcpLeaseState State { get; private set; }

    /// <summary>xid of the exchange under way, or of the last one.</summary>
    public uint TransactionId { get; private set; }

    /// <summary>What is leased; null before and after.</summary>
    public DhcpGrant? Grant { get; private set; }

    /// <summary>When the lease ends unless it is renewed; null without end.</summary>
    public TimeSpan? ExpiresAt { get; private set; }

    /// <summary>When <see cref="Advance"/> has something to do.</summary>
    public TimeSpan? NextDeadline { get; private set; }

    public bool TryTake([NotNullWhen(true)] out DhcpLeaseEffect? effect) => effects.TryDequeue(out effect);

    /// <summary>Asks the first server. Call once, first.</summary>
    public void Begin(TimeSpan now)
    {
        giveUpAt = now + options.Timeout;
        Discover(now);
    }

    /// <summary>Takes a message of a server; one that does not belong to the exchange under way changes nothing and answers false.</summary>
    /// <param name="reply">As read.</param>
    /// <param name="source">Where it came from: a server answers from the address at which it was asked.</param>
    /// <param name="now">Not before any earlier one.</param>
    public bool Handle(DhcpReply reply, IPAddress source, TimeSpan now)
    {
        if (State is DhcpLeaseState.Ended or DhcpLeaseState.Bound || reply.TransactionId != TransactionId
            || !reply.HardwareAddress.Span.SequenceEqual(options.Client.HardwareAddress.Span))
            return false;
        return State switch
        {
            DhcpLeaseState.Selecting => source.Equals(options.Servers[server]) && HandleOffer(reply, now),
            DhcpLeaseState.Requesting => source.Equals(options.Servers[server]) && reply.ServerIdentifier.Equals(offer!.ServerIdentifier) && HandleDecision(reply, now),
            DhcpLeaseState.Renewing => source.Equals(Grant!.Server) && reply.ServerIdentifier.Equals(Grant.ServerIdentifier) && HandleRenewal(reply, source),
            _ => options.Servers.Contains(source) && HandleRenewal(reply, source),
        };
    }

    /// <summary>Does what is due.</summary>
    public void Advance(TimeSpan now)
    {
        if (NextDeadline is not { } due || now < due) return;
        switch (State)
        {
            case DhcpLeaseState.Selecting or DhcpLeaseState.Requesting when now >= giveUpAt:
                GiveUp($"the DHCP server {options.Servers[server]} did not answer in {options.Timeout.TotalSeconds:0.###} s", now);
                break;
            case DhcpLeaseState.Selecting or DhcpLeaseState.Requesting:
                interval = interval * 2 < LongestInterval ? interval * 2 : LongestInterval;
                Send(State == DhcpLeaseState.Selecting ? Ask(now) : Accept(), now);
                break;
            case DhcpLeaseState.Bound or DhcpLeaseState.Renewing or DhcpLeaseState.Rebinding when ExpiresAt is { } end && now >= end:
                Lose($"the lease of {Grant!.Address} ran out: no DHCP server renewed it");
                break;
            case DhcpLeaseState.Bound or DhcpLeaseState.Renewing when now >= rebindAt:
                Renew(DhcpLeaseState.Rebinding, now);
                break;
            case DhcpLeaseState.Bound:
                Renew(DhcpLeaseState.Renewing, now);
                break;
            case DhcpLeaseState.Renewing or DhcpLeaseState.Rebinding:
                SendRenewal(now);
                break;
        }
    }

    /// <summary>Gives the address back (RFC 2131 4.4.6). Does nothing to a lease that has ended.</summary>
    public void Release()
    {
        // An unanswered DHCPREQUEST may have been granted.
        if (Grant is { } grant) SendEnd(DhcpMessageType.Release, grant.Address, grant.Server, grant.ServerIdentifier);
        else if (State == DhcpLeaseState.Requesting) SendEnd(DhcpMessageType.Release, offer!.YourAddress, options.Servers[server], offer.ServerIdentifier);
        End();
    }

    /// <summary>RFC 2131 3.1.5: the address is in use elsewhere; the server gives it to nobody for a while.</summary>
    public void Decline()
    {
        if (Grant is { } grant) SendEnd(DhcpMessageType.Decline, grant.Address, grant.Server, grant.ServerIdentifier);
        End();
    }

    private void Discover(TimeSpan now)
    {
        State = DhcpLeaseState.Selecting;
        TransactionId = transaction();
        offer = null;
        askedAt = now;
        interval = FirstInterval;
        Send(Ask(now), now);
    }

    private bool HandleOffer(DhcpReply reply, TimeSpan now)
    {
        if (reply.Type != DhcpMessageType.Offer || !IsLease(reply)) return false;
        offer = reply;
        State = DhcpLeaseState.Requesting;
        requestedAt = now;
        interval = FirstInterval;
        Send(Accept(), now);
        return true;
    }

    private bool HandleDecision(DhcpReply reply, TimeSpan now)
    {
        if (reply.Type == DhcpMessageType.Nak)
        {
            if (++refusals < MostRefusals) Discover(now);
            else GiveUp($"the DHCP server {options.Servers[server]} offers an address and then refuses it{Because(reply)}", now);
            return true;
        }
        if (reply.Type != DhcpMessageType.Ack || !IsLease(reply) || !reply.YourAddress.Equals(offer!.YourAddress)) return false;
        Bind(reply, options.Servers[server]);
        effects.Enqueue(new DhcpLeaseEffect.Granted(Grant));
        return true;
    }

    private bool HandleRenewal(DhcpReply reply, IPAddress source)
    {
        if (reply.Type == DhcpMessageType.Nak)
        {
            Lose($"the DHCP server {source} refused to renew {Grant!.Address}{Because(reply)}");
            return true;
        }
        if (reply.Type != DhcpMessageType.Ack || !IsLease(reply)) return false;
        if (!reply.YourAddress.Equals(Grant!.Address))
        {
            Lose($"the DHCP server {source} gave {reply.YourAddress} for {Grant.Address}");
            return true;
        }
        requestedAt = askedAt;
        Bind(reply, source);
        effects.Enqueue(new DhcpLeaseEffect.Renewed(Grant));
        return true;
    }

    [MemberNotNull(nameof(Grant))]
    private void Bind(DhcpReply reply, IPAddress source)
    {
        var lease = reply.LeaseTime!.Value;
        State = DhcpLeaseState.Bound;
        Grant = new DhcpGrant(reply.YourAddress, source, reply.ServerIdentifier)
        {
            LeaseTime = lease,
            Netmask = reply.Netmask,
            DnsServers = reply.DnsServers,
            Domain = reply.Domain,
        };
        ExpiresAt = NextDeadline = null;
        rebindAt = TimeSpan.MaxValue;
        if (lease == Timeout.InfiniteTimeSpan) return;
        // RFC 2131 4.4.5: T1 before T2, T2 before the end; 0.5 and 0.875 of it where the server sets none, "with some random fuzz".
        var (first, second) = (lease * 0.5, lease * 0.875);
        if ((reply.RenewalTime ?? first) is var renewal && (reply.RebindingTime ?? second) is var rebinding && renewal > TimeSpan.Zero && renewal < rebinding && rebinding < lease)
            (first, second) = (renewal, rebinding);
        // RFC 2131 4.4.1: the lease counts from when its request was sent.
        ExpiresAt = requestedAt + lease;
        rebindAt = requestedAt + second;
        NextDeadline = requestedAt + first - (first * (random(1000) / 20_000.0));
    }

    private void Renew(DhcpLeaseState state, TimeSpan now)
    {
        State = state;
        TransactionId = transaction();
        askedAt = now;
        SendRenewal(now);
    }

    private void SendRenewal(TimeSpan now)
    {
        var (until, servers) = State == DhcpLeaseState.Renewing ? (rebindAt, [Grant!.Server]) : (ExpiresAt!.Value, options.Servers);
        var message = Message(DhcpMessageType.Request) with { Seconds = SecondsSince(askedAt, now), ClientAddress = Grant!.Address };
        foreach (var one in servers) effects.Enqueue(new DhcpLeaseEffect.Transmit(one, message));
        // RFC 2131 4.4.5: "one-half of the remaining time".
        var half = (until - now) / 2;
        var next = now + (half > LeastRenewalInterval ? half : LeastRenewalInterval);
        NextDeadline = next < until ? next : until;
    }

    private void GiveUp(string why, TimeSpan now)
    {
        failures.Add(why);
        refusals = 0;
        if (++server < options.Servers.Count)
        {
            Begin(now);
            return;
        }
        End();
        effects.Enqueue(new DhcpLeaseEffect.Failed(string.Join("; ", failures)));
    }

    private void Lose(string why)
    {
        End();
        effects.Enqueue(new DhcpLeaseEffect.Lost(why));
    }

    private void End()
    {
        State = DhcpLeaseState.Ended;
        Grant = null;
        offer = null;
        ExpiresAt = NextDeadline = null;
    }

    private DhcpRequest Message(DhcpMessageType type) => new() { Type = type, TransactionId = TransactionId, Relay = options.Relay, Client = options.Client };

    private DhcpRequest Ask(TimeSpan now) => Message(DhcpMessageType.Discover) with { Seconds = SecondsSince(askedAt, now) };

    // RFC 2131 4.4.1: secs of DHCPREQUEST are those of the DHCPDISCOVER that it follows.
    private DhcpRequest Accept() => Message(DhcpMessageType.Request) with
    {
        Seconds = SecondsSince(askedAt, requestedAt),
        RequestedAddress = offer!.YourAddress,
        ServerIdentifier = offer.ServerIdentifier,
    };

    private void Send(DhcpRequest message, TimeSpan now)
    {
        effects.Enqueue(new DhcpLeaseEffect.Transmit(options.Servers[server], message));
        // RFC 2131 4.1: "randomized exponential backoff", here a quarter up or down.
        var sendAt = now + (interval * (0.75 + (random(1000) / 2000.0)));
        NextDeadline = sendAt < giveUpAt ? sendAt : giveUpAt;
    }

    private void SendEnd(DhcpMessageType type, IPAddress address, IPAddress to, IPAddress identifier)
    {
        var message = Message(type) with { TransactionId = transaction(), ServerIdentifier = identifier };
        message = type == DhcpMessageType.Release ? message with { ClientAddress = address } : message with { RequestedAddress = address };
        effects.Enqueue(new DhcpLeaseEffect.Transmit(to, message));
    }

    private static bool IsLease(DhcpReply reply) =>
        DhcpCodec.IsHost(reply.YourAddress) && reply.LeaseTime is { } time && (time == Timeout.InfiniteTimeSpan || time >= LeastLeaseTime);

    private static string Because(DhcpReply reply) => reply.Message is { } message ? $": {message}" : "";

    private static ushort SecondsSince(TimeSpan from, TimeSpan now) => (ushort)Math.Min((now - from).TotalSeconds, ushort.MaxValue);
}
