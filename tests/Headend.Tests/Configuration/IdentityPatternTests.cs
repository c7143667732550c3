using System.Net;
using Headend.Configuration;

namespace Headend.Tests.Configuration;

public sealed class IdentityPatternTests
{
    [Theory]
    [InlineData("fqdn Vpn.Example.com", "vpn.example.COM", true)]
    [InlineData("fqdn vpn.example.com", "x.vpn.example.com", false)]
    [InlineData("fqdn-domain example.com", "a.b.example.com", true)]
    [InlineData("fqdn-domain example.com", "example.com", false)]
    [InlineData("fqdn-domain example.com", "badexample.com", false)]
    [InlineData("any", "whatever", true)]
    [InlineData("key-id a", "a", false)]
    public void Fqdn(string pattern, string name, bool fits) => Assert.Equal(fits, Read(pattern).MatchesFqdn(name));

    [Theory]
    [InlineData("email Al@Example.com", "Al@example.COM", true)]
    [InlineData("email al@example.com", "AL@example.com", false)]
    [InlineData("email-domain example.com", "x@example.com", true)]
    [InlineData("email-domain example.com", "x@y.example.com", true)]
    [InlineData("email-domain example.com", "x@badexample.com", false)]
    [InlineData("email-domain example.com", "example.com", false)]
    public void Email(string pattern, string address, bool fits) => Assert.Equal(fits, Read(pattern).MatchesEmail(address));

    [Theory]
    [InlineData("address 192.0.2.0/24", "192.0.2.9", true)]
    [InlineData("address 192.0.2.7", "192.0.2.9", false)]
    [InlineData("address 2001:db8::/32", "2001:db8::1", true)]
    [InlineData("fqdn a.example", "192.0.2.9", false)]
    public void Address(string pattern, string address, bool fits) => Assert.Equal(fits, Read(pattern).MatchesAddress(IPAddress.Parse(address)));

    [Theory]
    [InlineData("fqdn")]
    [InlineData("fqdn a..b")]
    [InlineData("email nobody")]
    [InlineData("dn CN=x")]
    [InlineData("address 192.0.2.1/24")]
    [InlineData("ANY")]
    public void What_is_not_supported_is_refused(string pattern) => Assert.NotNull(IdentityTable.ReadPattern(pattern).Problem);

    private static IdentityPatternOptions Read(string text) => (IdentityPatternOptions)IdentityTable.ReadPattern(text).Value!;
}
