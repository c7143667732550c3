using Headend.Runtime;

namespace Headend.Tests.Runtime;

public class ShardMailboxTests
{
    private static readonly ShardMailboxLimits Small = new() { Established = 4, Login = 20, NewLogin = 3 };

    [Fact]
    public void EstablishedSessionsComeBeforeLoginsAndAllAtOnce()
    {
        var mailbox = new ShardMailbox(Small);
        mailbox.TryPost(Mail("login"), MailPriority.Login);
        for (var i = 0; i < 4; i++)
            mailbox.TryPost(Mail($"established {i}"), MailPriority.Established);

        Assert.Equal(["established 0", "established 1", "established 2", "established 3", "login"], Take(mailbox));
    }

    [Fact]
    public void NewLoginsWaitUntilTheStepsOfEarlierOnesAreDone()
    {
        var mailbox = new ShardMailbox(Small);
        mailbox.TryPost(Mail("new"), MailPriority.NewLogin);
        for (var i = 0; i < 9; i++)
            mailbox.TryPost(Mail($"{i}"), MailPriority.Login);

        Assert.Equal(["0", "1", "2", "3", "4", "5", "6", "7"], Take(mailbox));
        Assert.Equal(["8", "new"], Take(mailbox));
    }

    [Fact]
    public void AClosedGateHoldsBackNewLoginsOnly()
    {
        var mailbox = new ShardMailbox(Small);
        mailbox.TryPost(Mail("new"), MailPriority.NewLogin);
        mailbox.TryPost(Mail("login"), MailPriority.Login);

        Assert.Equal(["login"], Take(mailbox, admitNew: false));
        Assert.Empty(Take(mailbox, admitNew: false));
        Assert.Equal(["new"], Take(mailbox));
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(1, 20)]
    [InlineData(2, 3)]
    public void DatagramsBeyondTheLimitOfTheirKindAreRefused(int kind, int limit)
    {
        var mailbox = new ShardMailbox(Small);
        var priority = (MailPriority)kind;
        for (var i = 0; i < limit; i++)
            Assert.True(mailbox.TryPost(Mail("x"), priority));
        Assert.False(mailbox.TryPost(Mail("one too many"), priority));
        Assert.All(Enum.GetValues<MailPriority>().Where(p => p != priority), other => Assert.True(mailbox.TryPost(Mail("x"), other)));
    }

    [Fact]
    public void CompletionsAreNeverRefused()
    {
        var mailbox = new ShardMailbox(Small);
        for (var i = 0; i < 100; i++)
            mailbox.Post("completion", MailPriority.Established);
        Assert.Equal(100, Take(mailbox).Count);
    }

    [Fact]
    public void AClosedMailboxEndsItsReader()
    {
        var mailbox = new ShardMailbox(Small);
        mailbox.Close();
        Assert.False(mailbox.Take([], null, () => true));
        Assert.False(mailbox.TryPost(Mail("late"), MailPriority.Established));
    }

    [Fact]
    public void APostWakesASleepingReader()
    {
        var mailbox = new ShardMailbox(Small);
        var batch = new List<ShardMail>();
        var reader = Task.Run(() => mailbox.Take(batch, null, () => true));
        mailbox.Post("wake", MailPriority.Established);
        Assert.True(reader.GetAwaiter().GetResult());
        Assert.Single(batch);
    }

    private static ShardMail Mail(string text) => new(text);

    private static List<string> Take(ShardMailbox mailbox, bool admitNew = true)
    {
        var batch = new List<ShardMail>();
        Assert.True(mailbox.Take(batch, TimeSpan.Zero, () => admitNew));
        return [.. batch.Select(m => (string)m.Content)];
    }
}
