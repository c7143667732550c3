using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;
using Enc = Headend.Ikev2.Wire.TransformIds.Encryption;
using Ke = Headend.Ikev2.Wire.TransformIds.KeyExchange;

namespace Headend.Ikev2.Tests.Crypto;

public sealed class ProposalTests
{
    private static readonly Transform s_gcm256 = new(TransformType.Encryption, Enc.AesGcm16, 256);
    private static readonly Transform s_cbc256 = new(TransformType.Encryption, Enc.AesCbc, 256);
    private static readonly Transform s_prf256 = new(TransformType.Prf, 5);
    private static readonly Transform s_sha256 = new(TransformType.Integrity, 12);
    private static readonly Transform s_noEsn = new(TransformType.Esn, 0);

    [Theory]
    [InlineData("aes256gcm16-prfsha384-ecp384", "aes256gcm16-prfsha384-ecp384")]
    [InlineData("aes256-sha256-x25519", "aes256-sha256-prfsha256-x25519")]
    [InlineData("AES128-sha512-prfsha256-curve25519", "aes128-sha512-prfsha256-x25519")]
    [InlineData("aes256gcm16-sha384-ecp384", "aes256gcm16-prfsha384-ecp384")]
    [InlineData("aes128gcm96-prfsha1-curve448", "aes128gcm12-prfsha1-x448")]
    [InlineData("aes256ccm64-aesxcbc-ecp384bp", "aes256ccm8-prfaesxcbc-ecp384bp")]
    [InlineData("aes192ctr-sha2_256-prfaescmac-modp6144", "aes192ctr-sha256-prfaescmac-modp6144")]
    [InlineData("3des-sha-modp1536", "3des-sha1-prfsha1-modp1536")]
    public void Ike_proposals_are_read(string text, string suite)
    {
        var configured = ProposalParser.ParseIke(text);
        Assert.True(ProposalSelector.TrySelectIke([configured], ProposalSelector.ToProposals([configured], default), out var chosen));
        Assert.Equal(suite, chosen.ToString());
    }

    [Theory]
    [InlineData("aes256gcm16-prfsha384-ecp385", "ecp385")]
    [InlineData("aes256gcm16-ecp384", "no PRF")]
    [InlineData("aes256-x25519", "integrity")]
    [InlineData("prfsha256-x25519", "encryption")]
    [InlineData("aes256-sha256", "group")]
    [InlineData("aes256-aes256gcm16-sha256-x25519", "aes256gcm16")]
    [InlineData("aes256-sha256-none", "none")]
    [InlineData("", "''")]
    [InlineData("aes256--sha256", "''")]
    [InlineData("aes256gmac-prfsha256-x25519", "aes256gmac")]
    [InlineData("aes256-sha256-x25519-esn", "esn")]
    public void Ike_errors_name_the_word(string text, string named)
    {
        Assert.False(ProposalParser.TryParseIke(text, out _, out var error));
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("aes256gcm16-sha256", "sha256")]
    [InlineData("aes256gcm16-prfsha256", "prfsha256")]
    [InlineData("aes256", "integrity")]
    [InlineData("des", "des")]
    public void Esp_errors_name_the_word(string text, string named)
    {
        Assert.False(ProposalParser.TryParseEsp(text, out _, out var error));
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Our_order_wins_over_the_peers()
    {
        var configured = new[] { ProposalParser.ParseIke("aes256gcm16-prfsha256-x25519"), ProposalParser.ParseIke("aes256-sha256-modp2048") };
        var received = new[] { Ike(1, s_cbc256, s_prf256, s_sha256, Group(Ke.Modp2048)), Ike(2, s_gcm256, s_prf256, Group(Ke.Curve25519)) };
        Assert.True(ProposalSelector.TrySelectIke(configured, received, Ke.Modp2048, out var suite));
        Assert.Equal((byte)2, suite.ProposalNumber);
    }

    [Theory]
    [InlineData("3des-sha256-modp2048", "3des")]
    [InlineData("aes256-md5-prfsha256-modp2048", "md5")]
    [InlineData("aes256-sha256-prfmd5-modp2048", "prfmd5")]
    [InlineData("aes256-sha256-modp2048-modp1536", "modp1536")]
    [InlineData("aes256-sha1-modp2048", null)]
    public void What_is_too_weak_says_so(string text, string? legacy)
    {
        Assert.Equal(legacy, ProposalParser.ParseIke(text).LegacyAlgorithm);
        if (!text.Contains("prf", StringComparison.Ordinal))
            Assert.Equal(legacy, ProposalParser.ParseEsp(text).LegacyAlgorithm);
    }

    // RFC 8247 2.4: a group that SHOULD NOT be used is none of those that a proposal without groups accepts.
    [Fact]
    public void Weak_groups_are_taken_only_by_name()
    {
        var received = Esp(s_gcm256, Group(Ke.Modp1536), s_noEsn);
        Assert.False(ProposalSelector.TrySelectEsp([ProposalParser.ParseEsp("aes256gcm16")], [received], PfsPolicy.Required, Ke.Modp1536, out _));
        Assert.True(ProposalSelector.TrySelectEsp([ProposalParser.ParseEsp("aes256gcm16-modp1536")], [received], PfsPolicy.Required, Ke.Modp1536, out var suite));
        Assert.Equal("aes256gcm16-modp1536", suite.ToString());
    }

    // clients.md, Android 11: modp4096 first; CTR, XCBC and CMAC are not among the defaults.
    [Fact]
    public void Android()
    {
        var groups = new[] { Group(Ke.Modp4096), Group(Ke.Curve25519), Group(Ke.Modp3072), Group(Ke.Modp2048) };
        Transform[] prfs = [new(TransformType.Prf, 7), new(TransformType.Prf, 6), new(TransformType.Prf, 5), new(TransformType.Prf, 4), new(TransformType.Prf, 8), new(TransformType.Prf, 2)];
        var cbc = Ike(1, [
            new(TransformType.Encryption, Enc.AesCtr, 256), s_cbc256, new(TransformType.Encryption, Enc.AesCtr, 128),
            new(TransformType.Integrity, 14), new(TransformType.Integrity, 13), s_sha256, new(TransformType.Integrity, 5), new(TransformType.Integrity, 8), .. prfs, .. groups]);
        var aead = Ike(2, [
            new(TransformType.Encryption, Enc.ChaCha20Poly1305), s_gcm256, new(TransformType.Encryption, 19, 256), new(TransformType.Encryption, 18, 256), .. prfs, .. groups]);

        Assert.True(ProposalSelector.TrySelectIke(IkeProposal.Defaults, [cbc, aead], Ke.Modp4096, out var suite));
        Assert.Equal((byte)2, suite.ProposalNumber);
        Assert.Equal("aes256gcm16-prfsha384-modp4096", suite.ToString());
        Assert.True(ProposalSelector.TrySelectIke(IkeProposal.Defaults, [cbc], Ke.MlKem768, out suite));
        Assert.Equal("aes256-sha256-prfsha256-x25519", suite.ToString());
    }

    // clients.md, Windows: modp1024 only unless configured; nothing there for us.
    [Fact]
    public void Windows()
    {
        var untouched = new[] { Ike(1, s_cbc256, s_sha256, s_prf256, Group(Ke.Modp1024)), Ike(2, s_gcm256, s_prf256, Group(Ke.Modp1024)) };
        Assert.False(ProposalSelector.TrySelectIke(IkeProposal.Defaults, untouched, Ke.Modp1024, out _));
        var configured = new[] { Ike(1, s_cbc256, s_sha256, s_prf256, Group(Ke.Modp2048)) };
        Assert.True(ProposalSelector.TrySelectIke(IkeProposal.Defaults, configured, Ke.Modp2048, out var suite));
        Assert.Equal("aes256-sha256-prfsha256-modp2048", suite.ToString());
    }

    // clients.md, macOS: proposals of an IKE rekey start at 3.
    [Fact]
    public void Mac_os_rekey()
    {
        var spi = new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 };
        var received = new[] { new Proposal(3, ProtocolId.Ike, spi, [s_cbc256, s_sha256, s_prf256, Group(Ke.Modp2048)]) };
        Assert.True(ProposalSelector.TrySelectIke(IkeProposal.Defaults, received, Ke.Modp2048, out var suite));
        Assert.Equal(spi, suite.PeerSpi.ToArray());
        var answer = suite.ToProposal(new byte[8]);
        Assert.Equal((byte)3, answer.Number);
        Assert.Equal([s_cbc256, s_prf256, s_sha256, Group(Ke.Modp2048)], answer.Transforms);
    }

    // RFC 7296 3.3.6: unknown transform types make a proposal unacceptable, unknown attributes a transform.
    [Fact]
    public void What_is_not_understood_is_not_chosen()
    {
        Refused(Ike(1, s_gcm256, s_prf256, Group(Ke.Curve25519), new Transform(new TransformType(99), 0)));
        Refused(Ike(1, s_gcm256, s_prf256, Group(Ke.Curve25519), s_noEsn));
        Refused(Ike(1, s_gcm256 with { HasUnknownAttribute = true }, s_prf256, Group(Ke.Curve25519)));
        Refused(Ike(1, s_gcm256 with { KeyLengthBits = 0 }, s_prf256, Group(Ke.Curve25519)));
        Refused(Ike(1, s_gcm256, s_prf256));
        Refused(Ike(1, s_gcm256, s_prf256, Group(Ke.None)));
        Refused(Ike(1, s_gcm256, s_prf256, Group(Ke.Curve25519), s_sha256));
        Refused(Ike(1, s_gcm256, s_prf256, Group(Ke.Curve25519), new Transform(TransformType.AdditionalKeyExchange1, Ke.MlKem768)));
        Refused(Ike(1, s_gcm256, s_prf256, Group(Ke.Curve25519)) with { Protocol = ProtocolId.Esp });
    }

    [Fact]
    public void None_is_answered_with_none()
    {
        var integrity = new Transform(TransformType.Integrity, 0);
        var additional = new Transform(TransformType.AdditionalKeyExchange1, 0);
        var received = Ike(1, s_gcm256, s_prf256, integrity, Group(Ke.Curve25519), additional, additional with { Id = Ke.MlKem768 });
        Assert.True(ProposalSelector.TrySelectIke(IkeProposal.Defaults, [received], Ke.Curve25519, out var suite));
        Assert.Equal([s_gcm256, s_prf256, Group(Ke.Curve25519), integrity, additional], suite.ToProposal(default).Transforms);
    }

    [Theory]
    [InlineData(PfsPolicy.Disabled, null, "aes256gcm16")]
    [InlineData(PfsPolicy.Optional, null, "aes256gcm16")]
    [InlineData(PfsPolicy.Optional, Ke.Modp2048, "aes256gcm16-modp2048")]
    [InlineData(PfsPolicy.Optional, Ke.EcpP256, "aes256gcm16-modp2048")]
    [InlineData(PfsPolicy.Required, null, "aes256gcm16-modp2048")]
    [InlineData(PfsPolicy.Disabled, Ke.Modp2048, "aes256gcm16")]
    public void Groups_of_child_sas(PfsPolicy pfs, ushort? keGroup, string expected)
    {
        var received = Esp(s_gcm256, Group(Ke.Modp2048), Group(Ke.Modp3072), s_noEsn);
        Assert.True(ProposalSelector.TrySelectEsp(EspProposal.Defaults, [received], pfs, keGroup, out var suite));
        Assert.Equal(expected, suite.ToString());
        Assert.Equal(0xa1b2c3d4, suite.PeerSpi);
    }

    // RFC 7296 3.3.2: both in one proposal mean that the responder chooses.
    [Theory]
    [InlineData("aes256gcm16", true, true, true)]
    [InlineData("aes256gcm16", false, true, false)]
    [InlineData("aes256gcm16", true, false, true)]
    [InlineData("aes256gcm16-noesn", true, true, false)]
    [InlineData("aes256gcm16-noesn", true, false, null)]
    [InlineData("aes256gcm16-esn", false, true, null)]
    [InlineData("aes256gcm16-noesn-esn", true, true, false)]
    public void Extended_sequence_numbers(string configured, bool offersYes, bool offersNo, bool? expected)
    {
        Transform[] offered = [.. offersYes ? [new Transform(TransformType.Esn, 1)] : Array.Empty<Transform>(), .. offersNo ? [s_noEsn] : Array.Empty<Transform>()];
        var chosen = ProposalSelector.TrySelectEsp([ProposalParser.ParseEsp(configured)], [Esp([s_gcm256, .. offered])], PfsPolicy.Optional, keyExchangePresent: false, out var suite);
        Assert.Equal(expected, chosen ? suite!.Esn : null);
        if (chosen)
            Assert.Single(suite!.ToProposal(7).Transforms, new Transform(TransformType.Esn, (ushort)(suite.Esn ? 1 : 0)));
    }

    [Fact]
    public void Child_sa_without_group_and_esn()
    {
        Transform none = Group(Ke.None);
        var extended = new Transform(TransformType.Esn, 1);
        Assert.False(ProposalSelector.TrySelectEsp(EspProposal.Defaults, [Esp(s_gcm256, s_noEsn)], PfsPolicy.Required, keyExchangePresent: true, out _));
        Assert.True(ProposalSelector.TrySelectEsp(EspProposal.Defaults, [Esp(s_gcm256)], PfsPolicy.Optional, keyExchangePresent: true, out var suite));
        Assert.Null(suite.KeyExchange);
        Assert.True(ProposalSelector.TrySelectEsp(EspProposal.Defaults, [Esp(s_cbc256, s_sha256, none, extended, s_noEsn)], PfsPolicy.Optional, false, out suite));
        Assert.Equal([s_cbc256, s_sha256, extended, none], suite.ToProposal(7).Transforms);
    }

    [Fact]
    public void Responses_to_us_must_choose_one_of_what_was_offered()
    {
        var offered = ProposalSelector.ToProposals(EspProposal.Defaults, 1, null);
        Assert.True(ProposalSelector.TrySelectEsp(EspProposal.Defaults, offered, PfsPolicy.Optional, keyExchangePresent: false, out var chosen));
        var response = chosen.ToProposal(5);
        Assert.True(ProposalSelector.TryAcceptEsp(EspProposal.Defaults, [response], null, out var suite));
        Assert.Equal(5u, suite.PeerSpi);
        Assert.False(ProposalSelector.TryAcceptEsp(EspProposal.Defaults, [response with { Number = 0 }], null, out _));
        Assert.False(ProposalSelector.TryAcceptEsp(EspProposal.Defaults, [response with { Number = 2 }], null, out _));
        Assert.False(ProposalSelector.TryAcceptEsp(EspProposal.Defaults, offered, null, out _));
        Assert.False(ProposalSelector.TryAcceptEsp(EspProposal.Defaults, [offered[0]], null, out _));

        var spi = new byte[8];
        Assert.True(ProposalSelector.TrySelectIke(IkeProposal.Defaults, ProposalSelector.ToProposals(IkeProposal.Defaults, spi), out var ike));
        Assert.True(ProposalSelector.TryAcceptIke(IkeProposal.Defaults, [ike.ToProposal(spi)], out _));
        Assert.False(ProposalSelector.TryAcceptIke(IkeProposal.Defaults, [], out _));
    }

    private static void Refused(Proposal proposal) => Assert.False(ProposalSelector.TrySelectIke(IkeProposal.Defaults, [proposal], out _));

    private static Transform Group(ushort id) => new(TransformType.KeyExchange, id);

    private static Proposal Ike(byte number, params Transform[] transforms) => new(number, ProtocolId.Ike, default, transforms);

    private static Proposal Esp(params Transform[] transforms) => new(1, ProtocolId.Esp, new byte[] { 0xa1, 0xb2, 0xc3, 0xd4 }, transforms);
}
