using System.Net;
using Headend.Ikev2;
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
    [InlineData(3, 3)]
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
    public void ACrowdThatMayNotBeginIsSentToTheDoorAndWhoeverProvesItsAddressGoesFirst()
    {
        var mailbox = new ShardMailbox(new ShardMailboxLimits { NewLogin = 30, Crowd = 10 });
        for (var i = 0; i < 30; i++)
            Assert.True(mailbox.TryPost(Mail($"{i}"), MailPriority.NewLogin));
        var batch = new List<ShardMail>();
        Assert.True(mailbox.Take(batch, TimeSpan.Zero, () => false));
        Assert.Equal(16, batch.Count);
        Assert.All(batch, mail => Assert.True(mail.AtTheDoor));
        Assert.True(mailbox.TryPost(batch[3] with { AtTheDoor = false }, MailPriority.ProvenLogin));
        Assert.True(mailbox.Take(batch, TimeSpan.Zero, () => false));
        Assert.Equal(5, batch.Count);
        Assert.Equal(["3", "21"], Take(mailbox));
        Assert.Empty(Take(mailbox, admitNew: false));
    }

    [Fact]
    public void OneSourceDoesNotTakeAllPlacesOfThoseWithAProvenAddress()
    {
        var mailbox = new ShardMailbox(new ShardMailboxLimits { NewLogin = 30, ProvenPerSource = 2 });
        Assert.True(mailbox.TryPost(Mail("a", "2001:db8::1"), MailPriority.ProvenLogin));
        Assert.True(mailbox.TryPost(Mail("b", "2001:db8::2"), MailPriority.ProvenLogin));
        Assert.False(mailbox.TryPost(Mail("c", "2001:db8::3"), MailPriority.ProvenLogin));
        Assert.True(mailbox.TryPost(Mail("d", "2001:db8:0:1::3"), MailPriority.ProvenLogin));
        Assert.Equal(["a", "b"], Take(mailbox));
        Assert.True(mailbox.TryPost(Mail("c", "2001:db8::3"), MailPriority.ProvenLogin));
        Assert.Equal(["d", "c"], Take(mailbox));
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

    [Fact]
    public void NoPostIsSleptOverHoweverManyPost()
    {
        var mailbox = new ShardMailbox(Small);
        const int Posters = 4;
        const int Each = 20_000;
        var posters = Enumerable.Range(0, Posters).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
                Assert.True(mailbox.Post("mail", MailPriority.Established));
        })).ToArray();
        var batch = new List<ShardMail>();
        for (var taken = 0; taken < Posters * Each; taken += batch.Count)
            Assert.True(mailbox.Take(batch, null, () => true));
        Task.WaitAll(posters);
        Assert.False(mailbox.HasMail);
    }

    [Fact]
    public void ASleepingReaderEndsWhenTheMailboxCloses()
    {
        var mailbox = new ShardMailbox(Small);
        var reader = Task.Run(() => mailbox.Take([], null, () => true));
        mailbox.Close();
        Assert.False(reader.GetAwaiter().GetResult());
    }

    private static ShardMail Mail(string text, string source = "198.51.100.7") =>
        new(text, 0, new IkePath(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 500), new IPEndPoint(IPAddress.Parse(source), 500), false));

    private static List<string> Take(ShardMailbox mailbox, bool admitNew = true)
    {
        var batch = new List<ShardMail>();
        Assert.True(mailbox.Take(batch, TimeSpan.Zero, () => admitNew));
        return [.. batch.Select(m => (string)m.Content)];
    }
}
