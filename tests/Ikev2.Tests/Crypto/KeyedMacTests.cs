using System.Security.Cryptography;
using Headend.Ikev2.Crypto;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class KeyedMacTests
{
    private static readonly byte[] s_key = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    // RFC 4231 4.3, test case 2.
    [Theory]
    [InlineData("HmacSha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")]
    [InlineData("HmacSha384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649")]
    [InlineData("HmacSha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")]
    public void ComputesThePublishedVector(string function, string expected)
    {
        using var context = new MacContext(Enum.Parse<MacFunction>(function), "Jefe"u8);
        context.Append("what do ya want "u8);
        context.Append("for nothing?"u8);
        var output = new byte[context.OutputOctets];
        context.Finish(output);
        Assert.Equal(expected, Convert.ToHexStringLower(output));
    }

    [Fact]
    public void AgreesWithTheBclForAllLengthsOfKeysAndMessagesOneAfterTheOther()
    {
        var random = new Random(4231);
        foreach (var (function, hash) in new[]
        {
            (MacFunction.HmacMd5, HashAlgorithmName.MD5), (MacFunction.HmacSha1, HashAlgorithmName.SHA1), (MacFunction.HmacSha256, HashAlgorithmName.SHA256),
            (MacFunction.HmacSha384, HashAlgorithmName.SHA384), (MacFunction.HmacSha512, HashAlgorithmName.SHA512),
        })
        {
            foreach (var keyOctets in new[] { 0, 1, 20, 64, 65, 128, 129, 300 })
            {
                var key = new byte[keyOctets];
                random.NextBytes(key);
                using var context = new MacContext(function, key);
                using var other = IncrementalHash.CreateHMAC(hash, key);
                foreach (var octets in new[] { 0, 1, 63, 64, 200, 0, 1000 })
                {
                    var message = new byte[octets];
                    random.NextBytes(message);
                    context.Append(message.AsSpan(0, octets / 3));
                    context.Append(message.AsSpan(octets / 3));
                    var mac = new byte[context.OutputOctets];
                    context.Finish(mac);
                    other.AppendData(message);
                    Assert.Equal(other.GetHashAndReset(), mac);
                }

                // Two Finish without an Append: the value of the empty message.
                var empty = new byte[context.OutputOctets];
                context.Finish(empty);
                Assert.Equal(other.GetHashAndReset(), empty);
            }
        }
    }

    // RFC 3566 4.6, test cases 1 to 6: the key and its first octets as the message.
    [Theory]
    [InlineData(0, "75f0251d528ac01c4573dfd584d79f29")]
    [InlineData(3, "5b376580ae2f19afe7219ceef172756f")]
    [InlineData(16, "d2a246fa349b68a79998a4394ff7a263")]
    [InlineData(20, "47f51b4564966215b8985c63055ed308")]
    [InlineData(32, "f54f0ec8d2b9f3d36807734bd5283fd4")]
    [InlineData(34, "becbb3bccdb518a30677d5481fb6b4d8")]
    public void Rfc3566(int octets, string expected)
    {
        byte[] message = [.. Enumerable.Range(0, octets).Select(i => (byte)i)];
        using var mac = KeyedMac.Create(MacFunction.AesXcbc, s_key);
        var output = new byte[16];
        for (var cut = 0; cut <= octets; cut++)
        {
            mac.Append(message.AsSpan(0, cut));
            mac.Append(message.AsSpan(cut));
            mac.Finish(output);
            Assert.Equal(expected, Convert.ToHexStringLower(output));
        }
    }

    // RFC 4493 4, examples 1 to 4.
    [Theory]
    [InlineData("", "bb1d6929e95937287fa37d129b756746")]
    [InlineData("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c")]
    [InlineData("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411", "dfa66747de9ae63030ca32611497c827")]
    public void Rfc4493(string message, string expected)
    {
        using var mac = KeyedMac.Create(MacFunction.AesCmac, Convert.FromHexString("2b7e151628aed2a6abf7158809cf4f3c"));
        var output = new byte[16];
        for (var again = 0; again < 2; again++)
        {
            mac.Compute(Convert.FromHexString(message), output);
            Assert.Equal(expected, Convert.ToHexStringLower(output));
        }
    }

    // RFC 4434 2.1 and RFC 4615 4: keys of 10, 16 and 18 octets over one message of 20.
    [Theory]
    [InlineData("AesXcbc", 10, "0fa087af7d866e7653434e602fdde835")]
    [InlineData("AesXcbc", 16, "47f51b4564966215b8985c63055ed308")]
    [InlineData("AesXcbc", 18, "8cd3c93ae598a9803006ffb67c40e9e4")]
    [InlineData("AesCmac", 10, "290d9e112edb09ee141fcf64c0b72f3d")]
    [InlineData("AesCmac", 16, "980ae87b5f4c9c5214f5b6a8455e4c2d")]
    [InlineData("AesCmac", 18, "84a348a4a45d235babfffc0d2b4da09a")]
    public void PrfsTakeKeysOfAnyLength(string function, int keyOctets, string expected)
    {
        byte[] key = [.. s_key, 0xed, 0xcb];
        using var prf = KeyedMac.CreatePrf(Enum.Parse<MacFunction>(function), key.AsSpan(0, keyOctets));
        var output = new byte[16];
        prf.Compute([.. Enumerable.Range(0, 20).Select(i => (byte)i)], output);
        Assert.Equal(expected, Convert.ToHexStringLower(output));
    }

    [FactWithVectors("wycheproof")]
    public void WycheproofCmac()
    {
        var checkedCases = 0;
        foreach (var group in Vectors.Json(Vectors.Shared("wycheproof/aes_cmac_test.json")).GetProperty("testGroups").EnumerateArray())
        {
            if (group.GetProperty("keySize").GetInt32() != 128)
                continue;
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                using var mac = KeyedMac.Create(MacFunction.AesCmac, test.Hex("key"));
                var output = new byte[16];
                mac.Compute(test.Hex("msg"), output);
                var tag = test.Hex("tag");
                Assert.True(output.AsSpan(0, tag.Length).SequenceEqual(tag) == (test.Text("result") == "valid"), test.ToString());
                checkedCases++;
            }
        }

        Assert.True(checkedCases > 50);
    }
}
