using Headend.Configuration;
using Headend.Pki.Verification;

namespace Headend.Tests.Configuration;

public sealed class AnyConnectTableTests : IDisposable
{
    private readonly ConfigurationFixture fixture = new();

    public void Dispose() => fixture.Dispose();

    [Fact]
    public void Defaults()
    {
        var profile = Parse("anyconnect-eap: {}").Configuration!.Ikev2.Profiles[0];
        Assert.Null(profile.Eap);
        Assert.Equal((PasswordProtocol.Pap, TimeSpan.FromSeconds(90), (string?)null, 3), (profile.AnyConnect!.Protocol, profile.AnyConnect.Timeout, profile.AnyConnect.AuthenticationList, profile.AnyConnect.Login.MaxAttempts));
        Assert.Equal(CiscoAttributeTable.Known, profile.CiscoAttributes);
        Assert.Null(Parse("eap: {}").Configuration!.Ikev2.Profiles[0].AnyConnect);
    }

    [Fact]
    public void A_number_takes_the_place_of_a_built_in_one()
    {
        var attributes = Parse("anyconnect-eap: {}", "cisco-attributes: [ { number: 28672, source: none }, { number: 28709, value: 0000001e } ]").Configuration!.Ikev2.Profiles[0].CiscoAttributes;
        Assert.Equal(CiscoAttributeTable.Known.Count, attributes.Count);
        Assert.DoesNotContain(attributes, a => a.Number == 28672);
        Assert.Equal([0, 0, 0, 30], attributes[0].Value.ToArray());
    }

    /// <summary>A number has one answer; both places of two are named.</summary>
    [Theory]
    [InlineData("cisco-attributes: [ { number: 28673, value: 00 }, { number: 28673, source: none } ]", "28673, source", "number 28673 is already in 'cisco-attributes', at ", "28673, value")]
    [InlineData("cisco-attributes: [ { number: 28709, value: 0000001e } ]\n      reconnect: { attributes: { dpd-interval: 28709 } }", "28709, value", "number 28709 is that of 'dpd-interval' in 'reconnect', at ", "28709 } }")]
    [InlineData("reconnect: { attributes: { session-id: 28720 } }\n      cisco-attributes: [ { number: 28720, source: none } ]", "28720, source", "number 28720 is that of 'session-id' in 'reconnect', at ", "28720 } }")]
    [InlineData("reconnect: {}\n      cisco-attributes: [ { number: 28706, source: idle-timeout } ]", "28706, source", "number 28706 is that of 'cleanup-interval' in 'reconnect', at ", "{}\n      cisco")]
    [InlineData("cisco-attributes: [ { number: 1, value: 0a000001 } ]", "1, value", "number 1 is INTERNAL_IP4_ADDRESS (1), which the headend fills in itself", null)]
    [InlineData("cisco-attributes: [ { number: 7, source: none } ]", "7, source", "number 7 is APPLICATION_VERSION (7), which the headend fills in itself", null)]
    [InlineData("cisco-attributes: [ { number: 25, source: default-domain } ]", "25, source", "number 25 is INTERNAL_DNS_DOMAIN (25), which the headend fills in itself", null)]
    public void Numbers_that_meet_are_named_with_both_places(string lines, string at, string finding, string? other)
    {
        var text = Text("anyconnect-eap: {}", lines);
        var expected = $"{Place(text, at)}: {finding}{(other is null ? "" : Place(text, other))}";
        Assert.StartsWith(expected, Assert.Single(fixture.Findings(text)), StringComparison.Ordinal);
    }

    [Fact]
    public void Built_in_numbers_give_way_to_those_of_reconnect()
    {
        var attributes = Parse("anyconnect-eap: {}", "reconnect: { attributes: { session-id: 28672, dpd-interval: 28705 } }").Configuration!.Ikev2.Profiles[0].CiscoAttributes;
        Assert.Equal(CiscoAttributeTable.Known.Where(k => k.Number is not 28672 and not 28705), attributes);
        Assert.Equal(CiscoAttributeTable.Known, Parse("anyconnect-eap: {}", "reconnect: {}").Configuration!.Ikev2.Profiles[0].CiscoAttributes);
    }

    [Theory]
    [InlineData("anyconnect-eap: { attempts: 11 }", "", "attempts")]
    [InlineData("anyconnect-eap: { password-protocol: mschap }", "", "pap")]
    [InlineData("anyconnect-eap: { authentication-list: nobody }", "", "nobody")]
    [InlineData("anyconnect-eap: { complete: { custom-attributes: [1a=b] } }", "", "NAME=VALUE")]
    [InlineData("anyconnect-eap: { complete: { custom-attributes: [\"a=b\\u0007\"] } }", "", "printable characters")]
    [InlineData("anyconnect-eap: { complete: { profile: { uri: /p.xml, file: nowhere.xml } } }", "", ": no file '/")]
    [InlineData("anyconnect-eap: { complete: { profile: { uri: /p.xml, file: /dev/zero } } }", "", "'/dev/zero' is empty or no regular file")]
    [InlineData("eap: {}, anyconnect-eap: {}, certificate: { ca: gw.pem, then-eap: required }", "", "'anyconnect-eap' beside 'then-eap: required' serves nobody")]
    [InlineData("anyconnect-eap: { complete: { base-package-uri: CACHE } }", "", "path that begins with /")]
    [InlineData("anyconnect-eap: {}", "cisco-attributes: [ { number: 28672 } ]", "exactly one of 'value' and 'source'")]
    [InlineData("anyconnect-eap: {}", "cisco-attributes: [ { number: 28672, value: 0g } ]", "hexadecimal")]
    [InlineData("anyconnect-eap: {}", "accounting-lists: { eap: acct-list }", "'accounting-lists.eap' is for clients that prove themselves by EAP")]
    public void Mistakes_are_named(string remote, string further, string finding)
    {
        Assert.Contains(fixture.Findings(Text(remote, further)), f => f.Contains(finding, StringComparison.Ordinal));
    }

    [Fact]
    public void The_certificate_that_clients_show()
    {
        fixture.Write("clients.pem", "authorities");
        var profile = Parse(
            "anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem, fetch-hosts: [pki.example], revocation: strict, extended-key-usage: required, name-mangler: realm, username: required, radius-pair: cert-name } }")
            .Configuration!.Ikev2.Profiles[0];
        Assert.True(profile.AnyConnect!.Login.CertificateRequest);
        var certificate = profile.AnyConnect.Certificate!;
        Assert.Equal((fixture.File("clients.pem"), RevocationMode.Strict, true, false, "realm"),
            (certificate.Trust.AuthorityFile, certificate.Trust.Revocation, certificate.Trust.UsageRequired, certificate.Trust.MatchIdentity, certificate.Trust.Mangler));
        Assert.Equal((CertificateUserName.Required, "cert-name"), (certificate.UserName, certificate.RadiusPair));
        Assert.Null(profile.RemoteCertificate);

        certificate = Parse("anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem } }").Configuration!.Ikev2.Profiles[0].AnyConnect!.Certificate!;
        Assert.Equal((RevocationMode.IfAvailable, CertificateUserName.Typed, (string?)null, (string?)null), (certificate.Trust.Revocation, certificate.UserName, certificate.RadiusPair, certificate.Trust.Mangler));
    }

    [Theory]
    [InlineData("anyconnect-eap: { cert-request: true }", "'cert-request' needs 'certificate' with 'ca'")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { crl: [] } }", "ca")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { ca: nowhere.pem } }", "nowhere.pem")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem, revocation: strict } }", "refuses every certificate")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem, username: required } }", "needs 'name-mangler'")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem, name-mangler: nobody } }", "nobody")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem, radius-pair: 'a=b' } }", "the name of a Cisco pair")]
    [InlineData("anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem, match-identity: false } }", "match-identity")]
    [InlineData("anyconnect-eap: { certificate: { ca: clients.pem } }", "acts only with 'cert-request: true'")]
    [InlineData("eap: {}, anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem } }", "'eap' beside 'cert-request: true'")]
    [InlineData("certificate: { ca: clients.pem }, anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem } }", "'certificate' beside 'cert-request: true'")]
    [InlineData("pre-share: true, anyconnect-eap: { cert-request: true, certificate: { ca: clients.pem } }", "'pre-share' beside 'cert-request: true'")]
    public void Mistakes_about_the_certificate_are_named(string remote, string finding)
    {
        fixture.Write("clients.pem", "authorities");
        Assert.Contains(fixture.Findings(Text(remote, "")), f => f.Contains(finding, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("groups: [staff]", "chosen: true", null)]
    [InlineData("groups: [staff, gests]", "chosen: true", "no 'gests' in ikev2.authorization-policies")]
    [InlineData("groups: [staff]", "chosen: true, name: staff", "'chosen' beside 'name'")]
    [InlineData("", "chosen: true", "'chosen: true' needs 'groups'")]
    public void The_group_that_the_user_chooses_can_be_the_policy(string keys, string group, string? finding)
    {
        var text = Text($"anyconnect-eap: {{ {keys} }}", "").Replace("{ list: author-list, name: staff, override: false }", $"{{ list: author-list, {group} }}", StringComparison.Ordinal);
        var findings = fixture.Findings(text);
        if (finding is null)
            Assert.Empty(findings);
        else
            Assert.Contains(findings, f => f.Contains(finding, StringComparison.Ordinal));
    }

    [Fact]
    public void The_HTTPS_service_needs_a_profile_for_AnyConnect()
    {
        Assert.Null(Parse("anyconnect-eap: {}").Configuration!.ClientServices);
        var text = Text("anyconnect-eap: {}", "") + "client-services: { listen: '127.0.0.1:8443', profile: remote-workers }\n";
        Assert.Equal("remote-workers", fixture.Parse(text).Configuration!.ClientServices!.Profile);
        Assert.Contains(fixture.Findings(text.Replace("anyconnect-eap: {}", "eap: {}", StringComparison.Ordinal)), f => f.Contains("has no 'anyconnect-eap'", StringComparison.Ordinal));
        Assert.Contains(fixture.Findings(text.Replace("profile: remote-workers }", "profile: nobody }", StringComparison.Ordinal)), f => f.Contains("nobody", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("csport: 8443, profile: { uri: /p.xml, file: vpn.xml }", null)]
    [InlineData("csport: 443, profile: { uri: /p.xml, file: vpn.xml }", "'client-services' listens on port 8443; clients told 443 reach it only where something forwards that port")]
    [InlineData("profile: { uri: /p.xml, file: vpn.xml }", "'complete' names files of 'client-services', but no 'csport'")]
    [InlineData("base-package-uri: /CACHE", "'complete' names files of 'client-services', but no 'csport'")]
    [InlineData("csport: 8443, profile: { uri: /logout, file: vpn.xml }", "'/logout' is a path that the downloader asks 'client-services' for")]
    [InlineData("csport: 8443, base-package-uri: /C, profile: { uri: /C/Windows, file: vpn.xml }", "'/C/Windows' is a path that the downloader asks 'client-services' for")]
    public void What_clients_are_told_of_the_HTTPS_service_is_there(string complete, string? finding)
    {
        fixture.Write("vpn.xml", "<AnyConnectProfile/>");
        var text = Text($"anyconnect-eap: {{ complete: {{ {complete} }} }}", "");
        Assert.Empty(fixture.Findings(text));
        text += "client-services: { listen: '127.0.0.1:8443', profile: remote-workers }\n";
        if (finding is null)
            Assert.Empty(fixture.Findings(text));
        else
            Assert.Contains(finding, Assert.Single(fixture.Findings(text)), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_profiles_cannot_offer_two_files_under_one_path()
    {
        fixture.Write("a.xml", "<a/>");
        fixture.Write("b.xml", "<b/>");
        var text = Text("anyconnect-eap: { complete: { csport: 8443, profile: { uri: /p.xml, file: a.xml } } }", "") + "client-services: { listen: '127.0.0.1:8443', profile: remote-workers }\n";
        var profile = text[text.IndexOf("    - name: remote-workers", StringComparison.Ordinal)..text.IndexOf("virtual-templates:", StringComparison.Ordinal)];
        var second = profile.Replace("remote-workers", "others", StringComparison.Ordinal);
        var same = text.Replace("virtual-templates:", second + "virtual-templates:", StringComparison.Ordinal);
        Assert.DoesNotContain(fixture.Findings(same), f => f.Contains("/p.xml", StringComparison.Ordinal));
        var other = text.Replace("virtual-templates:", second.Replace("a.xml", "b.xml", StringComparison.Ordinal) + "virtual-templates:", StringComparison.Ordinal);
        Assert.Contains(fixture.Findings(other), f => f.Contains("'/p.xml' is that of another profile's", StringComparison.Ordinal));
    }

    [Fact]
    public void Texts_that_fit_no_document_are_named()
    {
        static string Groups(int count) => string.Join(", ", Enumerable.Range(0, count).Select(i => $"\"{i:00}{new string('<', 98)}\""));
        Assert.Empty(fixture.Findings(Text($"anyconnect-eap: {{ groups: [{Groups(50)}] }}", "")));
        fixture.Write("vpn.xml", "");
        var long_ = string.Join(", ", Enumerable.Range(0, 10).Select(i => $"a{i}={new string('x', 4000)}"));
        Assert.Contains(fixture.Findings(Text($"anyconnect-eap: {{ complete: {{ custom-attributes: [{long_}] }} }}", "")), f => f.Contains("come to 40", StringComparison.Ordinal));
    }

    [Fact]
    public void It_needs_a_list_and_a_certificate()
    {
        var text = Text("anyconnect-eap: {}", "").Replace("      authentication-list: eap-list\n", "", StringComparison.Ordinal);
        Assert.Contains(fixture.Findings(text), f => f.Contains("'anyconnect-eap' needs the profile's 'authentication-list'", StringComparison.Ordinal));
        var own = text.Replace("anyconnect-eap: {}", "anyconnect-eap: { authentication-list: eap-list }", StringComparison.Ordinal);
        Assert.Empty(fixture.Findings(own));
    }

    private ConfigurationOutcome Parse(string remote, string further = "")
    {
        var outcome = fixture.Parse(Text(remote, further));
        Assert.Empty(outcome.Errors);
        return outcome;
    }

    private static string Place(string text, string what)
    {
        var before = text[..text.IndexOf(what, StringComparison.Ordinal)];
        return $"{before.Count(c => c == '\n') + 1}:{before.Length - before.LastIndexOf('\n')}";
    }

    private static string Text(string remote, string further) => ConfigurationFixture.Complete
        .Replace("ikev2:\n", "ikev2:\n  name-manglers: [ { name: realm, email: domain } ]\n", StringComparison.Ordinal)
        .Replace("remote-authentication: { eap: { query-identity: true, timeout: 60s } }", $"remote-authentication: {{ {remote} }}", StringComparison.Ordinal)
        .Replace("      virtual-template: 1\n", $"      virtual-template: 1\n{(further.Length > 0 ? $"      {further}\n" : "")}", StringComparison.Ordinal);
}
