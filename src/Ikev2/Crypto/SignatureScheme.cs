using System.Security.Cryptography;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>How an AUTH payload is signed.</summary>
/// <param name="Method">Authentication method of the AUTH payload.</param>
/// <param name="Hash">Hash over the signed octets.</param>
/// <param name="Kind">Signature algorithm and its padding.</param>
/// <param name="AlgorithmIdentifier">DER that goes before the signature with method 14 (RFC 7427 3), empty with the others.</param>
public sealed record SignatureScheme(
    AuthenticationMethod Method,
    HashAlgorithmName Hash,
    SignatureKind Kind,
    ReadOnlyMemory<byte> AlgorithmIdentifier)
{
    public override string ToString() => $"{Kind} {Hash.Name} ({Method})";
}

/// <summary>Signature algorithms of RFC 7427.</summary>
public enum SignatureKind
{
    /// <summary>RSASSA-PKCS1-v1_5.</summary>
    RsaPkcs1,

    /// <summary>RSASSA-PSS, MGF1 with the same hash, salt as long as the hash.</summary>
    RsaPss,

    /// <summary>ECDSA over P-256, P-384 or P-521.</summary>
    Ecdsa,
}
