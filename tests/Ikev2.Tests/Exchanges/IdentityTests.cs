using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Exchanges;

public class IdentityTests
{
    /// <summary>The initiator's identity is described before anybody is authenticated: no octets of it may throw.</summary>
    [Fact]
    public void NoDistinguishedNameThrows()
    {
        var valid = new X500DistinguishedName("CN=alice, OU=Vertrieb + O=Beispiel GmbH, C=DE, E=alice@example.com, 1.2.3.4.5=#0403010203").RawData;
        Assert.True(IdentityMatch.TryParse("dn CN=*, C=DE", out var pattern));
        var random = new Random(1);
        byte[] tags = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0c, 0x13, 0x14, 0x16, 0x1c, 0x1e, 0x30, 0x31, 0x80, 0xff];
        for (var i = 0; i < 100_000; i++)
        {
            var octets = (byte[])valid.Clone();
            for (var changes = 1 + random.Next(4); changes > 0; changes--)
                octets[random.Next(octets.Length)] = random.Next(2) == 0 ? tags[random.Next(tags.Length)] : (byte)random.Next(256);
            var cut = random.Next(4) == 0 ? random.Next(octets.Length) : octets.Length;
            var identity = new IkeIdentity(IdType.DerAsn1Dn, octets.AsSpan(0, cut));
            Assert.NotNull(identity.Text);
            pattern.Matches(identity);
        }
    }

    /// <summary>The text goes to RADIUS (isakmp-phase1-id) and into logs while nothing of it is proven.</summary>
    [Theory]
    [InlineData("al\nisakmp-phase1-id=bob")]
    [InlineData("al\u001b[2J")]
    [InlineData("al\u009b2J")]
    [InlineData("al\0ice")]
    public void ControlCharactersOfANameAreNotInItsText(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(commonName);
        var encoded = builder.Build().RawData;
        Assert.Equal(Convert.ToHexStringLower(encoded), new IkeIdentity(IdType.DerAsn1Dn, encoded).Text);
        builder.AddOrganizationName("Größe, \"quoted\"");
        Assert.DoesNotContain(new IkeIdentity(IdType.DerAsn1Dn, builder.Build().RawData).Text, char.IsControl);
        Assert.True(IkeIdentity.TryParse("dn CN=al, O=Größe", out var harmless));
        Assert.Equal("CN=al, O=Größe", harmless.Text);
    }

    [Theory]
    [InlineData("fqdn Vpn.Example.com", "fqdn vpn.example.COM", true)]
    [InlineData("fqdn vpn.example.com", "fqdn x.vpn.example.com", false)]
    [InlineData("fqdn vpn.example.com", "email vpn.example.com", false)]
    [InlineData("fqdn-domain example.com", "fqdn a.b.example.com", true)]
    [InlineData("fqdn-domain example.com", "fqdn example.com", false)]
    [InlineData("fqdn-domain example.com", "fqdn badexample.com", false)]
    [InlineData("any", "fqdn whatever", true)]
    [InlineData("key-id a", "fqdn a", false)]
    [InlineData("key-id a", "key-id a", true)]
    [InlineData("key-id a", "key-id A", false)]
    [InlineData("email al@example.com", "email AL@example.com", true)]
    [InlineData("email-domain example.com", "email x@example.com", true)]
    [InlineData("email-domain example.com", "email x@y.example.com", false)]
    [InlineData("email-domain example.com", "email x@badexample.com", false)]
    [InlineData("email-domain example.com", "email example.com", false)]
    [InlineData("address 192.0.2.0/24", "address 192.0.2.9", true)]
    [InlineData("address 192.0.2.7/32", "address 192.0.2.9", false)]
    [InlineData("address 2001:db8::/32", "address 2001:db8::1", true)]
    [InlineData("dn CN=a b, O=Example", "dn CN=A  B, O=example", true)]
    [InlineData("dn CN=a, O=Example", "dn O=Example, CN=a", false)]
    [InlineData("dn CN=*, O=Example", "dn CN=a, O=Example", true)]
    [InlineData("dn CN=*, O=Example", "dn CN=a, OU=x, O=Example", false)]
    [InlineData("dn O=Example", "dn CN=a, O=Example", false)]
    public void Matches(string pattern, string identity, bool fits)
    {
        Assert.True(IdentityMatch.TryParse(pattern, out var match));
        Assert.True(IkeIdentity.TryParse(identity, out var claimed));
        Assert.Equal(fits, match.Matches(claimed));
        Assert.Equal(pattern, match.Text);
    }

    /// <summary>RFC 5280 7.1: other string types for the same text are the same name.</summary>
    [Fact]
    public void StringTypesOfANameDoNotCount()
    {
        byte[] name = [0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, (byte)'x'];
        Assert.True(IdentityMatch.TryParse("dn CN=x", out var match));
        foreach (byte tag in (byte[])[0x0c, 0x13, 0x16])
        {
            name[11] = tag;
            Assert.True(match.Matches(new IkeIdentity(IdType.DerAsn1Dn, name)), $"tag {tag:x}");
        }
    }

    [Theory]
    [InlineData("any", "fqdn-domain example")]
    [InlineData("fqdn-domain example", "fqdn-domain a.example")]
    [InlineData("fqdn-domain a.example", "address 10.0.0.0/8")]
    [InlineData("address 10.0.0.0/8", "address 10.1.0.0/16")]
    [InlineData("address 10.1.0.0/16", "key-id x")]
    [InlineData("dn CN=*", "dn CN=x")]
    public void NarrowerMatchesAreMoreSpecific(string wide, string narrow)
    {
        Assert.True(IdentityMatch.TryParse(wide, out var first));
        Assert.True(IdentityMatch.TryParse(narrow, out var second));
        Assert.True(first.Specificity < second.Specificity);
    }
}
