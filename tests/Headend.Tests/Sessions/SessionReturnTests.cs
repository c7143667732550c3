using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>A session between the login that takes it over and its return: who finds it, and what is changed meanwhile.</summary>
public sealed class SessionReturnTests : IDisposable
{
    private readonly ManualTime time = new();
    private readonly MonotonicClock clock;
    private readonly IkeShard shard;
    private readonly SessionTable table = new();
    private readonly ClientSession session;
    private readonly ClientSession login;
    private readonly SessionLifecycle lifecycle;

    public SessionReturnTests()
    {
        clock = new MonotonicClock(time);
        shard = TestServices.Shard(clock);
        (session, login) = (TestSession.Create("alice", shard: shard), TestSession.Create("alice", shard: shard));
        lifecycle = TestServices.Lifecycle(clock, table, new KeptSessionTable(null, new ReconnectTable(clock), clock));
        table.Add(session);
        table.Add(login);
        Assert.True(session.TryWait(TestServices.Sleep(clock)));
    }

    [Fact]
    public void A_login_that_ends_takes_nobody_else_out_of_the_table()
    {
        Assert.True(session.TryReturn(login, out var former, out _));
        table.Move(session, former);
        table.Remove(login, wasUp: false);
        Assert.True(table.TryFind(login.Id, out var found));
        Assert.Same(session, found);
        table.Remove(session, wasUp: true);
        Assert.False(table.TryFind(login.Id, out _));
        Assert.False(table.TryFindMoved(former, out _));
    }

    [Fact]
    public void Of_two_logins_one_gets_the_session_and_its_id_of_before()
    {
        var before = session.Id;
        Assert.True(session.TryReturn(login, out var former, out var waits));
        Assert.Equal(before, former);
        Assert.NotNull(waits);
        Assert.Equal(login.Id, session.Id);
        Assert.False(session.TryReturn(TestSession.Create("alice", shard: shard), out _, out _));
    }

    /// <summary>RFC 5176: what is acknowledged holds, also where the client is about to come back with the limits of before.</summary>
    [Fact]
    public void Limits_that_change_while_the_client_comes_back_are_not_lost()
    {
        var id = Return();
        lifecycle.Unclaimed(new UnclaimedCommandEffect(id, new ChangeTimeoutsCommand(id, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(2))), shard);
        var returns = session.Returning!;
        Assert.True(returns is { IsTotalChanged: true, IsIdleChanged: true });
        Assert.Equal(clock.Now + TimeSpan.FromMinutes(5), returns.ExpiresAt);
        Assert.Equal(TimeSpan.FromMinutes(2), returns.Grant.IdleTimeout);
        lifecycle.Unclaimed(new UnclaimedCommandEffect(id, new ChangeTimeoutsCommand(id, TimeSpan.Zero, null)), shard);
        Assert.Null(session.Returning!.ExpiresAt);
        Assert.Equal(TimeSpan.FromMinutes(2), session.Returning.Grant.IdleTimeout);
    }

    [Fact]
    public void Nor_is_that_the_client_is_to_authenticate_anew()
    {
        var id = Return();
        lifecycle.Unclaimed(new UnclaimedCommandEffect(id, new ReauthenticateCommand(id, TimeSpan.FromMinutes(1))), shard);
        Assert.Equal(clock.Now + TimeSpan.FromMinutes(1), session.Returning!.ReauthenticateBy);
        Assert.Equal(clock.Now + TimeSpan.FromMinutes(1), session.Returning.ExpiresAt);
    }

    /// <summary>When the client is back the store has the limits that were acknowledged, too, and not those of the login: a crash must not bring those back.</summary>
    [Fact]
    public void What_was_changed_meanwhile_is_what_is_kept()
    {
        var id = Return();
        lifecycle.Unclaimed(new UnclaimedCommandEffect(id, new ChangeTimeoutsCommand(id, TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(2))), shard);
        session.Kept.Grant = SessionGrant.Empty with { SessionTimeout = TimeSpan.FromHours(1) };
        session.Kept.ExpiresAt = clock.Now + TimeSpan.FromHours(1);
        time.Advance(TimeSpan.FromMinutes(1));
        SessionLifecycle.CatchUp(session, session.Returning!, shard, clock.Now);
        Assert.Equal(clock.Now + TimeSpan.FromMinutes(4), session.Kept.ExpiresAt);
        Assert.Equal(TimeSpan.FromMinutes(4), session.Kept.Grant.SessionTimeout);
        Assert.Equal(TimeSpan.FromMinutes(2), session.Kept.Grant.IdleTimeout);
    }

    /// <summary>A whole login brought limits of its own: what nobody changed meanwhile is the login's.</summary>
    [Fact]
    public void What_was_not_changed_meanwhile_stays_as_the_login_brought_it()
    {
        var id = Return();
        lifecycle.Unclaimed(new UnclaimedCommandEffect(id, new ChangeTimeoutsCommand(id, null, TimeSpan.FromMinutes(2))), shard);
        session.Kept.Grant = SessionGrant.Empty with { SessionTimeout = TimeSpan.FromMinutes(3) };
        session.Kept.ExpiresAt = clock.Now + TimeSpan.FromMinutes(3);
        SessionLifecycle.CatchUp(session, session.Returning!, shard, clock.Now);
        Assert.Equal(clock.Now + TimeSpan.FromMinutes(3), session.Kept.ExpiresAt);
        Assert.Equal(TimeSpan.FromMinutes(3), session.Kept.Grant.SessionTimeout);
        Assert.Equal(TimeSpan.FromMinutes(2), session.Kept.Grant.IdleTimeout);
        lifecycle.Unclaimed(new UnclaimedCommandEffect(id, new ReauthenticateCommand(id, TimeSpan.FromMinutes(1))), shard);
        SessionLifecycle.CatchUp(session, session.Returning!, shard, clock.Now);
        Assert.Equal(clock.Now + TimeSpan.FromMinutes(1), session.Kept.ExpiresAt);
        Assert.Equal(TimeSpan.FromMinutes(3), session.Kept.Grant.SessionTimeout);
    }

    /// <summary>Its end came when the login had it already, but before it stood in the table by the login's id.</summary>
    [Fact]
    public void A_session_that_ended_while_it_moved_is_not_in_the_table()
    {
        Assert.True(session.TryReturn(login, out var former, out _));
        session.Close();
        table.Remove(session, wasUp: true);
        table.Move(session, former);
        Assert.False(table.TryFind(session.Id, out var found) && found == session);
        Assert.False(table.TryFindMoved(former, out _));
    }

    /// <summary>A ticket asked for behind the end makes no session.</summary>
    [Fact]
    public void A_ticket_for_a_session_that_is_over_is_none()
    {
        table.Remove(login, wasUp: false);
        byte[] state = [1, 2, 3];
        lifecycle.IssueTicket(new IssueTicketEffect(new OperationId(7), Established: true, TestSession.Login(TestSession.Binding), state, TimeSpan.FromHours(1)), shard);
        Assert.False(table.TryFind(login.Id, out _));
        Assert.Equal(new byte[3], state);
    }

    [Fact]
    public void At_a_stop_that_keeps_sessions_nobody_ends_them_any_more()
    {
        session.Kept.IsStored = true;
        lifecycle.Unclaimed(new UnclaimedCommandEffect(session.Id, new ChangeTimeoutsCommand(session.Id, TimeSpan.FromMinutes(1), null)), shard);
        lifecycle.EndAllInactive(keeps: true);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.NotNull(session.Inactivity);
        Assert.False(session.IsClosed);
    }

    public void Dispose() => shard.Dispose();

    private SessionId Return()
    {
        Assert.True(session.TryReturn(login, out var former, out _));
        table.Move(session, former);
        return session.Id;
    }

    private sealed class ManualTime : TimeProvider
    {
        private readonly List<Timer> timers = [];
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new Timer(() => callback(state), ticks + dueTime.Ticks);
            timers.Add(timer);
            return timer;
        }

        public void Advance(TimeSpan by)
        {
            ticks += by.Ticks;
            foreach (var timer in timers.Where(t => !t.IsDisposed && t.At <= ticks).ToList())
                timer.Fire();
        }

        private sealed class Timer(Action fire, long at) : ITimer
        {
            public long At => at;

            public bool IsDisposed { get; private set; }

            public void Fire() => fire();

            public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

            public void Dispose() => IsDisposed = true;

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }
}
