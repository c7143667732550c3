using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>Limits of a session over the sleep of its client: what was asked of it, and what is counted from its return.</summary>
public sealed class ReturnLimitTests : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly SessionParts parts = new();
    private readonly IkeShard shard;
    private readonly ClientSession session;

    public ReturnLimitTests()
    {
        shard = parts.Shard();
        session = parts.Up(shard);
    }

    /// <summary>RFC 4478 3: AUTH_LIFETIME is in the IKE_AUTH answer of whom GrantAt says so.</summary>
    [Fact]
    public void Who_is_to_authenticate_anew_while_it_sleeps_is_told_when_it_is_back()
    {
        parts.Sleep(session);
        Assert.False(session.Inactivity!.GrantAt(parts.Clock.Now).ReauthenticateAtTimeout);
        Tell(new ReauthenticateCommand(session.Id, Minute));
        parts.Time.Advance(TimeSpan.FromSeconds(20));
        var grant = session.Inactivity!.GrantAt(parts.Clock.Now);
        Assert.Equal((true, TimeSpan.FromSeconds(40)), (grant.ReauthenticateAtTimeout, grant.SessionTimeout));
        // A new Session-Timeout is the end then, as for a session that is up.
        Tell(new ChangeTimeoutsCommand(session.Id, TimeSpan.FromMinutes(5), null));
        Assert.False(session.Inactivity!.GrantAt(parts.Clock.Now).ReauthenticateAtTimeout);
    }

    [Fact]
    public void And_who_was_before_it_slept()
    {
        parts.ComeUp(session, SessionGrant.Empty);
        session.Kept.Change(new ReauthenticateCommand(session.Id, Minute), parts.Clock.Now);
        parts.Sleep(session, SessionGrant.Empty);
        Assert.True(session.Inactivity!.GrantAt(parts.Clock.Now).ReauthenticateAtTimeout);
    }

    [Fact]
    public void And_who_was_while_a_login_that_broke_off_had_it()
    {
        parts.Sleep(session);
        var login = Return();
        Tell(new ReauthenticateCommand(session.Id, Minute));
        parts.Down(login, SessionEndReason.HandshakeTimeout);
        var grant = session.Inactivity!.GrantAt(parts.Clock.Now);
        Assert.Equal((true, Minute), (grant.ReauthenticateAtTimeout, grant.SessionTimeout));
    }

    /// <summary>What is kept for the next process says it, too; a new Session-Timeout takes it away.</summary>
    [Fact]
    public void It_is_kept_until_the_session_timeout_is_changed()
    {
        session.Kept.Begin(Minute, SessionGrant.Empty, parts.Clock.Now);
        session.Kept.Change(new ReauthenticateCommand(session.Id, Minute), parts.Clock.Now);
        Assert.True(session.Kept.Grant.ReauthenticateAtTimeout);
        session.Kept.Change(new ChangeTimeoutsCommand(session.Id, null, Minute), parts.Clock.Now);
        Assert.True(session.Kept.Grant.ReauthenticateAtTimeout);
        session.Kept.Change(new ChangeTimeoutsCommand(session.Id, Minute, null), parts.Clock.Now);
        Assert.False(session.Kept.Grant.ReauthenticateAtTimeout);
    }

    /// <summary>RFC 2865 5.28, as IKE counts it while the session is up.</summary>
    [Fact]
    public void Idle_timeout_is_counted_anew_from_a_return()
    {
        var limits = SessionGrant.Empty with { IdleTimeout = Minute };
        parts.ComeUp(session, limits);
        parts.Sleep(session, limits);
        Assert.Equal(parts.Clock.Now + Minute, session.Inactivity!.IdleAt);
        Return();
        parts.Time.Advance(TimeSpan.FromMinutes(10));
        parts.ComeUp(session, limits);
        parts.Time.Advance(TimeSpan.FromSeconds(20));
        parts.Sleep(session, limits);
        Assert.Equal(parts.Clock.Now + TimeSpan.FromSeconds(40), session.Inactivity!.IdleAt);
        Assert.False(session.IsClosed);
    }

    public void Dispose() => parts.Dispose();

    private void Tell(IkeCommand command) => parts.Lifecycle.Unclaimed(new UnclaimedCommandEffect(session.Id, command), shard);

    private ClientSession Return()
    {
        var login = parts.Login(shard);
        Assert.True(session.TryReturn(login, out var former, out _));
        parts.Table.Move(session, former);
        return login;
    }
}
