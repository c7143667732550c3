using System.Text;
using Headend.Aaa.Radius;

namespace Headend.Aaa.Tests.Radius;

/// <summary>RFC 2865 7: the three exchanges printed there, secret "xyzzy5461".</summary>
public sealed class RfcVectorTests
{
    private static readonly RadiusSecret Secret = RadiusSecret.FromText("xyzzy5461");

    private static readonly string[] Packets =
    [
        "010000380f403f9473978057bd83d5cb98f4227a01066e656d6f02120dbe708d93d413ce3196e43f782a0aee0406c0a80110050600000003",
        "0200002686fe220e7624ba2a1005f6bf9b55e0b20606000000010f06000000000e06c0a80103",
        "010100472aee86f08d0d55969ca5978e0d3367a20108666c6f707379031316e97557c316185895f293ff63440772750406c0a80110050600000014060600000002070600000001",
        "0201003815efbc7dab26cfa3dc34d9c03c8601a40606000000020706000000010806fffffffe0a06000000020d06000000010c06000005dc",
        "01020039f3a47a1f6a6d76710b947ab93041a03901076d6f707379021233657573778289b570885e15084825c50406c0a80110050600000007",
        "0b02004e36f3c8764ae8c71157403c0c71ff9c4512304368616c6c656e67652033323736393433302e2020456e74657220726573706f6e73652061742070726f6d70742e180a3332373639343330",
        "01030043b122556d428a13d0d6253807c457ecf001076d6f7073790212692c1f205fc081b919b95195f561a5810406c0a80110050600000007180a3332373639343330",
        "03030014a42f4fca45916c4e09c8340f9e746aa0",
    ];

    [Fact]
    public void The_state_of_7_3_as_printed_passes_the_packets_end()
    {
        // Its length octet is printed as 0x10 where ten is meant; above it stands corrected.
        var printed = Convert.FromHexString(Packets[6].Replace("180a33", "181033", StringComparison.Ordinal));
        Assert.False(RadiusPacket.TryParse(printed, out _, out var error));
        Assert.Equal(RadiusError.BadAttributeLength, error);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(2, 3)]
    [InlineData(4, 5)]
    [InlineData(6, 7)]
    public void Response_authenticators_verify(int request, int reply)
    {
        // RFC 2865 3: "ResponseAuth = MD5(Code+ID+Length+RequestAuth+Attributes+Secret)"
        var authenticator = Load(request).Authenticator;
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(Load(reply), authenticator, Secret, requireMessageAuthenticator: false));
        Assert.Equal(RadiusError.MissingMessageAuthenticator, RadiusAuthenticatorCodec.VerifyReply(Load(reply), authenticator, Secret, true));
    }

    [Theory]
    [InlineData(0, "arctangent")]
    [InlineData(4, "challenge")]
    [InlineData(6, "99101462")]
    public void User_passwords_are_revealed_and_hidden_again(int index, string password)
    {
        var request = Load(index);
        Assert.True(request.TryGet(RadiusAttributeType.UserPassword, out var hidden));
        Assert.True(RadiusHiding.TryRevealUserPassword(hidden.Value.Span, request.Authenticator, Secret, out var plain));
        Assert.Equal(password, Encoding.ASCII.GetString(plain));
        var again = new byte[16];
        RadiusHiding.HideUserPassword(plain, request.Authenticator, Secret, again);
        Assert.Equal(hidden.Value.ToArray(), again);
    }

    [Fact]
    public void No_reply_survives_the_change_of_any_octet()
    {
        for (var request = 0; request < 8; request += 2)
        {
            var authenticator = Load(request).Authenticator.ToArray();
            var reply = Convert.FromHexString(Packets[request + 1]);
            for (var at = 0; at < reply.Length; at++)
            {
                for (var flip = 1; flip < 256; flip++)
                {
                    reply[at] ^= (byte)flip;
                    Assert.False(
                        RadiusPacket.TryParse(reply, out var packet, out _)
                        && RadiusAuthenticatorCodec.VerifyReply(packet, authenticator, Secret, false) == RadiusError.None);
                    reply[at] ^= (byte)flip;
                }
            }
        }
    }

    private static RadiusPacket Load(int index) => Wire.Parse(Convert.FromHexString(Packets[index]));
}
