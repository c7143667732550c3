using System.Net;
using System.Text;
using Headend.Ikev2;
using Headend.Runtime;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

/// <summary>How often session-ids and tokens may be guessed.</summary>
public sealed class ReconnectTableTests
{
    private static readonly IPAddress Guesser = IPAddress.Parse("198.51.100.7");
    private static readonly IPAddress Other = IPAddress.Parse("198.51.100.8");
    private static readonly byte[] Known = Encoding.ASCII.GetBytes(new string('a', 64));
    private static readonly byte[] Unknown = Encoding.ASCII.GetBytes(new string('b', 64));

    private readonly ManualTime time = new();
    private readonly ReconnectTable table;

    public ReconnectTableTests()
    {
        table = new ReconnectTable(new MonotonicClock(time));
        var kept = new KeptReconnect(Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Known)), 1, [new KeptToken(1, "token"u8.ToArray())]);
        table.Restore(TestSession.Create("alice"), kept);
    }

    [Fact]
    public void Unknown_session_ids_count_against_their_source_for_a_minute_and_against_no_other()
    {
        for (var i = 0; i < ReconnectTable.MostOfSource; i++)
        {
            Assert.True(IsFound(Known, Guesser), $"refused after {i} guesses");
            Assert.Contains("no session has this", Find(Unknown, Guesser).Refusal, StringComparison.Ordinal);
        }

        Assert.Contains($"from {Guesser}", Find(Known, Guesser).Refusal, StringComparison.Ordinal);
        Assert.True(IsFound(Known, Other));
        time.Now += TimeSpan.FromSeconds(61);
        Assert.True(IsFound(Known, Guesser));
    }

    [Fact]
    public void Hosts_of_one_IPv6_network_are_one_source()
    {
        for (var i = 0; i < ReconnectTable.MostOfSource; i++)
            Find(Unknown, IPAddress.Parse($"2001:db8:0:1::{i + 1:x}"));
        Assert.False(IsFound(Known, IPAddress.Parse("2001:db8:0:1:ffff::1")));
        Assert.True(IsFound(Known, IPAddress.Parse("2001:db8:0:2::1")));
    }

    [Fact]
    public void Wrong_tokens_close_their_session_to_every_source_for_a_minute()
    {
        for (var i = 0; i < ReconnectTable.MostOfSession; i++)
        {
            Assert.True(IsFound(Known, Other), $"refused after {i} tokens");
            table.RecordWrongToken(new ReconnectFailedEffect(Known, Guesser));
        }

        Assert.Contains("for the session of alice", Find(Known, Other).Refusal, StringComparison.Ordinal);
        time.Now += TimeSpan.FromSeconds(61);
        Assert.True(IsFound(Known, Other));
    }

    [Fact]
    public void Logins_by_two_tokens_that_overtake_each_other_leave_one()
    {
        var session = TestSession.Create("alice");
        var id = Encoding.ASCII.GetBytes("x");
        Come(session, id, 0, "elder"u8.ToArray());
        Come(session, id, 0, "newer"u8.ToArray());
        Come(session, id, 2, null);
        Come(session, id, 1, null);
        Assert.Equal(["newer"], table.Describe(session)!.Tokens.Select(t => Encoding.ASCII.GetString(t.Value)));
    }

    private void Come(ClientSession session, byte[] id, long token, byte[]? offered)
    {
        var login = TestSession.Login(TestSession.Binding);
        if (token > 0)
            (login.ReconnectId, login.ReconnectToken) = (id, token);
        var up = new SessionUpEffect(login, SessionGrant.Empty, new AssignedAddresses(null, null, null, 0), null!);
        table.Up(session, offered is null ? up : up with { Reconnect = new ReconnectOffer(id, offered) });
    }

    [Fact]
    public void Wrong_tokens_count_against_their_source_too()
    {
        for (var i = 0; i < ReconnectTable.MostOfSource; i++)
            table.RecordWrongToken(new ReconnectFailedEffect(Unknown, Guesser));
        Assert.False(IsFound(Known, Guesser));
        Assert.True(IsFound(Known, Other));
    }

    private FindReconnectCompletion Find(byte[] id, IPAddress source) => table.Find(new FindReconnectEffect(default, id, source));

    private bool IsFound(byte[] id, IPAddress source)
    {
        var found = Find(id, source);
        Assert.Equal(found.Refusal is null, found.Profile == "test");
        return found.Refusal is null;
    }

    private sealed class ManualTime : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromHours(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
