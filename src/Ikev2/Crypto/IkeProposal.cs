using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>A configured proposal for IKE SAs: every combination of its lists is acceptable, earlier entries are preferred.</summary>
/// <param name="Text">As configured, for messages to the operator.</param>
/// <param name="Encryption">All AEAD or none.</param>
/// <param name="Integrity">Empty with AEADs.</param>
/// <param name="Prf">At least one.</param>
/// <param name="KeyExchange">At least one.</param>
public sealed record IkeProposal(
    string Text,
    IReadOnlyList<EncryptionAlgorithm> Encryption,
    IReadOnlyList<IntegrityAlgorithm> Integrity,
    IReadOnlyList<PrfAlgorithm> Prf,
    IReadOnlyList<KeyExchangeMethod> KeyExchange)
{
    private const string Groups = "x25519-ecp256-ecp384-modp2048-modp3072-modp4096";

    /// <summary>What is accepted and offered where nothing is configured: strong, and enough for every common client.</summary>
    public static IReadOnlyList<IkeProposal> Defaults { get; } =
    [
        ProposalParser.ParseIke($"aes256gcm16-prfsha384-prfsha256-prfsha512-{Groups}"),
        ProposalParser.ParseIke($"aes128gcm16-prfsha256-prfsha384-prfsha512-{Groups}"),
        ProposalParser.ParseIke($"chacha20poly1305-prfsha256-prfsha384-prfsha512-{Groups}"),
        ProposalParser.ParseIke($"aes256-aes128-sha256-sha384-sha512-{Groups}"),
    ];

    /// <summary>Its first algorithm that only the legacy switch allows, null where there is none.</summary>
    public string? LegacyAlgorithm =>
        Encryption.FirstOrDefault(e => e.IsLegacy)?.Keyword
        ?? Integrity.FirstOrDefault(i => i.IsLegacy)?.Keyword
        ?? Prf.FirstOrDefault(p => p.IsLegacy)?.Keyword
        ?? KeyExchange.FirstOrDefault(g => g.IsLegacy)?.Keyword;

    internal Proposal ToProposal(byte number, ReadOnlyMemory<byte> spi) => new(
        number,
        ProtocolId.Ike,
        spi,
        [
            .. Encryption.Select(e => e.ToTransform()),
            .. Prf.Select(p => p.ToTransform()),
            .. Integrity.Select(i => i.ToTransform()),
            .. KeyExchange.Select(k => k.ToTransform()),
        ]);

    /// <summary>Whether an IKE SA with these algorithms is one that this proposal allows.</summary>
    public bool Allows(IkeSuite suite)
    {
        ArgumentNullException.ThrowIfNull(suite);
        return Encryption.Contains(suite.Encryption)
            && (suite.Integrity is null || Integrity.Contains(suite.Integrity))
            && Prf.Contains(suite.Prf)
            && KeyExchange.Contains(suite.KeyExchange);
    }

    public override string ToString() => Text;
}
