using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Headend.Aaa.Dhcp;

namespace Headend.Aaa.Client;

/// <summary>
/// Leases addresses for sessions from DHCP servers: one socket for each giaddr, one timer and one table of exchanges for all leases. Order of locks: a binding's, then this
/// one's. Nothing here blocks. Thread-safe.
/// </summary>
public sealed class DhcpClient : IAsyncDisposable
{
    /// <summary>Timers take no longer spans; a lease may be longer.</summary>
    private static readonly TimeSpan LongestSleep = TimeSpan.FromDays(1);

    private readonly Lock gate = new();
    private readonly DhcpClientOptions options;
    private readonly TimeProvider time;
    private readonly long origin;
    private readonly ITimer timer;
    private readonly Dictionary<uint, DhcpBinding> exchanges = [];
    private readonly HashSet<DhcpBinding> bindings = [];
    private readonly Dictionary<(string User, IPAddress Relay), SortedSet<uint>> slots = [];
    private readonly Dictionary<IPAddress, DhcpSocket> sockets = [];
    private readonly List<Task> receiving = [];
    // Entries are not searched for: one whose deadline is no longer its binding's is dropped when it is due, or with many others.
    private readonly PriorityQueue<DhcpBinding, TimeSpan> deadlines = new();
    private TimeSpan armedFor = TimeSpan.MaxValue;
    private int outstanding;
    private long granted, failed, renewed, lost, discarded, unsent;
    private bool disposed;

    public DhcpClient(DhcpClientOptions options, TimeProvider time)
    {
        this.options = options;
        this.time = time;
        origin = time.GetTimestamp();
        timer = time.CreateTimer(static state => ((DhcpClient)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    internal TimeSpan Now => time.GetElapsedTime(origin);

    /// <summary>Asks for a lease; the answer comes on the thread pool.</summary>
    /// <param name="request">For whom and of whom.</param>
    /// <param name="onLost">Told why, at most once, when a granted lease ends without having been given back. Any thread; must not block.</param>
    public async Task<DhcpOutcome> LeaseAsync(DhcpLeaseRequest request, Action<string> onLost)
    {
        if (Interlocked.Increment(ref outstanding) > options.MaximumOutstanding)
        {
            Interlocked.Decrement(ref outstanding);
            CountFailed();
            return new DhcpOutcome.Failed($"{options.MaximumOutstanding} DHCP requests are outstanding already");
        }
        try
        {
            if (!TryOpen(request, onLost, out var binding, out var error))
            {
                CountFailed();
                return new DhcpOutcome.Failed(error);
            }
            binding.Begin();
            return await binding.Outcome.ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref outstanding);
        }
    }

    public DhcpStatistics GetStatistics()
    {
        lock (gate)
        {
            var asking = Volatile.Read(ref outstanding);
            return new DhcpStatistics(
                asking, Math.Max(0, bindings.Count - asking), Interlocked.Read(ref granted), Interlocked.Read(ref failed), Interlocked.Read(ref renewed), Interlocked.Read(ref lost),
                Interlocked.Read(ref discarded), Interlocked.Read(ref unsent));
        }
    }

    /// <summary>Closes the sockets. Leases are not given back: whoever holds them does that before.</summary>
    public async ValueTask DisposeAsync()
    {
        DhcpBinding[] left;
        Task[] loops;
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            left = [.. bindings];
            loops = [.. receiving];
            foreach (var socket in sockets.Values) socket.Dispose();
        }
        await timer.DisposeAsync().ConfigureAwait(false);
        foreach (var binding in left) binding.Abandon("the headend is stopping");
        await Task.WhenAll(loops).ConfigureAwait(false);
    }

    internal void HandleDatagram(DhcpSocket socket, ReadOnlySpan<byte> datagram, IPEndPoint source)
    {
        DhcpBinding? binding = null;
        if (source.Port == options.ServerPort && DhcpCodec.TryReadTransaction(datagram, out var transaction))
        {
            lock (gate) exchanges.TryGetValue(transaction, out binding);
        }
        if (binding is null || binding.Socket != socket || !DhcpCodec.TryRead(datagram, out var reply, out _) || !binding.Handle(reply, source.Address))
            Interlocked.Increment(ref discarded);
    }

    /// <summary>A new xid: of the system's generator, and no other lease's.</summary>
    internal uint TakeTransaction(DhcpBinding binding)
    {
        Span<byte> octets = stackalloc byte[4];
        lock (gate)
        {
            exchanges.Remove(binding.Transaction);
            do
            {
                RandomNumberGenerator.Fill(octets);
                binding.Transaction = BinaryPrimitives.ReadUInt32BigEndian(octets);
            }
            while (binding.Transaction == 0 || !exchanges.TryAdd(binding.Transaction, binding));
            return binding.Transaction;
        }
    }

    internal void Transmit(DhcpSocket socket, DhcpLeaseEffect.Transmit transmit) =>
        socket.Send(DhcpCodec.Write(transmit.Message), new IPEndPoint(transmit.Server, options.ServerPort));

    internal void Schedule(DhcpBinding binding, TimeSpan? deadline)
    {
        lock (gate)
        {
            if (disposed || binding.ArmedFor == deadline || !bindings.Contains(binding)) return;
            binding.ArmedFor = deadline;
            if (deadline is not { } due) return;
            if (deadlines.Count > 4096 + (2 * bindings.Count)) Sweep();
            deadlines.Enqueue(binding, due);
            if (due < armedFor) Arm(due);
        }
    }

    internal void Remove(DhcpBinding binding)
    {
        lock (gate)
        {
            binding.ArmedFor = null;
            if (!bindings.Remove(binding)) return;
            exchanges.Remove(binding.Transaction);
            var key = (binding.Slot.User, binding.Slot.Relay);
            if (slots.TryGetValue(key, out var used) && used.Remove(binding.Slot.Number) && used.Count == 0) slots.Remove(key);
        }
    }

    internal void CountGranted() => Interlocked.Increment(ref granted);

    internal void CountFailed() => Interlocked.Increment(ref failed);

    internal void CountRenewed() => Interlocked.Increment(ref renewed);

    internal void CountLost() => Interlocked.Increment(ref lost);

    internal void CountUnsent() => Interlocked.Increment(ref unsent);

    private bool TryOpen(DhcpLeaseRequest request, Action<string> onLost, [NotNullWhen(true)] out DhcpBinding? binding, out string error)
    {
        binding = null;
        error = "";
        var relay = request.Relay;
        try
        {
            relay ??= SourceTowards(request.Servers[0]);
            lock (gate)
            {
                if (disposed)
                {
                    error = "the headend is stopping";
                    return false;
                }
                if (!sockets.TryGetValue(relay, out var socket))
                {
                    if (sockets.Count >= options.MaximumRelays)
                    {
                        error = $"{options.MaximumRelays} other addresses are used as giaddr already";
                        return false;
                    }
                    sockets.Add(relay, socket = new DhcpSocket(new IPEndPoint(relay, options.RelayPort), this));
                    receiving.Add(socket.ReceiveAsync());
                }
                var slot = TakeSlot(request.User, relay);
                var lease = new DhcpLeaseOptions(request.Servers, relay, DhcpClientIdentity.Derive(slot.User, relay, slot.Number))
                {
                    Timeout = request.Timeout ?? DhcpLeaseOptions.DefaultTimeout,
                };
                bindings.Add(binding = new DhcpBinding(this, socket, slot, lease, onLost));
                return true;
            }
        }
        catch (SocketException refused)
        {
            error = relay is null
                ? $"the DHCP server {request.Servers[0]} cannot be reached: {refused.Message}"
                : $"DHCP cannot use port {options.RelayPort} of {relay} (giaddr): {refused.Message}";
            return false;
        }
    }

    /// <summary>The lowest that no lease of the user has, so that after a restart the same numbers come again.</summary>
    private DhcpSlot TakeSlot(string user, IPAddress relay)
    {
        if (!slots.TryGetValue((user, relay), out var used)) slots.Add((user, relay), used = []);
        uint number = 0;
        foreach (var taken in used)
        {
            if (taken != number) break;
            number++;
        }
        used.Add(number);
        return new DhcpSlot(user, relay, number);
    }

    /// <summary>Asks the routing table; nothing is sent.</summary>
    private IPAddress SourceTowards(IPAddress server)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        probe.Connect(server, options.ServerPort);
        return ((IPEndPoint)probe.LocalEndPoint!).Address;
    }

    private void Fire()
    {
        var due = new List<DhcpBinding>();
        lock (gate)
        {
            if (disposed) return;
            var now = Now;
            while (deadlines.TryPeek(out var binding, out var deadline) && (deadline <= now || binding.ArmedFor != deadline))
            {
                deadlines.Dequeue();
                if (binding.ArmedFor != deadline) continue;
                binding.ArmedFor = null;
                due.Add(binding);
            }
            armedFor = TimeSpan.MaxValue;
            if (deadlines.TryPeek(out _, out var next)) Arm(next);
        }
        foreach (var binding in due) binding.Advance();
    }

    private void Sweep()
    {
        var living = deadlines.UnorderedItems.Where(static item => item.Element.ArmedFor == item.Priority).ToArray();
        deadlines.Clear();
        deadlines.EnqueueRange(living);
    }

    private void Arm(TimeSpan due)
    {
        armedFor = due;
        // A millisecond later rather than earlier: a timer that fires early would find nothing due.
        var sleep = due - Now + TimeSpan.FromMilliseconds(1);
        timer.Change(sleep < TimeSpan.Zero ? TimeSpan.Zero : sleep < LongestSleep ? sleep : LongestSleep, Timeout.InfiniteTimeSpan);
    }
}
