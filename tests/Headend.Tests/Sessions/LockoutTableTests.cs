using System.Net;
using Headend.Configuration;
using Headend.Sessions;

namespace Headend.Tests.Sessions;

public sealed class LockoutTableTests
{
    private static readonly IPAddress Home = IPAddress.Parse("203.0.113.7");
    private static readonly IPAddress Elsewhere = IPAddress.Parse("198.51.100.9");

    private sealed class VirtualTime : TimeProvider
    {
        private DateTimeOffset now = new(2026, 11, 21, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => now;

        public void Advance(TimeSpan by) => now += by;
    }

    private readonly VirtualTime time = new();
    private readonly LockoutTable table;

    public LockoutTableTests() =>
        table = new LockoutTable(new LockoutOptions(3, 5, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(15)), time);

    [Fact]
    public void A_user_is_locked_out_from_everywhere_and_let_in_again()
    {
        Assert.Null(table.Failed("alice", Home));
        Assert.Null(table.Failed("alice", Elsewhere));
        Assert.Equal(2, table.StateOf("alice").Failures);
        Assert.Null(table.Explain("alice", Home));
        Assert.Equal("user alice", table.Failed("alice", Home));
        Assert.Equal("alice is locked out for 15 minutes more after 3 wrong passwords", table.Explain("alice", Elsewhere));
        Assert.Equal(time.GetUtcNow() + TimeSpan.FromMinutes(15), table.StateOf("alice").LockedUntil);
        Assert.Null(table.Explain("bob", Home));

        time.Advance(TimeSpan.FromMinutes(15) - TimeSpan.FromSeconds(1));
        Assert.Equal("alice is locked out for 1 s more after 3 wrong passwords", table.Explain("alice", Home));
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(table.Explain("alice", Home));
        Assert.Equal(default, table.StateOf("alice"));
    }

    [Fact]
    public void Attempts_during_a_lockout_do_not_prolong_it()
    {
        for (var i = 0; i < 3; i++)
            table.Failed("alice", Home);
        time.Advance(TimeSpan.FromMinutes(14));
        Assert.Null(table.Failed("alice", Elsewhere));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(table.Explain("alice", Home));
        Assert.Null(table.Explain("alice", Elsewhere));
    }

    [Fact]
    public void A_right_password_forgets_the_users_count_but_not_the_sources()
    {
        for (var i = 0; i < 4; i++)
        {
            Assert.Null(table.Failed("alice", Home));
            table.Proven("alice");
        }

        Assert.Equal("source 203.0.113.7", table.Failed("alice", Home));
        Assert.Equal("203.0.113.7 is locked out for 15 minutes more after 5 wrong passwords", table.Explain("bob", Home));
        Assert.Null(table.Explain("bob", Elsewhere));
    }

    [Fact]
    public void Old_failures_do_not_count()
    {
        table.Failed("alice", Home);
        table.Failed("alice", Home);
        time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(0, table.StateOf("alice").Failures);
        Assert.Null(table.Failed("alice", Home));
        Assert.Equal(1, table.StateOf("alice").Failures);
    }

    [Fact]
    public void An_operator_ends_a_lockout()
    {
        for (var i = 0; i < 3; i++)
            table.Failed("alice", Home);
        Assert.True(table.Clear("alice"));
        Assert.Null(table.Explain("alice", Home));
        Assert.False(table.Clear("alice"));
    }

    [Fact]
    public void One_ipv6_site_is_one_source()
    {
        for (var i = 1; i < 5; i++)
            Assert.Null(table.Failed(null, IPAddress.Parse($"2001:db8:1:2::{i}")));
        Assert.Equal("source 2001:db8:1:2::", table.Failed(null, IPAddress.Parse("2001:db8:1:2:ffff::1")));
        Assert.NotNull(table.Explain("alice", IPAddress.Parse("2001:db8:1:2::77")));
        Assert.Null(table.Explain("alice", IPAddress.Parse("2001:db8:1:3::77")));
    }

    [Fact]
    public void Many_sources_take_bounded_memory_and_lockouts_stay()
    {
        for (var i = 0; i < 5; i++)
            table.Failed(null, Home);
        for (var i = 0; i < LockoutTable.MaxSources + 100; i++)
            table.Failed(null, new IPAddress((long)i + 1));
        Assert.NotNull(table.Explain("alice", Home));
    }

    [Fact]
    public void Zero_never_locks()
    {
        var never = new LockoutTable(new LockoutOptions(0, 0, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(15)), time);
        for (var i = 0; i < 1000; i++)
            Assert.Null(never.Failed("alice", Home));
        Assert.Null(never.Explain("alice", Home));
    }
}
