using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class CipherTests
{
    public static TheoryData<string, string> Suites => new()
    {
        { "aes256gcm16-prfsha384-ecp384", "" },
        { "aes128gcm16-prfsha256-x25519", "" },
        { "chacha20poly1305-prfsha512-x25519", "" },
        { "aes256-sha256-x25519", "sha256" },
        { "aes192-sha384-x25519", "sha384" },
        { "aes128-sha512-x25519", "sha512" },
        { "aes128gcm8-prfsha1-x25519", "" },
        { "aes192gcm12-prfaescmac-x25519", "" },
        { "aes256ccm16-prfsha256-x25519", "" },
        { "aes192ccm12-prfaesxcbc-x25519", "" },
        { "aes128ccm8-prfsha256-x25519", "" },
        { "aes256ctr-sha256-x25519", "sha256" },
        { "aes192ctr-aesxcbc-x25519", "aesxcbc" },
        { "aes128ctr-sha1-x448", "sha1" },
        { "aes256-aescmac-x25519", "aescmac" },
        { "3des-md5-modp1536", "md5" },
    };

    [Theory]
    [MemberData(nameof(Suites))]
    public void What_is_sealed_opens_and_any_flipped_bit_does_not(string proposal, string integrity)
    {
        var suite = Suite(proposal);
        Assert.Equal(integrity, suite.Integrity?.Keyword ?? string.Empty);
        using var keys = Keys(suite);
        using var initiator = new MessageProtection(SystemCryptoProvider.Instance, suite, keys, weAreOriginalInitiator: true);
        using var responder = new MessageProtection(SystemCryptoProvider.Instance, suite, keys, weAreOriginalInitiator: false);

        for (var size = 0; size < 70; size++)
        {
            var chain = new byte[size];
            Random.Shared.NextBytes(chain);
            var message = initiator.Seal(Header(), PayloadType.IdInitiator, chain);

            Assert.Equal(initiator.SealedOctets(size), message.Length);
            Assert.True(Open(responder, message, out var inner, out var envelope));
            Assert.Equal(PayloadType.IdInitiator, envelope.InnerFirst);
            Assert.Equal(chain, inner);
            Assert.False(Open(initiator, message, out _, out _));
        }

        var original = initiator.Seal(Header(), PayloadType.IdInitiator, new byte[20]);
        for (var bit = 0; bit < original.Length * 8; bit++)
        {
            var changed = (byte[])original.Clone();
            changed[bit / 8] ^= (byte)(1 << (bit % 8));

            // The envelope of the original: even where the header no longer parses, the cipher alone must refuse.
            Assert.True(IkeHeader.TryRead(original, out var header, out _));
            Assert.True(EncryptedEnvelope.TryLocate(original, header, out var envelope, out _));
            Assert.False(responder.TryOpen(changed, envelope, out _));
        }
    }

    [Theory]
    [MemberData(nameof(Suites))]
    public void Fragments_fill_the_limit_and_never_pass_it(string proposal, string integrity)
    {
        _ = integrity;
        var suite = Suite(proposal);
        using var keys = Keys(suite);
        using var initiator = new MessageProtection(SystemCryptoProvider.Instance, suite, keys, weAreOriginalInitiator: true);
        using var responder = new MessageProtection(SystemCryptoProvider.Instance, suite, keys, weAreOriginalInitiator: false);
        for (var limit = 500; limit < 540; limit++)
        {
            var most = initiator.MaxInnerPerFragment(limit);
            var message = initiator.SealFragment(Header(), PayloadType.None, 2, 17, new byte[most]);
            var larger = initiator.SealFragment(Header(), PayloadType.None, 2, 17, new byte[most + 1]);

            Assert.True(message.Length <= limit && larger.Length > limit);
            Assert.True(Open(responder, message, out var inner, out var envelope));
            Assert.Equal(most, inner.Length);
            Assert.True(envelope is { IsFragment: true, FragmentNumber: 2, TotalFragments: 17 });
        }
    }

    [Fact]
    public void A_body_too_short_for_the_cipher_does_not_open()
    {
        var suite = Suite("aes256-sha256-x25519");
        using var keys = Keys(suite);
        using var responder = new MessageProtection(SystemCryptoProvider.Instance, suite, keys, weAreOriginalInitiator: false);
        for (var body = 0; body < 64; body++)
        {
            var message = new byte[32 + body];
            var envelope = new EncryptedEnvelope(PayloadType.None, false, 1, 1, 28, 32, body);
            Assert.False(responder.TryOpen(message, envelope, out _));
        }
    }

    [Fact]
    public void Rfc7634_appendix_b()
    {
        var values = Vectors.Json(Vectors.Local("rfc/rfc7634_chacha20poly1305.json")).GetProperty("B").EnumerateArray()
            .ToDictionary(v => v.Text("label"), v => v.Hex("hex"), StringComparer.Ordinal);
        var suite = Suite("chacha20poly1305-prfsha256-x25519");
        using var keys = Keys(suite, Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3"));
        using var receiver = new MessageProtection(SystemCryptoProvider.Instance, suite, keys, weAreOriginalInitiator: false);

        Assert.True(Open(receiver, values["The IKE Message:"], out var inner, out var envelope));
        Assert.Equal(PayloadType.Notify, envelope.InnerFirst);
        Assert.Equal(values["The Notify Payload:"], inner);
    }

    [TheoryWithVectors("wycheproof")]
    [InlineData("aes_gcm_test.json")]
    [InlineData("chacha20_poly1305_test.json")]
    public void Wycheproof_aead(string file)
    {
        var opened = 0;
        foreach (var group in Vectors.Json(Vectors.Shared($"wycheproof/{file}")).GetProperty("testGroups").EnumerateArray())
        {
            var bits = group.GetProperty("keySize").GetInt32();
            var mode = file.Split('_')[1];
            var tagBits = group.GetProperty("tagSize").GetInt32();
            if (group.GetProperty("ivSize").GetInt32() != (mode == "ccm" ? 88 : 96)
                || !AlgorithmTable.TryFindEncryption(mode == "poly1305" ? "chacha20poly1305" : $"aes{bits}{mode}{tagBits}", out var algorithm))
            {
                continue;
            }

            var salt = algorithm.SaltOctets;
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var iv = test.Hex("iv");
                using var cipher = SystemCryptoProvider.Instance.CreateCipher(algorithm, null, [.. test.Hex("key"), .. iv[..salt]], []);
                var text = test.Hex("ct");
                var isOpen = cipher.TryOpen(iv.AsSpan(salt), test.Hex("aad"), text, test.Hex("tag"));

                Assert.True(isOpen == (test.Text("result") == "valid"), test.ToString());
                if (isOpen)
                    Assert.Equal(test.Hex("msg"), text);
                opened += isOpen ? 1 : 0;
            }
        }

        Assert.True(opened > 25, $"{opened} opened");
    }

    // RFC 3686 6, test vectors 1, 2 and 9.
    [Theory]
    [InlineData(128, "ae6852f8121067cc4bf7a5765577f39e", "00000030", "0000000000000000", "53696e676c6520626c6f636b206d7367", "e4095d4fb7a7b3792d6175a3261311b8")]
    [InlineData(128, "7e24067817fae0d743d6ce1f32539163", "006cb6db", "c0543b59da48d90b", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "5104a106168a72d9790d41ee8edad388eb2e1efc46da57c8fce630df9141be28")]
    [InlineData(256, "776beff2851db06f4c8a0542c8696f6c6a81af1eec96b4d37fc1d689e6c1c104", "00000060", "db5672c97aa8f0b2", "53696e676c6520626c6f636b206d7367", "145ad01dbf824ec7560863dc71e3e0c0")]
    public void Rfc3686(int bits, string key, string nonce, string iv, string plaintext, string ciphertext)
    {
        Assert.True(AlgorithmTable.TryFindEncryption($"aes{bits}ctr", out var algorithm));
        Assert.True(AlgorithmTable.TryFindIntegrity("sha256", out var integrity));
        var macKey = new byte[32];
        var text = Convert.FromHexString(ciphertext);
        using var cipher = SystemCryptoProvider.Instance.CreateCipher(algorithm, integrity, Convert.FromHexString(key + nonce), macKey);
        var icv = System.Security.Cryptography.HMACSHA256.HashData(macKey, Convert.FromHexString(iv + ciphertext))[..16];
        Assert.True(cipher.TryOpen(Convert.FromHexString(iv), [], text, icv));
        Assert.Equal(plaintext, Convert.ToHexStringLower(text));
    }

    /// <summary>RFC 3686 2.1: "AES-CTR is [broken] if the IV is used more than once" with a key; RFC 5282 3.1 the same of AEADs.</summary>
    [Theory]
    [InlineData("aes256ctr", "sha256")]
    [InlineData("aes256ccm12", null)]
    public void Ivs_do_not_repeat(string keyword, string? mac)
    {
        Assert.True(AlgorithmTable.TryFindEncryption(keyword, out var algorithm));
        var integrity = mac is not null && AlgorithmTable.TryFindIntegrity(mac, out var found) ? found : null;
        using var cipher = SystemCryptoProvider.Instance.CreateCipher(algorithm, integrity, new byte[algorithm.KeyMaterialOctets], new byte[integrity?.KeyOctets ?? 0]);
        var seen = new HashSet<string>();
        for (var i = 0; i < 300; i++)
        {
            var iv = new byte[algorithm.IvOctets];
            cipher.Seal(iv, [], new byte[5], new byte[cipher.IcvOctets]);
            Assert.True(seen.Add(Convert.ToHexString(iv)));
        }
    }

    [TheoryWithVectors("wycheproof")]
    [InlineData("hmac_sha1_test.json", "prfsha1")]
    [InlineData("hmac_sha256_test.json", "prfsha256")]
    [InlineData("hmac_sha384_test.json", "prfsha384")]
    [InlineData("hmac_sha512_test.json", "prfsha512")]
    public void Wycheproof_hmac(string file, string keyword)
    {
        Assert.True(AlgorithmTable.TryFindPrf(keyword, out var algorithm));
        foreach (var group in Vectors.Json(Vectors.Shared($"wycheproof/{file}")).GetProperty("testGroups").EnumerateArray())
        {
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                using var prf = SystemCryptoProvider.Instance.CreatePrf(algorithm, test.Hex("key"));
                var output = new byte[prf.OutputOctets];
                prf.Compute(test.Hex("msg"), output);
                var tag = test.Hex("tag");
                Assert.Equal(test.Text("result") == "valid", output.AsSpan(0, tag.Length).SequenceEqual(tag));
            }
        }
    }

    internal static IkeSuite Suite(string proposal)
    {
        var parsed = ProposalParser.ParseIke(proposal);
        return new IkeSuite(1, parsed.Encryption[0], parsed.Integrity.Count > 0 ? parsed.Integrity[0] : null, parsed.Prf[0], parsed.KeyExchange[0], default);
    }

    private static IkeKeys Keys(IkeSuite suite, byte[]? encryptionOfInitiator = null)
    {
        var keys = KeySchedule.DeriveInitial(SystemCryptoProvider.Instance, suite, new byte[32], new byte[32], new byte[32], new IkeSpi(1), new IkeSpi(2));
        encryptionOfInitiator?.CopyTo(keys.SkEi, 0);
        return keys;
    }

    private static IkeHeader Header() =>
        new(new IkeSpi(1), new IkeSpi(2), PayloadType.None, 2, 0, ExchangeType.IkeAuth, IkeHeaderFlags.Initiator, 1, 0);

    private static bool Open(MessageProtection protection, byte[] message, out byte[] inner, out EncryptedEnvelope envelope)
    {
        Assert.True(IkeHeader.TryRead(message, out var header, out _));
        Assert.True(EncryptedEnvelope.TryLocate(message, header, out envelope, out _));
        var opened = protection.TryOpen(message, envelope, out var octets);
        inner = octets ?? [];
        return opened;
    }
}
