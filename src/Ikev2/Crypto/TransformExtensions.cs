using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>Rows of the algorithm table as transforms on the wire.</summary>
internal static class TransformExtensions
{
    public static Transform ToTransform(this EncryptionAlgorithm algorithm) => new(TransformType.Encryption, algorithm.Id, algorithm.KeyBits);

    public static Transform ToTransform(this IntegrityAlgorithm algorithm) => new(TransformType.Integrity, algorithm.Id);

    public static Transform ToTransform(this PrfAlgorithm algorithm) => new(TransformType.Prf, algorithm.Id);

    public static Transform ToTransform(this KeyExchangeMethod method) => new(TransformType.KeyExchange, method.Id);
}
