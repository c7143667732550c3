using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;

namespace Headend.Load;

/// <summary>
/// The whole load on one thread: it starts logins on schedule, moves datagrams between sockets and initiators, and runs their timers. The upper half of our
/// SPIs is the initiator's slot, so that a datagram finds its initiator without a table.
/// </summary>
internal sealed partial class LoadRun : IDisposable
{
    private const int Port = 4500;
    private static readonly TimeSpan s_probeInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_deletePatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_lateTraffic = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan s_shortestWait = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMilliseconds(200);

    private readonly LoadOptions _options;
    private readonly TestInitiatorOptions _initiator;
    private readonly List<LoadSocket> _first = [];
    private readonly List<LoadSocket> _second = [];
    private readonly List<Socket> _all = [];
    private readonly Dictionary<Socket, LoadSocket> _bySocket = [];
    private readonly List<Socket> _ready = [];
    private readonly List<Slot> _slots = [];
    private readonly Stack<int> _free = new();
    private readonly Queue<(Slot Slot, TestInitiatorOptions Options)> _away = new();
    private readonly PriorityQueue<(int Slot, int Generation), long> _timers = new();
    private readonly PriorityQueue<(int Slot, int Generation), long> _ends = new();
    private readonly StreamWriter? _sessions;
    private readonly StreamWriter? _returns;
    private readonly byte[] _buffer = new byte[65_536];
    private LoadFigures _figures = new();
    private InnerTraffic? _traffic;
    private int _begun;
    private int _inFlight;
    private int _held;
    private int? _probe;
    private MonotonicTime _nextProbe;

    public LoadRun(LoadOptions options)
    {
        _options = options;
        _initiator = options.Initiator();
        _sessions = options.SessionsFile is null ? null : new StreamWriter(options.SessionsFile) { AutoFlush = true };
        _returns = options.ReturnsFile is null ? null : new StreamWriter(options.ReturnsFile) { AutoFlush = true };
        var direct = options.Target.Port != 500;
        for (var i = 0; i < options.SourcePorts; i++)
        {
            var traversal = new LoadSocket(direct ? options.Target : new IPEndPoint(options.Target.Address, Port), marker: true, behindNat: options.Traffic is not null);
            _second.Add(traversal);
            _first.Add(direct ? traversal : new LoadSocket(options.Target, marker: false));
        }

        foreach (var socket in _first.Concat(_second).Distinct())
        {
            _all.Add(socket.Socket);
            _bySocket.Add(socket.Socket, socket);
        }
    }

    private static MonotonicTime Now => new(Stopwatch.GetElapsedTime(0).Ticks);

    public LoadReport Run(CancellationToken cancellation)
    {
        LogIn(cancellation);
        Hold(cancellation);
        Finish();
        return Report();
    }

    /// <summary>Everybody in; with churn, and out again.</summary>
    public void LogIn(CancellationToken cancellation)
    {
        if (_options.Probe)
            RunProbeLogin(cancellation);
        var start = Now;
        while (!cancellation.IsCancellationRequested && (_begun < _options.Count || _inFlight > 0))
        {
            var next = BeginDue(start);
            Turn(next);
        }

        if (IsChurning)
        {
            // The last to come lives its time, and a Delete that nobody answers is sent for a while.
            var last = Now + _options.Churn.Most + TimeSpan.FromSeconds(15);
            while (!cancellation.IsCancellationRequested && _held > 0 && Now < last)
                Turn(last);
        }

    }

    /// <summary>The sessions stand; inner packets go until the last moments, in which the late ones may come back.</summary>
    public void Hold(CancellationToken cancellation)
    {
        if (_options.Hold == TimeSpan.Zero)
            return;
        var until = Now + _options.Hold;
        var quiet = until + -s_lateTraffic;
        for (var i = 0; i < _options.TrafficSessions && _options.Traffic is { } echo; i++)
            (_traffic ??= new InnerTraffic(echo, _options.TrafficRate)).Add(_slots[i].Initiator ?? throw new InvalidOperationException("a session that should carry traffic does not stand"), _second[_slots[i].Socket]);
        while (!cancellation.IsCancellationRequested && Now < until)
            Turn(_traffic is not null && Now < quiet ? Earlier(_traffic.Send(Now), until) : until);
    }

    public LoadReport Report()
    {
        if (_probe is { } probe && !_slots[probe].Initiator!.IsQuiet)
            _figures.ProbeUnanswered++;
        return _figures.Report(_options.Probe) with { Traffic = _traffic?.Report() };
    }

    private static MonotonicTime Earlier(MonotonicTime one, MonotonicTime other) => one < other ? one : other;

    private bool IsChurning => _options.Churn.Most > TimeSpan.Zero;

    public void Dispose()
    {
        _sessions?.Dispose();
        _returns?.Dispose();
        _traffic?.Dispose();
        foreach (var socket in _bySocket.Values)
            socket.Dispose();
    }

    private void RunProbeLogin(CancellationToken cancellation)
    {
        _probe = Begin(_options.UserOf(0));
        var initiator = _slots[_probe.Value].Initiator!;
        while (!cancellation.IsCancellationRequested && initiator.Outcome is InitiatorOutcome.Pending)
            Turn(Now + s_longestWait);
        if (initiator.Outcome is InitiatorOutcome.Failed failed)
            throw new InvalidOperationException($"the probe's own login failed: {failed.Reason}");
        _nextProbe = Now;
    }

    /// <summary>Begins what the schedule asks for; returns when it asks again.</summary>
    private MonotonicTime BeginDue(MonotonicTime start)
    {
        var now = Now;
        while (_begun < _options.Count)
        {
            var due = _options.Rate > 0 ? start + TimeSpan.FromSeconds(_begun / _options.Rate) : now;
            if (due > now)
                return due;
            if (_inFlight >= _options.Concurrency)
                break;
            _figures.Begun(now);
            _begun++;
            _inFlight++;
            var back = _options.Returns.Count > 0 ? _options.Returns[_begun - 1] : null;
            _slots[Begin(back?.User ?? _options.UserOf(_begun), back)].Counted = true;
        }

        return now + s_longestWait;
    }

    private int Begin(string user, SavedReturn? back = null)
    {
        if (!_free.TryPop(out var index))
        {
            index = _slots.Count;
            _slots.Add(new Slot { Number = index });
        }

        var slot = _slots[index];
        var socket = index % _first.Count;
        slot.User = user;
        var options = _initiator with { User = user, SpiPrefix = (uint)index };
        slot.Begin(new TestInitiator(back?.Options(options) ?? options, _first[socket].Path), socket);
        slot.Initiator!.Start(Now);
        Flush(slot);
        return index;
    }

    /// <summary>Waits for datagrams, a timer or the given moment, and works on what came.</summary>
    private void Turn(MonotonicTime until)
    {
        Probe(ref until);
        EndDue(ref until);
        if (_timers.TryPeek(out _, out var ticks) && ticks < until.Ticks)
            until = new MonotonicTime(ticks);
        var wait = until - Now;
        _ready.Clear();
        _ready.AddRange(_all);
        // poll(2) counts milliseconds: less than one would spin through it.
        if (wait > TimeSpan.Zero && wait < s_shortestWait)
            wait = s_shortestWait;
        Socket.Select(_ready, null, null, wait < TimeSpan.Zero ? TimeSpan.Zero : wait < s_longestWait ? wait : s_longestWait);
        foreach (var socket in _ready)
            Receive(_bySocket[socket]);
        var now = Now;
        while (_timers.TryPeek(out var entry, out ticks) && ticks <= now.Ticks)
        {
            _timers.Dequeue();
            var slot = _slots[entry.Slot];
            if (slot.Generation != entry.Generation || slot.Initiator is null)
                continue;
            slot.TimerAt = null;
            if (slot.Initiator.NextDeadline is { } deadline && deadline <= now)
                slot.Initiator.Advance(now);
            After(slot);
        }
    }

    private void EndDue(ref MonotonicTime until)
    {
        while (_ends.TryPeek(out var entry, out var ticks))
        {
            if (ticks > Now.Ticks)
            {
                if (ticks < until.Ticks)
                    until = new MonotonicTime(ticks);
                return;
            }

            _ends.Dequeue();
            var slot = _slots[entry.Slot];
            if (slot.Generation != entry.Generation || slot.Initiator is not { Stage: InitiatorStage.Established } initiator)
                continue;
            slot.Deleting = true;
            initiator.Delete(Now);
            Flush(slot);
        }
    }

    private void Probe(ref MonotonicTime until)
    {
        if (_probe is not { } index || _slots[index].Initiator is not { Stage: InitiatorStage.Established } initiator)
            return;
        var now = Now;
        if (now >= _nextProbe && initiator.IsQuiet)
        {
            _nextProbe = now + s_probeInterval;
            initiator.CheckLiveness(now);
            Flush(_slots[index]);
        }

        if (_nextProbe < until)
            until = _nextProbe > now ? _nextProbe : now + s_probeInterval;
    }

    private void Receive(LoadSocket socket)
    {
        // Bounded, so that one busy socket does not starve timers and the schedule.
        for (var i = 0; i < 256 && socket.TryReceive(_buffer, out var message, out var esp); i++)
        {
            if (esp.Length > 0)
                _traffic?.Receive(esp.Span);
            if (!IkeHeader.TryRead(message.Span, out var header, out _))
                continue;
            var ours = header.IsFromInitiator ? header.ResponderSpi : header.InitiatorSpi;
            var index = (int)(ours.Value >> 32);
            if ((uint)index >= (uint)_slots.Count || _slots[index].Initiator is not { } initiator)
                continue;
            var answered = initiator.Answered;
            initiator.Handle(message, Now);
            if (index == _probe && initiator.Answered > answered && initiator.Stage == InitiatorStage.Established && _nextProbe.Ticks > 0)
                _figures.ProbeRoundTrips.Add(initiator.LastRoundTrip);
            After(_slots[index]);
        }
    }

    /// <summary>An initiator has worked: its datagrams go out, its end is counted, its timer is set.</summary>
    private void After(Slot slot)
    {
        Flush(slot);
        var initiator = slot.Initiator!;
        if (slot.Number == _probe)
        {
            if (initiator.Stage == InitiatorStage.Closed && _nextProbe.Ticks > 0)
            {
                _figures.ProbeUnanswered++;
                _probe = null;
                Release(slot);
            }

            return;
        }

        if (slot.Counted && initiator.Outcome is not InitiatorOutcome.Pending)
        {
            slot.Counted = false;
            _inFlight--;
            _figures.Done(initiator, Now);
            var keep = initiator.Outcome is InitiatorOutcome.Established && (_options.Hold > TimeSpan.Zero || _options.Delete || IsChurning || _options.Return is not null);
            if (initiator.Outcome is InitiatorOutcome.Established)
                _sessions?.WriteLine(slot.User);
            if (_returns is not null && SavedReturn.Of(slot.User, initiator) is { } back)
                _returns.WriteLine(back);
            if (!keep)
            {
                Release(slot);
                return;
            }

            _held++;
            if (IsChurning)
                _ends.Enqueue((slot.Number, slot.Generation), (Now + TimeSpan.FromSeconds(_options.Churn.Least.TotalSeconds + (Random.Shared.NextDouble() * (_options.Churn.Most - _options.Churn.Least).TotalSeconds))).Ticks);
            else if (_options.Hold == TimeSpan.Zero && _options.Return is null)
                initiator.Delete(Now);
            Flush(slot);
        }

        if (initiator.Stage == InitiatorStage.Closed)
        {
            _held--;
            if ((_options.Hold > TimeSpan.Zero || IsChurning) && !slot.Deleting)
                _figures.ClosedByPeer++;
            Release(slot);
        }
    }

    private void Release(Slot slot)
    {
        slot.End();
        _free.Push(slot.Number);
    }

    private void Flush(Slot slot)
    {
        var initiator = slot.Initiator!;
        while (initiator.TryTake(out var datagram))
            (datagram.NatTraversal ? _second : _first)[slot.Socket].TrySend(datagram.Octets);
        if (initiator.NextDeadline is { } deadline && (slot.TimerAt is not { } at || deadline.Ticks < at))
        {
            slot.TimerAt = deadline.Ticks;
            _timers.Enqueue((slot.Number, slot.Generation), deadline.Ticks);
        }
    }

    /// <summary>A place for one initiator; the generation tells old timers.</summary>
    private sealed class Slot
    {
        public required int Number { get; init; }

        public int Generation { get; private set; }

        public string User { get; set; } = "";

        public int Socket { get; private set; }

        public TestInitiator? Initiator { get; private set; }

        public long? TimerAt { get; set; }

        /// <summary>A login of the load, not yet reported.</summary>
        public bool Counted { get; set; }

        public bool Deleting { get; set; }

        public void Begin(TestInitiator initiator, int socket)
        {
            Initiator = initiator;
            Socket = socket;
            TimerAt = null;
            Deleting = false;
        }

        public void End()
        {
            Initiator?.Vanish();
            Initiator = null;
            Counted = false;
            Generation++;
        }
    }
}
