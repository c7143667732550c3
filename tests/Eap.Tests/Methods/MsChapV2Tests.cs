using System.Text;
using Headend.Eap.Methods;

namespace Headend.Eap.Tests.Methods;

public class MsChapV2Tests
{
    private static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    // RFC 2759 9.2
    [Fact]
    public void Rfc2759Vectors()
    {
        var challenge = new byte[8];
        MsChapV2.ChallengeHash(Hex("21402324255E262A28295F2B3A337C7E"), Hex("5B5D7C7D7B3F2F3E3C2C602132262628"), "User"u8, challenge);
        Assert.Equal("D02E4386BCE91226", Convert.ToHexString(challenge));

        var hash = new byte[16];
        MsChapV2.NtPasswordHash("clientPass", hash);
        Assert.Equal("44EBBA8D5312B8D611474411F56989AE", Convert.ToHexString(hash));

        var hashHash = new byte[16];
        Md4.Hash(hash, hashHash);
        Assert.Equal("41C00C584BD2D91C4017A2A12FA59F3F", Convert.ToHexString(hashHash));

        var response = new byte[24];
        MsChapV2.NtResponse(challenge, hash, response);
        Assert.Equal("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF", Convert.ToHexString(response));

        var proof = new byte[MsChapV2.AuthenticatorResponseLength];
        MsChapV2.AuthenticatorResponse(hash, response, challenge, proof);
        Assert.Equal("S=407A5589115FD0D6209F510FE9C04566932CDA56", Encoding.ASCII.GetString(proof));
    }

    // RFC 3079 3.5.3: SendStartKey128 of the sample, which is the server's send key, thus octets 16 to 31 of the MSK.
    [Fact]
    public void Rfc3079SendKey()
    {
        var hash = new byte[16];
        MsChapV2.NtPasswordHash("clientPass", hash);
        var msk = MsChapV2.DeriveMsk(hash, Hex("82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF"));
        Assert.Equal("8B7CDC149B993A1BA118CB153F56DCCB", Convert.ToHexString(msk, 16, 16));
        Assert.All(msk[32..], octet => Assert.Equal(0, octet));
    }

    // eapol_test against FreeRADIUS 3.2.7 (vectors/eapol-lab/eapol-MSCHAPV2.txt, recorded for this project).
    [Fact]
    public void RecordedFreeRadiusLogin()
    {
        var hash = new byte[16];
        MsChapV2.NtPasswordHash("pass-word", hash);
        var challenge = new byte[8];
        MsChapV2.ChallengeHash(Hex("1a 68 bb 61 1d 6b 48 3c b4 9f a8 4e 83 18 66 be"), Hex("cf 9b 90 90 3d 4e b7 f8 80 b6 30 e4 c4 78 d9 b4"), "alice"u8, challenge);
        var response = new byte[24];
        MsChapV2.NtResponse(challenge, hash, response);
        Assert.Equal(Hex("b1 75 74 78 54 a1 f8 d9 fc 6b 8b 43 f0 40 fb 57 3a 39 66 0e 92 97 42 45"), response);

        var proof = new byte[MsChapV2.AuthenticatorResponseLength];
        MsChapV2.AuthenticatorResponse(hash, response, challenge, proof);
        Assert.Equal("S=4E4166F8F4D0B3D7B77AAF52B6F06E82096A4935", Encoding.ASCII.GetString(proof));

        // MS-MPPE-Recv-Key, then MS-MPPE-Send-Key, as FreeRADIUS sent them and eapol_test derived them.
        var msk = MsChapV2.DeriveMsk(hash, response);
        Assert.Equal(Hex("4e a0 25 5f 5e 3a 57 89 1b b9 5b f4 5e 99 4a f3 d7 15 28 43 bf 60 23 92 f9 90 17 00 19 68 10 d1"), msk[..32]);
    }

    // One password hash in 65,536 ends in two zero octets: the third DES key is then all zero, a weak key.
    [Fact]
    public void WeakThirdKeyIsEncryptedWith()
    {
        var response = new byte[24];
        MsChapV2.NtResponse(new byte[8], new byte[16], response);
        Assert.Equal("8CA64DE9C1B123A7", Convert.ToHexString(response, 16, 8));
    }

    [Theory]
    [InlineData("alice", "alice")]
    [InlineData(@"CORP\alice", "alice")]
    [InlineData(@"CORP\", "")]
    [InlineData("alice@corp.example", "alice@corp.example")]
    public void DomainIsLeftOut(string name, string expected) => Assert.Equal(expected, MsChapV2.WithoutDomain(name));
}
