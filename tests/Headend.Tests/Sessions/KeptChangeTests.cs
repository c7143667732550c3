using System.Net;
using System.Text;
using Headend.Aaa.Authorization;
using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Store;
using Headend.Telemetry;
using Headend.Tests.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Sessions;

/// <summary>What is acknowledged of a change to a session that outlives the process: a restart must not bring back what stood before.</summary>
public sealed class KeptChangeTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly SessionChange FiveMinutes = new(
        SessionChangeKinds.SessionTimeout,
        SessionProfile.Empty with { SessionTimeout = TimeSpan.FromMinutes(5) },
        new Dictionary<SessionChangeKinds, string> { [SessionChangeKinds.SessionTimeout] = "Session-Timeout" });

    private readonly TemporaryDirectory directory = new();
    private readonly EmbeddedStore embedded;
    private readonly SealedStore store;
    private readonly MonotonicClock clock = new(TimeProvider.System);
    private readonly HeadendMetrics metrics = new();
    private readonly IkeShard shard;
    private readonly ClientSession session;
    private readonly KeptSessionTable kept;
    private readonly SessionReauthorization reauthorization;
    private readonly StoreTime storeTime = new();
    private readonly SessionDynamicAuthorization performer;
    private int copies;

    public KeptChangeTests()
    {
        embedded = EmbeddedStore.Open(directory.File("headend.db"), DateTimeOffset.UtcNow);
        store = SealedStore.Open(embedded, KeyFile, TimeProvider.System, NullLogger.Instance);
        SessionLifecycle? lifecycle = null;
        shard = TestServices.Shard(clock, (effect, on) => lifecycle!.Unclaimed((UnclaimedCommandEffect)effect, on));
        session = TestSession.Create("alice", shard: shard);
        session.UpAt = clock.Now;
        session.Kept.For = TimeSpan.FromMinutes(30);
        session.Kept.ExpiresAt = clock.Now + TimeSpan.FromHours(1);
        kept = new KeptSessionTable(store, new ReconnectTable(clock), clock);
        var table = new SessionTable();
        lifecycle = TestServices.Lifecycle(clock, table, kept);
        table.Add(session);
        table.MarkUp(session);
        // Interfaces, grants and Interim-Updates have no part in a change of timers alone.
        reauthorization = new SessionReauthorization(null!, null!, null!, kept, storeTime);
        performer = new SessionDynamicAuthorization(new SessionLookup(table, "gw"), reauthorization, null, clock, metrics, NullLogger.Instance);
    }

    private string KeyFile => directory.File("headend.key");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        // Its timer is of the real clock: behind the test it would end a session of which nobody has the parts.
        _ = session.TryEndWait(null);
        shard.Dispose();
        await store.DisposeAsync();
        embedded.Dispose();
        metrics.Dispose();
        directory.Dispose();
    }

    [Fact]
    public async Task A_change_that_the_disk_refuses_is_acknowledged_because_no_restart_can_undo_it()
    {
        shard.Start();
        Assert.True(await kept.Keep(session));
        SetReadOnly(true);
        Assert.Null(await reauthorization.ApplyAsync(session, FiveMinutes, "dac"));
        Assert.Empty(await AfterACrashAsync());

        SetReadOnly(false);
        Assert.True(await store.RemoveAsync("other", "a write that waits for all before it"));
        var after = Assert.Single(await AfterACrashAsync());
        Assert.Equal(TimeSpan.FromMinutes(5), after.Authorization.SessionTimeout);
        Assert.True(after.ExpiresAt <= DateTimeOffset.UtcNow + TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task Where_a_restart_could_undo_it_the_change_is_not_acknowledged()
    {
        shard.Start();
        Assert.True(await kept.Keep(session));
        SetReadOnly(true);
        File.Delete(KeyFile);
        Directory.CreateDirectory(KeyFile);
        var refused = await reauthorization.ApplyAsync(session, FiveMinutes, "dac");
        Assert.Equal(ErrorCause.ResourcesUnavailable, refused?.Cause);
        Assert.Contains("the change holds", refused!.Detail, StringComparison.Ordinal);
        // What was taken away is not given back: whoever asks again asks for the same.
        Assert.Equal(TimeSpan.FromMinutes(5), session.Profile.SessionTimeout);
        Directory.Delete(KeyFile);
    }

    [Fact]
    public async Task Nor_is_one_that_the_disk_has_not_taken_in_time()
    {
        shard.Start();
        Assert.True(await kept.Keep(session));
        using var hangs = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        var disk = new Thread(() =>
        {
            lock (embedded.Gate)
            {
                hangs.Set();
                goesOn.Wait(Patience);
            }
        });
        disk.Start();
        Assert.True(hangs.Wait(Patience));
        storeTime.Allowed = TimeSpan.FromMilliseconds(50);
        Assert.Equal(ErrorCause.ResourcesUnavailable, (await reauthorization.ApplyAsync(session, FiveMinutes, "dac"))?.Cause);
        storeTime.Allowed = Patience;
        goesOn.Set();
        disk.Join();
        Assert.Null(await reauthorization.ApplyAsync(session, FiveMinutes, "dac"));
    }

    [Fact]
    public async Task That_a_sleeping_client_must_authenticate_anew_is_on_disk_before_it_is_acknowledged()
    {
        Assert.True(session.TryWait(TestServices.Sleep(clock)));
        Assert.True(await kept.Keep(session));
        var answer = performer.HandleAsync(Reauthenticate()).AsTask();
        // The shard has other things to do: until it has come to this, the session has its limits of before.
        await Task.Delay(TimeSpan.FromMilliseconds(500));
        Assert.False(answer.IsCompleted);
        shard.Start();
        Assert.Null((await answer.WaitAsync(Patience)).Cause);
        var after = Assert.Single(await AfterACrashAsync());
        Assert.InRange(after.ExpiresAt!.Value, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow + TimeSpan.FromSeconds(61));
    }

    private DynamicAuthorizationRequest Reauthenticate()
    {
        byte[] pair = [0, 0, 0, 9, .. Attribute(1, Encoding.ASCII.GetBytes("subscriber:command=reauthenticate"))];
        byte[] attributes = [.. Attribute(44, Encoding.ASCII.GetBytes(session.Names.AcctSessionId)), .. Attribute(26, pair)];
        byte[] octets = [43, 1, 0, (byte)(20 + attributes.Length), .. new byte[16], .. attributes];
        Assert.True(RadiusPacket.TryParse(octets, out var packet, out _));
        return new DynamicAuthorizationRequest(packet, null!, new IPEndPoint(IPAddress.Loopback, 40000), IPAddress.Loopback);
    }

    private static byte[] Attribute(byte type, byte[] value) => [type, (byte)(value.Length + 2), .. value];

    private void SetReadOnly(bool isReadOnly)
    {
        lock (embedded.Gate)
            embedded.Statement(isReadOnly ? "PRAGMA query_only = 1" : "PRAGMA query_only = 0").Execute();
    }

    private async Task<IReadOnlyList<KeptSession>> AfterACrashAsync()
    {
        var (database, keyFile) = (directory.File($"copy{++copies}.db"), directory.File($"copy{copies}.key"));
        lock (embedded.Gate)
        {
            File.Copy(directory.File("headend.db"), database);
            File.Copy(directory.File("headend.db-wal"), database + "-wal");
            if (File.Exists(KeyFile))
                File.Copy(KeyFile, keyFile);
        }

        using var opened = EmbeddedStore.Open(database, DateTimeOffset.UtcNow);
        await using var records = SealedStore.Open(opened, keyFile, TimeProvider.System, NullLogger.Instance);
        return SessionRestoration.Read(records, NullLogger.Instance);
    }

    /// <summary>How long the store may take: in tests as long as the machine needs, or not at all.</summary>
    private sealed class StoreTime : TimeProvider
    {
        public TimeSpan Allowed { get; set; } = Patience;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == SessionReauthorization.StorePatience ? Allowed : dueTime, period);
    }
}
