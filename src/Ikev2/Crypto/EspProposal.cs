using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>A configured proposal for CHILD_SAs: every combination of its lists is acceptable, earlier entries are preferred.</summary>
/// <param name="Text">As configured, for messages to the operator.</param>
/// <param name="Encryption">All AEAD or none.</param>
/// <param name="Integrity">Empty with AEADs.</param>
/// <param name="KeyExchange">Groups for PFS; empty accepts every supported group.</param>
public sealed record EspProposal(
    string Text,
    IReadOnlyList<EncryptionAlgorithm> Encryption,
    IReadOnlyList<IntegrityAlgorithm> Integrity,
    IReadOnlyList<KeyExchangeMethod> KeyExchange)
{
    /// <summary>Whether sequence numbers may be extended (RFC 4303 2.2.1), the preferred first.</summary>
    public IReadOnlyList<bool> Esn { get; init; } = [true, false];

    /// <summary>What is accepted and offered where nothing is configured.</summary>
    public static IReadOnlyList<EspProposal> Defaults { get; } =
    [
        ProposalParser.ParseEsp("aes256gcm16-aes128gcm16"),
        ProposalParser.ParseEsp("chacha20poly1305"),
        ProposalParser.ParseEsp("aes256-aes128-sha256-sha384-sha512"),
    ];

    /// <summary>Its first algorithm that only the legacy switch allows, null where there is none.</summary>
    public string? LegacyAlgorithm =>
        Encryption.FirstOrDefault(e => e.IsLegacy)?.Keyword
        ?? Integrity.FirstOrDefault(i => i.IsLegacy)?.Keyword
        ?? KeyExchange.FirstOrDefault(g => g.IsLegacy)?.Keyword;

    internal Proposal ToProposal(byte number, uint spi, KeyExchangeMethod? group)
    {
        var transforms = new List<Transform>();
        transforms.AddRange(Encryption.Select(e => e.ToTransform()));
        transforms.AddRange(Integrity.Select(i => i.ToTransform()));
        if (group is not null)
            transforms.Add(group.ToTransform());
        transforms.AddRange(Esn.Select(e => new Transform(TransformType.Esn, e ? TransformIds.Esn.Yes : TransformIds.Esn.No)));
        return new Proposal(number, ProtocolId.Esp, EspSuite.SpiOctets(spi), transforms);
    }

    public override string ToString() => Text;
}
