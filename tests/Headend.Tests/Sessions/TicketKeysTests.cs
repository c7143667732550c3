using System.Security.Cryptography;
using Headend.Ikev2;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>Tickets by value: sealed, of one size, altered or expired ones refused, keys that come and go; and the table that says which may still be used.</summary>
public sealed class TicketKeysTests
{
    private static readonly TimeSpan Longest = TimeSpan.FromHours(8);
    private static readonly byte[] Id = RandomNumberGenerator.GetBytes(16);
    private static readonly byte[] State = RandomNumberGenerator.GetBytes(200);

    private readonly ManualTime time = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(512)]
    public void EveryTicketHasTheSameSizeAndGivesBackWhatWasSealed(int octets)
    {
        using var keys = Keys();
        var state = RandomNumberGenerator.GetBytes(octets);
        var ticket = keys.Seal(Id, time.Now + Longest, state);
        Assert.Equal(TicketKeys.TicketOctets, ticket.Length);
        Assert.True(keys.TryOpen(ticket, out var id, out var opened, out _));
        Assert.Equal(Id, id);
        Assert.Equal(state, opened);
        Assert.NotEqual(ticket, keys.Seal(Id, time.Now + Longest, state));
    }

    [Fact]
    public void NeitherIdNorStateCanBeRead()
    {
        using var keys = Keys();
        var ticket = keys.Seal(Id, time.Now + Longest, State);
        Assert.Equal(-1, ticket.AsSpan().IndexOf(State.AsSpan(0, 8)));
        Assert.Equal(-1, ticket.AsSpan().IndexOf(Id.AsSpan(0, 8)));
    }

    [Fact]
    public void ATicketThatDiffersInAnyOctetIsRefused()
    {
        using var keys = Keys();
        var ticket = keys.Seal(Id, time.Now + Longest, State);
        for (var i = 0; i < ticket.Length; i++)
        {
            ticket[i] ^= 0x10;
            Assert.False(keys.TryOpen(ticket, out _, out var state, out var refusal), $"octet {i}");
            Assert.Null(state);
            Assert.NotEmpty(refusal);
            ticket[i] ^= 0x10;
        }

        Assert.False(keys.TryOpen(ticket.AsSpan(1), out _, out _, out _));
        Assert.False(keys.TryOpen([.. ticket, 0], out _, out _, out _));
        Assert.True(keys.TryOpen(ticket, out _, out _, out _));
    }

    [Fact]
    public void ATicketOfAnotherHeadendIsRefused()
    {
        using var keys = Keys();
        using var others = Keys();
        Assert.False(keys.TryOpen(others.Seal(Id, time.Now + Longest, State), out _, out _, out var refusal));
        Assert.Contains("another headend", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void AnExpiredTicketIsRefused()
    {
        using var keys = Keys();
        var ticket = keys.Seal(Id, time.Now + TimeSpan.FromMinutes(10), State);
        time.Now += TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1);
        Assert.True(keys.TryOpen(ticket, out _, out _, out _));
        time.Now += TimeSpan.FromSeconds(1);
        Assert.False(keys.TryOpen(ticket, out _, out _, out var refusal));
        Assert.Contains("expired", refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void KeysRotateAndOldOnesGoWithTheirLastTicket()
    {
        var made = new List<TicketKey>();
        var dropped = new List<ulong>();
        using var keys = new TicketKeys(time, Longest, []) { Made = k => made.Add(k with { Key = [.. k.Key] }), Dropped = dropped.Add };
        var tickets = new List<byte[]>();
        for (var i = 0; i < 4; i++)
        {
            tickets.Add(keys.Seal(Id, time.Now + Longest, State));
            Assert.Equal(i + 1, made.Count);
            time.Now += TicketKeys.Rotation;
        }

        // 16 h are over, and tickets live for 8.
        Assert.Equal([false, false, false, true], tickets.Select(t => keys.TryOpen(t, out _, out _, out _)));
        Assert.Equal(4, made.Select(k => Convert.ToHexString(k.Key)).Distinct().Count());
        keys.Seal(Id, time.Now + Longest, State);
        Assert.Equal([made[0].Id], dropped);
    }

    /// <summary>A key that was made by a clock of the future would seal until that time comes.</summary>
    [Fact]
    public void AClockThatIsSetBackLeavesNoKeyInUse()
    {
        var made = new List<TicketKey>();
        using var keys = new TicketKeys(time, Longest, []) { Made = made.Add };
        time.Now += TimeSpan.FromDays(90);
        keys.Seal(Id, time.Now + Longest, State);
        time.Now -= TimeSpan.FromDays(90);
        keys.Seal(Id, time.Now + Longest, State);
        keys.Seal(Id, time.Now + Longest, State);
        Assert.Equal(2, made.Count);
    }

    [Fact]
    public void KeysOfAnEarlierProcessOpenAndSealNoMore()
    {
        var made = new List<TicketKey>();
        using var before = new TicketKeys(time, Longest, []) { Made = k => made.Add(k with { Key = [.. k.Key] }) };
        var ticket = before.Seal(Id, time.Now + Longest, State);
        using var after = new TicketKeys(time, Longest, [made[0]]) { Made = made.Add };
        Assert.True(after.TryOpen(ticket, out _, out var state, out _));
        Assert.Equal(State, state);
        after.Seal(Id, time.Now + Longest, State);
        Assert.Equal(2, made.Count);
    }

    [Fact]
    public void OfTwoLoginsWithOneTicketOneGetsTheSession()
    {
        using var table = Table();
        var session = TestSession.Create("alice");
        var ticket = Issue(table, session);
        var opened = Open(table, ticket);
        Assert.NotNull(opened.State);
        var (one, other) = (new SessionId(1001), new SessionId(1002));
        Assert.Same(session, table.Take(opened.TicketId, one));
        Assert.Null(table.Take(opened.TicketId, other));

        // The first came to nothing: the ticket is as good as before. The second is up: it is spent.
        table.Release(opened.TicketId, one);
        Assert.Same(session, table.Take(opened.TicketId, other));
        table.Release(opened.TicketId, one);
        Assert.Null(table.Take(opened.TicketId, one));
        table.Up(session, other);
        Assert.Null(table.Take(opened.TicketId, one));
        Assert.Contains("used", Open(table, ticket).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void PresentingATicketDoesNotSpendIt()
    {
        using var table = Table();
        var ticket = Issue(table, TestSession.Create("alice"));
        for (var i = 0; i < 100; i++)
            Assert.NotNull(Open(table, ticket).State);
    }

    [Fact]
    public void ASessionHasAFewTicketsAndNoneAfterItsEnd()
    {
        using var table = Table();
        var session = TestSession.Create("alice");
        var tickets = Enumerable.Range(0, TicketTable.MostOfSession + 2).Select(_ => Issue(table, session)).ToList();
        Assert.Equal(TicketTable.MostOfSession, table.Count);
        Assert.Null(Open(table, tickets[1]).State);
        Assert.NotNull(Open(table, tickets[2]).State);
        table.Remove(session);
        Assert.Equal(0, table.Count);
        Assert.Null(Open(table, tickets[^1]).State);
        session.Close();
        Assert.Null(table.Issue(Effect(session), session).Ticket);
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public void TheStateIsZeroedOnceItIsSealed()
    {
        using var table = Table();
        var session = TestSession.Create("alice");
        var effect = Effect(session);
        Assert.NotNull(table.Issue(effect, session).Ticket);
        Assert.True(effect.State.AsSpan().IndexOfAnyExcept((byte)0) < 0);
    }

    private static IssueTicketEffect Effect(ClientSession session) =>
        new(new OperationId(1), true, TestSession.Login(session.Binding), [.. State], TimeSpan.FromHours(1));

    private static byte[] Issue(TicketTable table, ClientSession session) => table.Issue(Effect(session), session).Ticket!;

    private static OpenTicketCompletion Open(TicketTable table, byte[] ticket) => table.Open(new OpenTicketEffect(new OperationId(2), ticket, default));

    private TicketKeys Keys() => new(time, Longest, []);

    private TicketTable Table() => new(Keys(), time);

    private sealed class ManualTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2026, 11, 29, 6, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
