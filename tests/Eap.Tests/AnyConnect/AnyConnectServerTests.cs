using System.Text;
using Headend.Eap.AnyConnect;
using Headend.TestKit.Eap;

namespace Headend.Eap.Tests.AnyConnect;

/// <summary>The server against the scripted client, which has its own octets and strings.</summary>
public sealed class AnyConnectServerTests
{
    private static readonly AnyConnectOptions Options = new() { ProfileName = "anyconnect" };

    [Fact]
    public void The_first_packet_is_the_hello_with_identifier_one()
    {
        var request = Assert.IsType<EapStep.Request>(new AnyConnectServer(Options).Start()).Packet;
        var expected = "<?xml version=\"1.0\" encoding=\"utf-8\"?><config-auth client=\"vpn\" type=\"hello\" aggregate-auth-version=\"2\"></config-auth>";
        Assert.Equal(
            Convert.FromHexString($"0101{request.Length:X4}FE00000944425250" + $"0000{expected.Length:X4}" + Convert.ToHexString(Encoding.ASCII.GetBytes(expected))), request);
    }

    [Fact]
    public void A_login_with_name_and_password()
    {
        var login = new Login(Options, new() { User = "alice", Answers = ["se<c>&ret "] }, c => new AnyConnectVerdict.Accepted(c.UserName));
        var success = Assert.IsType<EapStep.Success>(login.Run());
        Assert.Null(success.Msk);
        Assert.Equal("alice", success.Identity);
        Assert.Equal("Login alice se<c>&ret ", Assert.Single(login.Asked));
        Assert.Equal(["hello", "auth-request", "complete"], login.Peer.Documents.Select(d => d.Split("type=\"")[1].Split('"')[0]));
        var device = login.Server.Device;
        Assert.Equal("AnyConnect Windows 4.10.04065", device.UserAgent);
        Assert.Equal("10.0.19044 ", device.PlatformVersion);
        Assert.Equal("VMware, Inc. VMware Virtual Platform", device.DeviceType);
        Assert.Equal(["00-50-56-aa-bb-cc", "00-50-56-aa-bb-dd"], device.MacAddresses);
        Assert.Equal("00-50-56-aa-bb-cc", device.PublicMacAddress);
        Assert.Equal(64, device.UniqueId.Length);
        Assert.Equal(40, device.UniqueIdGlobal.Length);
    }

    /// <summary>RADIUS counts octets: a character may be one or four of them.</summary>
    [Theory]
    [InlineData("x", 128)]
    [InlineData("\u00e4", 64)]
    [InlineData("\u20ac", 42)]
    [InlineData("\ud83d\ude00", 32)]
    public void What_a_client_says_of_its_machine_is_bounded_in_octets(string character, int kept)
    {
        var login = new Login(
            Options, new() { User = "alice", Answers = ["right"], UniqueIdGlobal = string.Concat(Enumerable.Repeat(character, 200)) }, Judge);
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Equal(string.Concat(Enumerable.Repeat(character, kept)), login.Server.Device.UniqueIdGlobal);
    }

    [Fact]
    public void A_question_that_does_not_fit_ends_the_login()
    {
        var login = new Login(Options, new() { User = "alice", Answers = ["right", "right"] }, _ => new AnyConnectVerdict.Unsendable("Connect-Info"));
        Assert.Equal("Connect-Info", Assert.IsType<EapStep.Unsendable>(login.Run()).Reason);
        Assert.Single(login.Asked);
        Assert.Null(login.Server.Refusal);
    }

    /// <summary>Nobody was refused: the login is over for another reason.</summary>
    [Fact]
    public void A_silent_server_is_no_refusal()
    {
        var login = new Login(Options, new() { User = "alice", Answers = ["right"] }, _ => new AnyConnectVerdict.Unavailable("silent"));
        Assert.Equal("silent", Assert.IsType<EapStep.Unavailable>(login.Run()).Reason);
        Assert.Null(login.Server.Refusal);
    }

    [Fact]
    public void A_wrong_password_brings_the_form_again_with_its_error()
    {
        var login = new Login(Options, new() { User = "alice", Answers = ["wrong", "right"] }, Judge);
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Equal(["Login failed."], login.Peer.Errors);
    }

    [Fact]
    public void Too_many_wrong_passwords_end_the_login()
    {
        var login = new Login(Options, new() { User = "alice", Answers = ["a", "b", "c", "right"] }, Judge);
        var failure = Assert.IsType<EapStep.Failure>(login.Run());
        Assert.Equal("wrong password", failure.Reason);
        Assert.Equal("wrong password", login.Server.Refusal);
        Assert.Equal(3, login.Asked.Count);
        Assert.Equal(4, failure.Packet![0]);
    }

    [Fact]
    public void An_access_challenge_becomes_a_form_with_its_text()
    {
        var login = new Login(
            Options, new() { User = "alice", Answers = ["pin", "123456"] },
            c => c.Kind == AnyConnectAnswerKind.Login ? new AnyConnectVerdict.Challenge("Enter the code\u0007 < now", Echo: true) : new AnyConnectVerdict.Accepted(c.UserName));
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Equal(["Login alice pin", "Challenge alice 123456"], login.Asked);
        Assert.Contains("<auth id=\"challenge\"><title>Login</title><message>Enter the code  &lt; now</message><form><input type=\"text\" name=\"answer\"", login.Peer.Documents[2]);
    }

    [Fact]
    public void An_expired_password_is_changed_in_its_own_form()
    {
        var login = new Login(
            Options, new() { User = "alice", Answers = ["old", "new"] },
            c => c.Kind == AnyConnectAnswerKind.Login ? new AnyConnectVerdict.PasswordExpired(null) : new AnyConnectVerdict.Accepted("Alice"));
        Assert.Equal("Alice", Assert.IsType<EapStep.Success>(login.Run()).Identity);
        Assert.Equal(["Login alice old", "NewPassword alice new"], login.Asked);
        Assert.Contains("name=\"new_password\"", login.Peer.Documents[2]);
        Assert.Contains("name=\"verify_password\"", login.Peer.Documents[2]);
    }

    [Fact]
    public void Groups_are_offered_with_the_selected_one_first_and_the_choice_is_told()
    {
        var options = Options with { Groups = ["staff", "guests", "R&D"], GroupLabel = "Team:" };
        var login = new Login(options, new() { User = "alice", Answers = ["x"], GroupAccess = "https://vpn.example/Guests" }, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Equal("guests", login.Server.Group);
        Assert.Contains(
            "<select name=\"group_list\" label=\"Team:\"><option selected=\"true\">guests</option><option>staff</option><option>R&amp;D</option></select>", login.Peer.Documents[1]);

        login = new Login(options, new() { User = "alice", Answers = ["x"], Group = "R&amp;D" }, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Equal("R&D", login.Server.Group);

        login = new Login(options, new() { User = "alice", Answers = ["x", "x"], Group = "admins" }, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.Null(login.Run());
        Assert.Empty(login.Asked);
    }

    [Theory]
    [InlineData("staff")]
    [InlineData("")]
    public void Where_there_are_no_groups_what_the_client_says_of_them_is_passed_over(string change)
    {
        var client = new AnyConnectPeerOptions { User = "alice", Answers = ["wrong", "right"], Group = "staff", InsistsOnGroup = true, GroupAccess = "staff", GroupChanges = [change, "guests"] };
        var login = new Login(Options, client, Judge);
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Equal(["Login alice wrong", "Login alice right"], login.Asked);
        Assert.Equal(["Login failed."], login.Peer.Errors);
        Assert.Equal("", login.Server.Group);
    }

    [Fact]
    public void An_unknown_group_counts_as_a_wrong_password()
    {
        var options = Options with { Groups = ["staff", "guests"] };
        var login = new Login(options, new() { User = "alice", Answers = ["right", "right", "right", "right"], Group = "admins" }, Judge);
        Assert.Equal("unknown group 'admins'", Assert.IsType<EapStep.Failure>(login.Run()).Reason);
        Assert.Empty(login.Asked);
        Assert.Equal(["Unknown group admins.", "Unknown group admins.", "Unknown group admins."], login.Peer.Errors);

        // Both ways of naming one, and wrong passwords, add up.
        login = new Login(options, new() { User = "alice", Answers = ["wrong", "right"], GroupChanges = ["guests", "admins", ""] }, Judge);
        Assert.Equal("alice", Assert.IsType<EapStep.Success>(login.Run()).Identity);
        Assert.Equal("guests", login.Server.Group);
        Assert.Equal(["Unknown group admins.", "Login failed."], login.Peer.Errors);
        login = new Login(options, new() { User = "alice", Answers = ["wrong", "right"], GroupChanges = ["admins", "admin"] }, Judge);
        Assert.Equal("wrong password", Assert.IsType<EapStep.Failure>(login.Run()).Reason);
        Assert.Equal("Login alice wrong", Assert.Single(login.Asked));
    }

    [Fact]
    public void What_the_client_must_give_back_is_compared()
    {
        var login = new Login(Options, new() { User = "alice", Answers = ["x"], AlterOpaque = true }, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.Contains("opaque", Assert.IsType<EapStep.Failure>(login.Run()).Reason);
        Assert.Empty(login.Asked);
    }

    [Fact]
    public void The_complete_document_has_what_is_configured()
    {
        var options = Options with
        {
            Banner = "Hello & welcome",
            Complete = new AnyConnectCompleteOptions
            {
                CsPort = 8443,
                BasePackageUri = "/CACHE/stc/2",
                ServerCertificateHash = new string('A', 40),
                ProfileUri = "/CACHE/stc/profiles/p.xml",
                ProfileHash = new string('B', 40),
                CustomAttributes = [new("dynamic-split-exclude-domains", "a.org,b.org")],
            },
        };
        var login = new Login(options, new() { User = "alice", Answers = ["x"] }, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.IsType<EapStep.Success>(login.Run());
        Assert.Contains("<csport>8443</csport><auth id=\"main\">", login.Peer.Documents[1]);
        var complete = login.Peer.Documents[2];
        Assert.Matches("<session-id>[0-9]+</session-id><session-token>[0-9A-F]{6}@[0-9]+@[0-9A-F]{4}@[0-9A-F]{40}</session-token>", complete);
        Assert.Contains("<auth id=\"success\"><banner>Hello &amp; welcome</banner><message id=\"0\" param1=\"\" param2=\"\" /></auth><config client=\"vpn\" type=\"private\">", complete);
        Assert.Contains("<vpn-base-config><base-package-uri>/CACHE/stc/2</base-package-uri><server-cert-hash>AAAA", complete);
        Assert.Contains("<custom-attr><dynamic-split-exclude-domains>a.org,b.org</dynamic-split-exclude-domains></custom-attr>", complete);
        Assert.Contains("<uri>/CACHE/stc/profiles/p.xml</uri><hash type=\"sha1\">BBBB", complete);
    }

    [Fact]
    public void The_certificate_is_asked_for_and_its_name_stands_in_the_form()
    {
        using var key = System.Security.Cryptography.RSA.Create(2048);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=pc1", key, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(80));
        var client = new AnyConnectPeerOptions { User = "x", Answers = ["pw"], Chain = [certificate, certificate], Key = key, TakePrefilledName = true };
        var options = Options with { CertificateRequest = true };
        var login = new Login(options, client, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.Equal("pc1", Assert.IsType<EapStep.Success>(login.Run()).Identity);
        Assert.Equal(2, login.Chain!.Count);
        Assert.Equal(certificate.RawData, login.Chain[0].ToArray());

        login = new Login(options, client with { Chain = [] }, c => new AnyConnectVerdict.Accepted(c.UserName));
        Assert.Equal("the client has no certificate", Assert.IsType<EapStep.Failure>(login.Run()).Reason);
        Assert.Equal(["Certificate Validation Failure", "Certificate Validation Failure"], login.Peer.Documents[^1].Split("param2=\"\">").Skip(1).Select(p => p.Split('<')[0]));

        login = new Login(options, client, c => new AnyConnectVerdict.Accepted(c.UserName)) { CertificateVerdict = new AnyConnectVerdict.CertificateRefused("foreign CA") };
        Assert.Equal("foreign CA", Assert.IsType<EapStep.Failure>(login.Run()).Reason);
        Assert.Empty(login.Asked);
    }

    [Theory]
    [InlineData("<!DOCTYPE a [<!ENTITY x \"y\">]><config-auth type=\"init\">&x;</config-auth>")]
    [InlineData("<!DOCTYPE config-auth SYSTEM \"file:///etc/passwd\"><config-auth type=\"init\"></config-auth>")]
    [InlineData("<config-auth type=\"init\">&unknown;</config-auth>")]
    [InlineData("<config-auth type=\"init\">")]
    [InlineData("<other type=\"init\"/>")]
    [InlineData("")]
    public void Documents_that_are_none_are_discarded_and_the_last_question_stands(string document)
    {
        var server = new AnyConnectServer(Options);
        var hello = ((EapStep.Request)server.Start()).Packet;
        var discarded = Assert.IsType<EapStep.Discarded>(server.HandleClient(Response(1, Encoding.UTF8.GetBytes(document))));
        Assert.Equal(hello, discarded.Outstanding);
        for (var i = 1; i < EapLimits.MaxDiscarded; i++)
            Assert.IsType<EapStep.Discarded>(server.HandleClient(Response(1, Encoding.UTF8.GetBytes(document))));
        Assert.IsType<EapStep.Failure>(server.HandleClient(Response(1, Encoding.UTF8.GetBytes(document))));
    }

    [Fact]
    public void Documents_have_bounds_in_every_dimension()
    {
        Assert.True(Parses("<a>" + string.Concat(Enumerable.Repeat("<b/>", 255)) + "</a>"));
        Assert.False(Parses("<a>" + string.Concat(Enumerable.Repeat("<b/>", 256)) + "</a>"));
        Assert.True(Parses(string.Concat(Enumerable.Repeat("<a>", 16)) + string.Concat(Enumerable.Repeat("</a>", 16))));
        Assert.False(Parses(string.Concat(Enumerable.Repeat("<a>", 17)) + string.Concat(Enumerable.Repeat("</a>", 17))));
        Assert.True(Parses($"<a>{new string('x', 8192)}</a>"));
        Assert.False(Parses($"<a>{new string('x', 8193)}</a>"));
        Assert.False(Parses($"<a>{new string('x', 4096)}<!-- --><![CDATA[{new string('x', 4097)}]]></a>"));
        Assert.False(Parses($"<a b=\"{new string('x', 1025)}\"/>"));
        Assert.False(Parses($"<a {string.Concat(Enumerable.Range(0, 17).Select(i => $"a{i}=\"\" "))}/>"));
        Assert.False(Parses($"<a>{new string(' ', 65536)}</a>"));
        Assert.False(AggregateXmlParser.TryParse([(byte)'<', (byte)'a', (byte)'>', 0xff, (byte)'<', (byte)'/', (byte)'a', (byte)'>'], out _, out _));
    }

    /// <summary>RFC 3748 5.3.1 forbids the legacy Nak here, and some send it; 5.3.2: "Expanded Nak ... is valid only in Response messages. It MUST be sent only in reply to a Request of Type 254".</summary>
    [Theory]
    [InlineData(3, "1A")]
    [InlineData(254, "0000000000000300000000000000001A")]
    [InlineData(254, "00000000000003FE00000000000000")]
    public void A_client_without_the_method_is_refused(byte type, string data)
    {
        var server = new AnyConnectServer(Options);
        server.Start();
        var nak = EapPacket.Response(1, new EapType(type), Convert.FromHexString(data));
        Assert.Contains("refuses", Assert.IsType<EapStep.Failure>(server.HandleClient(nak)).Reason);
        Assert.Null(Assert.IsType<EapStep.Discarded>(server.HandleClient(nak)).Outstanding);
    }

    /// <summary>A RADIUS server that answers a wrong code with another question would be asked as long as somebody guesses.</summary>
    [Fact]
    public void Questions_have_an_end()
    {
        var options = Options with { MaxAttempts = 10 };
        var login = new Login(
            options, new() { User = "alice", Answers = [.. Enumerable.Range(0, 99).Select(i => $"{i}")] }, _ => new AnyConnectVerdict.Challenge("Wrong, once more", Echo: false));
        Assert.Equal("the AAA server asked more than 12 questions", Assert.IsType<EapStep.Failure>(login.Run()).Reason);
        Assert.Equal(13, login.Asked.Count);
        Assert.Equal("Login failed.", login.Peer.Errors.Last());
    }

    private static bool Parses(string text) => AggregateXmlParser.TryParse(Encoding.UTF8.GetBytes(text), out _, out _);

    internal static byte[] Response(byte identifier, byte[] xml) =>
        EapPacket.Response(identifier, EapType.Expanded, [0, 0, 9, 0x44, 0x42, 0x52, 0x50, 0, 0, (byte)(xml.Length >> 8), (byte)xml.Length, .. xml]);

    private static AnyConnectVerdict Judge(AnyConnectCredentials credentials) => Encoding.UTF8.GetString(credentials.Answer) == "right"
        ? new AnyConnectVerdict.Accepted(credentials.UserName)
        : new AnyConnectVerdict.Rejected("wrong password");

    private sealed class Login(AnyConnectOptions options, AnyConnectPeerOptions client, Func<AnyConnectCredentials, AnyConnectVerdict> judge)
    {
        public AnyConnectServer Server { get; } = new(options);

        public AnyConnectPeer Peer { get; } = new(client, new EapPeerChannel(() => [1, 2, 3], System.Security.Cryptography.HashAlgorithmName.SHA256));

        public List<string> Asked { get; } = [];

        public IReadOnlyList<ReadOnlyMemory<byte>>? Chain { get; private set; }

        public AnyConnectVerdict CertificateVerdict { get; init; } = new AnyConnectVerdict.CertificateAccepted("pc1");

        /// <summary>The last step of the server; null where the client gave up.</summary>
        public EapStep? Run()
        {
            var step = Server.Start();
            while (true)
            {
                switch (step)
                {
                    case EapStep.Request request:
                        var answer = Peer.Handle(request.Packet);
                        if (answer.Response is null)
                            return null;
                        step = Server.HandleClient(answer.Response);
                        break;
                    case EapStep.CheckCredentials check:
                        Asked.Add($"{check.Credentials.Kind} {check.Credentials.UserName} {Encoding.UTF8.GetString(check.Credentials.Answer)}");
                        step = Server.HandleVerdict(judge(check.Credentials));
                        break;
                    case EapStep.CheckCertificate check:
                        Chain = check.Chain;
                        step = Server.HandleVerdict(CertificateVerdict);
                        break;
                    default:
                        return step;
                }
            }
        }
    }
}
