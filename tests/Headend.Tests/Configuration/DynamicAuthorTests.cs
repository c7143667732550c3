using System.Net;
using System.Text;
using Headend.Configuration;

namespace Headend.Tests.Configuration;

public sealed class DynamicAuthorTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Absent_it_opens_no_port() => Assert.Null(fixture.Parse(ConfigurationFixture.Complete).Configuration!.Radius.DynamicAuthor);

    [Fact]
    public void Clients_are_addresses_or_prefixes_with_secrets_of_their_own()
    {
        fixture.Write("dac.secret", "a-secret-of-24-octets-xy\n");
        var outcome = fixture.Parse(With("{ ports: [1700], clients: [ { address: 198.51.100.2, secret-file: dac.secret }, { address: \"2001:db8::/32\", secret: another-secret-16, require-event-timestamp: true } ] }"));
        Assert.Empty(outcome.Diagnostics);
        var options = outcome.Configuration!.Radius.DynamicAuthor!;
        Assert.Equal([3799, 1700], options.Ports);
        Assert.Equal([IPAddress.Any, IPAddress.IPv6Any], options.Addresses);
        Assert.Equal(TimeSpan.FromMinutes(5), options.EventTimestampWindow);
        Assert.Equal(IPNetwork.Parse("198.51.100.2/32"), options.Clients[0].Address);
        Assert.Equal("a-secret-of-24-octets-xy", Encoding.ASCII.GetString(options.Clients[0].Secret.Octets));
        Assert.Equal((true, false), (options.Clients[0].RequireMessageAuthenticator, options.Clients[0].RequireEventTimestamp));
        Assert.Equal(IPNetwork.Parse("2001:db8::/32"), options.Clients[1].Address);
        Assert.True(options.Clients[1].RequireEventTimestamp);
    }

    [Theory]
    [InlineData("{ port: 3799 }", "missing key 'clients'")]
    [InlineData("{ clients: [] }", "needs at least 1 entry")]
    [InlineData("{ clients: [ { address: 198.51.100.2 } ] }", "exactly one of secret, secret-file, secret-env")]
    [InlineData("{ clients: [ { address: 198.51.100.2/24, secret: a-secret-of-24-octets-xy } ] }", "198.51.100.0/24")]
    [InlineData("{ clients: [ { address: here, secret: a-secret-of-24-octets-xy } ] }", "'here' is not a prefix")]
    [InlineData("{ port: 0, clients: [ { address: 198.51.100.2, secret: a-secret-of-24-octets-xy } ] }", "an integer from 1 to 65535")]
    [InlineData("{ clients: [ { address: 198.51.100.2, secret: a-secret-of-24-octets-xy }, { address: 198.51.100.2/32, secret: a-secret-of-24-octets-xy } ] }", "stands twice")]
    public void Mistakes_are_named(string section, string expected)
    {
        var outcome = fixture.Parse(With(section));
        Assert.Null(outcome.Configuration);
        Assert.Contains(outcome.Errors, e => e.Message.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Requests_without_message_authenticator_are_warned_about()
    {
        var outcome = fixture.Parse(With("{ clients: [ { address: 198.51.100.2, secret: a-secret-of-24-octets-xy, require-message-authenticator: false } ] }"));
        Assert.Contains("CVE-2024-3596", Assert.Single(outcome.Diagnostics).Message, StringComparison.Ordinal);
        Assert.False(outcome.Configuration!.Radius.DynamicAuthor!.Clients[0].RequireMessageAuthenticator);
    }

    [Theory]
    [InlineData("never", null, false)]
    [InlineData("replace", 1, true)]
    [InlineData("deny", 1, false)]
    [InlineData("3", 3, false)]
    public void Unique_is_a_word_or_a_number(string text, int? limit, bool replaces)
        => Assert.Equal(new UniqueOptions(limit, replaces), Assert.Single(fixture.Parse(WithUnique(text)).Configuration!.Ikev2.Profiles).Unique);

    [Theory]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("both")]
    public void Other_words_are_errors(string text) => Assert.Contains(fixture.Parse(WithUnique(text)).Errors, e => e.Message.Contains("never, replace, deny", StringComparison.Ordinal));

    private static string With(string section) => ConfigurationFixture.Complete.Replace(
        "  attributes: { nas-identifier: gw1 }\n", $"  attributes: {{ nas-identifier: gw1 }}\n  dynamic-author: {section}\n", StringComparison.Ordinal);

    private static string WithUnique(string text) => ConfigurationFixture.Complete.Replace(
        "      virtual-template: 1\n", $"      virtual-template: 1\n      unique: {text}\n", StringComparison.Ordinal);
}
