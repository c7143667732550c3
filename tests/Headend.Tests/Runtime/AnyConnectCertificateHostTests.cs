using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;
using Headend.TestKit.Pki;
using Headend.Tests.Peers;
using static Headend.Tests.Runtime.ClientOptions;

namespace Headend.Tests.Runtime;

/// <summary>AnyConnect-EAP with two factors through the whole headend: a certificate with a signature over this IKE SA, then name and password. Who is let in, and every refusal.</summary>
[Collection("one meter")]
public sealed class AnyConnectCertificateHostTests : IAsyncLifetime
{
    private static readonly TestAuthority Root = TestAuthority.Create("CN=Root CA,O=Example");
    private static readonly TestAuthority Listed = TestAuthority.Create("CN=Listed CA,O=Example");
    private static readonly RSA Key = RSA.Create(2048);
    private static readonly TestSubject Laptop = new("CN=alice,OU=engineers,O=Example") { DnsNames = ["laptop.example"] };

    private readonly LiveHeadend headend = new();
    private readonly PasswordServer radius = new();
    private AnyConnectPeer? peer;

    public async Task InitializeAsync()
    {
        using var key = RSA.Create(2048);
        headend.WriteCertificate(key, Root);
        headend.Directory.Write("ca.pem", Root.Pem + Listed.Pem);
        await File.WriteAllBytesAsync(headend.Directory.File("listed.crl"), Listed.List());
        radius.Passwords["alice"] = "wonder";
        radius.Passwords["bob"] = "builder";
        await headend.StartAsync(Configuration());
    }

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        radius.Dispose();
    }

    [Theory]
    [InlineData("device", false)]
    [InlineData("device", true)]
    [InlineData("sha384", false)]
    [InlineData("sha512", false)]
    public async Task Certificate_and_password_let_a_user_in(string profile, bool cisco)
    {
        using var client = Client(profile, Peer("bob", "wrong", "builder"), cisco);
        client.MustLogIn();
        Assert.Equal(["hello", "auth-request", "auth-request", "auth-request", "complete"], peer!.Documents.Select(d => d.Split("type=\"")[1].Split('"')[0]));
        Assert.Contains("<client-cert-request", peer.Documents[1], StringComparison.Ordinal);
        Assert.DoesNotContain("value=", peer.Documents[2], StringComparison.Ordinal);
        var session = Assert.Single(await headend.SessionsAsync());

        // The user is whoever logged in; the group is the organization-unit of the certificate; RADIUS hears whose certificate it is.
        Assert.Equal(("bob", "certificate+AnyConnect-EAP"), (session.User, session.Authentication));
        Assert.Equal(["engineers"], session.Groups);
        Assert.Contains("cert-name=alice", radius.Told);
        Assert.Contains("asa150=00000006", radius.Told);
    }

    [Fact]
    public async Task The_name_of_the_certificate_stands_in_the_form_and_can_be_changed()
    {
        using (var client = Client("prefilled", Peer("", "wonder") with { TakePrefilledName = true }))
            client.MustLogIn();
        Assert.Equal("alice", Assert.Single(await headend.SessionsAsync()).User);
        Assert.DoesNotContain(radius.Told, t => t.StartsWith("cert-name", StringComparison.Ordinal));
        using var other = Client("prefilled", Peer("bob", "builder"));
        other.MustLogIn();
    }

    [Fact]
    public async Task Only_the_owner_of_the_certificate_logs_in_where_that_is_asked_for()
    {
        using (var other = Client("required", Peer("bob", "builder", "builder", "builder")))
            headend.MustRefuse(other, "the certificate is of alice, not of bob");
        Assert.Empty(radius.Used);
        using var client = Client("required", Peer("Alice", "nobody knows", "nobody knows", "nobody knows"));
        headend.MustRefuse(client, "method=certificate+AnyConnect-EAP");
        Assert.Equal(["pap", "pap", "pap"], radius.Used);
        using var right = Client("required", Peer("alice", "wonder"));
        right.MustLogIn();
        Assert.Equal("alice", Assert.Single(await headend.SessionsAsync()).User);
    }

    // All AnyConnect clients call themselves the same: what tells two machines of one user apart is the certificate.
    [Fact]
    public async Task Another_machine_of_the_same_user_does_not_take_over_the_session_that_the_first_left_behind()
    {
        using var first = Client("resume", Peer("alice", "wonder"));
        first.MustLogIn();
        var left = Assert.Single(await headend.SessionsAsync());
        using var second = Client("resume", Peer("alice", "wonder") with { Chain = [Root.Issue(Laptop with { Name = "CN=desktop,OU=engineers,O=Example" }, Key)] }, initialContact: true);
        second.MustLogIn();
        var other = Assert.Single(await headend.SessionsAsync(), s => s.AcctSessionId != left.AcctSessionId);
        Assert.NotEqual(left.AssignedAddresses, other.AssignedAddresses);

        using var back = Client("resume", Peer("alice", "wonder"), initialContact: true);
        back.MustLogIn();
        Assert.Contains(await headend.SessionsAsync(), s => s.AcctSessionId == left.AcctSessionId && s.AssignedAddresses.SequenceEqual(left.AssignedAddresses));
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { "no certificate", "the client has no certificate" },
        { "no signature", "no certificate or no signature" },
        { "expired", "expired on" },
        { "not yet valid", "not valid before" },
        { "foreign CA", "foreign CA" },
        { "self-signed", "foreign CA" },
        { "wrong usage", "wrong usage" },
        { "an authority", "authority's certificate" },
        { "1024-bit RSA", "1024 bits" },
        { "e = 3", "exponent is too small" },
        { "SHA-1 chain", "SHA-1 is not" },
        { "another key", "does not verify" },
        { "altered signature", "does not verify" },
        { "another session's signature", "does not verify" },
        { "no name", "no common-name" },
        { "revoked", "revoked (by listed.crl)" },
        { "status unknown", "unknown" },
        { "too many", "no PKCS#7 of certificates" },
        { "a key of 16384 bits", "more than 8192 bits" },
        { "an exponent of 64 bits", "an exponent of more than 32" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task Every_refusal_comes_before_the_password(string how, string reason)
    {
        using var other = RSA.Create(how == "1024-bit RSA" ? 1024 : 2048);
        var three = RSA.Create(new RSAParameters { Modulus = Key.ExportParameters(false).Modulus, Exponent = [3] });
        // Nobody has to own such a key to make the headend calculate with it.
        var huge = RSA.Create(new RSAParameters { Modulus = [0xFF, .. RandomNumberGenerator.GetBytes(2046), 0xFF], Exponent = [1, 0, 1] });
        var leaf = how switch
        {
            "expired" => Root.Issue(Laptop with { NotBefore = DateTimeOffset.UtcNow.AddDays(-9), NotAfter = DateTimeOffset.UtcNow.AddDays(-1) }, Key),
            "not yet valid" => Root.Issue(Laptop with { NotBefore = DateTimeOffset.UtcNow.AddDays(1) }, Key),
            "foreign CA" => TestAuthority.Create("CN=Root CA,O=Example").Issue(Laptop, Key),
            "self-signed" => TestAuthority.Create("CN=Root CA,O=Example", TestAuthority.GeneratorOf(Key)).Certificate,
            "wrong usage" => Root.Issue(Laptop with { Usages = ["1.3.6.1.5.5.7.3.1"] }, Key),
            "an authority" => Root.Issue(Laptop with { IsAuthority = true }, Key),
            "1024-bit RSA" => Root.Issue(Laptop, other),
            "e = 3" => Root.Issue(Laptop, three),
            "no name" => Root.Issue(Laptop with { Name = "OU=engineers" }, Key),
            "revoked" => Listed.Issue(Laptop, Key),
            "a key of 16384 bits" => Root.Issue(Laptop, huge),
            "an exponent of 64 bits" => Root.Issue(Laptop, RSA.Create(new RSAParameters { Modulus = Key.ExportParameters(false).Modulus, Exponent = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF] })),
            _ => Root.Issue(Laptop, Key),
        };
        X509Certificate2[] chain = how switch { "no certificate" => [], "too many" => [.. Enumerable.Repeat(leaf, 11)], _ => [leaf] };
        if (how == "SHA-1 chain")
        {
            using var rsaRoot = RSA.Create(2048);
            var authority = Root.CreateBelow("CN=Sub", new Sha1Signer(rsaRoot));
            chain = [authority.Issue(Laptop, Key), authority.Certificate];
        }

        if (how == "revoked")
        {
            // A list that is read again at SIGHUP.
            Listed.Revoke(leaf);
            await File.WriteAllBytesAsync(headend.Directory.File("listed.crl"), Listed.List());
            headend.Host.Reload();
        }

        var options = Peer("alice", "wonder") with
        {
            Chain = chain,
            Key = how is "1024-bit RSA" or "another key" ? other : Key,
            AlterSignature = how == "altered signature",
            LeaveOutSignature = how == "no signature",
            ForeignSignature = how == "another session's signature" ? SignatureOfAnotherSession() : null,
        };
        using var client = Client(how == "status unknown" ? "strict" : "device", options);
        headend.MustRefuse(client, reason);
        Assert.Contains("Certificate Validation Failure", peer!.Errors);
        Assert.All(radius.Used, _ => Assert.Equal("another session's signature", how));
        Assert.Empty(await headend.SessionsAsync());
    }

    [Theory]
    [InlineData("auth-reply")]
    [InlineData("ack")]
    public async Task A_later_message_in_place_of_the_certificate_is_not_even_looked_at(string type)
    {
        using var client = Client("device", Peer("alice", "wonder") with { InPlaceOfCertificate = type });
        headend.MustRefuse(client, $"a document '{type}' out of turn");
        Assert.Empty(radius.Used);
        Assert.Empty(await headend.SessionsAsync());
    }

    [Fact]
    public void An_ordinary_client_of_such_a_profile_has_no_other_way_in()
    {
        using var client = headend.Client(ByPassword("alice", "wonder") with { Identity = Identity("key-id device") });
        client.MustFail();
        Assert.Empty(radius.Used);
    }

    // The same client, the same certificate, its own good signature: of the IKE SA before.
    private byte[] SignatureOfAnotherSession()
    {
        using var client = Client("device", Peer("alice", "wrong", "wrong", "wrong"));
        client.MustFail();
        Assert.NotEmpty(radius.Used);
        return peer!.Signature!;
    }

    private static AnyConnectPeerOptions Peer(string user, params string[] answers) => new() { User = user, Answers = answers, Chain = [Root.Issue(Laptop, Key)], Key = Key };

    private LoopbackClient Client(string profile, AnyConnectPeerOptions options, bool cisco = false, bool initialContact = false) =>
        headend.Client(new TestInitiatorOptions
        {
            Identity = new IkeIdentity(cisco ? new IdType(201) : IdType.KeyId, Encoding.ASCII.GetBytes(profile)),
            User = options.User,
            Password = "",
            EapPeer = channel => peer = new AnyConnectPeer(options, channel),
            IkeProposals = [Headend.Ikev2.Crypto.ProposalParser.ParseIke(Proposal(profile))],
            VendorIds = [Encoding.ASCII.GetBytes("CISCO-ANYCONNECT-EAP"), Convert.FromHexString("4048B7D56EBCE88525E7DE7F00D6C2D3")],
            SignatureHashes = false,
            InitialContact = initialContact,
            Fragmentation = !cisco,
            CiscoFragmentation = cisco,
            FragmentOctets = 900,
            Trust = ServerTrust.In([Root.Certificate]),
        });

    private static string Proposal(string profile) => $"aes128gcm16-prf{(profile.StartsWith("sha", StringComparison.Ordinal) ? profile : "sha256")}-x25519";

    private static string Profile(string name, string keys, params string[] further) => HostYaml.Profile(
        name, $"key-id {name}",
        [
            $"remote-authentication: {{ anyconnect-eap: {{ cert-request: true, certificate: {{ ca: ca.pem, name-mangler: person, {keys} }} }} }}",
            "authentication-list: corp-list", "authorization: { group: { list: policies, name-mangler: unit } }", .. further,
        ]);

    private string Configuration()
    {
        const string device = "crl: [listed.crl], radius-pair: cert-name";
        return $$"""
            {{HostYaml.Radius(radius.Port)}}
            aaa:
              authentication: [ { name: corp-list, methods: [group corp] } ]
              authorization: [ { name: policies, methods: [local] } ]
            ikev2:
              proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519, aes128gcm16-prfsha384-x25519, aes128gcm16-prfsha512-x25519] } ]
              name-manglers: [ { name: person, dn: common-name }, { name: unit, dn: organization-unit } ]
              authorization-policies: [ { name: engineers, pool: p4 } ]
              profiles:
            {{Profile("device", device)}}
            {{Profile("sha384", device)}}
            {{Profile("sha512", device)}}
            {{Profile("prefilled", "username: prefilled")}}
            {{Profile("required", "username: required")}}
            {{Profile("resume", "crl: [listed.crl]", "client-resume: { interval: 2m }")}}
            {{Profile("strict", "crl: [listed.crl], revocation: strict")}}
            """;
    }
}
