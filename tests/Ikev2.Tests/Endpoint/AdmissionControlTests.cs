using System.Net;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Endpoint;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Endpoint;

public sealed class AdmissionControlTests
{
    private static readonly IPEndPoint Peer = new(IPAddress.Parse("198.51.100.7"), 500);
    private static readonly byte[] Nonce = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    private readonly AdmissionControl _admission = new(
        new IkeEndpointOptions { Profiles = [], CookieThreshold = 4, HalfOpenLimit = 10, HalfOpenPerSourceLimit = 6 }, SystemCryptoProvider.Instance);

    /// <summary>RFC 7296 2.6: a cookie is good only for the nonce, the address and the SPI that it was made for.</summary>
    [Fact]
    public void A_cookie_belongs_to_one_initiator()
    {
        var now = new MonotonicTime(1);
        var cookie = _admission.MakeCookie(Nonce, Peer, new IkeSpi(7), now);
        Assert.True(_admission.IsGoodCookie(cookie, Nonce, Peer, new IkeSpi(7), now));
        Assert.False(_admission.IsGoodCookie(cookie, Nonce, Peer, new IkeSpi(8), now));
        Assert.False(_admission.IsGoodCookie(cookie, Nonce, new IPEndPoint(IPAddress.Parse("198.51.100.8"), 500), new IkeSpi(7), now));
        Assert.False(_admission.IsGoodCookie(cookie, [.. Nonce.Reverse()], Peer, new IkeSpi(7), now));
        Assert.False(_admission.IsGoodCookie(cookie.AsSpan(0, cookie.Length - 1), Nonce, Peer, new IkeSpi(7), now));
        Assert.False(_admission.IsGoodCookie([], Nonce, Peer, new IkeSpi(7), now));
    }

    /// <summary>RFC 7296 2.6: the secret changes often, and cookies of the one before stay good for the requests under way.</summary>
    [Fact]
    public void A_cookie_outlives_one_change_of_the_secret_and_not_two()
    {
        var now = new MonotonicTime(1);
        var cookie = _admission.MakeCookie(Nonce, Peer, new IkeSpi(7), now);
        Assert.True(_admission.IsGoodCookie(cookie, Nonce, Peer, new IkeSpi(7), now + TimeSpan.FromMinutes(3)));
        Assert.False(_admission.IsGoodCookie(cookie, Nonce, Peer, new IkeSpi(7), now + TimeSpan.FromMinutes(6)));
    }

    [Fact]
    public void Cookies_are_demanded_at_the_threshold_and_until_it_has_been_calm()
    {
        var now = new MonotonicTime(1);
        for (var i = 0; i < 4; i++)
            _admission.Opened(Peer.Address, now);
        Assert.True(_admission.CookieDemanded);
        for (var i = 0; i < 3; i++)
            _admission.Closed(Peer.Address, now + TimeSpan.FromSeconds(1));
        Assert.True(_admission.CookieDemanded);
        _admission.Closed(Peer.Address, now + TimeSpan.FromSeconds(20));
        Assert.False(_admission.CookieDemanded);
    }

    [Theory]
    [InlineData("198.51.100.7", "198.51.100.7", true)]
    [InlineData("198.51.100.7", "198.51.100.8", false)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    public void One_site_cannot_take_every_place(string first, string second, bool sameSite)
    {
        var now = new MonotonicTime(1);
        for (var i = 0; i < 6; i++)
            _admission.Opened(IPAddress.Parse(first), now);
        Assert.Equal(sameSite ? DiscardReason.SourceLimit : null, _admission.Judge(IPAddress.Parse(second)));
        for (var i = 0; i < 4; i++)
            _admission.Opened(IPAddress.Parse("203.0.113.9"), now);
        Assert.Equal(DiscardReason.HalfOpenLimit, _admission.Judge(IPAddress.Parse("203.0.113.10")));
    }

    [Fact]
    public void Stateless_replies_have_a_budget_each_second()
    {
        var now = new MonotonicTime(1) + TimeSpan.FromSeconds(5);
        var granted = Enumerable.Range(0, 10_000).Count(_ => _admission.TryTakeStatelessReply(now));
        Assert.InRange(granted, 1, 9_999);
        Assert.True(_admission.TryTakeStatelessReply(now + TimeSpan.FromSeconds(1)));
    }
}
