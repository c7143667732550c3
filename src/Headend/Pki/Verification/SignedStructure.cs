using System.Diagnostics.CodeAnalysis;
using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Crypto;
using Headend.Ikev2.Wire;

namespace Headend.Pki.Verification;

/// <summary>What certificates, revocation lists and OCSP answers have in common: contents, AlgorithmIdentifier, signature (RFC 5280 4.1.1, 5.1.1; RFC 6960 4.2.1).</summary>
/// <param name="Contents">DER of what is signed.</param>
/// <param name="Algorithm">DER of the AlgorithmIdentifier.</param>
/// <param name="Signature">Octets of the BIT STRING.</param>
internal sealed record SignedStructure(ReadOnlyMemory<byte> Contents, ReadOnlyMemory<byte> Algorithm, ReadOnlyMemory<byte> Signature)
{
    /// <summary>Reads the three parts, and leaves the reader behind them, inside of the sequence.</summary>
    /// <exception cref="AsnContentException">It is something else.</exception>
    public static SignedStructure Read(AsnReader sequence)
    {
        var contents = sequence.ReadEncodedValue();
        var algorithm = sequence.ReadEncodedValue();
        var signature = sequence.ReadBitString(out var unused);
        return unused == 0 ? new SignedStructure(contents, algorithm, signature) : throw new AsnContentException();
    }

    /// <summary>False for what is no such structure, or is followed by more.</summary>
    public static bool TryRead(ReadOnlyMemory<byte> der, [NotNullWhen(true)] out SignedStructure? structure)
    {
        structure = null;
        try
        {
            var outer = new AsnReader(der, AsnEncodingRules.DER);
            var sequence = outer.ReadSequence();
            outer.ThrowIfNotEmpty();
            structure = Read(sequence);
            sequence.ThrowIfNotEmpty();
            return true;
        }
        catch (AsnContentException)
        {
            structure = null;
            return false;
        }
    }

    /// <summary>
    /// Null when it is signed by the certificate's key, else why not. The floors of signatures in IKE hold here too: RSA from 2048 bits without small exponents,
    /// the NIST curves or Ed25519, and never SHA-1 or MD5.
    /// </summary>
    public string? WhyNotBy(X509Certificate2 signer)
    {
        if (Algorithm.Length > byte.MaxValue)
            return "its signature algorithm is not known";

        // RFC 7427 3 puts both in front of each other in the same encoding.
        byte[] value = [(byte)Algorithm.Length, .. Algorithm.Span, .. Signature.Span];
        return SignatureAuthentication.Verify(
            AuthenticationMethod.DigitalSignature, value, signer, Contents.Span, SignatureAuthentication.SupportedHashes, out var reason) ? null : reason;
    }
}
