using System.Net;
using Headend.Aaa.Dhcp;

namespace Headend.Aaa.Client;

/// <summary>One session's lease and the socket that it goes by. Thread-safe.</summary>
public sealed class DhcpBinding
{
    private readonly Lock gate = new();
    private readonly DhcpClient client;
    private readonly DhcpLease lease;
    private readonly Action<string> lost;
    private readonly TaskCompletionSource<DhcpOutcome> outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal DhcpBinding(DhcpClient client, DhcpSocket socket, DhcpSlot slot, DhcpLeaseOptions options, Action<string> lost)
    {
        this.client = client;
        this.lost = lost;
        Socket = socket;
        Slot = slot;
        lease = new DhcpLease(options, () => client.TakeTransaction(this), static bound => System.Security.Cryptography.RandomNumberGenerator.GetInt32(bound));
        Client = options.Client;
        Relay = options.Relay;
    }

    /// <summary>As the servers know the session.</summary>
    public DhcpClientIdentity Client { get; }

    /// <summary>giaddr.</summary>
    public IPAddress Relay { get; }

    public DhcpLeaseState State
    {
        get
        {
            lock (gate) return lease.State;
        }
    }

    /// <summary>Null once the lease has ended.</summary>
    public DhcpGrant? Grant
    {
        get
        {
            lock (gate) return lease.Grant;
        }
    }

    /// <summary>What is left of the lease; null without end, and once it has ended.</summary>
    public TimeSpan? ExpiresIn
    {
        get
        {
            lock (gate) return lease.ExpiresAt - client.Now;
        }
    }

    internal DhcpSocket Socket { get; }

    internal DhcpSlot Slot { get; }

    /// <summary>xid of the exchange under way; under the client's gate. 0 is none.</summary>
    internal uint Transaction { get; set; }

    /// <summary>The deadline that the client's heap holds for this lease; under the client's gate.</summary>
    internal TimeSpan? ArmedFor { get; set; }

    internal Task<DhcpOutcome> Outcome => outcome.Task;

    /// <summary>Gives the address back to its server. Once is enough; a lease that was lost is not given back.</summary>
    public void Release() => Run(static (lease, _) => lease.Release());

    /// <summary>Tells the server that somebody else has the address.</summary>
    public void Decline() => Run(static (lease, _) => lease.Decline());

    internal void Begin() => Run(static (lease, now) => lease.Begin(now));

    internal void Advance() => Run(static (lease, now) => lease.Advance(now));

    internal bool Handle(DhcpReply reply, IPAddress source)
    {
        var taken = false;
        Run((lease, now) => taken = lease.Handle(reply, source, now));
        return taken;
    }

    internal void Abandon(string why)
    {
        lock (gate) outcome.TrySetResult(new DhcpOutcome.Failed(why));
    }

    private void Run(Action<DhcpLease, TimeSpan> step)
    {
        string? loss = null;
        lock (gate)
        {
            var ended = lease.State == DhcpLeaseState.Ended;
            step(lease, client.Now);
            while (lease.TryTake(out var effect)) Perform(effect, ref loss);
            if (!ended && lease.State == DhcpLeaseState.Ended)
            {
                // Given back before it was granted: whoever waits is told.
                outcome.TrySetResult(new DhcpOutcome.Failed("the lease was given up"));
                client.Remove(this);
            }
            else
            {
                client.Schedule(this, lease.NextDeadline);
            }
        }
        if (loss is not null) lost(loss);
    }

    private void Perform(DhcpLeaseEffect effect, ref string? loss)
    {
        switch (effect)
        {
            case DhcpLeaseEffect.Transmit transmit:
                client.Transmit(Socket, transmit);
                break;
            case DhcpLeaseEffect.Granted:
                client.CountGranted();
                outcome.TrySetResult(new DhcpOutcome.Granted(this));
                break;
            case DhcpLeaseEffect.Renewed:
                client.CountRenewed();
                break;
            case DhcpLeaseEffect.Failed failed:
                client.CountFailed();
                outcome.TrySetResult(new DhcpOutcome.Failed(failed.Why));
                break;
            case DhcpLeaseEffect.Lost gone:
                client.CountLost();
                loss = gone.Why;
                break;
        }
    }
}

/// <summary>A user's n-th lease through a relay address.</summary>
internal readonly record struct DhcpSlot(string User, IPAddress Relay, uint Number);
