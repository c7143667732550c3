using System.Net;
using System.Text;
using Headend.Aaa.Authentication;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Authentication;

public sealed class AccessRequestTests
{
    internal static readonly NasSessionRecord Session = new()
    {
        UserName = "alice",
        AuditSessionId = "a1",
        AcctSessionId = "s1",
        NasPort = 42,
        NasPortId = "Virtual-Access7",
        RemoteEndpoint = new IPEndPoint(IPAddress.Parse("::ffff:192.0.2.9"), 61234),
        LocalEndpoint = new IPEndPoint(IPAddress.Parse("198.51.100.1"), 4500),
        NasIdentifier = "gw1",
        IkeIdentity = "phone",
        ConnectInfo = "IKEv2 remote-workers",
    };

    /// <summary>Everything that a client or its server can make long, as long as it can be, and the operator's names too.</summary>
    internal static readonly NasSessionRecord Longest = Session with
    {
        UserName = new string('u', 253),
        AuditSessionId = new string('a', 32),
        AcctSessionId = new string('s', 16),
        RemoteEndpoint = new IPEndPoint(IPAddress.Parse("2001:db8:1111:2222:3333:4444:5555:6666"), 61234),
        LocalEndpoint = new IPEndPoint(IPAddress.Parse("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff"), 4500),
        NasIdentifier = new string('n', 253),
        IkeIdentity = new string('\u20ac', 4000),
        ConnectInfo = "IKEv2 people " + new string('0', 256),
        CertificatePair = new(new string('c', 64), new string('\u20ac', 4000)),
        TunnelGroup = new string('g', 1024),
        IsAnyConnect = true,
        Device = [.. Enumerable.Range(0, 15).Select(_ => KeyValuePair.Create("device-platform-version", new string('\u20ac', 128)))],
    };

    [Fact]
    public void Eap_requests_carry_the_session_and_the_conversation()
    {
        using var secret = RadiusSecret.FromText("testing123");
        byte[] eap = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];
        var packet = Wire.Encode(AccessRequestCodec.BuildEap(Session, eap, [9, 9, 9], "r2"), secret, new byte[16]);
        var text = Wire.List(packet).Select(a => $"{a.Type}={Show(a)}").ToArray();
        Assert.StartsWith("Message-Authenticator=", text[0], StringComparison.Ordinal);
        Assert.Equal(
            [
                "User-Name=alice", "NAS-IP-Address=C6336401", "NAS-Identifier=gw1", "NAS-Port=0000002A", "NAS-Port-Id=Virtual-Access7", "NAS-Port-Type=00000005",
                "Called-Station-Id=198.51.100.1", "Calling-Station-Id=192.0.2.9", "Tunnel-Client-Endpoint=192.0.2.9", "Acct-Session-Id=s1",
                "Connect-Info=IKEv2 remote-workers",
            ],
            text[1..12]);
        Assert.Equal(["audit-session-id=a1", "isakmp-phase1-id=phone", "isakmp-initator-ip=192.0.2.9"], Wire.CiscoPairs(packet));
        Assert.Contains("Service-Type=00000001", text);
        Assert.Contains("Framed-MTU=00000578", text);
        Assert.Equal("State=090909", text[^1]);
        Assert.Equal(eap, packet.GetEapMessage());
        Assert.Equal("r2", AccessRequestCodec.BuildEap(Session, eap, [9], "r2").ServerName);
    }

    [Theory]
    [InlineData(230, 230)]
    [InlineData(231, 230)]
    [InlineData(4000, 230)]
    public void A_long_identity_of_the_peer_is_cut_and_not_the_end_of_the_login(int length, int sent)
    {
        using var secret = RadiusSecret.FromText("testing123");
        var request = AccessRequestCodec.BuildEap(Session with { IkeIdentity = new string('x', length) }, [2, 1, 0, 5, 1]);
        Assert.Null(request.Error);
        Assert.Contains("isakmp-phase1-id=" + new string('x', sent), Wire.CiscoPairs(Wire.Encode(request, secret, new byte[16])));
        // Never within a character.
        request = AccessRequestCodec.BuildEap(Session with { IkeIdentity = "x" + new string('é', length) }, [2, 1, 0, 5, 1]);
        Assert.Contains("isakmp-phase1-id=x" + new string('é', 114), Wire.CiscoPairs(Wire.Encode(request, secret, new byte[16])));
    }

    /// <summary>APPLICATION_VERSION comes as twice as many hexadecimal digits where it is no text.</summary>
    [Theory]
    [InlineData("x", 253, 253)]
    [InlineData("x", 254, 253)]
    [InlineData("\u20ac", 84, 252)]
    [InlineData("\u20ac", 85, 252)]
    public void Connect_Info_is_cut_between_characters(string character, int count, int sent)
    {
        using var secret = RadiusSecret.FromText("testing123");
        var info = string.Concat(Enumerable.Repeat(character, count));
        var request = AccessRequestCodec.BuildEap(Session with { ConnectInfo = info }, [2, 1, 0, 5, 1]);
        Assert.Null(request.Error);
        Assert.True(Wire.Encode(request, secret, new byte[16]).TryGet(RadiusAttributeType.ConnectInfo, out var attribute));
        Assert.Equal(Encoding.UTF8.GetBytes(info)[..sent], attribute.Value.ToArray());
    }

    public static TheoryData<string> Requests => ["eap", "pap", "chap", "mschapv2", "change", "authorization", "authorize-only", "access-list"];

    [Theory]
    [MemberData(nameof(Requests))]
    public void Nothing_that_a_client_says_makes_a_request_unsendable(string kind)
    {
        var state = new byte[253];
        var request = kind switch
        {
            // What AnyConnect says of its machine never comes with EAP of a server.
            "eap" => AccessRequestCodec.BuildEap(Longest with { Device = [], IsAnyConnect = false, CertificatePair = null }, new byte[2300], state),
            "pap" => PasswordRequestCodec.BuildPap(Longest, new byte[128], state),
            "chap" => PasswordRequestCodec.BuildChap(Longest, new byte[17], new byte[16]),
            "mschapv2" => PasswordRequestCodec.BuildMsChapV2(Longest, new byte[50], new byte[16]),
            "change" => PasswordRequestCodec.BuildMsChapV2Change(Longest, new byte[68], new byte[516], new byte[16]),
            "authorization" => AccessRequestCodec.BuildAuthorization(Longest, new string('g', 253), new byte[128]),
            // A pre-shared key proves names of any length.
            "authorize-only" => AccessRequestCodec.BuildAuthorizeOnly(Longest with { UserName = new string('\u20ac', 4000) }, state, null),
            _ => AccessRequestCodec.BuildAccessListDownload(Longest, new string('l', 253), state),
        };
        Assert.Null(request.Error);
    }

    [Fact]
    public void A_login_by_a_name_that_is_too_long_is_none_by_its_beginning() =>
        Assert.Equal("User-Name has 254 octets, more than 253", AccessRequestCodec.BuildPap(Session with { UserName = new string('u', 254) }, "secret"u8).Error);

    [Fact]
    public void What_a_client_says_of_its_machine_has_its_share_of_a_request()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var many = Enumerable.Repeat(KeyValuePair.Create("device-type", new string('x', 212)), 15);
        var session = Session with { Device = [.. many, KeyValuePair.Create("device-uid", "1")] };
        var packet = Wire.Encode(AccessRequestCodec.BuildPap(session, "secret"u8), secret, new byte[16]);
        var pairs = Wire.CiscoPairs(packet).Where(p => p.StartsWith("mdm-tlv=", StringComparison.Ordinal)).ToList();
        Assert.Equal(6, pairs.Count);
        Assert.All(pairs[..5], p => Assert.StartsWith("mdm-tlv=device-type=xxx", p, StringComparison.Ordinal));
        Assert.Equal("mdm-tlv=device-uid=1", pairs[5]);
    }

    [Fact]
    public void An_ipv6_gateway_says_so()
    {
        using var secret = RadiusSecret.FromText("testing123");
        var session = Session with { LocalEndpoint = new IPEndPoint(IPAddress.Parse("2001:db8::1"), 500) };
        var packet = Wire.Encode(AccessRequestCodec.BuildEap(session, [2, 1, 0, 5, 1]), secret, new byte[16]);
        Assert.True(packet.TryGet(RadiusAttributeType.NasIpv6Address, out var nas) && nas.Value.Length == 16);
        Assert.False(packet.TryGet(RadiusAttributeType.NasIpAddress, out _));
    }

    [Fact]
    public void Authorization_asks_outbound_for_a_name_with_the_fixed_password()
    {
        using var secret = RadiusSecret.FromText("testing123");
        byte[] nonce = [.. Enumerable.Range(0, 16).Select(i => (byte)i)];
        var packet = Wire.Encode(AccessRequestCodec.BuildAuthorization(Session, "staff", "cisco"u8), secret, nonce);
        Assert.True(packet.TryGet(RadiusAttributeType.UserPassword, out var hidden));
        Assert.True(RadiusHiding.TryRevealUserPassword(hidden.Value.Span, nonce, secret, out var password));
        Assert.Equal("cisco", Encoding.ASCII.GetString(password));
        Assert.True(packet.TryGet(RadiusAttributeType.ServiceType, out var service) && service.TryGetUInt32(out var value) && value == 5);
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(packet, secret, true));
    }

    private static string Show(RadiusAttribute attribute)
        => RadiusDictionary.Core.TryFind(attribute.Type.ToString(), out var entry) && entry!.Kind.StartsWith("string", StringComparison.Ordinal)
            ? Encoding.UTF8.GetString(attribute.Value.Span)
            : Convert.ToHexString(attribute.Value.Span);
}
