using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>The algorithms chosen for an IKE SA.</summary>
/// <param name="ProposalNumber">Number of the peer's proposal; the response repeats it.</param>
/// <param name="Encryption">Encryption.</param>
/// <param name="Integrity">Null with an AEAD.</param>
/// <param name="Prf">PRF.</param>
/// <param name="KeyExchange">Chosen group; when the KE payload is of another group, the answer is INVALID_KE_PAYLOAD naming this one.</param>
/// <param name="PeerSpi">SPI of the proposal: empty in IKE_SA_INIT, eight octets in a rekey.</param>
public sealed record IkeSuite(
    byte ProposalNumber,
    EncryptionAlgorithm Encryption,
    IntegrityAlgorithm? Integrity,
    PrfAlgorithm Prf,
    KeyExchangeMethod KeyExchange,
    ReadOnlyMemory<byte> PeerSpi)
{
    /// <summary>Transforms "none" that the peer offered and the response must repeat, one of each offered type (RFC 7296 3.3.6).</summary>
    public IReadOnlyList<Transform> NoneTransforms { get; init; } = [];

    /// <summary>The SA payload's single proposal of the response.</summary>
    /// <param name="ourSpi">Empty in IKE_SA_INIT, our new SPI in a rekey.</param>
    public Proposal ToProposal(ReadOnlyMemory<byte> ourSpi)
    {
        var transforms = new List<Transform> { Encryption.ToTransform(), Prf.ToTransform() };
        if (Integrity is not null)
            transforms.Add(Integrity.ToTransform());
        transforms.Add(KeyExchange.ToTransform());
        transforms.AddRange(NoneTransforms);
        return new Proposal(ProposalNumber, ProtocolId.Ike, ourSpi, transforms);
    }

    public override string ToString() => Integrity is null ? $"{Encryption}-{Prf}-{KeyExchange}" : $"{Encryption}-{Integrity}-{Prf}-{KeyExchange}";
}
