using System.Collections.Immutable;
using System.Net;
using Headend.Aaa.Authorization;
using Headend.Composition;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Crypto;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Store;
using Headend.Telemetry;
using Headend.TestKit.Simulation;
using Headend.Tests.Pki;
using Headend.VirtualAccess.Configuration;
using Headend.VirtualAccess.DataPlane;
using Headend.VirtualAccess.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Sessions;

/// <summary>Sessions of an earlier process whose wall clock was ahead: they are taken up, and nobody has more time than was left.</summary>
public sealed class SetBackClockTests : IDisposable
{
    private static readonly DateTimeOffset Wall = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Ahead = TimeSpan.FromDays(90);
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(30);

    private readonly SetTime time = new();
    private readonly MonotonicClock clock;
    private readonly SessionTable table = new();
    private readonly IkeShard shard;
    private readonly KernelWorker kernel = new(inline: true, null, NullLogger.Instance);
    private readonly TicketTable tickets;
    private readonly SessionServices services;

    public SetBackClockTests()
    {
        clock = new MonotonicClock(time);
        var endpoint = new IkeEndpoint(new IkeEndpointOptions { Shard = 0, ShardCount = 1, Profiles = [] }, new SystemCryptoProvider(), new RecordingObserver());
        shard = new IkeShard(0, endpoint, clock, new ShardMailboxLimits(), (_, _) => { }, () => true, NullLogger.Instance);
        var limits = new UnauthenticatedLogLimits(TimeProvider.System);
        var events = new AddressEventObserver(limits, NullLogger.Instance);
        var addresses = new AddressAssignment([], events);
        var interfaces = new SessionInterfaces(
            new NullDataPlane(), kernel, clock, new InterfaceNames(new HashSet<string>(), new HashSet<string>()), new SessionFilterCompiler(new Dictionary<string, AccessList>(), null),
            new SessionPolicyTable(new Dictionary<string, PolicyMap>()), addresses, NullLogger.Instance);
        var reconnects = new ReconnectTable(clock);
        tickets = new TicketTable(new TicketKeys(time, TimeSpan.FromDays(7), []), time);
        services = new SessionServices
        {
            Clock = clock,
            Table = table,
            Kept = new KeptSessionTable(null, reconnects, clock),
            Numbers = new SessionNumbers(time),
            Addressing = new SessionAddressing(addresses, null!, events, time),
            Interfaces = interfaces,
            Authorizer = null!,
            Certificates = null!,
            Simultaneous = new SimultaneousSessionTable(interfaces, clock),
            Interims = null!,
            Reconnects = reconnects,
            Tickets = tickets,
            Local = null!,
            ProfileObserver = null!,
            Radius = null,
            Accounting = null,
            Metrics = null!,
            LogLimits = limits,
            Logger = NullLogger.Instance,
        };
    }

    public void Dispose()
    {
        _ = table.All.FirstOrDefault()?.TryEndWait(null);
        shard.Dispose();
        kernel.Dispose();
        tickets.Dispose();
    }

    /// <summary>The clock was set back while the process ran: its last mark of life is of the right clock, the record is not.</summary>
    [Fact]
    public void A_session_that_fell_silent_in_the_future_waits_as_long_as_any_and_not_for_months()
    {
        var waits = Restored(Kept(written: Wall + Ahead, silentFor: TimeSpan.FromMinutes(1), total: TimeSpan.FromHours(8), left: TimeSpan.FromHours(5)), lastAlive: Wall - TimeSpan.FromMinutes(4));
        Assert.Equal(-TimeSpan.FromMinutes(5), waits.Since - clock.Now);
        Assert.Equal(KeptFor - TimeSpan.FromMinutes(5), waits.Until - clock.Now);
        Assert.Equal(TimeSpan.FromHours(5) - TimeSpan.FromMinutes(4), waits.ExpiresAt - clock.Now);
        Assert.Equal(-TimeSpan.FromMinutes(4) - TimeSpan.FromHours(3), table.All.Single().UpAt - clock.Now);
    }

    /// <summary>It was set back behind the end of the process: how long nobody was there is not known, but nobody has more than was left then.</summary>
    [Fact]
    public void Where_the_last_mark_of_life_is_of_the_future_too_the_time_of_the_outage_alone_is_given()
    {
        var waits = Restored(Kept(written: Wall + Ahead, silentFor: TimeSpan.FromMinutes(1), total: TimeSpan.FromHours(8), left: TimeSpan.FromHours(5)), lastAlive: Wall + Ahead + TimeSpan.FromMinutes(10));
        Assert.Equal(KeptFor - TimeSpan.FromMinutes(11), waits.Until - clock.Now);
        Assert.Equal(TimeSpan.FromHours(5) - TimeSpan.FromMinutes(10), waits.ExpiresAt - clock.Now);
        Assert.Equal(TimeSpan.FromMinutes(9), waits.IdleAt - clock.Now);
    }

    /// <summary>An hour back, as summer time set by hand: no session has an hour more for that.</summary>
    [Fact]
    public void A_small_step_lengthens_nothing()
    {
        var waits = Restored(Kept(written: Wall + TimeSpan.FromHours(1), silentFor: TimeSpan.Zero, total: TimeSpan.FromHours(2), left: TimeSpan.FromMinutes(50)), lastAlive: Wall);
        Assert.Equal((KeptFor, TimeSpan.FromMinutes(50), TimeSpan.FromMinutes(19)), (waits.Until - clock.Now, waits.ExpiresAt - clock.Now, waits.IdleAt - clock.Now));
    }

    /// <summary>Asked to authenticate anew it has a limit that stands in no grant.</summary>
    [Fact]
    public void A_limit_that_no_grant_has_is_not_lengthened_either()
    {
        var waits = Restored(Kept(written: Wall + Ahead, silentFor: TimeSpan.Zero, total: null, left: TimeSpan.FromMinutes(1)), lastAlive: Wall);
        Assert.Equal(TimeSpan.FromMinutes(1), waits.ExpiresAt - clock.Now);
    }

    /// <summary>A record that does not say when it was written.</summary>
    [Fact]
    public void Records_of_before_are_bounded_by_what_they_were_granted()
    {
        var kept = Kept(written: Wall + Ahead, silentFor: TimeSpan.Zero, total: TimeSpan.FromHours(8), left: TimeSpan.FromHours(5)) with { AsOf = null, SilentSince = null, IdleAt = null };
        var waits = Restored(kept, lastAlive: Wall);
        Assert.Equal((KeptFor, TimeSpan.FromMinutes(20)), (waits.Until - clock.Now, waits.IdleAt - clock.Now));
        Assert.Equal((TimeSpan.FromHours(8), TimeSpan.Zero), (waits.ExpiresAt - clock.Now, table.All.Single().UpAt - clock.Now));
    }

    [Fact]
    public void Where_the_clock_was_left_alone_an_outage_counts()
    {
        var waits = Restored(
            Kept(written: Wall - TimeSpan.FromMinutes(10), silentFor: TimeSpan.FromMinutes(2), total: TimeSpan.FromHours(8), left: TimeSpan.FromHours(5)), lastAlive: Wall - TimeSpan.FromMinutes(3));
        Assert.Equal((KeptFor - TimeSpan.FromMinutes(12), TimeSpan.FromHours(5) - TimeSpan.FromMinutes(10)), (waits.Until - clock.Now, waits.ExpiresAt - clock.Now));
    }

    [Fact]
    public async Task A_record_says_when_it_was_written()
    {
        Restored(Kept(written: Wall, silentFor: TimeSpan.Zero, total: null, left: null), lastAlive: Wall);
        using var directory = new TemporaryDirectory();
        using var embedded = EmbeddedStore.Open(directory.File("headend.db"), Wall);
        await using (var store = SealedStore.Open(embedded, directory.File("headend.key"), TimeProvider.System, NullLogger.Instance))
            Assert.True(await new KeptSessionTable(store, services.Reconnects, clock).Keep(table.All.Single()));
        await using var next = SealedStore.Open(embedded, directory.File("headend.key"), TimeProvider.System, NullLogger.Instance);
        Assert.Equal(Wall, Assert.Single(SessionRestoration.Read(next, NullLogger.Instance)).AsOf);
    }

    private SessionInactivity Restored(KeptSession kept, DateTimeOffset? lastAlive)
    {
        var profile = TestSession.Login(TestSession.Binding).Profile with { ClientResume = KeptFor };
        new SessionRestoration(services, new SessionLifecycle(services), [profile], [shard], static _ => null, lastAlive).Restore([kept]);
        return Assert.Single(table.All).Inactivity!;
    }

    /// <summary>Of a session that has been up for three hours and was idle for a minute before its client went silent.</summary>
    private static KeptSession Kept(DateTimeOffset written, TimeSpan silentFor, TimeSpan? total, TimeSpan? left) => new()
    {
        Names = new SessionNames(7, "C63364010000000170000000", "7000000000000001"),
        Profile = TestSession.Binding.Name,
        IdentityType = 11,
        Identity = "alice"u8.ToArray(),
        Login = new KeptLogin { User = "alice", RemoteMethod = RemoteMethod.Eap },
        Local = new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500),
        Remote = new IPEndPoint(IPAddress.Parse("203.0.113.7"), 1024),
        AddressAtLogin = IPAddress.Parse("203.0.113.7"),
        Sources = [],
        Authorization = SessionProfile.Empty,
        Addresses = new AssignedAddresses(null, null, null, 0),
        Leases = [],
        NatAddresses = ImmutableDictionary<string, IPAddress>.Empty,
        Subnets = [],
        Grant = SessionGrant.Empty with { SessionTimeout = total, IdleTimeout = TimeSpan.FromMinutes(20) },
        AsOf = written,
        UpAt = written - TimeSpan.FromHours(3),
        SilentSince = written - silentFor,
        ExpiresAt = written + left,
        IdleAt = written + TimeSpan.FromMinutes(19),
        KeptFor = KeptFor,
    };

    /// <summary>The monotonic clock stands; timers are as those of the machine, which take no more than 49.7 days.</summary>
    private sealed class SetTime : TimeProvider
    {
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => TimeSpan.FromDays(1).Ticks;

        public override DateTimeOffset GetUtcNow() => Wall;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(dueTime, TimeSpan.FromMilliseconds(uint.MaxValue - 1));
            return System.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
