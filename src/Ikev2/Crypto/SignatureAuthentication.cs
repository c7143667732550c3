using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>AUTH payloads made with certificates: methods 1 (RFC 7296 2.15), 9 to 11 (RFC 4754) and 14 (RFC 7427).</summary>
public static class SignatureAuthentication
{
    private const int SmallestRsaBits = 2048;
    private const int SmallestRsaExponentOctets = 3;

    private static readonly ConditionalWeakTable<AsymmetricAlgorithm, StrongBox<string?>> s_weakKeys = [];
    private static readonly ConditionalWeakTable<ECDsa, StrongBox<string?>> s_curveOids = [];

    private static readonly (string Oid, AuthenticationMethod Method, HashAlgorithmName Hash)[] s_curves =
    [
        ("1.2.840.10045.3.1.7", AuthenticationMethod.EcdsaP256, HashAlgorithmName.SHA256),
        ("1.3.132.0.34", AuthenticationMethod.EcdsaP384, HashAlgorithmName.SHA384),
        ("1.3.132.0.35", AuthenticationMethod.EcdsaP521, HashAlgorithmName.SHA512),
    ];

    /// <summary>Hash numbers for our SIGNATURE_HASH_ALGORITHMS notification: SHA2-256, SHA2-384, SHA2-512, and Identity for Ed25519.</summary>
    public static IReadOnlySet<ushort> SupportedHashes { get; } = SignatureHash.All.Select(h => h.Id).Append(Ed25519Signature.IdentityHash).ToHashSet();

    /// <summary>Chooses how to sign with a key.</summary>
    /// <param name="key">RSA or ECDSA key, public or private.</param>
    /// <param name="peerHashAlgorithms">Numbers of the peer's SIGNATURE_HASH_ALGORITHMS; null when it sent none.</param>
    /// <param name="rsaPss">RSASSA-PSS in place of PKCS#1 v1.5 where method 14 is possible.</param>
    /// <param name="rsaHash">Hash of method 1; null = SHA-1.</param>
    /// <returns>Null when the key cannot sign in a way that is known here.</returns>
    public static SignatureScheme? Choose(AsymmetricAlgorithm key, IReadOnlyCollection<ushort>? peerHashAlgorithms, bool rsaPss = false, HashAlgorithmName? rsaHash = null)
    {
        var kind = key is ECDsa ? SignatureKind.Ecdsa : rsaPss ? SignatureKind.RsaPss : SignatureKind.RsaPkcs1;
        if (key is not RSA && !TryFindCurve(key, out _))
            return null;

        if (peerHashAlgorithms is not null && PreferredHash(key, peerHashAlgorithms) is { } hash)
            return new SignatureScheme(AuthenticationMethod.DigitalSignature, hash.Name, kind, SignatureAlgorithmCodec.Encoded(kind, hash));

        // RFC 7296 2.15: method 1 "SHOULD use SHA-1 as the default hash function"; the peer has said nothing that allows more.
        return TryFindCurve(key, out var curve)
            ? new SignatureScheme(curve.Method, curve.Hash, SignatureKind.Ecdsa, default)
            : new SignatureScheme(AuthenticationMethod.RsaSignature, rsaHash ?? HashAlgorithmName.SHA1, SignatureKind.RsaPkcs1, default);
    }

    /// <inheritdoc cref="Choose(AsymmetricAlgorithm, IReadOnlyCollection{ushort}?, bool, HashAlgorithmName?)"/>
    public static SignatureScheme? Choose(X509Certificate2 certificate, IReadOnlyCollection<ushort>? peerHashAlgorithms, bool rsaPss = false)
    {
        using var key = PublicKeyOf(certificate);
        return key is null ? null : Choose(key, peerHashAlgorithms, rsaPss);
    }

    /// <summary>The AUTH payload's Authentication Data.</summary>
    /// <exception cref="CryptographicException">The key cannot sign.</exception>
    public static byte[] Sign(SignatureScheme scheme, AsymmetricAlgorithm privateKey, ReadOnlySpan<byte> octets)
    {
        var isDigitalSignature = scheme.Method == AuthenticationMethod.DigitalSignature;
        var signature = privateKey switch
        {
            RSA rsa => rsa.SignData(octets, scheme.Hash, Padding(scheme.Kind)),
            ECDsa ecdsa => ecdsa.SignData(octets, scheme.Hash, Format(isDigitalSignature)),
            _ => throw new CryptographicException($"cannot sign with {privateKey.GetType().Name}"),
        };
        if (!isDigitalSignature)
            return signature;

        // RFC 7427 3: one octet of length, the AlgorithmIdentifier, the signature.
        return [checked((byte)scheme.AlgorithmIdentifier.Length), .. scheme.AlgorithmIdentifier.Span, .. signature];
    }

    /// <summary>Verifies a peer's AUTH payload against the key of its certificate, whose chain is somebody else's matter.</summary>
    /// <param name="method">Method of the payload.</param>
    /// <param name="authValue">Authentication Data.</param>
    /// <param name="certificate">End-entity certificate of the peer.</param>
    /// <param name="octets">Result of <see cref="AuthenticationOctets"/>.</param>
    /// <param name="acceptedHashes">Hash numbers that we announced.</param>
    /// <param name="reason">Why not, for the log only.</param>
    public static bool Verify(
        AuthenticationMethod method,
        ReadOnlySpan<byte> authValue,
        X509Certificate2 certificate,
        ReadOnlySpan<byte> octets,
        IReadOnlySet<ushort> acceptedHashes,
        [NotNullWhen(false)] out string? reason)
    {
        if (Ed25519Signature.TryReadKey(certificate, out var edwards))
        {
            reason = method == AuthenticationMethod.DigitalSignature
                ? Ed25519Signature.Verify(authValue, edwards, octets, acceptedHashes)
                : $"{method} does not fit the certificate's key";
            return reason is null;
        }

        using var key = PublicKeyOf(certificate);
        if (key is not null)
            return Verify(method, authValue, key, octets, acceptedHashes, out reason);

        reason = "the certificate's key is neither RSA, ECDSA nor Ed25519";
        return false;
    }

    /// <inheritdoc cref="Verify(AuthenticationMethod, ReadOnlySpan{byte}, X509Certificate2, ReadOnlySpan{byte}, IReadOnlySet{ushort}, out string?)"/>
    public static bool Verify(
        AuthenticationMethod method,
        ReadOnlySpan<byte> authValue,
        AsymmetricAlgorithm key,
        ReadOnlySpan<byte> octets,
        IReadOnlySet<ushort> acceptedHashes,
        [NotNullWhen(false)] out string? reason)
    {
        reason = method == AuthenticationMethod.DigitalSignature ? VerifyDigitalSignature(authValue, key, octets, acceptedHashes)
            : method == AuthenticationMethod.RsaSignature ? VerifyRsaSignature(authValue, key, octets)
            : VerifyEcdsaSignature(method, authValue, key, octets);
        return reason is null;
    }

    private static string? VerifyDigitalSignature(ReadOnlySpan<byte> value, AsymmetricAlgorithm key, ReadOnlySpan<byte> octets, IReadOnlySet<ushort> accepted)
    {
        if (value.Length < 1 || value.Length <= 1 + value[0])
            return "the AUTH payload is too short for its AlgorithmIdentifier and a signature";
        if (!SignatureAlgorithmCodec.TryDecode(value.Slice(1, value[0]).ToArray(), out var kind, out var hash))
            return "the signature's AlgorithmIdentifier is not DER or not of an accepted algorithm (SHA-1 is not)";
        if (!accepted.Contains(hash.Id))
            return $"the signature uses {hash.Name}, which was not offered";

        var signature = value[(1 + value[0])..];
        return (key, kind) switch
        {
            (ECDsa ecdsa, SignatureKind.Ecdsa) => WeakKey(key) ?? Verdict(
                SignatureAlgorithmCodec.TryDecodeEcdsa(signature.ToArray(), (key.KeySize + 7) / 8, out var fixedLength)
                && ecdsa.VerifyData(octets, fixedLength, hash.Name, Format(isDigitalSignature: false))),
            (RSA rsa, not SignatureKind.Ecdsa) => WeakKey(key) ?? Verdict(rsa.VerifyData(octets, signature, hash.Name, Padding(kind))),
            _ => "the signature's algorithm does not fit the certificate's key",
        };
    }

    // RFC 7296 2.15 leaves the hash of method 1 open, as PKCS#1 names it inside; clients without RFC 7427 use SHA-1.
    private static string? VerifyRsaSignature(ReadOnlySpan<byte> signature, AsymmetricAlgorithm key, ReadOnlySpan<byte> octets)
    {
        if (key is not RSA rsa)
            return "an RSA signature with a certificate whose key is not RSA";
        if (WeakKey(key) is { } weak)
            return weak;

        foreach (var hash in (ReadOnlySpan<HashAlgorithmName>)[HashAlgorithmName.SHA1, .. SignatureHash.All.Select(h => h.Name)])
        {
            if (rsa.VerifyData(octets, signature, hash, RSASignaturePadding.Pkcs1))
                return null;
        }

        return Verdict(verified: false);
    }

    private static string? VerifyEcdsaSignature(AuthenticationMethod method, ReadOnlySpan<byte> signature, AsymmetricAlgorithm key, ReadOnlySpan<byte> octets)
    {
        if (!s_curves.Any(c => c.Method == method))
            return $"{method} is not a signature method that is known here";
        if (key is not ECDsa ecdsa || !TryFindCurve(key, out var curve) || curve.Method != method)
            return $"{method} does not fit the certificate's key";
        return Verdict(ecdsa.VerifyData(octets, signature, curve.Hash, Format(isDigitalSignature: false)));
    }

    private static string? Verdict(bool verified) => verified ? null : "the signature does not verify";

    /// <summary>Reading a key's parameters costs OpenSSL an encoding each time; the verdict is kept as long as the key.</summary>
    private static string? WeakKey(AsymmetricAlgorithm key) => s_weakKeys.GetValue(key, static k => new StrongBox<string?>(JudgeKey(k))).Value;

    private static string? JudgeKey(AsymmetricAlgorithm key)
    {
        if (key is not RSA rsa)
            return TryFindCurve(key, out _) ? null : "the certificate's curve is not P-256, P-384 or P-521";
        if (rsa.KeySize < SmallestRsaBits)
            return $"the certificate's RSA key has {rsa.KeySize} bits, fewer than {SmallestRsaBits}";

        // Exponents of one or two octets (3, 17) are refused: they invite forgeries, and nobody issues them. 65537 has three.
        return rsa.ExportParameters(includePrivateParameters: false).Exponent is { Length: < SmallestRsaExponentOctets }
            ? "the certificate's RSA exponent is too small"
            : null;
    }

    // The hash that matches the key's strength first, then stronger ones, then the rest.
    private static SignatureHash? PreferredHash(AsymmetricAlgorithm key, IReadOnlyCollection<ushort> accepted)
    {
        var matching = key switch
        {
            ECDsa => key.KeySize <= 256 ? 256 : key.KeySize <= 384 ? 384 : 512,
            _ => key.KeySize < 7680 ? 256 : 384,
        };
        SignatureHash? best = null;
        foreach (var hash in SignatureHash.All)
        {
            if (accepted.Contains(hash.Id) && (best is null || Rank(hash).CompareTo(Rank(best)) < 0))
                best = hash;
        }

        return best;

        (bool IsWeaker, int Octets) Rank(SignatureHash hash) => (hash.Octets * 8 < matching, hash.Octets);
    }

    private static bool TryFindCurve(AsymmetricAlgorithm key, out (string Oid, AuthenticationMethod Method, HashAlgorithmName Hash) curve)
    {
        curve = default;
        if (key is not ECDsa ecdsa)
            return false;

        var oid = s_curveOids.GetValue(ecdsa, static k => new StrongBox<string?>(CurveOid(k))).Value;
        curve = Array.Find(s_curves, c => c.Oid == oid);
        return curve.Oid is not null;
    }

    private static string? CurveOid(ECDsa key)
    {
        var curve = key.ExportParameters(includePrivateParameters: false).Curve;
        return curve.IsNamed ? curve.Oid.Value : null;
    }

    private static AsymmetricAlgorithm? PublicKeyOf(X509Certificate2 certificate) =>
        certificate.GetRSAPublicKey() ?? (AsymmetricAlgorithm?)certificate.GetECDsaPublicKey();

    private static RSASignaturePadding Padding(SignatureKind kind) => kind == SignatureKind.RsaPss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;

    private static DSASignatureFormat Format(bool isDigitalSignature) =>
        isDigitalSignature ? DSASignatureFormat.Rfc3279DerSequence : DSASignatureFormat.IeeeP1363FixedFieldConcatenation;
}
