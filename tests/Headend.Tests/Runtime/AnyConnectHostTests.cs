using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Headend.Ikev2;
using Headend.Ikev2.Wire;
using Headend.TestKit.Eap;
using Headend.TestKit.Initiator;
using Headend.Tests.Peers;
using static Headend.Tests.Runtime.ClientOptions;

namespace Headend.Tests.Runtime;

/// <summary>AnyConnect-EAP through the whole headend over UDP, in fragments of both kinds: RADIUS by three protocols, codes, expired passwords, local users, groups.</summary>
[Collection("one meter")]
public sealed class AnyConnectHostTests : IAsyncLifetime
{
    private readonly LiveHeadend headend = new();
    private readonly PasswordServer radius = new();
    private AnyConnectPeer? peer;

    public async Task InitializeAsync()
    {
        using var key = RSA.Create(2048);
        headend.WriteCertificate(key);
        headend.Directory.Write("profile.xml", "<AnyConnectProfile/>");
        await headend.StartAsync(Configuration());
    }

    public async Task DisposeAsync()
    {
        await headend.DisposeAsync();
        radius.Dispose();
    }

    [Theory]
    [InlineData("pap", false)]
    [InlineData("pap", true)]
    [InlineData("chap", false)]
    [InlineData("mschapv2", true)]
    public async Task A_user_of_RADIUS_logs_in_and_RADIUS_hears_of_the_machine(string protocol, bool cisco)
    {
        radius.Passwords["alice"] = "wonder länd";
        using var client = Client(protocol, "alice", ["wrong", "wonder länd"], cisco);
        client.MustLogIn();
        Assert.Equal([protocol, protocol], radius.Used);
        Assert.Equal(["Login failed."], peer!.Errors);
        Assert.Equal(cisco, client.Initiator.CiscoFragmentsReceived > 0);
        var session = Assert.Single(await headend.SessionsAsync());
        Assert.Equal(("alice", "AnyConnect-EAP"), (session.User, session.Authentication));
        Assert.Equal(["D", "X", "F"], session.IkeSa!.Capabilities.Intersect(["D", "X", "F"]));
        var sa = Assert.Single(await headend.Backend.GetIkeSasAsync(CancellationToken.None));
        Assert.Equal(("AnyConnect-EAP", "alice", "alice"), (sa.AuthVerify, sa.EapIdentity, sa.User));
        Assert.Equal(session.IkeIdentity, sa.RemoteIdentity);
        string[] expected =
        [
            "mdm-tlv=device-platform=win", "mdm-tlv=device-mac=00-50-56-aa-bb-cc", "mdm-tlv=device-mac=00-50-56-aa-bb-dd", "mdm-tlv=device-public-mac=00-50-56-aa-bb-cc",
            "mdm-tlv=device-platform-version=10.0.19044 ", "mdm-tlv=device-type=VMware, Inc. VMware Virtual Platform", "mdm-tlv=ac-user-agent=AnyConnect Windows 4.10.04065",
            "mdm-tlv=device-uid=0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF", "mdm-tlv=device-uid-global=0123456789ABCDEF0123456789ABCDEF01234567",
            "asa150=00000006",
        ];
        Assert.Empty(expected.Except(radius.Told));
        var user = Assert.Single(await headend.Backend.GetAaaUsersAsync("alice", CancellationToken.None));
        Assert.Contains(Assert.Single(user.Sessions).Attributes, a => a.Name == "Class" && a.Origin!.Kind == "implicit-user");
    }

    [Fact]
    public void A_challenge_becomes_a_form_and_a_wrong_code_a_new_login()
    {
        radius.Passwords["bob"] = "builder";
        radius.WantCode.Add("bob");
        using var client = Client("mschapv2", "bob", ["builder", "999999", "builder", "123456"], cisco: false);
        client.MustLogIn();
        Assert.Equal(["mschapv2", "code", "mschapv2", "code"], radius.Used);
        Assert.Equal(["That code was wrong."], peer!.Errors);
        Assert.Contains(peer.Documents, d => d.Contains("<message>Enter the code of your token.</message><form><input type=\"text\" name=\"answer\"", StringComparison.Ordinal));
    }

    [Fact]
    public void An_expired_password_is_changed_and_the_new_one_holds()
    {
        radius.Passwords["carol"] = "old";
        radius.Expired.Add("carol");
        using (var client = Client("mschapv2", "carol", ["old", "new pässword"], cisco: false))
            client.MustLogIn();
        Assert.Equal(["mschapv2", "change"], radius.Used);
        Assert.Equal("new pässword", radius.Passwords["carol"]);
        using var again = Client("mschapv2", "carol", ["new pässword"], cisco: false);
        again.MustLogIn();
    }

    [Fact]
    public async Task A_local_user_logs_in_with_a_group_and_Cisco_attributes_and_wrong_passwords_lock_out()
    {
        using (var client = Client("local", "dave", ["dave-word"], cisco: true, group: "guests"))
        {
            client.MustLogIn();
            Assert.Equal("dave", Assert.Single(await headend.SessionsAsync()).User);
            var given = client.Initiator.Configuration.Where(a => a.Type > 28000).ToDictionary(a => (int)a.Type, a => a.Value);
            Assert.Equal([28672, 28674, 28675, 28676, 28709, 28727], given.Keys.Order());
            Assert.Equal("Willkommen", Encoding.UTF8.GetString(given[28672]));
            Assert.Equal("corp.example", Encoding.UTF8.GetString(given[28674]));
            Assert.Equal("a.example,b.example", Encoding.UTF8.GetString(given[28675]));
            Assert.Equal("0A0A0000FFFFFF00000000000000", Convert.ToHexString(given[28676]));
            Assert.Equal("0000001E", Convert.ToHexString(given[28709]));
            var complete = Encoding.UTF8.GetString(given[28727]);
            Assert.Equal(peer!.Documents[^1], complete);
            Assert.Contains("<banner>Hello &lt;b&gt;</banner>", complete);
            Assert.Contains($"<server-cert-hash>{Convert.ToHexString(SHA1.HashData(X509CertificateLoader.LoadCertificateFromFile(headend.Directory.File("gw.pem")).RawData))}<", complete);
            Assert.Contains($"<uri>/profiles/p.xml</uri><hash type=\"sha1\">{Convert.ToHexString(SHA1.HashData("<AnyConnectProfile/>"u8))}<", complete);
        }

        for (var i = 0; i < 2; i++)
        {
            using var guess = Client("local", "erin", ["guess", "guess", "guess"], cisco: false);
            guess.MustBeRefused();
            Assert.Equal(3, peer!.Errors.Count(e => e == "Login failed."));
        }

        Assert.NotNull(headend.Host.LocalAaa.Lockout.StateOf("erin").LockedUntil);
        using var right = Client("local", "erin", ["erin-word", "erin-word", "erin-word"], cisco: false);
        right.MustFail();
    }

    [Fact]
    public async Task The_profile_that_the_client_is_told_of_is_there()
    {
#pragma warning disable MA0039 // Pinned to the one certificate of this headend.
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.GetCertHashString() == OwnHash() };
#pragma warning restore MA0039
        using var web = new HttpClient(handler);
        Assert.Equal("<AnyConnectProfile/>", await web.GetStringAsync(new Uri($"https://{headend.Host.ClientServices}/profiles/p.xml")));
    }

    [Theory]
    [InlineData(null, "staff")]
    [InlineData("contractors", "contractors")]
    public async Task The_group_that_the_user_chose_is_the_policy(string? chosen, string policy)
    {
        using var client = Client("choice", "dave", ["dave-word"], cisco: false, group: chosen);
        client.MustLogIn();
        Assert.Equal([policy], Assert.Single(await headend.SessionsAsync()).Groups);
        Assert.Equal(policy == "staff" ? "corp.example" : "contractors.example", Encoding.UTF8.GetString(client.Initiator.Configuration.First(a => a.Type == 28674).Value));
    }

    [Fact]
    public async Task A_profile_with_both_kinds_of_EAP_tells_the_clients_apart()
    {
        using (var other = headend.Client(ByPassword("dave", "dave-word") with { Identity = Identity("key-id both") }))
        {
            other.MustLogIn();
            Assert.Equal("EAP-MSCHAPv2", Assert.Single(await headend.SessionsAsync()).Authentication);
        }

        using var client = Client("both", "dave", ["dave-word"], cisco: false);
        client.MustLogIn();
        Assert.Contains(await headend.SessionsAsync(), s => s.Authentication == "AnyConnect-EAP");
    }

    [Fact]
    public async Task Another_machine_of_the_same_user_has_a_session_of_its_own()
    {
        const string Phone = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
        using var laptop = Client("resume", "dave", ["dave-word"], cisco: false);
        laptop.MustLogIn();
        var left = Assert.Single(await headend.SessionsAsync());
        using var phone = Client("resume", "dave", ["dave-word"], cisco: false, device: Phone);
        phone.MustLogIn();
        var other = Assert.Single(await headend.SessionsAsync(), s => s.AcctSessionId != left.AcctSessionId);
        Assert.NotEqual(left.AssignedAddresses, other.AssignedAddresses);

        using var back = Client("resume", "dave", ["dave-word"], cisco: false);
        back.MustLogIn();
        var sessions = await headend.SessionsAsync();
        Assert.Equal([left.AcctSessionId, other.AcctSessionId], sessions.Select(s => s.AcctSessionId).Order());
    }

    private string OwnHash() => X509CertificateLoader.LoadCertificateFromFile(headend.Directory.File("gw.pem")).GetCertHashString();

    private LoopbackClient Client(string profile, string user, string[] answers, bool cisco, string? group = null, string? device = null) =>
        headend.Client(new TestInitiatorOptions
        {
            Identity = new IkeIdentity(cisco ? new IdType(201) : IdType.KeyId, Encoding.ASCII.GetBytes(profile)),
            User = user,
            Password = "",
            InitialContact = profile == "resume",
            EapPeer = channel => peer = new AnyConnectPeer(device is null ? Options(user, answers, group) : Options(user, answers, group) with { UniqueIdGlobal = device }, channel),
            VendorIds =
            [
                Encoding.ASCII.GetBytes("CISCO(COPYRIGHT)&Copyright (c) 2009 Cisco Systems, Inc."), Encoding.ASCII.GetBytes("CISCO-ANYCONNECT-EAP"),
                Convert.FromHexString("4048B7D56EBCE88525E7DE7F00D6C2D3"),
            ],
            ClearConfiguration = [1, 0, 0, 0, 0x70, 0x3a, 0, 2, 1, 2],
            SignatureHashes = false,
            Fragmentation = !cisco,
            CiscoFragmentation = cisco,
            FragmentOctets = 500,
            FurtherAttributes = [28672, 28674, 28675, 28676, 28709, 28726, 28727],
        });

    private static AnyConnectPeerOptions Options(string user, string[] answers, string? group) => new() { User = user, Answers = answers, Group = group };

    private static string Profile(string name, string keys, string list, string group = "name: staff", params string[] further) => HostYaml.Profile(
        name, $"key-id {name}", [$"remote-authentication: {{ {keys} }}", $"authentication-list: {list}", $"authorization: {{ group: {{ list: policies, {group} }} }}", .. further]);

    private string Configuration()
    {
        var texts = $"banner: {new string('b', 900)}, message: {new string('m', 900)}";
        var port = LiveHeadend.FreePort(SocketType.Stream);
        var complete = $"complete: {{ csport: {port}, server-cert-hash: true, profile: {{ uri: /profiles/p.xml, file: profile.xml }}, custom-attributes: [dynamic-split-exclude-domains=x.example] }}";
        return $$"""
            client-services: { listen: "127.0.0.1:{{port}}", profile: local }
            {{HostYaml.Radius(radius.Port)}}
            aaa:
              authentication: [ { name: corp-list, methods: [group corp] }, { name: local-list, methods: [local] } ]
              authorization: [ { name: policies, methods: [local] } ]
              lockout: { failures: 5 }
              local-users: [ { name: dave, password: dave-word }, { name: erin, password: erin-word } ]
              attribute-lists: [ { name: cisco, attributes: ["ipsec:banner=Willkommen", "ipsec:split-dns=a.example b.example"] } ]
            ikev2:
              proposals: [ { name: test, transforms: [aes128gcm16-prfsha256-x25519] } ]
              authorization-policies: [ { name: staff, pool: p4, default-domain: corp.example, route-set: ["prefix 10.10.0.0/24"], attribute-list: cisco }, { name: contractors, pool: p4, default-domain: contractors.example } ]
              profiles:
            {{Profile("pap", $"anyconnect-eap: {{ {texts} }}", "corp-list")}}
            {{Profile("chap", "anyconnect-eap: { password-protocol: chap }", "corp-list")}}
            {{Profile("mschapv2", $"anyconnect-eap: {{ password-protocol: mschapv2, {texts} }}", "corp-list")}}
            {{Profile(
                "local", $"anyconnect-eap: {{ groups: [staff, guests], banner: 'Hello <b>', {complete} }}", "local-list",
                further: "cisco-attributes: [ { number: 28709, value: 0000001e }, { number: 28727, source: complete-document } ]")}}
            {{Profile("choice", "anyconnect-eap: { groups: [staff, contractors] }", "local-list", "chosen: true")}}
            {{Profile("both", "eap: {}, anyconnect-eap: {}", "local-list")}}
            {{Profile("resume", "anyconnect-eap: {}", "local-list", further: "client-resume: { interval: 2m }")}}
            """;
    }
}
