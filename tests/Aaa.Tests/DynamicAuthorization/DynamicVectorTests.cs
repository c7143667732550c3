using Headend.Aaa.DynamicAuthorization;
using Headend.Aaa.Radius;
using static Headend.Aaa.Tests.DynamicAuthorization.DynamicWire;

namespace Headend.Aaa.Tests.DynamicAuthorization;

/// <summary>
/// RFC 5176 prints no packets. These were made by tests/Interop/tools/dac.py, with Python's hashlib and hmac, from RFC 5176 2.3 and RFC 3579 3.2; radclient of
/// FreeRADIUS accepts and makes the same in the interop scenarios `disconnect` and `coa`.
/// </summary>
public sealed class DynamicVectorTests
{
    private const string CoaRequest =
        "2b0700453287997a05da3c7356aa76c7baabb3992c12363641423030303030303030303041411b060000003c2104703118037350127a869b1ccc4a692c745dbcd31fb35ab5";

    private const string DisconnectRequest = "2801002daa5a8d50b4274bc402128d03c1447e5d0107616c6963655012ba26130cd8e6c0f0de90b97957a9e4dd";

    [Theory]
    [InlineData(CoaRequest, 0, "2c07002d694660e54386b87863484f0fae4eaf4c5012a8554a05654d86e907aa29f8518e031721047031180373")]
    [InlineData(CoaRequest, 503, "2d0700337df4d7cad065f94779cbd5858a2a8718501241031f0ddcf2f77b51685ff3db02aaed6506000001f721047031180373")]
    [InlineData(DisconnectRequest, 0, "290100264cd672b01b9c20865127ca88453c3fc85012d232bd94020b0fd3071a50b9495134ad")]
    [InlineData(DisconnectRequest, 508, "2a01002cf167333f8933b4287c9aa1d5f310e39750120859730cca84e71f4ea20c352a85965d6506000001fc")]
    public void Requests_verify_and_replies_are_these_octets(string request, uint cause, string reply)
    {
        var packet = Wire.Parse(Convert.FromHexString(request));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(packet, RadiusSecret.FromText(Secret), requireMessageAuthenticator: true));
        Assert.Equal(RadiusError.BadAuthenticator, RadiusAuthenticatorCodec.VerifyRequest(packet, RadiusSecret.FromText(Secret + "z"), requireMessageAuthenticator: true));
        var built = ReplyCodec.Build(packet, RadiusSecret.FromText(Secret), cause == 0 ? null : new ErrorCause(cause));
        Assert.Equal(reply, Convert.ToHexStringLower(built));
    }
}
