using Headend.Aaa.Authorization;
using Headend.Configuration;

namespace Headend.Tests.Configuration;

public sealed class AuthorizationTableTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Requests_have_lists_names_manglers_and_passwords_by_method()
    {
        var text = With(
            """
                  authorization:
                    user: { cached: false, list: author-list, name-mangler: host, password: sesame }
                    group: { list: author-list, name: staff }
                    eap: { group: { list: author-list, name-mangler: realm, override: true } }
                  accounting-lists: { eap: acct2 }
            """,
            "[ { name: host, fqdn: hostname, dn: common-name }, { name: realm, email: domain, eap: suffix @ } ]");
        var outcome = fixture.Parse(text);
        Assert.Empty(outcome.Diagnostics);
        var ikev2 = outcome.Configuration!.Ikev2;
        Assert.Equal(
            [
                new NameMangler("host") { Fqdn = new NameRule(NamePart.Hostname), DistinguishedName = new NameRule(NamePart.CommonName, OfDistinguishedName: true) },
                new NameMangler("realm") { Email = new NameRule(NamePart.Domain), Eap = new NameRule(NamePart.Suffix, '@') },
            ],
            ikev2.NameManglers);
        var profile = Assert.Single(ikev2.Profiles);
        var user = new AuthorizationRequestOptions("author-list", null, "host", SecretOptions.FromText("sesame"));
        Assert.Equal(
            new AuthorizationOptions(false, user, new AuthorizationRequestOptions("author-list", null, "realm", null), GroupOverrides: true), profile.Authorization[RemoteMethod.Eap]);
        Assert.Equal(
            new AuthorizationOptions(false, user, new AuthorizationRequestOptions("author-list", "staff", null, null), GroupOverrides: false), profile.Authorization[RemoteMethod.PreSharedKey]);
        Assert.Equal(("acct2", "acct-list"), (profile.AccountingLists[RemoteMethod.Eap], profile.AccountingLists[RemoteMethod.PreSharedKey]));
    }

    [Fact]
    public void A_keyring_may_be_of_AAA()
    {
        var text = With("      authorization: { user: { cached: true } }\n", "[ { name: host, fqdn: hostname } ]")
            .Replace("remote-authentication: { eap: { query-identity: true, timeout: 60s } }", "remote-authentication: { pre-share: true }", StringComparison.Ordinal)
            .Replace("authentication-list: eap-list", "keyring: { list: author-list, name-mangler: host, password: sesame }", StringComparison.Ordinal);
        var outcome = fixture.Parse(text);
        Assert.Empty(outcome.Diagnostics);
        Assert.Equal(
            new ProfileKeyringOptions(null, new AuthorizationRequestOptions("author-list", null, "host", SecretOptions.FromText("sesame"))), Assert.Single(outcome.Configuration!.Ikev2.Profiles).Keyring);
    }

    [Theory]
    [InlineData("group: { list: author-list }", "'group' needs 'name', 'name-mangler' or 'chosen: true'")]
    [InlineData("group: { list: author-list, name: staff, name-mangler: host }", "'name-mangler' beside 'name'; one of them is the name")]
    [InlineData("group: { list: author-list, name-mangler: hots }", "no 'hots' in ikev2.name-manglers; did you mean 'host'?")]
    [InlineData("group: { list: author-list, name: stuff }", "no 'stuff' in ikev2.authorization-policies, where the method 'local' of 'author-list' looks")]
    [InlineData("eap: { group: { list: author-list, name: stuff } }", "no 'stuff' in ikev2.authorization-policies, where the method 'local' of 'author-list' looks")]
    [InlineData("group: { list: author-list, chosen: true }", "'chosen: true' needs 'groups' in the profile's 'anyconnect-eap'")]
    [InlineData("user: { name: x }", "'name' acts only with 'list'")]
    [InlineData("user: { name-mangler: host }", "'name-mangler' acts only with 'list'")]
    [InlineData("user: { password: x }", "'password' acts only with 'list'")]
    [InlineData("user: { list: author-list, password: x, password-env: X }", "exactly one of password, password-file, password-env is needed, found password and password-env")]
    [InlineData("user: { list: auth-list }", "no 'auth-list' in aaa.authorization; did you mean 'author-list'?")]
    [InlineData("psk: { user: { cached: false } }", "'authorization.psk' is for clients that prove themselves by a pre-shared key, which 'remote-authentication' does not allow")]
    public void What_does_not_fit_is_an_error_that_names_it(string authorization, string expected) =>
        Assert.Equal([expected], Messages(With($"      authorization: {{ {authorization} }}\n", "[ { name: host, fqdn: hostname } ]")));

    [Fact]
    public void A_password_of_RADIUS_has_at_most_128_octets()
    {
        var messages = Messages(With($"      authorization: {{ user: {{ list: author-list, password: {new string('x', 129)} }} }}\n", "[]"));
        Assert.Equal(["a password of a RADIUS request has at most 128 octets (RFC 2865 5.2)"], messages);
    }

    [Theory]
    [InlineData("{ name: m }", "the name mangler has no rule; it needs at least one of fqdn, email, dn, eap")]
    [InlineData("{ name: m, fqdn: username }", "'ikev2.name-manglers[].fqdn': 'username' is not one of all, domain, hostname")]
    [InlineData("{ name: m, email: hostname }", "'ikev2.name-manglers[].email': 'hostname' is not one of all, domain, username")]
    [InlineData("{ name: m, dn: surname }", "'ikev2.name-manglers[].dn': 'surname' is not one of common-name, country, domain, locality, organization, organization-unit, state")]
    [InlineData("{ name: m, eap: 'prefix #' }", @"'ikev2.name-manglers[].eap': 'prefix #' is not one of all, domain, username, prefix D or suffix D with a delimiter D of . @ \, or dn and one of common-name, country, domain, locality, organization, organization-unit, state")]
    [InlineData("{ name: m, fqdn: all }, { name: m, fqdn: all }", "'m' is already in ikev2.name-manglers")]
    public void Rules_of_manglers_are_checked(string mangler, string expected) =>
        Assert.StartsWith(expected, Assert.Single(Messages(With("      authorization: {}\n", $"[ {mangler} ]"))), StringComparison.Ordinal);

    private static string With(string authorization, string manglers)
    {
        var text = ConfigurationFixture.Complete;
        var start = text.IndexOf("      authorization:\n", StringComparison.Ordinal);
        var end = text.IndexOf("      accounting-list:", StringComparison.Ordinal);
        return (text[..start] + authorization.TrimEnd('\n') + "\n" + text[end..])
            .Replace("ikev2:\n", $"ikev2:\n  name-manglers: {manglers}\n", StringComparison.Ordinal)
            .Replace("interim-interval: 10m }", "interim-interval: 10m }, { name: acct2, methods: [group corp] }", StringComparison.Ordinal);
    }

    private List<string> Messages(string text) =>
        [.. fixture.Parse(text).Errors.Select(d => d.Message)];
}
