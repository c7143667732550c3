using System.Net;
using Headend.Aaa.Addresses;

namespace Headend.Aaa.Tests.Addresses;

public sealed class PrefixTableTests
{
    private readonly PrefixTable<string> table = new();

    [Theory]
    [InlineData("2001:db8:1::/56")]
    [InlineData("2001:db8:1:0:1::/80")]
    [InlineData("2001:db8:1::/48")]
    [InlineData("2001:db8::/32")]
    [InlineData("2001:db8:1::ff/128")]
    [InlineData("::/0")]
    public void No_two_holders_overlap(string network)
    {
        Assert.True(Add("2001:db8:1::/56", "a", out _));
        Assert.True(Add("2001:db8:0:ffff::/64", "b", out _));
        Assert.True(Add("2001:db8:1:100::/56", "c", out _));
        Assert.False(Add(network, "z", out var other));
        Assert.Contains(other, new[] { "a", "b", "c" });
        table.Remove(IPNetwork.Parse("2001:db8:1::/56"), "a");
        table.Remove(IPNetwork.Parse("2001:db8:0:ffff::/64"), "b");
        table.Remove(IPNetwork.Parse("2001:db8:1:100::/56"), "c");
        Assert.True(Add(network, "z", out _));
    }

    [Fact]
    public void A_holders_address_may_lie_in_its_own_prefix()
    {
        Assert.True(Add("2001:db8:1::/56", "a", out _));
        Assert.True(Add("2001:db8:1::1/128", "a", out _));
        table.Remove(IPNetwork.Parse("2001:db8:1::1/128"), "a");
        table.Remove(IPNetwork.Parse("2001:db8:1::/56"), "z");
        Assert.False(Add("2001:db8:1::1/128", "b", out var other));
        Assert.Equal("a", other);
    }

    [Fact]
    public void Neighbours_do_not_overlap()
    {
        Assert.True(Add("::/1", "a", out _));
        Assert.True(Add("8000::/1", "b", out _));
        Assert.False(Add("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", "a", out var other));
        Assert.Equal("b", other);
    }

    private bool Add(string network, string holder, out string? other) => table.TryAdd(IPNetwork.Parse(network), holder, out other);
}
