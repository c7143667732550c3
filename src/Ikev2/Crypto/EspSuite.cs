using System.Buffers.Binary;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>The algorithms chosen for a CHILD_SA.</summary>
/// <param name="ProposalNumber">Number of the peer's proposal; the response repeats it.</param>
/// <param name="Encryption">Encryption.</param>
/// <param name="Integrity">Null with an AEAD.</param>
/// <param name="KeyExchange">Group of the exchange, null without PFS.</param>
/// <param name="Esn">Extended sequence numbers.</param>
/// <param name="PeerSpi">SPI that the peer receives on: our outbound SPI.</param>
public sealed record EspSuite(
    byte ProposalNumber,
    EncryptionAlgorithm Encryption,
    IntegrityAlgorithm? Integrity,
    KeyExchangeMethod? KeyExchange,
    bool Esn,
    uint PeerSpi)
{
    /// <summary>Transforms "none" that the peer offered and the response must repeat, one of each offered type (RFC 7296 3.3.6).</summary>
    public IReadOnlyList<Transform> NoneTransforms { get; init; } = [];

    /// <summary>The SA payload's single proposal of the response.</summary>
    /// <param name="ourSpi">SPI that we receive on.</param>
    public Proposal ToProposal(uint ourSpi)
    {
        var transforms = new List<Transform> { Encryption.ToTransform() };
        if (Integrity is not null)
            transforms.Add(Integrity.ToTransform());
        if (KeyExchange is not null)
            transforms.Add(KeyExchange.ToTransform());
        if (Esn)
            transforms.Add(new Transform(TransformType.Esn, TransformIds.Esn.Yes));
        transforms.AddRange(NoneTransforms);
        return new Proposal(ProposalNumber, ProtocolId.Esp, SpiOctets(ourSpi), transforms);
    }

    public override string ToString()
    {
        var name = Integrity is null ? Encryption.Keyword : $"{Encryption}-{Integrity}";
        if (KeyExchange is not null)
            name = $"{name}-{KeyExchange}";
        return Esn ? name + "-esn" : name;
    }

    internal static byte[] SpiOctets(uint spi)
    {
        var octets = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32BigEndian(octets, spi);
        return octets;
    }
}
