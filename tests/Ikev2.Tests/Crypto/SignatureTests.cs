using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class SignatureTests
{
    private static readonly byte[] s_octets = [1, 2, 3, 4];

    [Theory]
    [InlineData("1.2.840.10045.3.1.7", 9, 2)]
    [InlineData("1.3.132.0.34", 10, 3)]
    [InlineData("1.3.132.0.35", 11, 4)]
    public void Ecdsa_signs_by_method_14_and_by_curve(string curve, byte method, ushort hash)
    {
        using var key = ECDsa.Create(ECCurve.CreateFromValue(curve));
        RoundTrip(key, SignatureAuthentication.Choose(key, [1, 2, 3, 4, 5])!, AuthenticationMethod.DigitalSignature);
        RoundTrip(key, SignatureAuthentication.Choose(key, null)!, new AuthenticationMethod(method));

        // RFC 4754 7: r and s concatenated, each as long as the group's order.
        Assert.Equal((key.KeySize + 7) / 8 * 2, SignatureAuthentication.Sign(SignatureAuthentication.Choose(key, null)!, key, s_octets).Length);
        Assert.Equal($"SHA{(hash == 2 ? 256 : hash == 3 ? 384 : 512)}", SignatureAuthentication.Choose(key, [2, 3, 4])!.Hash.Name);
    }

    [Fact]
    public void Rsa_signs_by_method_14_with_both_paddings_and_by_method_1()
    {
        using var key = RSA.Create(2048);
        var scheme = SignatureAuthentication.Choose(key, [2, 3, 4])!;
        Assert.Equal(HashAlgorithmName.SHA256, scheme.Hash);
        RoundTrip(key, scheme, AuthenticationMethod.DigitalSignature);
        RoundTrip(key, SignatureAuthentication.Choose(key, [4], rsaPss: true)!, AuthenticationMethod.DigitalSignature);
        RoundTrip(key, SignatureAuthentication.Choose(key, null)!, AuthenticationMethod.RsaSignature);

        // A peer that offers SHA-1 only gets the method of before RFC 7427.
        Assert.Equal(AuthenticationMethod.RsaSignature, SignatureAuthentication.Choose(key, [1])!.Method);
    }

    [Fact]
    public void A_hash_that_was_not_offered_is_refused()
    {
        using var key = RSA.Create(2048);
        var value = SignatureAuthentication.Sign(SignatureAuthentication.Choose(key, [4])!, key, s_octets);
        Assert.False(SignatureAuthentication.Verify(AuthenticationMethod.DigitalSignature, value, key, s_octets, new HashSet<ushort> { 2 }, out var reason));
        Assert.Contains("SHA512", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Weak_rsa_keys_are_refused()
    {
        using var small = RSA.Create(1024);
        var value = SignatureAuthentication.Sign(SignatureAuthentication.Choose(small, [2])!, small, s_octets);
        Assert.False(Verify(AuthenticationMethod.DigitalSignature, value, small, out var reason));
        Assert.Contains("1024", reason, StringComparison.Ordinal);

        using var source = RSA.Create(2048);
        using var three = RSA.Create(new RSAParameters { Modulus = source.ExportParameters(false).Modulus, Exponent = [3] });
        Assert.False(Verify(AuthenticationMethod.DigitalSignature, SignatureAuthentication.Sign(SignatureAuthentication.Choose(source, [2])!, source, s_octets), three, out reason));
        Assert.Contains("exponent", reason, StringComparison.Ordinal);
        Assert.False(Verify(AuthenticationMethod.RsaSignature, new byte[256], three, out _));
    }

    [Fact]
    public void Sha1_and_damaged_identifiers_are_refused_in_method_14()
    {
        using var key = RSA.Create(2048);
        var signature = key.SignData(s_octets, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        byte[] sha1 = Convert.FromHexString("300d06092a864886f70d0101050500");
        Assert.False(Verify(AuthenticationMethod.DigitalSignature, [(byte)sha1.Length, .. sha1, .. signature], key, out _));

        var good = SignatureAuthentication.Sign(SignatureAuthentication.Choose(key, [2])!, key, s_octets);
        for (var length = 0; length < good.Length; length++)
            Assert.False(Verify(AuthenticationMethod.DigitalSignature, good[..length], key, out _));
        for (var octet = 0; octet <= good[0]; octet++)
        {
            var bad = (byte[])good.Clone();
            bad[octet] ^= 1;
            Assert.False(Verify(AuthenticationMethod.DigitalSignature, bad, key, out _));
        }

        // Indefinite length and a long form of the length are BER, not DER.
        byte[] ber = Convert.FromHexString("308006092a864886f70d01010b05000000");
        Assert.False(Verify(AuthenticationMethod.DigitalSignature, [(byte)ber.Length, .. ber, .. good[(1 + good[0])..]], key, out _));
    }

    [Fact]
    public void The_method_must_fit_the_key()
    {
        using var rsa = RSA.Create(2048);
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        foreach (byte method in (byte[])[0, 1, 2, 3, 9, 10, 11, 13, 14, 200])
        {
            Assert.False(Verify(new AuthenticationMethod(method), new byte[64], rsa, out _));
            Assert.False(Verify(new AuthenticationMethod(method), new byte[64], p256, out _));
        }
    }

    // RFC 7427 appendix A
    [Theory]
    [InlineData("sha256WithRSAEncryption", SignatureKind.RsaPkcs1, 2)]
    [InlineData("sha512WithRSAEncryption", SignatureKind.RsaPkcs1, 4)]
    [InlineData("ecdsa-with-sha384", SignatureKind.Ecdsa, 3)]
    [InlineData("RSASSA-PSS with SHA-256", SignatureKind.RsaPss, 2)]
    public void Rfc7427_identifiers(string section, SignatureKind kind, ushort hash)
    {
        var expected = Identifier(section);
        Assert.Equal(expected, SignatureAlgorithmCodec.Encode(kind, SignatureHash.All.Single(h => h.Id == hash)));
        Assert.True(SignatureAlgorithmCodec.TryDecode(expected, out var readKind, out var readHash));
        Assert.Equal((kind, hash), (readKind, readHash.Id));
    }

    [Theory]
    [InlineData("sha1WithRSAEncryption")]
    [InlineData("dsa-with-sha256")]
    [InlineData("ecdsa-with-sha1")]
    [InlineData("RSASSA-PSS with Empty Parameters")]
    [InlineData("RSASSA-PSS with Default Parameters")]
    public void Rfc7427_identifiers_with_sha1_or_dsa_are_refused(string section) =>
        Assert.False(SignatureAlgorithmCodec.TryDecode(Identifier(section), out _, out _));

    [TheoryWithVectors("wycheproof")]
    [InlineData("rsa_signature_2048_sha256_test.json", SignatureKind.RsaPkcs1)]
    [InlineData("rsa_pss_2048_sha256_mgf1_32_test.json", SignatureKind.RsaPss)]
    [InlineData("ecdsa_secp256r1_sha256_test.json", SignatureKind.Ecdsa)]
    public void Wycheproof_in_method_14(string file, SignatureKind kind)
    {
        var identifier = SignatureAlgorithmCodec.Encode(kind, SignatureHash.All[0]);
        CheckWycheproof(file, AuthenticationMethod.DigitalSignature, signature => [(byte)identifier.Length, .. identifier, .. signature]);
    }

    [FactWithVectors("wycheproof")]
    public void Wycheproof_in_method_9() => CheckWycheproof("ecdsa_secp256r1_sha256_p1363_test.json", AuthenticationMethod.EcdsaP256, signature => signature);

    private static void CheckWycheproof(string file, AuthenticationMethod method, Func<byte[], byte[]> wrap)
    {
        var verified = 0;
        foreach (var group in Vectors.Json(Vectors.Shared($"wycheproof/{file}")).GetProperty("testGroups").EnumerateArray())
        {
            var pem = (group.TryGetProperty("publicKeyPem", out var own) ? own : group.GetProperty("publicKey").GetProperty("publicKeyPem")).GetString()!;
            using AsymmetricAlgorithm key = file.StartsWith("rsa", StringComparison.Ordinal) ? RSA.Create() : ECDsa.Create();
            key.ImportFromPem(pem);
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var isVerified = SignatureAuthentication.Verify(
                    method, wrap(test.Hex("sig")), key, test.Hex("msg"), SignatureAuthentication.SupportedHashes, out _);
                var result = test.Text("result");

                // Keys with exponent 3 are refused here whatever they signed.
                var isRefused = key is RSA rsa && rsa.ExportParameters(includePrivateParameters: false).Exponent is [3];
                Assert.True((result == "acceptable" && !isRefused) || isVerified == (result == "valid" && !isRefused), test.ToString());
                verified += isVerified ? 1 : 0;
            }
        }

        Assert.True(verified > 5, $"{verified} verified");
    }

    private static byte[] Identifier(string section) => Vectors.Json(Vectors.Local("rfc/rfc7427_algids.json")).GetProperty("values").EnumerateArray()
        .First(v => v.Text("section") == section).Hex("hex");

    private static void RoundTrip(AsymmetricAlgorithm key, SignatureScheme scheme, AuthenticationMethod method)
    {
        Assert.Equal(method, scheme.Method);
        var value = SignatureAuthentication.Sign(scheme, key, s_octets);
        Assert.True(Verify(method, value, key, out var reason), reason);
        value[^1] ^= 1;
        Assert.False(Verify(method, value, key, out _));
    }

    private static bool Verify(AuthenticationMethod method, byte[] value, AsymmetricAlgorithm key, out string? reason) =>
        SignatureAuthentication.Verify(method, value, key, s_octets, SignatureAuthentication.SupportedHashes, out reason);
}
