using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Pki.Verification;

/// <summary>How the owner of a certificate proves that it has the key.</summary>
internal abstract record CertificateProof
{
    /// <summary>Null when the proof is by this certificate's key, else why not.</summary>
    public abstract string? WhyNotBy(X509Certificate2 certificate);

    /// <summary>Authentication Data of an AUTH payload: methods 1, 9 to 11 and 14.</summary>
    public sealed record AuthPayload(AuthenticationMethod Method, ReadOnlyMemory<byte> Value, byte[] Octets) : CertificateProof
    {
        public override string? WhyNotBy(X509Certificate2 certificate) =>
            SignatureAuthentication.Verify(Method, Value.Span, certificate, Octets, SignatureAuthentication.SupportedHashes, out var reason) ? null : reason;
    }

    /// <summary>A signature whose hash is known from elsewhere: RSA PKCS#1 v1.5, or ECDSA in DER, by the kind of the key.</summary>
    /// <param name="Hash">SHA-256, SHA-384 or SHA-512.</param>
    /// <param name="Value">The signature alone.</param>
    /// <param name="Octets">What it covers.</param>
    public sealed record Plain(HashAlgorithmName Hash, ReadOnlyMemory<byte> Value, byte[] Octets) : CertificateProof
    {
        private static readonly ushort[] Hashes = [2, 3, 4];
        private static readonly HashAlgorithmName[] Names = [HashAlgorithmName.SHA256, HashAlgorithmName.SHA384, HashAlgorithmName.SHA512];

        public override string? WhyNotBy(X509Certificate2 certificate)
        {
            var at = Array.IndexOf(Names, Hash);
            if (at < 0 || SignatureAuthentication.Choose(certificate, [Hashes[at]]) is not { Method: var method, AlgorithmIdentifier: var algorithm }
                || method != AuthenticationMethod.DigitalSignature)
                return $"no signature of this key by {Hash.Name} is known here";
            byte[] value = [(byte)algorithm.Length, .. algorithm.Span, .. Value.Span];
            return SignatureAuthentication.Verify(method, value, certificate, Octets, SignatureAuthentication.SupportedHashes, out var reason) ? null : reason;
        }
    }
}
