using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Headend.Aaa.Authorization;

namespace Headend.Aaa.Tests.Authorization;

public sealed class AddressPoolTests
{
    [Theory]
    [InlineData("10.99.0.0/30", "10.99.0.1", 2)]
    [InlineData("10.99.0.0/24", "10.99.0.1", 254)]
    [InlineData("10.99.0.4/31", "10.99.0.4", 2)]
    [InlineData("10.99.0.4/32", "10.99.0.4", 1)]
    [InlineData("10.0.0.0/8", "10.0.0.1", 16_777_214)]
    [InlineData("10.0.0.10-10.0.0.12", "10.0.0.10", 3)]
    [InlineData("2001:db8::/112", "2001:db8::1", 65_535)]
    [InlineData("2001:db8::/48", "2001:db8::1", long.MaxValue)]
    public void Ranges_skip_what_is_no_host(string range, string first, long size)
    {
        var pool = Parse(range);
        Assert.Equal(size, pool.GetStatistics().Size);
        Assert.True(pool.TryLease("a", out var address));
        Assert.Equal(first, address.ToString());
    }

    [Theory]
    [InlineData("10.0.0.0")]
    [InlineData("10.0.0.0/7")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.9-10.0.0.1")]
    [InlineData("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("10.0.0.1-2001:db8::1")]
    [InlineData("x/8")]
    [InlineData("")]
    public void What_is_no_range_is_an_error_that_names_the_pool(string range)
    {
        Assert.False(AddressPool.TryParse("p4", range, out _, out var error));
        Assert.StartsWith("pool p4: ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_identity_gets_its_address_again_and_others_get_the_longest_rested()
    {
        var pool = Parse("10.0.0.1-10.0.0.3");
        var (a, b, c) = (Lease(pool, "a"), Lease(pool, "b"), Lease(pool, "c"));
        Assert.False(pool.TryLease("d", out _));
        Assert.True(pool.Release(b));
        Assert.True(pool.Release(a));
        Assert.False(pool.Release(a));
        Assert.Equal(a, Lease(pool, "a"));
        Assert.Equal(b, Lease(pool, "d"));
        Assert.False(pool.TryLease("e", out _));
        Assert.Equal(new AddressPoolStatistics("p", 3, 3, 3, 2), pool.GetStatistics());
        Assert.False(pool.Release(IPAddress.Parse("10.0.0.9")));
        Assert.False(pool.Release(IPAddress.Parse("2001:db8::1")));
        Assert.True(pool.Contains(c));
    }

    [Fact]
    public void A_huge_pool_remembers_a_bounded_number_of_returned_addresses()
    {
        var pool = Parse("2001:db8::/64");
        var distinct = new HashSet<IPAddress>();
        for (var i = 0; i < 3 * AddressPool.MaximumResting; i++)
        {
            var address = Lease(pool, $"device {i}");
            distinct.Add(address);
            Assert.True(pool.Release(address));
        }
        Assert.Equal(AddressPool.MaximumResting, distinct.Count);
        // Fresh ones are used again as soon as fewer rest.
        Assert.Equal(IPAddress.Parse("2001:db8::1"), Lease(pool, "x"));
        Assert.DoesNotContain(Lease(pool, "y"), distinct);
    }

    [Fact]
    public void Particular_addresses_are_leased_once_and_skipped_by_the_counter()
    {
        var pool = Parse("10.0.0.1-10.0.0.3");
        Assert.True(pool.TryLease("x", IPAddress.Parse("10.0.0.2")));
        Assert.False(pool.TryLease("y", IPAddress.Parse("10.0.0.2")));
        Assert.False(pool.TryLease("y", IPAddress.Parse("10.0.0.4")));
        Assert.Equal("10.0.0.1 10.0.0.3", $"{Lease(pool, "a")} {Lease(pool, "b")}");
        Assert.True(pool.Release(IPAddress.Parse("10.0.0.2")));
        Assert.Equal("10.0.0.2", Lease(pool, "c").ToString());
    }

    [Fact]
    public void No_address_is_ever_leased_twice_and_none_is_lost()
    {
        Prop.ForAll<(byte Who, byte What)[]>(steps =>
        {
            var pool = Parse("10.0.0.0/28");
            var held = new Dictionary<IPAddress, byte>();
            foreach (var (who, what) in steps)
            {
                if (what % 3 == 0 && held.Count > 0)
                {
                    var address = held.Keys.ElementAt(who % held.Count);
                    held.Remove(address);
                    if (!pool.Release(address)) return false;
                }
                else if (what % 3 == 1)
                {
                    var wanted = new IPAddress([10, 0, 0, (byte)(what % 16)]);
                    var free = !held.ContainsKey(wanted) && what % 16 is > 0 and < 15;
                    if (pool.TryLease($"u{who % 20}", wanted) != free) return false;
                    if (free) held.Add(wanted, who);
                }
                else
                {
                    if (pool.TryLease($"u{who % 20}", out var address) != held.Count < 14) return false;
                    if (address is not null && !held.TryAdd(address, who)) return false;
                }
            }
            return pool.GetStatistics().Leased == held.Count;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(200));
    }

    private static AddressPool Parse(string range)
    {
        Assert.True(AddressPool.TryParse("p", range, out var pool, out var error), error);
        return pool;
    }

    private static IPAddress Lease(AddressPool pool, string identity)
    {
        Assert.True(pool.TryLease(identity, out var address));
        return address;
    }
}
