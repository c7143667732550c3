using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Wire;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.Tests.Pki.Verification;
using static Headend.Tests.Runtime.ClientOptions;

namespace Headend.Tests.Runtime;

/// <summary>Clients with certificates through the whole headend: who is let in, as whom, and every refusal.</summary>
[Collection("one meter")]
public sealed class CertificateHostTests : IAsyncLifetime
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA,O=Example");
    private static readonly TestAuthority Listed = TestAuthority.Create("CN=Listed CA,O=Example");
    private static readonly ECDsa Key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private static readonly RSA Rsa = RSA.Create(2048);

    private readonly LiveHeadend headend = new();
    private readonly TestWeb web = new(_ => []);

    public async Task InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        headend.WriteCertificate(key, Root);
        headend.Directory.Write("ca.pem", Root.Pem + Listed.Pem);
        await File.WriteAllBytesAsync(headend.Directory.File("listed.crl"), Listed.List());
        await headend.StartAsync(Configuration());
    }

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        web.Dispose();
    }

    [Theory]
    [InlineData("fqdn laptop.lax.example", "laptop.lax.example")]
    [InlineData("email alice@lax.example", "alice@lax.example")]
    [InlineData("dn CN=laptop,O=lax", "CN=laptop, O=lax")]
    public async Task ACertificateLogsInAsItsIdentity(string identity, string user)
    {
        var leaf = Root.Issue(new TestSubject("CN=laptop,O=lax") { DnsNames = ["laptop.lax.example"], Emails = ["alice@lax.example"] }, Key);
        using var client = Client(identity, leaf);
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("lax", user, "certificate", "ECDSA"), (session.Profile, session.User, session.Authentication, session.LocalAuthentication));
        Assert.Equal(["staff"], session.Groups);
        Assert.Equal(["10.99.0.1"], session.AssignedAddresses);

        // CERTREQ names both authorities of the profiles.
        Assert.Equal(40, client.Initiator.InitialResponse!.First<CertificateRequestPayload>()!.Authorities.Length);
        Assert.Contains("status of serial", headend.Log.Text, StringComparison.Ordinal);
    }

    // The cert method's own lists: the group is the organization-unit of the certificate, the user its common name.
    [Fact]
    public async Task ManglersMakeUserAndGroupOfTheCertificate()
    {
        var leaf = Listed.Issue(new TestSubject("CN=bob,OU=engineers,O=Example") { DnsNames = ["bob.strict.example"] }, Key);
        using var client = Client("fqdn bob.strict.example", leaf);
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("strict", "bob", "certificate"), (session.Profile, session.User, session.Authentication));
        Assert.Equal(["engineers"], session.Groups);
    }

    [Fact]
    public async Task EapAfterTheCertificate()
    {
        var leaf = Listed.Issue(new TestSubject("CN=device") { DnsNames = ["device.both.example"] }, Rsa);
        using (var alone = Client("fqdn device.both.example", leaf, Rsa))
            headend.MustRefuse(alone, "wants EAP after it");
        using (var eap = Client("fqdn device.both.example", o => o))
            headend.MustRefuse(eap, "wants a certificate and then EAP");
        using (var wrong = Client("fqdn device.both.example", leaf, Rsa, o => o with { SecondIdentity = Identity("key-id alice"), Password = "not it" }))
            headend.MustRefuse(wrong, "alice");
        using var client = Client("fqdn device.both.example", leaf, Rsa, o => o with { SecondIdentity = Identity("email alice@both.example") });
        client.MustLogIn();
        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("both", "alice", "certificate+EAP-MSCHAPv2"), (session.Profile, session.User, session.Authentication));
    }

    [Fact]
    public void WhatAClientOfCiscosAskedForIsLoggedWhetherOrNotItIsLetIn()
    {
        var leaf = Root.Issue(new TestSubject("CN=laptop") { DnsNames = ["laptop.lax.example"] }, Key);
        using (var other = Client("fqdn laptop.lax.example", leaf, change: o => o with { FurtherAttributes = [28700] }))
            other.MustLogIn();
        using (var refused = Client("fqdn other.lax.example", leaf, change: o => Cisco(o) with { FurtherAttributes = [28704] }))
            headend.MustRefuse(refused, "the client asked for 1(0x0001) 3(0x0003) 28704(0x7020)");

        // More than one value of a line holds.
        using (var client = Client("fqdn laptop.lax.example", leaf, change: o => Cisco(o) with { FurtherAttributes = [.. Enumerable.Range(28717, 100).Select(n => (ushort)n)] }))
            client.MustLogIn();
        using (var many = Client("fqdn other.lax.example", leaf, change: o => Cisco(o) with { FurtherAttributes = [.. Enumerable.Range(20000, 254).Select(n => (ushort)n)] }))
            headend.MustRefuse(many, "20253(0x4f1d)");
        var lines = headend.Log.Text.Split('\n').Where(l => l.Contains("the client asked for", StringComparison.Ordinal)).Select(l => l[(l.IndexOf("for ", StringComparison.Ordinal) + 4)..].TrimEnd()).ToList();
        Assert.DoesNotContain(lines, l => l.Length > 512);
        Assert.DoesNotContain(lines, l => l.Contains("28700", StringComparison.Ordinal));
        string[] wanted = ["1(0x0001)", "3(0x0003)", .. Enumerable.Range(28717, 100).Select(n => $"{n}(0x{n:x4})")];
        Assert.Equal(wanted, lines[1..4].SelectMany(l => l.Split(' ')));
        Assert.Equal(1 + 3 + 8, lines.Count);

        // Whoever proves nothing leaves a few lines only.
        for (var i = 0; i < 8; i++)
        {
            using var stranger = Client("fqdn other.lax.example", leaf, change: o => Cisco(o) with { FurtherAttributes = [29999] });
            stranger.Login();
        }

        Assert.Equal(3, headend.Log.Text.Split("29999(0x752f)").Length - 1);

        static TestInitiatorOptions Cisco(TestInitiatorOptions options) => options with { VendorIds = ["CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc."u8.ToArray()] };
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { "expired", "expired on" },
        { "foreign CA", "foreign CA" },
        { "wrong usage", "wrong usage" },
        { "another identity", "is no name of it" },
        { "1024-bit RSA", "1024 bits" },
        { "e = 3", "exponent is too small" },
        { "SHA-1 chain", "SHA-1 is not" },
        { "another key", "does not verify" },
        { "no certificate", "no X.509 certificate" },
        { "too many", "the limit is 8" },
        { "revoked by file", "revoked (by listed.crl)" },
        { "status unknown", "unknown" },
        { "revoked by OCSP", "revoked (by OCSP)" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task EveryRefusal(string how, string reason)
    {
        using var weak = RSA.Create(1024);
        using var source = RSA.Create(2048);
        using var three = RSA.Create(new RSAParameters { Modulus = source.ExportParameters(false).Modulus, Exponent = [3] });
        using var rsaRoot = RSA.Create(2048);
        var subject = new TestSubject("CN=laptop") { DnsNames = ["laptop.lax.example"] };
        var leaf = how switch
        {
            "expired" => Root.Issue(subject with { NotBefore = DateTimeOffset.UtcNow.AddDays(-9), NotAfter = DateTimeOffset.UtcNow.AddDays(-1) }, Key),
            "foreign CA" => TestAuthority.Create("CN=Root CA,O=Example").Issue(subject, Key),
            "wrong usage" => Root.Issue(subject with { Usages = ["1.3.6.1.5.5.7.3.1"] }, Key),
            "another identity" => Root.Issue(subject with { DnsNames = ["other.lax.example"] }, Key),
            "1024-bit RSA" => Root.Issue(subject, weak),
            "e = 3" => Root.Issue(subject, three),
            "another key" => Root.Issue(subject, Rsa),
            "revoked by file" => Listed.Issue(subject, Key),
            "revoked by OCSP" => Root.Issue(subject with { ResponderUris = [$"http://{web.Host}/"] }, Key),
            "status unknown" => Root.Issue(subject with { DnsNames = ["laptop.strict.example"] }, Key),
            _ => Root.Issue(subject, Key),
        };
        IReadOnlyList<ReadOnlyMemory<byte>> chain = how switch { "no certificate" => [], "too many" => [.. Enumerable.Repeat(leaf.RawDataMemory, 9)], _ => [leaf.RawDataMemory] };
        AsymmetricAlgorithm key = how switch { "1024-bit RSA" => weak, "e = 3" => source, "another key" => Rsa, _ => Key };
        if (how == "another key")
            chain = [Root.Issue(subject, Key).RawDataMemory];
        if (how == "another key")
            key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (how == "SHA-1 chain")
        {
            var authority = Root.CreateBelow("CN=Sub", new Sha1Signer(rsaRoot));
            chain = [authority.Issue(subject, Key).RawDataMemory, authority.Der];
        }

        if (how == "revoked by file")
        {
            // A list that is read again at SIGHUP.
            Listed.Revoke(leaf);
            await File.WriteAllBytesAsync(headend.Directory.File("listed.crl"), Listed.List());
            headend.Host.Reload();
        }

        web.Answer = _ => new TestOcsp(Root.Certificate, Root.Signer, Root.Certificate) { Says = TestOcsp.Status.Revoked }.Answer(leaf);
        var identity = how == "status unknown" ? "fqdn laptop.strict.example" : "fqdn laptop.lax.example";
        using var client = Client(identity, o => o with { Certificate = InitiatorCertificate.With(chain, key) });
        headend.MustRefuse(client, reason);
        Assert.Empty(await headend.SessionsAsync());
        Assert.Equal(how == "revoked by OCSP" ? 1 : 0, web.Requests);
    }

    // Nothing is fetched for a chain that is not trusted, nor for somebody who has not proven the key, nor from hosts that are not on the list.
    [Fact]
    public void AStrangerMakesTheHeadendFetchNothing()
    {
        var subject = new TestSubject("CN=laptop") { DnsNames = ["laptop.lax.example"], ResponderUris = [$"http://{web.Host}/"], ListUris = [$"http://{web.Host}/a.crl"] };
        using (var foreign = Client("fqdn laptop.lax.example", TestAuthority.Create("CN=Root CA,O=Example").Issue(subject, Key)))
            headend.MustRefuse(foreign, "foreign CA");
        using (var thief = Client("fqdn laptop.lax.example", Root.Issue(subject, Rsa), Key))
            headend.MustRefuse(thief, "does not fit the certificate's key");
        var elsewhere = subject with { ResponderUris = [$"http://localhost:{web.Port}/"], ListUris = [$"http://localhost:{web.Port}/"] };
        using (var lured = Client("fqdn laptop.lax.example", Root.Issue(elsewhere, Key)))
            lured.MustLogIn();
        Assert.Equal(0, web.Requests);
        Assert.Contains("is on none of fetch-hosts", headend.Log.Text, StringComparison.Ordinal);
    }

    private LoopbackClient Client(string identity, X509Certificate2? leaf, AsymmetricAlgorithm? key = null, Func<TestInitiatorOptions, TestInitiatorOptions>? change = null) =>
        Client(identity, o => (change ?? (c => c))(o with { Certificate = leaf is null ? null : InitiatorCertificate.With([leaf.RawDataMemory], key ?? Key) }));

    private LoopbackClient Client(string identity, Func<TestInitiatorOptions, TestInitiatorOptions> change) =>
        headend.Client(change(ByPassword("alice", "wonderland") with { Identity = Identity(identity), Trust = ServerTrust.In([Root.Certificate]) }));

    private string Configuration() => $$"""
        aaa:
          authentication: [ { name: local-list, methods: [local] } ]
          authorization: [ { name: local-list, methods: [local] } ]
          local-users: [ { name: alice, password: wonderland } ]
        ikev2:
          proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
          name-manglers: [ { name: person, dn: common-name }, { name: unit, dn: organization-unit } ]
          authorization-policies: [ { name: staff, pool: p4 }, { name: engineers, pool: p4 } ]
          profiles:
        {{HostYaml.Profile(
            "strict", "fqdn-domain strict.example", "remote-authentication: { certificate: { ca: ca.pem, crl: [listed.crl], revocation: strict, name-mangler: person } }",
            "authorization: { cert: { group: { list: local-list, name-mangler: unit } } }")}}
        {{HostYaml.Profile(
            "both", "fqdn-domain both.example", "remote-authentication: { certificate: { ca: ca.pem, revocation: off, then-eap: required }, eap: {} }",
            "authentication-list: local-list", HostYaml.Staff)}}
        {{HostYaml.Profile(
            "lax", "any", $"remote-authentication: {{ certificate: {{ ca: ca.pem, crl: [listed.crl], fetch-hosts: ['{web.Host}'] }} }}", HostYaml.Staff)}}
        """;
}
