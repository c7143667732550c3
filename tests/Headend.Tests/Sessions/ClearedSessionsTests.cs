using Headend.Admin;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>What `clear` may call cleared.</summary>
public sealed class ClearedSessionsTests
{
    [Theory]
    [InlineData(false, false, false, true)]
    [InlineData(true, false, false, false)]
    [InlineData(true, true, false, false)]
    [InlineData(true, true, true, true)]
    public void A_session_that_a_restart_could_bring_back_is_not_cleared(bool isStored, bool isGone, bool isRevoked, bool isCleared)
    {
        var session = TestSession.Create("alice");
        session.Kept.IsStored = isStored;
        session.IsRevoked = isRevoked;
        if (isGone)
            session.Gone.SetResult();
        Assert.Equal(new ClearedSessionsRecord(isCleared ? 2 : 1, isCleared ? 0 : 1), SessionAdmin.CountCleared([session, TestSession.Create("bob")]));
    }
}
