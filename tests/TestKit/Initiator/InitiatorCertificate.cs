using System.Security.Cryptography;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.TestKit.Initiator;

/// <summary>How an initiator signs its AUTH payload.</summary>
public enum InitiatorSignature
{
    /// <summary>Method 14 (RFC 7427), RSA with PKCS#1 v1.5, or ECDSA.</summary>
    Digital,

    /// <summary>Method 14 with RSASSA-PSS.</summary>
    DigitalPss,

    /// <summary>Methods 1 (with SHA-1) and 9 to 11.</summary>
    Old,
}

/// <summary>What an initiator proves itself with by certificate.</summary>
/// <param name="Chain">DER, sent as they stand: the leaf first.</param>
/// <param name="Sign">Makes the AUTH payload of the octets that it covers.</param>
public sealed record InitiatorCertificate(IReadOnlyList<ReadOnlyMemory<byte>> Chain, Func<byte[], AuthenticationPayload> Sign)
{
    /// <summary>Encoding of all CERT payloads.</summary>
    public CertificateEncoding Encoding { get; init; } = CertificateEncoding.X509Signature;

    public static InitiatorCertificate With(IReadOnlyList<ReadOnlyMemory<byte>> chain, AsymmetricAlgorithm key, InitiatorSignature signature = InitiatorSignature.Digital)
    {
        var scheme = SignatureAuthentication.Choose(key, signature == InitiatorSignature.Old ? null : [2, 3, 4], signature == InitiatorSignature.DigitalPss)!;
        return new InitiatorCertificate(chain, octets => new AuthenticationPayload(scheme.Method, SignatureAuthentication.Sign(scheme, key, octets)));
    }

    /// <summary>Method 14 with Ed25519 (RFC 8420).</summary>
    public static InitiatorCertificate With(IReadOnlyList<ReadOnlyMemory<byte>> chain, Pki.Ed25519Key key) => new(
        chain, octets => new AuthenticationPayload(AuthenticationMethod.DigitalSignature, (byte[])[7, .. Pki.Ed25519Key.AlgorithmIdentifier, .. key.Sign(octets)]));
}
