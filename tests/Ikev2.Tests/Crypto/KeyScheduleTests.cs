using System.Buffers.Binary;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class KeyScheduleTests
{
    [TheoryWithVectors("nist-ikev2-kdf")]
    [InlineData("sha256")]
    [InlineData("sha384")]
    [InlineData("sha512")]
    [InlineData("sha1")]
    public void Nist_vectors(string hash)
    {
        var cases = Vectors.Json(Vectors.Shared("nist-ikev2-kdf/nist_ike_kdf.json")).GetProperty("prf").GetProperty(hash).EnumerateArray().ToList();
        Assert.True(AlgorithmTable.TryFindPrf($"prf{hash}", out var algorithm));
        foreach (var test in cases)
        {
            var type = test.Text("type");
            var expected = test.Hex("okm");
            var output = new byte[expected.Length];
            var nonces = (byte[])[.. test.Hex("Ni"), .. test.Hex("Nr")];
            using var prf = SystemCryptoProvider.Instance.CreatePrf(algorithm, type.StartsWith("SKEYSEED=", StringComparison.Ordinal) ? nonces : test.Hex("inKey"));
            if (type.StartsWith("SKEYSEED=", StringComparison.Ordinal))
                prf.Compute(test.Hex("inKey"), output);
            else if (type == "prf+")
                PrfPlus.Expand(prf, test.Hex("seed_data"), output);
            else
                prf.Compute([.. test.Hex("gxyKey"), .. nonces], output);
            Assert.Equal(expected, output);
        }

        // Cases 6 and 8 are one derivation; seen through the whole schedule their 132 octets are its first.
        var seed = cases.Single(c => c.GetProperty("id").GetInt32() == 6);
        var stream = cases.Single(c => c.GetProperty("id").GetInt32() == 8);
        var spis = stream.Hex("seed_data").AsSpan(16);
        using var keys = KeySchedule.DeriveInitial(
            SystemCryptoProvider.Instance,
            CipherTests.Suite($"aes256-{hash}-x25519"),
            seed.Hex("Ni"),
            seed.Hex("Nr"),
            seed.Hex("inKey"),
            new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(spis)),
            new IkeSpi(BinaryPrimitives.ReadUInt64BigEndian(spis[8..])));
        byte[] all = [.. keys.SkD, .. keys.SkAi, .. keys.SkAr, .. keys.SkEi, .. keys.SkEr, .. keys.SkPi, .. keys.SkPr];
        Assert.Equal(stream.Hex("okm"), all[..132]);
    }

    // RFC 7296 2.14: with AES-XCBC and AES-CMAC "only the first 64 bits of Ni and the first 64 bits of Nr are used in calculating SKEYSEED, but all the bits are
    // used for input to the prf+ function"
    [Theory]
    [InlineData("prfaesxcbc")]
    [InlineData("prfaescmac")]
    public void Skeyseed_of_aes_prfs_takes_half_of_its_key_from_each_nonce(string keyword)
    {
        var suite = CipherTests.Suite($"aes128ctr-aescmac-{keyword}-x25519");
        byte[] ni = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];
        byte[] nr = [.. Enumerable.Range(101, 24).Select(i => (byte)i)];
        using var keys = KeySchedule.DeriveInitial(SystemCryptoProvider.Instance, suite, ni, nr, [7, 7, 7], new IkeSpi(1), new IkeSpi(2));

        var seed = new byte[16];
        using (var prf = SystemCryptoProvider.Instance.CreatePrf(suite.Prf, [.. ni[..8], .. nr[..8]]))
            prf.Compute([7, 7, 7], seed);
        var first = new byte[16];
        using (var prf = SystemCryptoProvider.Instance.CreatePrf(suite.Prf, seed))
            prf.Compute([.. ni, .. nr, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1], first);
        Assert.Equal(first, keys.SkD);
        Assert.Equal(20, keys.SkEi.Length);
    }

    // RFC 7296 2.13: at most 255 outputs
    [Fact]
    public void Prf_plus_has_an_end()
    {
        Assert.True(AlgorithmTable.TryFindPrf("prfsha256", out var algorithm));
        using var prf = SystemCryptoProvider.Instance.CreatePrf(algorithm, new byte[32]);
        PrfPlus.Expand(prf, [1], new byte[255 * 32]);
        Assert.Throws<ArgumentException>(() => PrfPlus.Expand(prf, [1], new byte[(255 * 32) + 1]));
    }

    [Fact]
    public void Disposing_zeroes_keys()
    {
        var keys = KeySchedule.DeriveInitial(
            SystemCryptoProvider.Instance, CipherTests.Suite("aes256-sha256-x25519"), [1], [2], [3], new IkeSpi(1), new IkeSpi(2));
        keys.Dispose();
        Assert.All((byte[][])[keys.SkD, keys.SkAi, keys.SkAr, keys.SkEi, keys.SkEr, keys.SkPi, keys.SkPr], k => Assert.All(k, b => Assert.Equal(0, b)));
    }
}
