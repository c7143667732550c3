using System.Security.Cryptography;
using Headend.Ikev2.Crypto;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class HmacContextTests
{
    // RFC 4231 4.3, test case 2.
    [Theory]
    [InlineData("SHA256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")]
    [InlineData("SHA384", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649")]
    [InlineData("SHA512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737")]
    public void ComputesThePublishedVector(string hash, string expected)
    {
        using var context = new HmacContext(new HashAlgorithmName(hash), "Jefe"u8);
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
        foreach (var hash in new[] { HashAlgorithmName.SHA1, HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512 })
        {
            foreach (var keyOctets in new[] { 0, 1, 20, 64, 65, 128, 129, 300 })
            {
                var key = new byte[keyOctets];
                random.NextBytes(key);
                using var context = new HmacContext(hash, key);
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
}
