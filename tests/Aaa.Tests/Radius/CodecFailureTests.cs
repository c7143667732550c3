using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Radius;

/// <summary>The points at which the library that the design first asked for (Flexinets.Radius.Core 3.0.1 and 4.0.0) fails. Order, unknown attributes and long EAP packets are in
/// <see cref="RadiusPacketTests"/>.</summary>
public sealed class CodecFailureTests
{
    private static readonly RadiusSecret Secret = RadiusSecret.FromText("testing123");
    private static readonly RadiusSecret Wrong = RadiusSecret.FromText("testing124");

    [Fact]
    public void A_response_authenticator_of_another_secret_is_noticed()
    {
        var request = Wire.Encode(new RadiusRequest(RadiusCode.AccessRequest).Add(RadiusAttributeType.UserName, "a"), Secret, new byte[16]);
        var forged = Wire.Parse(Wire.Reply(request, RadiusCode.AccessAccept, Wrong, true));
        Assert.Equal(RadiusError.BadAuthenticator, RadiusAuthenticatorCodec.VerifyReply(forged, request.Authenticator, Secret, false));
    }

    [Theory]
    [InlineData(40)]
    [InlineData(43)]
    [InlineData(4)]
    public void A_computed_request_authenticator_of_another_secret_is_noticed(byte code)
    {
        // RFC 5176 2.3: the Request Authenticator of CoA- and Disconnect-Request is computed as in RFC 2866 3.
        foreach (var withMessageAuthenticator in new[] { false, true })
        {
            byte[][] attributes = withMessageAuthenticator ? [Wire.Attribute(80, new byte[16]), Wire.Text(44, "x")] : [Wire.Text(44, "x")];
            var octets = Wire.Packet(code, 1, new byte[16], attributes);
            RadiusAuthenticatorCodec.Seal(octets, withMessageAuthenticator ? 22 : 0, new byte[16], Secret);
            var packet = Wire.Parse(octets);
            Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(packet, Secret, withMessageAuthenticator));
            Assert.Equal(RadiusError.BadAuthenticator, RadiusAuthenticatorCodec.VerifyRequest(packet, Wrong, false));
            for (var at = 0; at < octets.Length; at++)
            {
                octets[at] ^= 1;
                Assert.False(
                    RadiusPacket.TryParse(octets, out var changed, out _) && RadiusAuthenticatorCodec.VerifyRequest(changed, Secret, false) == RadiusError.None
                    && changed.Code.HasComputedRequestAuthenticator);
                octets[at] ^= 1;
            }
        }
    }

    [Fact]
    public void Accounting_requests_have_a_computed_authenticator_and_access_requests_a_nonce()
    {
        var nonce = Enumerable.Repeat((byte)0xAB, 16).ToArray();
        var accounting = Wire.Encode(new RadiusRequest(RadiusCode.AccountingRequest).Add(RadiusAttributeType.UserName, "a"), Secret, nonce);
        Assert.NotEqual(new byte[16], accounting.Authenticator.ToArray());
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(accounting, Secret, false));
        Assert.Equal(RadiusError.BadAuthenticator, RadiusAuthenticatorCodec.VerifyRequest(accounting, Wrong, false));
    }

    [Fact]
    public void Class_stays_octets()
    {
        byte[] value = [0xFF, 0x00, 0xC3, 0x28, 0x80];
        var packet = Wire.Encode(new RadiusRequest(RadiusCode.AccountingRequest).Add(RadiusAttributeType.Class, value), Secret, new byte[16]);
        Assert.True(packet.TryGet(RadiusAttributeType.Class, out var attribute));
        Assert.Equal(value, attribute.Value.ToArray());
    }
}
