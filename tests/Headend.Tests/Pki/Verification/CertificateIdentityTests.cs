using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Aaa.Authorization;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.Pki.Verification;
using Headend.Sessions;
using Headend.TestKit.Pki;
using Headend.Tests.Sessions;

namespace Headend.Tests.Pki.Verification;

/// <summary>Which names certificates of clients bear, and by which of them a client goes.</summary>
public sealed class CertificateIdentityTests
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly ECDsa MiddleKey = ECDsa.Create(ECCurve.NamedCurves.nistP384);
    private static readonly TestAuthority Middle = Root.CreateBelow("CN=Middle", TestAuthority.GeneratorOf(MiddleKey));
    private static readonly TestSubject Laptop = new("CN=laptop");
    private static readonly NameMangler Person = new("person") { DistinguishedName = new NameRule(NamePart.CommonName, OfDistinguishedName: true), Fqdn = new NameRule(NamePart.Hostname) };

    private static readonly TestSubject Full = new("CN=lap top, OU=staff, O=Example")
    {
        DnsNames = ["Laptop.example", "*.wild.example"],
        Emails = ["alice@example.com"],
        UserPrincipalNames = ["al@corp.example"],
        Addresses = [IPAddress.Parse("192.0.2.7"), IPAddress.Parse("2001:db8::7")],
    };

    // RFC 4945 3.1: each type of identity in its own field. The name is as the certificate spells it; null is none of its names.
    [Theory]
    [InlineData("fqdn laptop.example", "Laptop.example")]
    [InlineData("fqdn LAPTOP.example", "Laptop.example")]
    [InlineData("fqdn other.example", null)]
    [InlineData("fqdn alice@example.com", null)]
    [InlineData("fqdn laptop", null)]
    [InlineData("fqdn a.wild.example", null)]
    [InlineData("email alice@example.com", "alice@example.com")]
    [InlineData("email Alice@Example.com", "alice@example.com")]
    [InlineData("email AL@corp.example", "al@corp.example")] // user principal name
    [InlineData("email laptop.example", null)]
    [InlineData("address 192.0.2.7", "192.0.2.7")]
    [InlineData("address 192.0.2.8", null)]
    [InlineData("address 2001:db8::7", "2001:db8::7")]
    [InlineData("key-id laptop.example", null)]
    [InlineData("dn CN=lap top, OU=staff, O=Example", "CN=lap top, OU=staff, O=Example")]
    [InlineData("dn CN=LAP TOP, OU=staff, O=example", "CN=lap top, OU=staff, O=Example")]
    [InlineData("dn CN=\" lap  top \", OU=\"staff \", O=Example", "CN=lap top, OU=staff, O=Example")]
    [InlineData("dn CN=laptop, OU=staff, O=Example", null)]
    [InlineData("dn CN=lap top, O=Example", null)]
    [InlineData("dn CN=laptop.example", null)]
    public void Names(string claimed, string? name)
    {
        var identity = Identity(Full);
        Assert.True(IkeIdentity.TryParse(claimed, out var ike));
        Assert.Equal(name, identity.NameOf(ike)?.Text);
        Assert.Equal(
            [PeerNameKind.DistinguishedName, PeerNameKind.Email, PeerNameKind.Email, PeerNameKind.Fqdn, PeerNameKind.Fqdn],
            identity.Names.Select(n => n.Kind));
    }

    // ID_IPV6_ADDR of four octets would be shown as the text that they spell.
    [Fact]
    public void AnAddressOfTheWrongTypeIsNoName()
    {
        var identity = Identity(Full with { Addresses = [IPAddress.Parse("97.98.99.100")] });
        Assert.Equal("97.98.99.100", identity.NameOf(new IkeIdentity(IdType.IPv4Address, "abcd"u8))?.Text);
        Assert.Null(identity.NameOf(new IkeIdentity(IdType.IPv6Address, "abcd"u8)));
    }

    // Who the user is, with a mangler and without: the certificate's spelling, whatever the client's was.
    [Theory]
    [InlineData("dn CN=LAP TOP, OU=staff, O=example", "CN=lap top, OU=staff, O=Example", "lap top")]
    [InlineData("dn CN=\" lap  top \", OU=staff, O=Example", "CN=lap top, OU=staff, O=Example", "lap top")]
    [InlineData("fqdn LAPTOP.EXAMPLE", "Laptop.example", "Laptop")]
    [InlineData("email ALICE@example.com", "alice@example.com", "lap top")] // no rule for e-mail: the subject
    public void TheUserIsSpelledByTheCertificate(string claimed, string user, string mangled)
    {
        var identity = Claimed(Full, claimed);
        Assert.True(SessionLifecycle.TryName(Binding(null), identity, out var plain, out _));
        Assert.Equal(user, plain);
        Assert.True(SessionLifecycle.TryName(Binding(Person), identity, out var person, out _));
        Assert.Equal(mangled, person);

        // What authorization's manglers get is the same.
        var session = TestSession.Create(person, identity: Read(claimed));
        session.Certificate = identity;
        var name = session.AuthenticatedName();
        Assert.Equal((user, mangled), (name.Text, name.Whole));
        Assert.Equal(identity.Names, name.Further);
    }

    [Fact]
    public void WithoutAnIdentityTheManglerHasAllOfTheCertificate()
    {
        var identity = Identity(Full);
        Assert.True(SessionLifecycle.TryName(Binding(Person), identity, out var user, out _));
        Assert.Equal("lap top", user);
        Assert.False(SessionLifecycle.TryName(Binding(new NameMangler("none")), identity, out _, out var refusal));
        Assert.Contains("no rule for", refusal, StringComparison.Ordinal);
        Assert.Null(identity.GoesBy);
    }

    [Fact]
    public void ASubjectWithControlCharactersIsNoUser()
    {
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName("al\nice");
        var encoded = name.Build();
        using var certificate = new CertificateRequest(encoded, Key, HashAlgorithmName.SHA256).Create(
            Root.Certificate.SubjectName, Root.Signer, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1), [1]);
        Assert.True(CertificateIdentity.TryRead(certificate, isConstrained: false, out var identity, out _));
        identity!.GoesBy = identity.NameOf(new IkeIdentity(IdType.DerAsn1Dn, encoded.RawData));
        Assert.NotNull(identity.GoesBy);
        Assert.False(SessionLifecycle.TryName(Binding(null), identity, out _, out var refusal));
        Assert.Contains("is no user name", refusal, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refusal);
        Assert.False(SessionLifecycle.TryName(Binding(Person), identity, out _, out _));
    }

    // client-resume: whoever writes its name otherwise is still the same client; whoever goes by another name of the certificate is not.
    [Theory]
    [InlineData("dn CN=lap top, OU=staff, O=Example", true)]
    [InlineData("dn CN=\" LAP top\", OU=staff, O=Example", true)]
    [InlineData("fqdn laptop.example", false)]
    public void ASessionIsResumedByTheSameNameOfACertificate(string claimed, bool resumed)
    {
        var former = Claimed(Full, "dn CN=Lap Top, OU=Staff, O=Example");
        var session = TestSession.Create("lap top", identity: Read("dn CN=Lap Top, OU=Staff, O=Example"));
        (session.Certificate, session.UpAt) = (former, MonotonicTime.Zero);
        var login = TestSession.Create("lap top", identity: Read(claimed));
        login.Certificate = Claimed(Full, claimed);
        login.Refresh(Contact(login));
        Assert.Equal(resumed, SessionLifecycle.IsResumable(session, login));

        static Headend.Ikev2.LoginRecord Contact(ClientSession login)
        {
            var record = TestSession.Login(TestSession.Binding, login.RemoteIdentity);
            record.InitialContact = true;
            return record;
        }
    }

    [Fact]
    public void AnEmptySubjectIsNobodys()
    {
        var leaf = Root.Issue(new TestSubject("") { DnsNames = ["laptop.example"] }, Key);
        Assert.True(CertificateIdentity.TryRead(leaf, isConstrained: false, out var identity, out _));
        Assert.Null(identity!.NameOf(new IkeIdentity(IdType.DerAsn1Dn, [0x30, 0])));
    }

    // RFC 5280 4.2.1.10: a constraint on rfc822Name says nothing of otherName, so that any user principal name would pass.
    [Fact]
    public void PrincipalNamesDoNotCountUnderNameConstraints()
    {
        // permittedSubtrees { rfc822Name good.example }
        byte[] permitted = [0x30, 0x12, 0xa0, 0x10, 0x30, 0x0e, 0x81, 0x0c, .. "good.example"u8];
        var subject = new TestSubject("CN=Bound") { IsAuthority = true, Usages = null, KeyUsage = X509KeyUsageFlags.KeyCertSign };
        var bound = Root.CreateBelow("CN=Bound", TestAuthority.GeneratorOf(MiddleKey), subject with { Further = [new X509Extension("2.5.29.30", permitted, critical: true)] });
        var user = Laptop with { Emails = ["al@good.example"], UserPrincipalNames = ["al@corp.example"] };

        Assert.Equal(["al@good.example"], EmailsOf([bound.Issue(user, Key), bound.Certificate], Root));
        Assert.Equal(["al@good.example"], EmailsOf([bound.Issue(user, Key)], bound));
        Assert.Equal(["al@good.example", "al@corp.example"], EmailsOf([Middle.Issue(user, Key), Middle.Certificate], Root));

        static IEnumerable<string> EmailsOf(X509Certificate2[] chain, TestAuthority authority)
        {
            Assert.True(CertificatePathTests.TryBuild(chain, authority, usageRequired: false, out var path, out var refusal), refusal);
            using (path)
            {
                Assert.True(CertificateIdentity.TryRead(path!.Leaf, path.HasNameConstraints, out var identity, out _));
                var emails = identity!.Names.Where(n => n.Kind == PeerNameKind.Email).Select(n => n.Text).ToList();
                foreach (var name in (string[])["al@good.example", "al@corp.example"])
                {
                    Assert.True(IkeIdentity.TryParse($"email {name}", out var claimed));
                    Assert.Equal(emails.Contains(name), identity.NameOf(claimed) is not null);
                }

                return emails;
            }
        }
    }

    private static IkeIdentity Read(string text)
    {
        Assert.True(IkeIdentity.TryParse(text, out var identity));
        return identity;
    }

    private static CertificateIdentity Identity(TestSubject subject)
    {
        Assert.True(CertificateIdentity.TryRead(Root.Issue(subject, Key), isConstrained: false, out var identity, out _));
        return identity!;
    }

    private static CertificateIdentity Claimed(TestSubject subject, string claimed)
    {
        var identity = Identity(subject);
        identity.GoesBy = identity.NameOf(Read(claimed));
        Assert.NotNull(identity.GoesBy);
        return identity;
    }

    private static ClientCertificateBinding Binding(NameMangler? mangler) => new(new CertificateTrust([], []))
    {
        Revocation = RevocationMode.Off,
        FetchHosts = [],
        UsageRequired = false,
        MatchIdentity = true,
        Mangler = mangler,
    };
}
