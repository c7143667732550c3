using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>The transforms of one received proposal, looked at by type.</summary>
internal readonly struct TransformOffer(Proposal proposal)
{
    private readonly IReadOnlyList<Transform> _transforms = proposal.Transforms;

    /// <summary>
    /// RFC 7296 3.3.6: a proposal with a transform type that is not understood is not acceptable. An additional key exchange
    /// (RFC 9370 2.2.1) is understood as far as NONE is among its transforms.
    /// </summary>
    /// <param name="special">The type that only this protocol has: PRF for IKE, ESN for ESP.</param>
    public bool AreTypesKnown(TransformType special)
    {
        foreach (var transform in _transforms)
        {
            var type = transform.Type;
            var known = type == TransformType.Encryption || type == TransformType.Integrity || type == TransformType.KeyExchange || type == special;
            if (!known && !(IsAdditionalKeyExchange(type) && AllowsNone(type)))
                return false;
        }

        return true;
    }

    /// <summary>True when exactly this transform is offered: same key length, no attribute that is not understood.</summary>
    public bool Has(Transform wanted)
    {
        foreach (var transform in _transforms)
        {
            if (transform == wanted)
                return true;
        }

        return false;
    }

    /// <summary>True when the type is not offered at all or offers identifier 0.</summary>
    public bool AllowsNone(TransformType type) => !Offers(type) || Has(new Transform(type, 0));

    /// <summary>The offered transforms "none" of those types for which none is chosen.</summary>
    public Transform[] Nones(bool withoutIntegrity, bool withoutGroup, bool withoutEsn)
    {
        var nones = new List<Transform>();
        foreach (var transform in _transforms)
        {
            var type = transform.Type;
            var wanted = type == TransformType.Integrity ? withoutIntegrity
                : type == TransformType.KeyExchange ? withoutGroup
                : type == TransformType.Esn ? withoutEsn
                : IsAdditionalKeyExchange(type);
            if (wanted && transform == new Transform(type, 0) && !nones.Contains(transform))
                nones.Add(transform);
        }

        return [.. nones];
    }

    private bool Offers(TransformType type)
    {
        foreach (var transform in _transforms)
        {
            if (transform.Type == type)
                return true;
        }

        return false;
    }

    private static bool IsAdditionalKeyExchange(TransformType type) =>
        type.Value >= TransformType.AdditionalKeyExchange1.Value && type.Value <= TransformType.AdditionalKeyExchange7.Value;
}
