using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>What two threads do to one session at the same time, in the orders that hurt: a login takes it over, it goes to sleep, somebody ends or changes it.</summary>
public sealed class SessionRaceTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SessionParts parts = new();
    private readonly IkeShard shard;
    private readonly ClientSession session;
    private readonly ClientSession login;

    public SessionRaceTests()
    {
        shard = parts.Shard();
        session = parts.Up(shard);
        login = parts.Login(shard);
    }

    [Fact]
    public void A_pair_that_is_left_when_the_session_falls_asleep_is_removed()
    {
        parts.Install(session);
        Assert.Equal(1, parts.DataPlane.SaCount);
        parts.Sleep(session);
        Assert.NotNull(session.Inactivity);
        Assert.Equal(0, parts.DataPlane.SaCount);
    }

    /// <summary>From the moment on in which it waits, another login may have it, with a pair of its own.</summary>
    [Fact]
    public void And_that_before_another_login_can_have_the_session()
    {
        parts.Install(session);
        var isTaken = false;
        parts.DataPlane.Hook = () => isTaken = session.TryReturn(login, out _, out _);
        parts.Sleep(session);
        Assert.False(isTaken);
        Assert.Null(parts.DataPlane.Hook);
    }

    [Fact]
    public void A_session_that_is_over_does_not_sleep()
    {
        parts.Install(session);
        session.Close();
        parts.Sleep(session);
        Assert.Null(session.Inactivity);
        Assert.Equal(0, parts.Table.InactiveCount);
        Assert.Equal(0, parts.DataPlane.SaCount);
    }

    /// <summary>It was asked for where the session lived before, and finds the login before the table knows that the session has its place.</summary>
    [Fact]
    public void An_end_that_comes_while_the_session_moves_ends_it_and_not_the_login_alone()
    {
        parts.Sleep(session);
        Assert.True(session.TryReturn(login, out var former, out _));
        parts.Down(login, SessionEndReason.AdminCleared);
        Assert.True(session.IsClosed);
        Assert.True(session.Gone.Task.IsCompletedSuccessfully);
        parts.Table.Move(session, former);
        Assert.True(parts.Table.IsEmpty);
        Assert.False(parts.Table.TryFindMoved(former, out _));
        Assert.Equal((0, 0), (parts.Table.UpCount, parts.Table.InactiveCount));
    }

    [Fact]
    public void One_that_is_the_logins_alone_lets_it_sleep_on()
    {
        parts.Sleep(session);
        Assert.True(session.TryReturn(login, out var former, out _));
        parts.Down(login, SessionEndReason.PeerUnreachable);
        Assert.False(session.IsClosed);
        Assert.NotNull(session.Inactivity);
        // The table has the login still.
        parts.Lifecycle.Unclaimed(new UnclaimedCommandEffect(session.Id, new EndSessionCommand(session.Id, SessionEndReason.AdminCleared, "")), shard);
        Assert.True(session.IsClosed);
        parts.Table.Move(session, former);
        Assert.True(parts.Table.IsEmpty);
    }

    /// <summary>The place of a session that slept is given away, and its client is just coming back: the order finds the login, and says what ends logins, too.</summary>
    [Fact]
    public async Task A_session_whose_place_is_given_away_ends_also_where_a_login_has_just_taken_it()
    {
        var binding = TestSession.Binding with { Unique = new UniqueOptions(1, Replaces: false) };
        var sleeper = parts.Up(shard, binding);
        parts.Simultaneous.Restore(sleeper);
        parts.Sleep(sleeper);
        var newer = TestSession.Create("alice", binding: binding, shard: shard, identity: new IkeIdentity(IdType.Fqdn, "another"u8));
        var admitted = parts.Simultaneous.AdmitAsync(newer).AsTask();
        Assert.False(admitted.IsCompleted);
        Assert.True(sleeper.TryReturn(login, out var former, out _));
        parts.Table.Move(sleeper, former);
        // What the core makes of the order that reaches a login.
        parts.Down(login, SessionEndReason.PeerUnreachable);
        Assert.True(sleeper.IsClosed);
        Assert.Null(await admitted.WaitAsync(Patience));
        Assert.Equal(1, parts.Simultaneous.CountOf("alice"));
    }

    [Fact]
    public void A_login_that_is_over_takes_no_session()
    {
        parts.Sleep(session);
        var (id, waits) = (session.Id, session.Inactivity);
        login.Close();
        Assert.False(session.TryReturn(login, out _, out _));
        Assert.Equal(id, session.Id);
        Assert.Same(waits, session.Inactivity);
        Assert.Null(session.Returning);
    }

    /// <summary>Whatever the end meets on its way: the session asleep, moving, with a login that breaks off, asleep again.</summary>
    [Fact]
    public async Task No_end_is_lost_on_a_session_that_moves()
    {
        const int Rounds = 300;
        var other = parts.Shard();
        shard.Start();
        other.Start();
        session.Close();
        parts.Table.Remove(session, wasUp: true);
        parts.Table.Remove(login, wasUp: false);
        for (var i = 0; i < Rounds; i++)
        {
            var moves = parts.Up(shard);
            var takes = parts.Login(other);
            parts.Sleep(moves);
            using var both = new Barrier(2);
            var end = Task.Run(() =>
            {
                both.SignalAndWait(Patience);
                var home = moves.Home;
                home.Shard.Post(new EndSessionCommand(home.Id, SessionEndReason.AdminCleared, ""));
            });
            both.SignalAndWait(Patience);
            Thread.SpinWait(i * 10);
            if (moves.TryReturn(takes, out var former, out _))
                parts.Table.Move(moves, former);
            Assert.True(await other.InvokeAsync((_, _) => parts.Down(takes, SessionEndReason.PeerUnreachable)));
            await end.WaitAsync(Patience);
            await moves.Gone.Task.WaitAsync(Patience);
        }

        Assert.True(SpinWait.SpinUntil(() => parts.Table.IsEmpty, Patience));
        Assert.Equal((0, 0), (parts.Table.UpCount, parts.Table.InactiveCount));
    }

    /// <summary>The kernel's thread lets it sleep on, its shard has a change of its limits.</summary>
    [Fact]
    public void Limits_that_change_while_the_session_goes_back_to_sleep_are_not_lost()
    {
        parts.Sleep(session);
        Assert.True(session.TryReturn(login, out var former, out _));
        parts.Table.Move(session, former);
        parts.DataPlane.Hook = () => parts.Lifecycle.Unclaimed(
            new UnclaimedCommandEffect(session.Id, new ChangeTimeoutsCommand(session.Id, TimeSpan.FromMinutes(5), null)), shard);
        parts.Down(login, SessionEndReason.PeerUnreachable);
        Assert.Equal(parts.Clock.Now + TimeSpan.FromMinutes(5), session.Inactivity?.ExpiresAt);
        Assert.Equal(TimeSpan.FromMinutes(5), session.Inactivity!.Grant.SessionTimeout);
        Assert.False(session.Inactivity.IsTotalChanged);
    }

    [Fact]
    public void A_wait_that_is_over_before_its_timer_is_made_gets_none()
    {
        parts.Sleep(session);
        var waits = new SessionInactivity(session.Inactivity!);
        waits.Dispose();
        var before = parts.Time.Timers;
        waits.Watch(parts.Clock, () => { });
        Assert.Equal(before, parts.Time.Timers);
    }

    /// <summary>The login writes its authorization over that of the session: a change in between would be acknowledged and lost.</summary>
    [Fact]
    public void A_login_with_an_authorization_of_its_own_waits_for_a_change_that_is_on_its_way()
    {
        var (sleeper, comesBack) = ComesBackDuringAChange();
        Assert.NotNull(sleeper.Inactivity);
        sleeper.ChangeGate.Release();
        Assert.True(SpinWait.SpinUntil(() => sleeper.Returning is not null && sleeper.ChangeGate.CurrentCount == 1, Patience));
        Assert.Equal(comesBack.Id, sleeper.Id);
    }

    /// <summary>A token may be quicker. Who has forgotten nothing (INITIAL_CONTACT) takes no session that is up.</summary>
    [Fact]
    public void What_moved_on_while_the_login_waited_is_not_taken()
    {
        var (sleeper, comesBack) = ComesBackDuringAChange();
        var other = parts.Login(shard, sleeper.Binding);
        Assert.True(sleeper.TryReturn(other, out _, out _));
        sleeper.ChangeGate.Release();
        Assert.True(SpinWait.SpinUntil(() => sleeper.ChangeGate.CurrentCount == 1, Patience));
        Assert.Equal(other.Id, sleeper.Id);
        Assert.False(comesBack.IsClosed);
    }

    [Fact]
    public void A_change_that_takes_too_long_costs_the_login_and_not_the_session()
    {
        var (sleeper, _) = ComesBackDuringAChange();
        shard.Start();
        parts.Time.Advance(TimeSpan.FromSeconds(16));
        // The other way it would end at once.
        Assert.False(SpinWait.SpinUntil(() => sleeper.IsClosed, TimeSpan.FromMilliseconds(500)));
        Assert.NotNull(sleeper.Inactivity);
        sleeper.ChangeGate.Release();
        Assert.Equal(1, sleeper.ChangeGate.CurrentCount);
    }

    private (ClientSession Sleeper, ClientSession ComesBack) ComesBackDuringAChange()
    {
        var binding = TestSession.Binding with { ResumesClients = true };
        var sleeper = parts.Up(shard, binding);
        parts.Simultaneous.Restore(sleeper);
        parts.Sleep(sleeper);
        var comesBack = parts.Login(shard, binding);
        Assert.True(sleeper.ChangeGate.Wait(0));
        parts.Lifecycle.Authorize(parts.Authorize(comesBack), shard);
        return (sleeper, comesBack);
    }

    public void Dispose() => parts.Dispose();
}
