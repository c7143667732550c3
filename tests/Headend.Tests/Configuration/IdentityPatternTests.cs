using System.Text;
using Headend.Configuration;
using Headend.Ikev2;
using Headend.Ikev2.Wire;

namespace Headend.Tests.Configuration;

public sealed class IdentityPatternTests
{
    [Theory]
    [InlineData("fqdn Vpn.Example.com", "fqdn vpn.example.COM", true)]
    [InlineData("fqdn vpn.example.com", "fqdn x.vpn.example.com", false)]
    [InlineData("fqdn-domain Example.com", "fqdn a.b.example.COM", true)]
    [InlineData("fqdn-domain example.com", "fqdn example.com", false)]
    [InlineData("fqdn-domain example.com", "fqdn .example.com", false)]
    [InlineData("fqdn-domain example.com", "fqdn badexample.com", false)]
    [InlineData("fqdn-domain example.com", "email a@b.example.com", false)]
    [InlineData("any", "fqdn whatever", true)]
    [InlineData("key-id a", "fqdn a", false)]
    [InlineData("key-id Group One", "key-id Group One", true)]
    [InlineData("key-id Group One", "key-id group one", false)]
    [InlineData("email Al@Example.com", "email al@example.COM", true)]
    [InlineData("email-domain example.com", "email x@example.com", true)]
    [InlineData("email-domain example.com", "email x@y.example.com", false)]
    [InlineData("email-domain example.com", "email x@badexample.com", false)]
    [InlineData("email-domain example.com", "email @example.com", false)]
    [InlineData("address 192.0.2.0/24", "address 192.0.2.9", true)]
    [InlineData("address 192.0.2.7", "address 192.0.2.9", false)]
    [InlineData("address 192.0.2.7", "address 192.0.2.7", true)]
    [InlineData("address 2001:db8::/32", "address 2001:db8::1", true)]
    [InlineData("address 0.0.0.0/0", "address 2001:db8::1", false)]
    [InlineData("fqdn a.example", "address 192.0.2.9", false)]
    [InlineData("dn CN=al,O=Example", "dn CN=AL,O=example", true)]
    [InlineData("dn CN=*,O=Example", "dn CN=Bo,O=Example", true)]
    [InlineData("dn CN=*,O=Example", "dn CN=Bo,OU=x,O=Example", false)]
    [InlineData("dn CN=al,O=Example", "dn O=Example,CN=al", false)]
    public void AnIdentityFitsOrNot(string pattern, string identity, bool fits)
    {
        Assert.True(IkeIdentity.TryParse(identity, out var claimed));
        var match = Read(pattern);
        Assert.Equal(fits, match.Matches(claimed));
        Assert.Equal(pattern, match.Text);
    }

    // What is shown as hexadecimal is no name of those digits.
    [Fact]
    public void OctetsThatAreNoTextDoNotFitTheTextThatShowsThem()
    {
        var hostile = new IkeIdentity(IdType.Fqdn, [0x61, 0x00, 0x62]);
        Assert.Equal("610062", hostile.Text);
        Assert.False(Read("fqdn 610062").Matches(hostile));
        Assert.False(Read("fqdn-domain example").Matches(new IkeIdentity(IdType.Fqdn, Encoding.UTF8.GetBytes("a.exämple"))));
        Assert.False(Read("dn CN=*").Matches(new IkeIdentity(IdType.DerAsn1Dn, [0x30, 0x82, 0xff, 0xff])));
        Assert.False(Read("address 0.0.0.0/0").Matches(new IkeIdentity(IdType.IPv4Address, [1, 2, 3])));
    }

    [Theory]
    [InlineData("fqdn")]
    [InlineData("fqdn a..b")]
    [InlineData("email nobody")]
    [InlineData("dn nothing of the kind")]
    [InlineData("dn")]
    [InlineData("key-id")]
    [InlineData("address 192.0.2.1/24")]
    [InlineData("any thing")]
    [InlineData("ANY")]
    public void WhatIsNotSupportedIsRefused(string pattern) => Assert.NotNull(IdentityTable.ReadPattern(pattern).Problem);

    private static IdentityMatch Read(string text) => Assert.IsAssignableFrom<IdentityMatch>(IdentityTable.ReadPattern(text).Value);
}
