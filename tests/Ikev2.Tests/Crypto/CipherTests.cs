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
            if (group.GetProperty("ivSize").GetInt32() != 96)
                continue;
            Assert.True(AlgorithmTable.TryFindEncryption(file.StartsWith("aes", StringComparison.Ordinal) ? $"aes{bits}gcm16" : "chacha20poly1305", out var algorithm));
            foreach (var test in group.GetProperty("tests").EnumerateArray())
            {
                var iv = test.Hex("iv");
                using var cipher = SystemCryptoProvider.Instance.CreateCipher(algorithm, null, [.. test.Hex("key"), .. iv[..4]], []);
                var text = test.Hex("ct");
                var isOpen = cipher.TryOpen(iv.AsSpan(4), test.Hex("aad"), text, test.Hex("tag"));

                Assert.True(isOpen == (test.Text("result") == "valid"), test.ToString());
                if (isOpen)
                    Assert.Equal(test.Hex("msg"), text);
                opened += isOpen ? 1 : 0;
            }
        }

        Assert.True(opened > 50);
    }

    [TheoryWithVectors("wycheproof")]
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
