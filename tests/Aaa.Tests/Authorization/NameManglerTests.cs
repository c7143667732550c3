using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Authorization;

namespace Headend.Aaa.Tests.Authorization;

/// <summary>The manglers of the FlexVPN server: fqdn, email, dn and eap, every form of each.</summary>
public sealed class NameManglerTests
{
    private const string Dn = "CN=Router 1, OU=Branch, OU=Field, O=\"Example, Inc.\", L=Basel, S=BS, C=CH, DC=corp, DC=example";

    [Theory]
    [InlineData("hostname", "router1.domain1", "router1")]
    [InlineData("domain", "router1.domain1", "domain1")]
    [InlineData("domain", "router1.branch.corp.example", "branch.corp.example")]
    [InlineData("domain", "router1.corp.example.", "corp.example")]
    [InlineData("all", "router1.domain1", "router1.domain1")]
    [InlineData("hostname", "router1", "router1")]
    public void An_fqdn_gives_hostname_domain_or_all(string form, string identity, string expected)
    {
        Assert.True(NameRule.TryParseFqdn(form, out var rule));
        Assert.Equal(expected, Mangle(new NameMangler("m") { Fqdn = rule }, new PeerName(PeerNameKind.Fqdn, identity)));
    }

    [Theory]
    [InlineData("username", "alice@corp.example", "alice")]
    [InlineData("domain", "alice@corp.example", "corp.example")]
    [InlineData("all", "alice@corp.example", "alice@corp.example")]
    [InlineData("username", "\"a@b\"@corp.example", "\"a@b\"")]
    public void An_email_address_gives_username_domain_or_all(string form, string identity, string expected)
    {
        Assert.True(NameRule.TryParseEmail(form, out var rule));
        Assert.Equal(expected, Mangle(new NameMangler("m") { Email = rule }, new PeerName(PeerNameKind.Email, identity)));
    }

    [Theory]
    [InlineData("common-name", "Router 1")]
    [InlineData("organization-unit", "Branch")]
    [InlineData("organization", "Example, Inc.")]
    [InlineData("locality", "Basel")]
    [InlineData("state", "BS")]
    [InlineData("country", "CH")]
    [InlineData("domain", "corp.example")]
    public void A_distinguished_name_gives_each_of_its_fields(string form, string expected)
    {
        Assert.True(NameRule.TryParseName(form, out var rule));
        var mangler = new NameMangler("m") { DistinguishedName = rule };
        Assert.Equal(expected, Mangle(mangler, new PeerName(PeerNameKind.DistinguishedName, Dn, new X500DistinguishedName(Dn).RawData)));

        // The same behind `eap dn`, where the identity is a name's text.
        Assert.True(NameRule.TryParseEap($"dn {form}", out var eap));
        Assert.Equal(expected, Mangle(new NameMangler("m") { Eap = eap }, new PeerName(PeerNameKind.Eap, Dn)));
    }

    [Theory]
    [InlineData("all", "alice@corp.example", "alice@corp.example")]
    [InlineData("username", "alice@corp.example", "alice")]
    [InlineData("domain", "alice@corp.example", "corp.example")]
    [InlineData("username", @"CORP\alice", "alice")]
    [InlineData("domain", @"CORP\alice", "CORP")]
    [InlineData("prefix @", "alice@corp.example", "alice")]
    [InlineData("suffix @", "alice@corp.example", "corp.example")]
    [InlineData("suffix @", "proxy!alice@home@corp.example", "corp.example")]
    [InlineData("prefix .", "host7.branch.example", "host7")]
    [InlineData("suffix .", "host7.branch.example", "branch.example")]
    [InlineData(@"prefix \", @"CORP\alice", "CORP")]
    [InlineData(@"suffix \", @"CORP\alice", "alice")]
    [InlineData("suffix delimiter @", "alice@corp.example", "corp.example")]
    public void An_EAP_identity_gives_what_stands_around_its_delimiters(string form, string identity, string expected)
    {
        Assert.True(NameRule.TryParseEap(form, out var rule));
        Assert.Equal(expected, Mangle(new NameMangler("m") { Eap = rule }, new PeerName(PeerNameKind.Eap, identity)));
    }

    [Fact]
    public void Without_an_eap_rule_an_EAP_identity_is_taken_by_its_form()
    {
        var mangler = new NameMangler("m") { Email = new NameRule(NamePart.Domain), Fqdn = new NameRule(NamePart.Domain) };
        Assert.Equal("corp.example", Mangle(mangler, new PeerName(PeerNameKind.Eap, "alice@corp.example")));
        Assert.Equal("corp.example", Mangle(mangler, new PeerName(PeerNameKind.Eap, "router1.corp.example")));
        Assert.Equal("name mangler m has no rule for the EAP identity alice", Refusal(mangler, new PeerName(PeerNameKind.Eap, "alice")));
        Assert.Equal(@"name mangler m has no rule for the EAP identity a.b\alice", Refusal(mangler, new PeerName(PeerNameKind.Eap, @"a.b\alice")));
    }

    [Theory]
    [InlineData(PeerNameKind.Email, "alice@corp.example", "name mangler m has no rule for the email identity alice@corp.example")]
    [InlineData(PeerNameKind.Whole, "192.0.2.1", "name mangler m has no rule for the identity 192.0.2.1")]
    [InlineData(PeerNameKind.Fqdn, "router1", "name mangler m finds no domain in the fqdn identity router1")]
    [InlineData(PeerNameKind.Fqdn, "router1.", "name mangler m finds no domain in the fqdn identity router1.")]
    [InlineData(PeerNameKind.Fqdn, ".", "name mangler m finds no domain in the fqdn identity .")]
    [InlineData(PeerNameKind.Fqdn, "a.b\u0001c", "what name mangler m makes of the fqdn identity a.b\u0001c is no user name")]
    public void What_a_mangler_cannot_be_applied_to_gives_no_name_and_a_reason(PeerNameKind kind, string identity, string expected) =>
        Assert.Equal(expected, Refusal(new NameMangler("m") { Fqdn = new NameRule(NamePart.Domain) }, new PeerName(kind, identity)));

    [Fact]
    public void A_name_is_not_longer_than_a_User_Name()
    {
        var mangler = new NameMangler("m") { Fqdn = new NameRule(NamePart.Domain) };
        Assert.Equal(new string('x', 253), Mangle(mangler, new PeerName(PeerNameKind.Fqdn, "h." + new string('x', 253))));
        Assert.EndsWith("is no user name", Refusal(mangler, new PeerName(PeerNameKind.Fqdn, "h." + new string('x', 254))), StringComparison.Ordinal);
    }

    [Fact]
    public void Octets_that_are_no_distinguished_name_have_no_fields()
    {
        var mangler = new NameMangler("m") { DistinguishedName = new NameRule(NamePart.CommonName, OfDistinguishedName: true) };
        var whole = new X500DistinguishedName("CN=a, O=b").RawData;
        var random = new Random(7);
        for (var cut = 0; cut < whole.Length; cut++)
            Assert.False(mangler.TryMangle(new PeerName(PeerNameKind.DistinguishedName, "x", whole.AsMemory(0, cut)), out _, out _));
        for (var i = 0; i < 20_000; i++)
        {
            var bad = (byte[])whole.Clone();
            bad[random.Next(bad.Length)] = (byte)random.Next(256);
            bad[random.Next(bad.Length)] = (byte)random.Next(256);
            if (mangler.TryMangle(new PeerName(PeerNameKind.DistinguishedName, "x", bad), out var name, out _))
                Assert.True(NameMangler.IsName(name));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("hostname")]
    [InlineData("prefix")]
    [InlineData("prefix #")]
    [InlineData("prefix @@")]
    [InlineData("prefix of @")]
    [InlineData("dn")]
    [InlineData("dn surname")]
    public void Other_forms_of_eap_are_refused(string form) => Assert.False(NameRule.TryParseEap(form, out _));

    private static string Mangle(NameMangler mangler, PeerName peer)
    {
        Assert.True(mangler.TryMangle(peer, out var name, out var refusal), refusal);
        return name;
    }

    private static string Refusal(NameMangler mangler, PeerName peer)
    {
        Assert.False(mangler.TryMangle(peer, out _, out var refusal));
        return refusal;
    }

    /// <summary>What a certificate proves beside the identity that the peer goes by.</summary>
    [Fact]
    public void FurtherNamesActWhereThereIsNoRuleForThePeersOwn()
    {
        var subject = new System.Security.Cryptography.X509Certificates.X500DistinguishedName("CN=al,OU=staff");
        PeerName[] further = [new(PeerNameKind.DistinguishedName, subject.Name, subject.RawData), new(PeerNameKind.Email, "al@corp.example"), new(PeerNameKind.Fqdn, "pc.corp.example")];
        var peer = new PeerName(PeerNameKind.Fqdn, "laptop.example") { Further = further };
        Assert.True(NameRule.TryParseName("organization-unit", out var unit));
        Assert.True(NameRule.TryParseEmail("username", out var user));
        Assert.True(NameRule.TryParseFqdn("hostname", out var host));
        Assert.Equal("staff", Mangled(new NameMangler("m") { DistinguishedName = unit, Email = user }));
        Assert.Equal("al", Mangled(new NameMangler("m") { Email = user }));
        Assert.Equal("laptop", Mangled(new NameMangler("m") { Fqdn = host, DistinguishedName = unit }));

        // A rule for the peer's own kind decides, found or not; and no further name stands in for one without its part.
        Assert.True(NameRule.TryParseName("locality", out var locality));
        Assert.False(new NameMangler("m") { DistinguishedName = locality, Email = user }.TryMangle(peer, out _, out _));

        string? Mangled(NameMangler mangler) => mangler.TryMangle(peer, out var name, out var refusal) ? name : refusal;
    }
}
