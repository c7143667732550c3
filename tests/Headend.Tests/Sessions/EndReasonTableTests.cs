using Headend.Aaa.Accounting;
using Headend.Ikev2;
using Headend.Sessions;
using Headend.Telemetry;

namespace Headend.Tests.Sessions;

public class EndReasonTableTests
{
    public static TheoryData<SessionEndReason> Reasons => [.. Enum.GetValues<SessionEndReason>()];

    [Theory]
    [MemberData(nameof(Reasons))]
    public void EveryReasonHasAWordOfItsOwn(SessionEndReason reason)
    {
        var row = EndReasonTable.Of(reason);
        Assert.Matches("^[a-z-]+$", row.Word);
        Assert.Equal([reason], Enum.GetValues<SessionEndReason>().Where(other => EndReasonTable.Of(other).Word == row.Word));
        Assert.Contains(row.LoginOutcome, new[] { LoginOutcome.Rejected, LoginOutcome.Failed });
    }

    // RFC 2866 5.10
    [Theory]
    [InlineData(SessionEndReason.PeerDeleted, 1)]
    [InlineData(SessionEndReason.PeerUnreachable, 2)]
    [InlineData(SessionEndReason.IdleTimeout, 4)]
    [InlineData(SessionEndReason.SessionTimeout, 5)]
    [InlineData(SessionEndReason.AdminCleared, 6)]
    [InlineData(SessionEndReason.Shutdown, 11)]
    [InlineData(SessionEndReason.Replaced, 13)]
    [InlineData(SessionEndReason.InternalError, 9)]
    public void TerminateCauses(SessionEndReason reason, uint cause) => Assert.Equal(new AcctTerminateCause(cause), EndReasonTable.Of(reason).TerminateCause);
}
