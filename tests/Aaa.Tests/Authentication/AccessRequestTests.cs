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
