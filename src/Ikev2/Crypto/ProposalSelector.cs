using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>
/// Chooses from received proposals (RFC 7296 2.7, 3.3.6). Our configured order decides, then the peer's. Proposal numbers are
/// only repeated, never judged: macOS starts them at 3 when it rekeys.
/// </summary>
public static class ProposalSelector
{
    private const int IkeSpiOctets = 8;
    private const int EspSpiOctets = 4;

    /// <summary>What a proposal without groups accepts.</summary>
    private static readonly KeyExchangeMethod[] s_anyGroup = [.. AlgorithmTable.KeyExchange.Where(g => !g.IsLegacy)];

    /// <summary>Chooses the algorithms of an IKE SA where the group of the KE payload does not matter.</summary>
    public static bool TrySelectIke(
        IReadOnlyList<IkeProposal> configured,
        IReadOnlyList<Proposal> received,
        [NotNullWhen(true)] out IkeSuite? suite) => TrySelectIke(configured, received, keGroup: null, out suite);

    /// <summary>Chooses the algorithms of an IKE SA.</summary>
    /// <param name="configured">Ours, most preferred first.</param>
    /// <param name="received">The peer's.</param>
    /// <param name="keGroup">Group of the KE payload, taken whenever the chosen pair of proposals allows it.</param>
    /// <param name="suite">The choice; its group may differ from <paramref name="keGroup"/>, then the answer is INVALID_KE_PAYLOAD.</param>
    public static bool TrySelectIke(
        IReadOnlyList<IkeProposal> configured,
        IReadOnlyList<Proposal> received,
        ushort? keGroup,
        [NotNullWhen(true)] out IkeSuite? suite)
    {
        foreach (var ours in configured)
        {
            foreach (var theirs in received)
            {
                if (TryMatch(ours, theirs, keGroup, out suite))
                    return true;
            }
        }

        suite = null;
        return false;
    }

    /// <summary>Chooses the algorithms of a CHILD_SA where the group of the KE payload does not matter.</summary>
    public static bool TrySelectEsp(
        IReadOnlyList<EspProposal> configured,
        IReadOnlyList<Proposal> received,
        PfsPolicy pfs,
        bool keyExchangePresent,
        [NotNullWhen(true)] out EspSuite? suite) =>
        TrySelectEsp(configured, received, pfs, keyExchangePresent ? TransformIds.KeyExchange.None : null, out suite);

    /// <summary>Chooses the algorithms of a CHILD_SA.</summary>
    /// <param name="configured">Ours, most preferred first.</param>
    /// <param name="received">The peer's.</param>
    /// <param name="pfs">Policy; <see cref="PfsPolicy.Disabled"/> in IKE_AUTH.</param>
    /// <param name="keGroup">Group of the KE payload, null where there is none.</param>
    /// <param name="suite">
    /// The choice. A group other than <paramref name="keGroup"/> asks for INVALID_KE_PAYLOAD. No group although a KE payload came,
    /// when the peer's proposal has none: the payload is then passed over.
    /// </param>
    public static bool TrySelectEsp(
        IReadOnlyList<EspProposal> configured,
        IReadOnlyList<Proposal> received,
        PfsPolicy pfs,
        ushort? keGroup,
        [NotNullWhen(true)] out EspSuite? suite)
    {
        foreach (var ours in configured)
        {
            foreach (var theirs in received)
            {
                if (TryMatch(ours, theirs, pfs, keGroup, out suite))
                    return true;
            }
        }

        suite = null;
        return false;
    }

    /// <summary>Our proposals for a rekey of the IKE SA, numbered from 1.</summary>
    public static IReadOnlyList<Proposal> ToProposals(IReadOnlyList<IkeProposal> configured, ReadOnlyMemory<byte> ourSpi) =>
        [.. configured.Select((proposal, index) => proposal.ToProposal(checked((byte)(index + 1)), ourSpi))];

    /// <summary>Our proposals for a CHILD_SA, numbered from 1.</summary>
    /// <param name="configured">Ours.</param>
    /// <param name="ourSpi">SPI that we receive on.</param>
    /// <param name="group">Group of the KE payload that is sent along, null without PFS.</param>
    public static IReadOnlyList<Proposal> ToProposals(IReadOnlyList<EspProposal> configured, uint ourSpi, KeyExchangeMethod? group) =>
        [.. configured.Select((proposal, index) => proposal.ToProposal(checked((byte)(index + 1)), ourSpi, group))];

    /// <summary>Checks the response to our IKE proposals: one proposal, one transform of each type, all of them offered.</summary>
    public static bool TryAcceptIke(
        IReadOnlyList<IkeProposal> offered,
        IReadOnlyList<Proposal> response,
        [NotNullWhen(true)] out IkeSuite? suite)
    {
        suite = null;
        return IsSingleChoice(response, offered.Count) && TryMatch(offered[response[0].Number - 1], response[0], keGroup: null, out suite);
    }

    /// <summary>Checks the response to our ESP proposals: one proposal, one transform of each type, all of them offered.</summary>
    /// <param name="offered">What <see cref="ToProposals(IReadOnlyList{EspProposal}, uint, KeyExchangeMethod?)"/> was given.</param>
    /// <param name="response">Proposals of the response.</param>
    /// <param name="group">Group that was offered, null without PFS.</param>
    /// <param name="suite">The peer's choice.</param>
    public static bool TryAcceptEsp(
        IReadOnlyList<EspProposal> offered,
        IReadOnlyList<Proposal> response,
        KeyExchangeMethod? group,
        [NotNullWhen(true)] out EspSuite? suite)
    {
        suite = null;
        return IsSingleChoice(response, offered.Count)
            && TryMatch(offered[response[0].Number - 1], response[0], group is null ? PfsPolicy.Disabled : PfsPolicy.Required, group?.Id, out suite)
            && suite.KeyExchange?.Id == group?.Id;
    }

    private static bool TryMatch(IkeProposal ours, Proposal theirs, ushort? keGroup, [NotNullWhen(true)] out IkeSuite? suite)
    {
        suite = null;
        if (theirs.Protocol != ProtocolId.Ike || theirs.Spi.Length is not (0 or IkeSpiOctets))
            return false;

        var offer = new TransformOffer(theirs);
        if (!offer.AreTypesKnown(TransformType.Prf)
            || !TryCipher(offer, ours.Encryption, ours.Integrity, out var encryption, out var integrity)
            || ours.Prf.FirstOrDefault(p => offer.Has(p.ToTransform())) is not { } prf
            || Group(offer, ours.KeyExchange, keGroup) is not { } group)
        {
            return false;
        }

        suite = new IkeSuite(theirs.Number, encryption, integrity, prf, group, theirs.Spi)
        {
            NoneTransforms = offer.Nones(withoutIntegrity: encryption.IsAead, withoutGroup: false, withoutEsn: false),
        };
        return true;
    }

    private static bool TryMatch(EspProposal ours, Proposal theirs, PfsPolicy pfs, ushort? keGroup, [NotNullWhen(true)] out EspSuite? suite)
    {
        suite = null;
        if (theirs.Protocol != ProtocolId.Esp || theirs.Spi.Length != EspSpiOctets)
            return false;

        // A proposal without any ESN transform is taken as one without ESN, although RFC 7296 3.3.3 requires the transform.
        var offer = new TransformOffer(theirs);
        if (!offer.AreTypesKnown(TransformType.Esn)
            || !TryCipher(offer, ours.Encryption, ours.Integrity, out var encryption, out var integrity))
        {
            return false;
        }

        var extended = new Transform(TransformType.Esn, TransformIds.Esn.Yes);
        var acceptable = ours.Esn.Where(e => e ? offer.Has(extended) : offer.AllowsNone(TransformType.Esn)).Take(1).ToArray();
        if (acceptable is not [var esn])
            return false;
        var withoutGroup = pfs == PfsPolicy.Disabled || (pfs == PfsPolicy.Optional && keGroup is null);
        var group = withoutGroup ? null : Group(offer, ours.KeyExchange.Count > 0 ? ours.KeyExchange : s_anyGroup, keGroup);
        if (group is null && !withoutGroup && !(pfs == PfsPolicy.Optional && offer.AllowsNone(TransformType.KeyExchange)))
            return false;

        suite = new EspSuite(theirs.Number, encryption, integrity, group, esn, BinaryPrimitives.ReadUInt32BigEndian(theirs.Spi.Span))
        {
            NoneTransforms = offer.Nones(withoutIntegrity: encryption.IsAead, withoutGroup: group is null, withoutEsn: !esn),
        };
        return true;
    }

    private static bool TryCipher(
        TransformOffer offer,
        IReadOnlyList<EncryptionAlgorithm> encryptions,
        IReadOnlyList<IntegrityAlgorithm> integrities,
        [NotNullWhen(true)] out EncryptionAlgorithm? encryption,
        out IntegrityAlgorithm? integrity)
    {
        // RFC 7296 3.3: an AEAD goes with no integrity transform or with NONE; beside a real one it is not a valid offer.
        encryption = encryptions.FirstOrDefault(e => offer.Has(e.ToTransform()) && (!e.IsAead || offer.AllowsNone(TransformType.Integrity)));
        integrity = encryption is { IsAead: false } ? integrities.FirstOrDefault(i => offer.Has(i.ToTransform())) : null;
        return encryption is not null && (encryption.IsAead || integrity is not null);
    }

    private static KeyExchangeMethod? Group(TransformOffer offer, IReadOnlyList<KeyExchangeMethod> groups, ushort? preferred) =>
        groups.FirstOrDefault(g => g.Id == preferred && offer.Has(g.ToTransform())) ?? groups.FirstOrDefault(g => offer.Has(g.ToTransform()));

    // RFC 7296 3.3.6: "The initiator of an exchange MUST check that the accepted offer is consistent with one of its proposals"
    private static bool IsSingleChoice(IReadOnlyList<Proposal> response, int offered) =>
        response.Count == 1
        && response[0].Number >= 1
        && response[0].Number <= offered
        && response[0].Transforms.DistinctBy(t => t.Type).Count() == response[0].Transforms.Count;
}
