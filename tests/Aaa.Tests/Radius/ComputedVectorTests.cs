using Headend.Aaa.Accounting;
using Headend.Aaa.Radius;
using Headend.Aaa.Tests.Authentication;

namespace Headend.Aaa.Tests.Radius;

/// <summary>
/// RFC 2548, 2868, 2869 and 3579 print no octets. These were computed from their text with Python's hashlib and hmac, secret "testing123": code that is not ours agrees
/// with ours octet for octet, and any changed octet is refused.
/// </summary>
public sealed class ComputedVectorTests
{
    private static readonly RadiusSecret Secret = RadiusSecret.FromText("testing123");
    private static readonly byte[] RequestAuthenticator = [.. Enumerable.Range(100, 16).Select(i => (byte)i)];

    // RFC 2868 3.5: tag, salt, then length and password under the MD5 chain that begins with Request Authenticator and salt.
    [Fact]
    public void Tunnel_password_of_RFC_2868()
    {
        var value = Convert.FromHexString("018001523bddc29d3a2ca8808b7b762ce330426717efdf4679130c08be3702694be75e07ddc1e0b1b8306b0c63bc9a57fffbb1");
        Assert.True(RadiusHiding.TryRevealTunnelPassword(value, RequestAuthenticator, Secret, out var tag, out var plain));
        Assert.Equal((1, "a pre-shared key of 33 octets, ok"), (tag, System.Text.Encoding.ASCII.GetString(plain!)));
        Assert.Equal(value[1..], RadiusHiding.HideSalted(plain, 0x8001, RequestAuthenticator, Secret));
    }

    // RFC 2548 2.4.2 MS-MPPE-Send-Key (16), 2.4.3 MS-MPPE-Recv-Key (17): the same chain, without a tag.
    [Theory]
    [InlineData(0, 0x8002, "8002a0e30ab7f88a6fa182dec43f2c585da4770b37e7f9dd20e2c94895d3a8965a45863cc194d82eea0459f6cfa4a2565636")]
    [InlineData(32, 0xFFFF, "ffffaa0ac3114bca3326ba54bec42a815ce1b9bb1b47d6eade3718c902419427fbf9e469037129d85a8811942ba1907dc82b")]
    public void Mppe_keys_of_RFC_2548(int first, ushort salt, string hidden)
    {
        var key = Enumerable.Range(first, 32).Select(i => (byte)i).ToArray();
        Assert.True(RadiusHiding.TryRevealSalted(Convert.FromHexString(hidden), RequestAuthenticator, Secret, out var plain));
        Assert.Equal(key, plain);
        Assert.Equal(hidden, Convert.ToHexStringLower(RadiusHiding.HideSalted(key, salt, RequestAuthenticator, Secret)));
    }

    // RFC 3579 3.2: HMAC-MD5 over Type, Identifier, Length, Request Authenticator and Attributes, the attribute's own value zero.
    [Fact]
    public void Message_authenticators_of_RFC_3579()
    {
        var request = Convert.FromHexString("010700390102030405060708090a0b0c0d0e0f105012fdf5287861ee6824c22f889f5705f3af0107616c6963654f0c0201000a01616c696365");
        var challenge = Convert.FromHexString("0b07003109d9a4658b8fa795c59460f1113ac6855012292b0826857b375573aaece2dc84f56c180473744f07010200051a");
        Assert.True(RadiusPacket.TryParse(request, out var asked, out _));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(asked, Secret, requireMessageAuthenticator: true));
        Assert.True(RadiusPacket.TryParse(challenge, out var answer, out _));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(answer, asked.Authenticator, Secret, requireMessageAuthenticator: true));
        // Every octet counts: none can be another.
        for (var at = 0; at < challenge.Length; at++)
        {
            var altered = challenge.ToArray();
            altered[at] ^= 1;
            Assert.False(
                RadiusPacket.TryParse(altered, out var packet, out _)
                    && RadiusAuthenticatorCodec.VerifyReply(packet, asked.Authenticator, Secret, requireMessageAuthenticator: true) == RadiusError.None,
                $"octet {at}");
        }
    }

    // No RFC defines one for accounting: FreeRADIUS 3 computes it over zeros, others as RFC 3579 3.2 does for replies. Both verify, and neither altered.
    [Theory]
    [InlineData("0509002677742f2bf781aa750af0e51c3afb4777501275751d427816f595369970075980f538")]
    [InlineData("050900260197ec6ad18c6300bdad3293474fdbdc5012752f1255983fc45524c2776da2463545")]
    public void Message_authenticators_of_accounting_responses(string hex)
    {
        var reply = Convert.FromHexString(hex);
        var asked = Convert.FromHexString("b9e48156da2de48ba8faeb9ccc0309b1");
        Assert.True(RadiusPacket.TryParse(reply, out var answer, out _));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyReply(answer, asked, Secret, requireMessageAuthenticator: false));
        // As somebody who could forge the Response Authenticator would alter it.
        reply[^1] ^= 1;
        System.Security.Cryptography.MD5.HashData([.. reply[..4], .. asked, .. reply[20..], .. "testing123"u8]).CopyTo(reply, 4);
        Assert.True(RadiusPacket.TryParse(reply, out answer, out _));
        Assert.Equal(RadiusError.BadMessageAuthenticator, RadiusAuthenticatorCodec.VerifyReply(answer, asked, Secret, requireMessageAuthenticator: false));
    }

    // RFC 2869 5.1, 5.2: Gigawords count how often the octets have gone beyond 2^32; 5.3: Event-Timestamp in seconds since 1970. RFC 2866 3: the Request Authenticator.
    [Fact]
    public void Gigawords_and_timestamps_of_RFC_2869()
    {
        var expected = Convert.FromHexString("04090038b9e48156da2de48ba8faeb9ccc0309b12806000000033706690000002a06000000053406000000022b0600000007350600000001");
        Assert.True(RadiusPacket.TryParse(expected, out var packet, out _));
        Assert.Equal(RadiusError.None, RadiusAuthenticatorCodec.VerifyRequest(packet, Secret, requireMessageAuthenticator: false));
        var at = DateTimeOffset.FromUnixTimeSeconds(0x69000000);
        var ours = new AccountingRecord
        {
            Status = AcctStatusType.InterimUpdate,
            Session = AccessRequestTests.Session,
            EventAt = at,
            Counters = new TrafficCounters(0x2_0000_0005, 0x1_0000_0007, 1, 1),
        };
        var sent = Wire.Encode(ours.ToRequest(), Secret, new byte[16], at);
        foreach (var attribute in packet.Attributes)
        {
            Assert.True(sent.TryGet(attribute.Type, out var same), attribute.Type.ToString());
            Assert.Equal(attribute.Value.ToArray(), same.Value.ToArray());
        }
    }
}
