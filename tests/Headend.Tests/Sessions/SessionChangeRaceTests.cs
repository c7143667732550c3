using Headend.Aaa.Authorization;
using Headend.Aaa.DynamicAuthorization;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;
using Headend.Store;
using Headend.Tests.Pki;
using Microsoft.Extensions.Logging.Abstractions;

namespace Headend.Tests.Sessions;

/// <summary>Changes of authorization that meet each other, and one that meets a return of the client.</summary>
public sealed class SessionChangeRaceTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryDirectory directory = new();
    private readonly AllowedTime time = new();
    private readonly EmbeddedStore embedded;
    private readonly SealedStore store;
    private readonly SessionParts parts;
    private readonly IkeShard shard;
    private readonly ClientSession session;
    private readonly SessionReauthorization reauthorization;

    public SessionChangeRaceTests()
    {
        embedded = EmbeddedStore.Open(directory.File("headend.db"), DateTimeOffset.UtcNow);
        store = SealedStore.Open(embedded, directory.File("headend.key"), TimeProvider.System, NullLogger.Instance);
        parts = new SessionParts(store: store);
        shard = parts.Shard();
        session = parts.Up(shard);
        session.Kept.For = TimeSpan.FromMinutes(30);
        reauthorization = new SessionReauthorization(null!, null!, null!, parts.Kept, time);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        parts.Dispose();
        await store.DisposeAsync();
        embedded.Dispose();
        directory.Dispose();
    }

    /// <summary>Each that waits has one of the places that all RADIUS clients share: a disk that hangs must not make a queue of those of one session.</summary>
    [Fact]
    public async Task A_change_that_waits_for_the_disk_holds_up_no_other()
    {
        shard.Start();
        using var hangs = new ManualResetEventSlim();
        using var goesOn = new ManualResetEventSlim();
        var disk = new Thread(() =>
        {
            lock (embedded.Gate)
            {
                hangs.Set();
                goesOn.Wait(Patience + Patience);
            }
        });
        disk.Start();
        Assert.True(hangs.Wait(Patience));
        var first = reauthorization.ApplyAsync(session, Minutes(5), "dac").AsTask();
        var second = reauthorization.ApplyAsync(session, Minutes(6), "dac").AsTask();
        var third = reauthorization.ReauthenticateAsync(session, TimeSpan.FromMinutes(1)).AsTask();
        Assert.True(SpinWait.SpinUntil(() => session.Kept.ExpiresAt <= parts.Clock.Now + TimeSpan.FromMinutes(1) && session.ChangeGate.CurrentCount == 1, Patience));
        Assert.Equal(TimeSpan.FromMinutes(6), session.Profile.SessionTimeout);
        Assert.False(first.IsCompleted || second.IsCompleted || third.IsCompleted);
        goesOn.Set();
        disk.Join();
        Assert.All(await Task.WhenAll(first, second, third).WaitAsync(Patience), Assert.Null);
    }

    [Fact]
    public async Task Who_waits_for_its_turn_too_long_changes_nothing()
    {
        shard.Start();
        Assert.True(session.ChangeGate.Wait(0));
        time.Allowed = TimeSpan.FromMilliseconds(50);
        var refused = await reauthorization.ApplyAsync(session, Minutes(5), "dac").AsTask().WaitAsync(Patience);
        Assert.Equal(ErrorCause.ResourcesUnavailable, refused?.Cause);
        Assert.Equal(ErrorCause.ResourcesUnavailable, (await reauthorization.ReauthenticateAsync(session, TimeSpan.FromMinutes(1)).AsTask().WaitAsync(Patience))?.Cause);
        Assert.Null(session.Profile.SessionTimeout);
        Assert.Null(session.Kept.ExpiresAt);
        time.Allowed = Patience;
        // Who gave up has left nothing behind: the turn is the next one's.
        session.ChangeGate.Release();
        Assert.Null(await reauthorization.ApplyAsync(session, Minutes(5), "dac").AsTask().WaitAsync(Patience));
    }

    /// <summary>The change finds its session gone from its shard, and follows it to one where it is up already, with the limits of before.</summary>
    [Fact]
    public async Task A_change_that_follows_a_session_to_another_shard_is_what_is_kept()
    {
        var there = await MoveBetweenAsync(() => reauthorization.ApplyAsync(session, Minutes(5), "dac"));
        Assert.Null(await there.WaitAsync(Patience));
        Assert.Equal(TimeSpan.FromMinutes(5), session.Kept.Grant.SessionTimeout);
        Assert.Equal(parts.Clock.Now + TimeSpan.FromMinutes(5), session.Kept.ExpiresAt);
        Assert.InRange(await KeptEndAsync(), DateTimeOffset.UtcNow, DateTimeOffset.UtcNow + TimeSpan.FromMinutes(6));
    }

    [Fact]
    public async Task So_is_that_the_client_is_to_authenticate_anew()
    {
        var there = await MoveBetweenAsync(() => reauthorization.ReauthenticateAsync(session, TimeSpan.FromMinutes(1)));
        Assert.Null(await there.WaitAsync(Patience));
        Assert.Equal(parts.Clock.Now + TimeSpan.FromMinutes(1), session.Kept.ExpiresAt);
    }

    // Asked for on the shard where the session sleeps, performed when it has a login of the other shard; up there before the command is.
    private async Task<Task<DynamicRequestFailure?>> MoveBetweenAsync(Func<ValueTask<DynamicRequestFailure?>> change)
    {
        parts.Sleep(session);
        var other = parts.Shard();
        var login = parts.Login(other);
        var answer = change().AsTask();
        Assert.True(session.TryReturn(login, out var former, out _));
        parts.Table.Move(session, former);
        shard.Start();
        // Behind the command, and what came of it.
        Assert.True(await shard.InvokeAsync(static (_, _) => { }));
        Assert.True(await shard.InvokeAsync(static (_, _) => { }));
        parts.ComeUp(login, SessionGrant.Empty with { SessionTimeout = TimeSpan.FromHours(1) });
        Assert.Equal(TimeSpan.FromHours(1), session.Kept.Grant.SessionTimeout);
        other.Start();
        return answer;
    }

    private async Task<DateTimeOffset> KeptEndAsync()
    {
        await store.DisposeAsync();
        await using var again = SealedStore.Open(embedded, directory.File("headend.key"), TimeProvider.System, NullLogger.Instance);
        return Assert.Single(SessionRestoration.Read(again, NullLogger.Instance)).ExpiresAt!.Value;
    }

    private static SessionChange Minutes(int minutes) => new(
        SessionChangeKinds.SessionTimeout,
        SessionProfile.Empty with { SessionTimeout = TimeSpan.FromMinutes(minutes) },
        new Dictionary<SessionChangeKinds, string> { [SessionChangeKinds.SessionTimeout] = "Session-Timeout" });

    /// <summary>How long the store and the changes before may take: as long as the machine needs, or not at all.</summary>
    private sealed class AllowedTime : TimeProvider
    {
        public TimeSpan Allowed { get; set; } = Patience + Patience;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime == SessionReauthorization.StorePatience ? Allowed : dueTime, period);
    }
}
