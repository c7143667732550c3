using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Headend.Aaa.Accounting;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Store;
using Headend.Telemetry;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging.Abstractions;
using LoginRecord = Headend.Ikev2.LoginRecord;

namespace Headend.Tests.Sessions;

/// <summary>A lifecycle with the parts that sessions come up, sleep, return and end with. The test plays the cores: it has the lifecycle perform what they would ask for.</summary>
internal sealed class SessionParts : IDisposable
{
    private readonly List<IkeShard> shards = [];
    private readonly KernelWorker kernel = new(inline: true, null, NullLogger.Instance);
    private readonly HeadendMetrics metrics = new();
    private uint lastSpi = 0x1000;
    private ulong lastOperation;

    public SessionParts(AccountingClient? accounting = null, SealedStore? store = null)
    {
        Clock = new MonotonicClock(Time);
        Interfaces = new SessionInterfaces(DataPlane, kernel, Clock, null!, null!, null!, null!, NullLogger.Instance);
        Interims = new InterimSchedule(Time, _ => default);
        Simultaneous = new SimultaneousSessionTable(Interfaces, Clock);
        var reconnects = new ReconnectTable(Clock);
        Kept = new KeptSessionTable(store, reconnects, Clock);
        var filters = new SessionFilterCompiler(new Dictionary<string, AccessList>(), null);
        Lifecycle = new SessionLifecycle(new SessionServices
        {
            Clock = Clock,
            Table = Table,
            Kept = Kept,
            Numbers = new SessionNumbers(Time),
            Addressing = new SessionAddressing(new AddressAssignment([], null!), null!, null!, Time),
            Interfaces = Interfaces,
            Authorizer = new SessionAuthorizer(
                new AuthorizationClient(null, null!, null!), new SessionGrantCompiler(null, new Dictionary<string, AccessList>(), filters, null!, () => [])),
            Certificates = null!,
            Simultaneous = Simultaneous,
            Interims = Interims,
            Reconnects = reconnects,
            Tickets = new TicketTable(null!, Time),
            Local = null!,
            ProfileObserver = null!,
            Radius = null,
            Accounting = accounting,
            Metrics = metrics,
            LogLimits = new UnauthenticatedLogLimits(Time),
            Logger = NullLogger.Instance,
        });
    }

    public HeldTime Time { get; } = new();

    public MonotonicClock Clock { get; }

    public SessionTable Table { get; } = new();

    public HookedDataPlane DataPlane { get; } = new();

    public SessionInterfaces Interfaces { get; }

    public KeptSessionTable Kept { get; }

    public InterimSchedule Interims { get; }

    public SimultaneousSessionTable Simultaneous { get; }

    public SessionLifecycle Lifecycle { get; }

    /// <summary>Not started: until it is, the test is its thread.</summary>
    public IkeShard Shard()
    {
        var shard = TestServices.Shard(Clock, (effect, on) => Lifecycle.Unclaimed((UnclaimedCommandEffect)effect, on), shards.Count);
        shards.Add(shard);
        return shard;
    }

    /// <summary>A session that is up, with an interface.</summary>
    public ClientSession Up(IkeShard shard, ProfileBinding? binding = null)
    {
        var session = TestSession.Create("alice", binding: binding, shard: shard);
        Assert.True(DataPlane.TryCreateInterface(null!, out var handle, out _));
        (session.InterfaceRequested, session.Handle, session.UpAt) = (true, handle, Clock.Now);
        Table.Add(session);
        Table.MarkUp(session);
        return session;
    }

    /// <summary>The login by which its client is to come back.</summary>
    public ClientSession Login(IkeShard shard, ProfileBinding? binding = null)
    {
        var login = TestSession.Create("alice", binding: binding, shard: shard);
        Table.Add(login);
        return login;
    }

    /// <summary>Its client goes silent; it has an hour left.</summary>
    /// <param name="session">Which.</param>
    /// <param name="grant">What IKE has; null: an hour.</param>
    public void Sleep(ClientSession session, SessionGrant? grant = null) => Lifecycle.Inactive(
        new SessionInactiveEffect(RecordOf(session), grant ?? SessionGrant.Empty with { SessionTimeout = TimeSpan.FromHours(1) }, Clock.Now + TimeSpan.FromHours(1), TimeSpan.FromHours(2), "silent"),
        session.Shard);

    public void Install(ClientSession session)
    {
        Assert.True(AlgorithmTable.TryFindEncryption("aes128gcm16", out var encryption));
        var spi = lastSpi += 2;
        var pair = new ChildSaParameters(
            spi, spi + 1, new EspSuite(1, encryption, null, null, Esn: false, spi + 1), new byte[20], [], new byte[20], [], [], [], session.Path,
            UdpEncapsulation: true, 64, 0, OutboundAtOnce: true);
        Lifecycle.Install(new InstallChildSaEffect(new OperationId(++lastOperation), Established: false, session.Id, pair), session.Shard);
    }

    public void ComeUp(ClientSession session, SessionGrant grant) =>
        Lifecycle.Up(new SessionUpEffect(RecordOf(session), grant, new AssignedAddresses(null, null, null, 0), null!) { KeptFor = TimeSpan.FromMinutes(30) }, session.Shard);

    public void Down(ClientSession login, SessionEndReason reason) =>
        Lifecycle.Down(new SessionDownEffect(RecordOf(login), reason, "", WasUp: false), login.Shard);

    public AuthorizeEffect Authorize(ClientSession login) => new(new OperationId(++lastOperation), RecordOf(login));

    public void Dispose()
    {
        foreach (var shard in shards)
            shard.Dispose();
        kernel.Dispose();
        Interims.Dispose();
        metrics.Dispose();
        DataPlane.Dispose();
    }

    private static LoginRecord RecordOf(ClientSession session)
    {
        var any = TestSession.Login(session.Binding);
        return new LoginRecord
        {
            Session = session.Id,
            Profile = any.Profile,
            RemoteIdentity = session.RemoteIdentity,
            Path = session.Path,
            ProvenSource = session.ProvenSource,
            StartedAt = session.StartedAt,
            Suite = null!,
        };
    }
}

/// <summary>Stands still until it is told to go on; then what is due fires once, on the caller's thread. The wall clock goes on.</summary>
internal sealed class HeldTime : TimeProvider
{
    private readonly List<Timer> timers = [];
    private readonly Lock gate = new();
    private long ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Timers made so far.</summary>
    public int Timers
    {
        get
        {
            lock (gate)
                return timers.Count;
        }
    }

    public override long GetTimestamp() => Volatile.Read(ref ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(() => callback(state), dueTime == Timeout.InfiniteTimeSpan ? long.MaxValue : GetTimestamp() + dueTime.Ticks, period > TimeSpan.Zero);
        lock (gate)
            timers.Add(timer);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        var now = Interlocked.Add(ref ticks, by.Ticks);
        List<Timer> due;
        lock (gate)
            due = [.. timers.Where(t => t.At <= now)];
        foreach (var timer in due)
            timer.FireOnce();
    }

    private sealed class Timer(Action fire, long at, bool repeats) : ITimer
    {
        private bool isOver;

        public long At => at;

        public void FireOnce()
        {
            if (isOver)
                return;
            isOver = !repeats;
            fire();
        }

        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => isOver = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>Keeps the books of SAs, and lets others act in the middle of their removal.</summary>
internal sealed class HookedDataPlane : IDataPlane
{
    private readonly NullDataPlane plane = new();

    /// <summary>Runs once, before the SAs of a session are told.</summary>
    public Action? Hook { get; set; }

    public int SaCount => plane.SaCount;

    public string Kind => plane.Kind;

    public bool WantsEsp => plane.WantsEsp;

    public bool TryCreateInterface(InterfaceRequest request, out SessionHandle session, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        plane.TryCreateInterface(request, out session, out failure);

    public bool TryUpdateInterface(SessionHandle session, Func<InterfaceRequest, InterfaceRequest> change, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        plane.TryUpdateInterface(session, change, out failure);

    public bool TryAddRoutes(SessionHandle session, ImmutableArray<InterfaceRoute> routes, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        plane.TryAddRoutes(session, routes, out failure);

    public bool TryInstallSa(SessionHandle session, EspSaParameters parameters, [NotNullWhen(false)] out InterfaceFailure? failure) =>
        plane.TryInstallSa(session, parameters, out failure);

    public bool RemoveSa(uint inboundSpi) => plane.RemoveSa(inboundSpi);

    public bool UpdatePath(SessionHandle session, EspPath path) => plane.UpdatePath(session, path);

    public bool RemoveInterface(SessionHandle session, out SessionCounters final) => plane.RemoveInterface(session, out final);

    public bool TryGetCounters(SessionHandle session, out SessionCounters counters) => plane.TryGetCounters(session, out counters);

    public ImmutableArray<SaCounters> GetSaCounters(SessionHandle session)
    {
        var hook = Hook;
        Hook = null;
        hook?.Invoke();
        return plane.GetSaCounters(session);
    }

    public ImmutableArray<long> GetDrops() => plane.GetDrops();

    public void ReceiveEsp(Span<byte> packet, in TransportAddress local, in TransportAddress remote, byte trafficClass, long now) =>
        plane.ReceiveEsp(packet, local, remote, trafficClass, now);

    public void Dispose() => plane.Dispose();
}
