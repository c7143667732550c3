using Headend.Aaa.Authorization;
using Headend.Aaa.DynamicAuthorization;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>What a CoA-Request is answered when the session ends at the same time.</summary>
public sealed class SessionReauthorizationTests : IDisposable
{
    private static readonly SessionChange OneSecond = new(
        SessionChangeKinds.SessionTimeout,
        SessionProfile.Empty with { SessionTimeout = TimeSpan.FromSeconds(1) },
        new Dictionary<SessionChangeKinds, string> { [SessionChangeKinds.SessionTimeout] = "Session-Timeout" });

    private readonly HookedTime time = new();
    private readonly IkeShard shard;
    private readonly ClientSession session;
    private readonly SessionReauthorization reauthorization;

    public SessionReauthorizationTests()
    {
        var clock = new MonotonicClock(time);
        shard = TestServices.Shard(clock);
        session = TestSession.Create("alice", shard: shard);
        // Interfaces, grants and Interim-Updates have no part in a change of timers alone.
        reauthorization = new SessionReauthorization(null!, null!, null!, new KeptSessionTable(null, new ReconnectTable(clock), clock), time);
    }

    /// <summary>A Session-Timeout of a second may be over before whoever asked for it is run again.</summary>
    [Fact]
    public async Task A_change_that_held_is_acknowledged_though_the_session_has_ended_since()
    {
        // The shard is not running yet, so that the change waits for it, and with that timer: when it goes on, the session has had the change and is over.
        time.Hook = () =>
        {
            shard.Start();
            Assert.True(shard.InvokeAsync((_, _) => session.Close()).Wait(TimeSpan.FromSeconds(30)));
        };
        Assert.Null(await reauthorization.ApplyAsync(session, OneSecond, "dac"));
        Assert.Null(time.Hook);
        Assert.True(session.IsClosed);
        Assert.Equal(TimeSpan.FromSeconds(1), session.Profile.SessionTimeout);
    }

    [Fact]
    public async Task A_session_that_ended_before_is_not_changed()
    {
        shard.Start();
        Assert.True(await shard.InvokeAsync((_, _) => session.Close()));
        Assert.Equal(ErrorCause.SessionContextNotFound, (await reauthorization.ApplyAsync(session, OneSecond, "dac"))?.Cause);
        Assert.Null(session.Profile.SessionTimeout);
    }

    [Fact]
    public async Task Nor_is_one_that_ends_while_the_change_is_on_its_way_to_the_shard()
    {
        _ = shard.InvokeAsync((_, _) => session.Close());
        time.Hook = shard.Start;
        Assert.Equal(ErrorCause.SessionContextNotFound, (await reauthorization.ApplyAsync(session, OneSecond, "dac"))?.Cause);
        Assert.Null(session.Profile.SessionTimeout);
    }

    public void Dispose() => shard.Dispose();

    /// <summary>The system's clock; runs something, once, before a timer is made.</summary>
    private sealed class HookedTime : TimeProvider
    {
        public Action? Hook { get; set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var hook = Hook;
            Hook = null;
            hook?.Invoke();
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
