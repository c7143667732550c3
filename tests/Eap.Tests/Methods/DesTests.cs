using Headend.Eap.Methods;

namespace Headend.Eap.Tests.Methods;

public class DesTests
{
    // NBS Special Publication 500-20 (variable plaintext, variable key, substitution table tests); keys with parity.
    [Theory]
    [InlineData("0101010101010101", "95F8A5E5DD31D900", "8000000000000000")]
    [InlineData("0101010101010101", "0000000000000000", "8CA64DE9C1B123A7")]
    [InlineData("8001010101010101", "0000000000000000", "95A8D72813DAA94D")]
    [InlineData("7CA110454A1A6E57", "01A1D6D039776742", "690F5B0D9A26939B")]
    [InlineData("0131D9619DC1376E", "5CD54CA83DEF57DA", "7A389D10354BD271")]
    [InlineData("07A1133E4A0B2686", "0248D43806F67172", "868EBB51CAB4599A")]
    [InlineData("3849674C2602319E", "51454B582DDF440A", "7178876E01F19B2A")]
    [InlineData("04B915BA43FEB5B6", "42FD443059577FA2", "AF37FB421F8C4095")]
    [InlineData("0113B970FD34F2CE", "059B5E0851CF143A", "86A560F10EC6D85B")]
    [InlineData("0170F175468FB5E6", "0756D8E0774761D2", "0CD3DA020021DC09")]
    [InlineData("43297FAD38E373FE", "762514B829BF486A", "EA676B2CB7DB2B7A")]
    public void NbsVectors(string keyWithParity, string clear, string expected)
    {
        var cipher = new byte[Des.BlockLength];
        Des.Encrypt(WithoutParity(Convert.FromHexString(keyWithParity)), Convert.FromHexString(clear), cipher);
        Assert.Equal(expected, Convert.ToHexString(cipher));
    }

    private static byte[] WithoutParity(byte[] key)
    {
        ulong bits = 0;
        foreach (var octet in key)
            bits = (bits << 7) | (uint)(octet >> 1);
        var result = new byte[Des.KeyLength];
        for (var i = 0; i < result.Length; i++)
            result[i] = (byte)(bits >> (48 - (8 * i)));
        return result;
    }
}
