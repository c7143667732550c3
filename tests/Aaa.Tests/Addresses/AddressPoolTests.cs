using System.Net;
using Headend.Aaa.Addresses;

namespace Headend.Aaa.Tests.Addresses;

public sealed class AddressPoolTests
{
    private readonly ManualTimeProvider time = new();

    [Theory]
    [InlineData("10.99.0.0/30", "10.99.0.1", 2)]
    [InlineData("10.99.0.0/24", "10.99.0.1", 254)]
    [InlineData("10.99.0.4/31", "10.99.0.4", 2)]
    [InlineData("10.99.0.4/32", "10.99.0.4", 1)]
    [InlineData("10.99.0.4", "10.99.0.4", 1)]
    [InlineData("10.0.0.0/8", "10.0.0.1", 16_777_214)]
    [InlineData("10.0.0.10-10.0.0.12", "10.0.0.10", 3)]
    [InlineData("10.0.0.0-10.0.0.255", "10.0.0.0", 256)]
    [InlineData("2001:db8::/112", "2001:db8::1", 65_535)]
    [InlineData("2001:db8::/48", "2001:db8::1", long.MaxValue)]
    [InlineData("2001:db8::4/127", "2001:db8::4", 2)]
    public void Ranges_skip_what_is_no_host(string range, string first, long size)
    {
        var pool = Create(range);
        Assert.Equal(size, pool.GetStatistics().Size);
        Assert.Equal(size, pool.GetStatistics().Free);
        Assert.True(pool.TryLease("a", out var address));
        Assert.Equal(first, address.ToString());
    }

    [Theory]
    [InlineData("10.0.0.0/7")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.9-10.0.0.1")]
    [InlineData("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("10.0.0.1-2001:db8::1")]
    [InlineData("x/8")]
    [InlineData("")]
    [InlineData("10.0.0.0/24", "10.0.0.200-10.0.1.9")]
    [InlineData("10.0.0.0/24", "2001:db8::/64")]
    public void What_is_no_range_is_an_error_that_names_the_pool(params string[] ranges)
    {
        Assert.False(AddressPool.TryCreate(new AddressPoolOptions("p4", ranges), time, out _, out var error));
        Assert.StartsWith("pool p4: ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.0/30", "0.0.0.0/0")]
    [InlineData("10.0.0.0/30", "2001:db8::1")]
    [InlineData("10.0.0.0/30", "nonsense")]
    [InlineData("10.0.0.0/30", "10.0.0.1-10.0.0.2")]
    public void Exclusions_that_leave_nothing_or_make_no_sense_are_errors(string range, string exclusion)
    {
        Assert.False(AddressPool.TryCreate(new AddressPoolOptions("p4", [range]) { Exclusions = [exclusion] }, time, out _, out var error));
        Assert.StartsWith("pool p4: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_ranges_are_used_in_the_order_written_and_without_their_exclusions()
    {
        var pool = Create(new AddressPoolOptions("p", ["10.0.9.0/29", "10.0.1.1-10.0.1.3"]) { Exclusions = ["10.0.9.2-10.0.9.5", "10.0.1.2", "192.0.2.0/24"] });
        Assert.Equal("10.0.9.1 10.0.9.6 10.0.1.1 10.0.1.3", string.Join(' ', Enumerable.Range(0, 4).Select(i => Lease(pool, $"u{i}"))));
        Assert.False(pool.TryLease("late", out _));
        Assert.False(pool.Contains(IPAddress.Parse("10.0.9.3")));
        Assert.False(pool.Contains(IPAddress.Parse("10.0.9.7")));
        Assert.False(pool.TryLease("x", IPAddress.Parse("10.0.1.2")));
        Assert.Equal(
            ["10.0.9.1-10.0.9.1", "10.0.9.6-10.0.9.6", "10.0.1.1-10.0.1.1", "10.0.1.3-10.0.1.3"], pool.Ranges.Select(r => $"{r.First}-{r.Last}"));
        Assert.True(pool.Release(IPAddress.Parse("10.0.1.1")));
        Assert.Equal("10.0.1.1", Lease(pool, "next").ToString());
    }

    [Fact]
    public void Every_offset_has_one_address_and_back()
    {
        var pool = Create(new AddressPoolOptions("p", ["10.0.2.0/24", "10.0.0.0/25", "10.0.1.9"]) { Exclusions = ["10.0.2.7", "10.0.2.128/26", "10.0.0.0/30"] });
        var size = (int)pool.GetStatistics().Size;
        Assert.Equal((254 - 1 - 64) + (126 - 3) + 1, size);
        var all = Enumerable.Range(0, size).Select(i => Lease(pool, $"u{i}")).ToHashSet();
        Assert.Equal(size, all.Count);
        Assert.All(all, address => Assert.True(pool.Release(address)));
        Assert.Equal(0, pool.GetStatistics().Leased);
    }

    [Fact]
    public void An_identity_gets_its_address_again_and_others_get_the_longest_rested()
    {
        var pool = Create("10.0.0.1-10.0.0.3");
        var (a, b, c) = (Lease(pool, "a"), Lease(pool, "b"), Lease(pool, "c"));
        Assert.False(pool.TryLease("d", out _));
        Assert.True(pool.Release(b));
        Assert.True(pool.Release(a));
        Assert.False(pool.Release(a));
        Assert.Equal(a, Lease(pool, "a"));
        Assert.Equal(b, Lease(pool, "d"));
        Assert.False(pool.TryLease("e", out _));
        Assert.Equal(new AddressPoolStatistics("p", Size: 3, Free: 0, Leased: 3, HeldDown: 0, HighWater: 3, Exhausted: 2), pool.GetStatistics());
        Assert.False(pool.Release(IPAddress.Parse("10.0.0.9")));
        Assert.False(pool.Release(IPAddress.Parse("2001:db8::1")));
        Assert.True(pool.Contains(c));
    }

    [Fact]
    public void Several_devices_of_one_user_each_get_one_of_the_users_addresses_again()
    {
        var pool = Create("10.0.0.0/24");
        var mine = new[] { Lease(pool, "a"), Lease(pool, "a"), Lease(pool, "a") };
        Lease(pool, "b");
        foreach (var address in mine) pool.Release(address);
        // A device that tells what it had gets that one; the others what was given back last.
        Assert.True(pool.TryLease("a", out var wished, wish: mine[1]));
        Assert.Equal(mine[1], wished);
        Assert.Equal(mine[2], Lease(pool, "a"));
        Assert.Equal(mine[0], Lease(pool, "a"));
        Assert.DoesNotContain(Lease(pool, "a"), mine);
    }

    [Fact]
    public void A_wish_for_somebody_elses_address_is_granted_only_where_the_client_may_choose()
    {
        var pool = Create(new AddressPoolOptions("p", ["10.0.0.0/24"]) { HoldDown = TimeSpan.FromSeconds(60) });
        var wish = IPAddress.Parse("10.0.0.77");
        Assert.True(pool.TryLease("a", out var address, wish));
        Assert.NotEqual(wish, address);
        Assert.True(pool.TryLease("b", out address, wish, mayChoose: true));
        Assert.Equal(wish, address);
        Assert.True(pool.TryLease("c", out address, wish, mayChoose: true));
        Assert.NotEqual(wish, address);
        Assert.True(pool.Release(wish));
        Assert.True(pool.TryLease("d", out address, wish, mayChoose: true));
        Assert.NotEqual(wish, address);
        time.Advance(TimeSpan.FromSeconds(60));
        Assert.True(pool.TryLease("e", out address, wish, mayChoose: true));
        Assert.Equal(wish, address);
        Assert.True(pool.TryLease("f", out address, IPAddress.Parse("192.0.2.1"), mayChoose: true));
        Assert.True(pool.Contains(address));
    }

    [Fact]
    public void What_was_given_back_rests_before_somebody_else_gets_it()
    {
        var pool = Create(new AddressPoolOptions("p", ["10.0.0.1-10.0.0.2"]) { HoldDown = TimeSpan.FromSeconds(30) });
        var (a, b) = (Lease(pool, "a"), Lease(pool, "b"));
        pool.Release(a);
        time.Advance(TimeSpan.FromSeconds(10));
        pool.Release(b);
        Assert.Equal((0, 0, 2), Counts(pool));
        Assert.False(pool.TryLease("c", out _));
        Assert.Equal(b, Lease(pool, "b"));
        time.Advance(TimeSpan.FromSeconds(19.999));
        Assert.False(pool.TryLease("c", out _));
        time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((1, 1, 0), Counts(pool));
        Assert.Equal(a, Lease(pool, "c"));
        // AAA may name an address that still rests.
        pool.Release(b);
        Assert.True(pool.TryLease("d", b));
        Assert.Equal(2, pool.GetStatistics().Exhausted);
    }

    [Fact]
    public void A_huge_pool_remembers_a_bounded_number_of_returned_addresses()
    {
        var pool = Create("2001:db8::/64");
        var distinct = new HashSet<IPAddress>();
        for (var i = 0; i < AddressPool.MaximumResting + 5000; i++)
        {
            var address = Lease(pool, $"device {i}");
            distinct.Add(address);
            Assert.True(pool.Release(address));
        }
        Assert.Equal(AddressPool.MaximumResting, distinct.Count);
        // Fresh ones are used again as soon as fewer rest.
        Assert.Contains(Lease(pool, "x"), distinct);
        Assert.DoesNotContain(Lease(pool, "y"), distinct);
    }

    [Fact]
    public void Particular_addresses_are_leased_once_and_skipped_by_the_counter()
    {
        var pool = Create("10.0.0.1-10.0.0.3");
        Assert.True(pool.TryLease("x", IPAddress.Parse("10.0.0.2")));
        Assert.False(pool.TryLease("y", IPAddress.Parse("10.0.0.2")));
        Assert.False(pool.TryLease("y", IPAddress.Parse("10.0.0.4")));
        Assert.Equal("10.0.0.1 10.0.0.3", $"{Lease(pool, "a")} {Lease(pool, "b")}");
        Assert.True(pool.Release(IPAddress.Parse("10.0.0.2")));
        Assert.Equal("10.0.0.2", Lease(pool, "c").ToString());
    }

    // RFC 4818: prefixes instead of addresses.
    [Fact]
    public void A_pool_of_prefixes_leases_whole_prefixes()
    {
        var pool = Create(new AddressPoolOptions("pd", ["2001:db8:100::/40", "2001:db8:300::1-2001:db8:302::ffff"]) { PrefixLength = 48, Exclusions = ["2001:db8:101:5::/64"] });
        Assert.Equal(48, pool.PrefixLength);
        // Of 2001:db8:300::1 to 2001:db8:302::ffff only 2001:db8:301::/48 is whole.
        Assert.Equal(256 - 1 + 1, pool.GetStatistics().Size);
        Assert.Equal("2001:db8:100:: 2001:db8:102::", $"{Lease(pool, "a")} {Lease(pool, "b")}");
        Assert.True(pool.Release(IPAddress.Parse("2001:db8:102::")));
        Assert.True(pool.TryLease("c", IPAddress.Parse("2001:db8:301::")));
        Assert.False(pool.Contains(IPAddress.Parse("2001:db8:300::")));
        Assert.Equal("2001:db8:1ff:ffff:ffff:ffff:ffff:ffff", pool.Ranges[1].Last.ToString());
    }

    [Theory]
    [InlineData("10.0.0.0/24", 28)]
    [InlineData("2001:db8::/64", 56)]
    [InlineData("2001:db8::/64", 0)]
    [InlineData("2001:db8::/64", 128)]
    public void Prefix_pools_are_of_whole_ipv6_prefixes(string range, int length) =>
        Assert.False(AddressPool.TryCreate(new AddressPoolOptions("pd", [range]) { PrefixLength = length }, time, out _, out _));

    [Fact]
    public void A_pool_made_by_a_reload_knows_who_held_what()
    {
        var old = Create("10.0.0.1-10.0.0.9");
        var (a, b, c) = (Lease(old, "a"), Lease(old, "b"), Lease(old, "c"));
        old.Release(b);
        old.Release(a);
        var made = Create("10.0.0.2-10.0.0.99");
        made.Inherit(old);
        Assert.True(made.TryLease("c", c));
        Assert.Equal(b, Lease(made, "b"));
        // The old holder's address is outside of the new ranges.
        Assert.NotEqual(a, Lease(made, "a"));
        Assert.Equal(3, made.GetStatistics().Leased);
    }

    private static (long Free, long Leased, long Held) Counts(AddressPool pool)
    {
        var statistics = pool.GetStatistics();
        return (statistics.Free, statistics.Leased, statistics.HeldDown);
    }

    private AddressPool Create(string range) => Create(new AddressPoolOptions("p", [range]));

    private AddressPool Create(AddressPoolOptions options)
    {
        Assert.True(AddressPool.TryCreate(options, time, out var pool, out var error), error);
        return pool;
    }

    private static IPAddress Lease(AddressPool pool, string identity)
    {
        Assert.True(pool.TryLease(identity, out var address));
        return address;
    }
}
