using System.Globalization;
using System.Numerics;
using Headend.Ikev2.Crypto;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class KeyExchangeTests
{
    // RFC 3526 3
    private const string Prime2048 =
        "0FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437"
        + "4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05"
        + "98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
        + "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF";

    public static TheoryData<string> Methods => [.. AlgorithmTable.KeyExchange.Select(m => m.Keyword)];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Both_sides_agree(string keyword)
    {
        var method = Method(keyword);
        using var left = SystemCryptoProvider.Instance.CreateKeyExchange(method);
        using var right = SystemCryptoProvider.Instance.CreateKeyExchange(method);

        Assert.Equal(method.PublicOctets, left.PublicValue.Length);
        Assert.True(left.TryAgree(right.PublicValue.Span, out var one));
        Assert.True(right.TryAgree(left.PublicValue.Span, out var two));
        Assert.Equal(one, two);
        Assert.Equal(method.SecretOctets, one.Length);
        Assert.False(left.PublicValue.Span.SequenceEqual(right.PublicValue.Span));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void A_value_of_wrong_length_or_of_zeros_is_refused(string keyword)
    {
        var method = Method(keyword);
        using var exchange = SystemCryptoProvider.Instance.CreateKeyExchange(method);

        Assert.False(exchange.TryAgree([], out _));
        Assert.False(exchange.TryAgree(exchange.PublicValue.Span[1..], out _));
        Assert.False(exchange.TryAgree([0, .. exchange.PublicValue.Span], out _));
        Assert.False(exchange.TryAgree(new byte[method.PublicOctets], out _));
    }

    [Theory]
    [InlineData("modp2048")]
    [InlineData("modp3072")]
    [InlineData("modp4096")]
    [InlineData("modp6144")]
    [InlineData("modp8192")]
    [InlineData("modp1536")]
    [InlineData("modp768")]
    [InlineData("modp1024")]
    public void Modp_groups_have_generator_two(string keyword)
    {
        // The secret with a peer whose private exponent is 1 is our own public value.
        using var exchange = SystemCryptoProvider.Instance.CreateKeyExchange(Method(keyword));
        var generator = new byte[exchange.Method.PublicOctets];
        generator[^1] = 2;

        Assert.True(exchange.TryAgree(generator, out var secret));
        Assert.Equal(exchange.PublicValue.ToArray(), secret);
    }

    // RFC 2409 6.1, 6.2: "The prime is 2^768 - 2^704 - 1 + 2^64 * { [2^638 pi] + 149686 }": p and (p-1)/2 are prime, which no other number near it is.
    [Theory]
    [InlineData("modp768")]
    [InlineData("modp1024")]
    public void Primes_that_libcrypto_does_not_name_are_safe(string keyword)
    {
        var octets = Method(keyword).Prime;
        var prime = new BigInteger(octets.Span, isUnsigned: true, isBigEndian: true);
        Assert.Equal(Method(keyword).PublicOctets, octets.Length);
        foreach (var number in new[] { prime, (prime - 1) / 2 })
        {
            foreach (var witness in new[] { 2, 3, 5, 7 }) Assert.True(BigInteger.ModPow(witness, number - 1, number).IsOne);
        }
    }

    // RFC 6989 2.2: "It MUST check that ... r^q mod p = 1". Two has another order in these groups, and p-1 has the order 2.
    [Theory]
    [InlineData("modp1024s160")]
    [InlineData("modp2048s224")]
    [InlineData("modp2048s256")]
    public void A_value_of_another_subgroup_is_refused(string keyword)
    {
        using var exchange = SystemCryptoProvider.Instance.CreateKeyExchange(Method(keyword));
        var two = new byte[exchange.Method.PublicOctets];
        two[^1] = 2;
        Assert.False(exchange.TryAgree(two, out _));
    }

    // RFC 6989 2.1: 1 < r < p-1
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(-2, true)]
    [InlineData(-1, false)]
    public void Modp_value_range(int fromZeroOrPrime, bool accepted)
    {
        var prime = BigInteger.Parse(Prime2048, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        CheckModp(fromZeroOrPrime >= 0 ? fromZeroOrPrime : prime + fromZeroOrPrime, accepted);
        CheckModp(prime, accepted: false);
        CheckModp(prime + 1, accepted: false);
    }

    [Fact]
    public void Rfc8031_appendix_a()
    {
        var values = Vectors.Json(Vectors.Local("rfc/rfc8031_x25519_ike.json")).GetProperty("values");
        using var initiator = LibCryptoKeyExchange.Import(Method("x25519"), values.Hex("fixed_i"));

        Assert.Equal(values.Hex("pub_i"), initiator.PublicValue.ToArray());
        Assert.True(initiator.TryAgree(values.Hex("pub_r"), out var secret));
        Assert.Equal(values.Hex("SHARED_SECRET"), secret);
    }

    [Theory]
    [InlineData("ecp256", "256-Bit")]
    [InlineData("ecp384", "384-Bit")]
    [InlineData("ecp521", "521-Bit")]
    public void Rfc5903_section_8(string keyword, string group)
    {
        var values = Vectors.Json(Vectors.Local("rfc/rfc5903_ecp_dh.json")).GetProperty("values").EnumerateArray()
            .Where(v => v.Text("group").StartsWith(group, StringComparison.Ordinal))
            .ToDictionary(v => v.Text("name"), v => v.Hex("hex"), StringComparer.Ordinal);
        using var initiator = LibCryptoKeyExchange.Import(Method(keyword), values["i"]);

        Assert.True(initiator.TryAgree([.. values["grx"], .. values["gry"]], out var secret));
        Assert.Equal(values["girx"], secret);
    }

    [TheoryWithVectors("wycheproof")]
    [InlineData("x25519")]
    [InlineData("x448")]
    public void Wycheproof_montgomery(string keyword)
    {
        var method = Method(keyword);
        foreach (var test in Wycheproof($"{keyword}_test.json"))
        {
            if (test.Hex("public").Length != method.PublicOctets)
                continue;
            using var exchange = LibCryptoKeyExchange.Import(method, test.Hex("private"));
            var expected = test.Hex("shared");
            var agreed = exchange.TryAgree(test.Hex("public"), out var secret);

            // RFC 8031 3.1: the all-zero value is refused.
            Assert.Equal(expected.Any(b => b != 0), agreed);
            if (agreed)
                Assert.Equal(expected, secret);
        }
    }

    [TheoryWithVectors("wycheproof")]
    [InlineData("ecp256", "ecdh_secp256r1_ecpoint_test.json")]
    [InlineData("ecp384", "ecdh_secp384r1_ecpoint_test.json")]
    [InlineData("ecp521", "ecdh_secp521r1_ecpoint_test.json")]
    public void Wycheproof_ecdh(string keyword, string file)
    {
        var agreements = 0;
        foreach (var test in Wycheproof(file))
        {
            var encoded = test.Hex("public");
            using var exchange = LibCryptoKeyExchange.Import(Method(keyword), test.Hex("private"));
            var isUncompressed = encoded.Length > 0 && encoded[0] == 4;
            var agreed = exchange.TryAgree(isUncompressed ? encoded[1..] : encoded, out var secret);

            // The KE payload knows uncompressed points only.
            Assert.True(agreed == (isUncompressed && test.Text("result") == "valid"), test.ToString());
            if (agreed)
                Assert.Equal(test.Hex("shared"), secret);
            agreements += agreed ? 1 : 0;
        }

        Assert.True(agreements > 100);
    }

    private static IEnumerable<System.Text.Json.JsonElement> Wycheproof(string file) =>
        Vectors.Json(Vectors.Shared($"wycheproof/{file}")).GetProperty("testGroups").EnumerateArray().SelectMany(g => g.GetProperty("tests").EnumerateArray());

    private static void CheckModp(BigInteger value, bool accepted)
    {
        using var exchange = SystemCryptoProvider.Instance.CreateKeyExchange(Method("modp2048"));
        var octets = new byte[256];
        var digits = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        digits.CopyTo(octets, octets.Length - digits.Length);
        Assert.Equal(accepted, exchange.TryAgree(octets, out _));
    }

    private static KeyExchangeMethod Method(string keyword) =>
        AlgorithmTable.TryFindKeyExchange(keyword, out var method) ? method : throw new ArgumentException(keyword, nameof(keyword));
}
