using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>The octets that an AUTH payload signs or authenticates (RFC 7296 2.15) and the value computed from a shared key.</summary>
public static class AuthenticationOctets
{
    /// <summary>InitiatorSignedOctets = RealMessage1 | NonceRData | prf(SK_pi, RestOfInitIDPayload).</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="prf">PRF of the IKE SA.</param>
    /// <param name="realMessage1">The last IKE_SA_INIT request as sent (with cookie and right KE), without non-ESP marker.</param>
    /// <param name="nr">Nonce of the responder.</param>
    /// <param name="skPi">SK_pi.</param>
    /// <param name="idBody">IDi payload without its generic header: type, reserved, identification.</param>
    public static byte[] ForInitiator(
        ICryptoProvider provider,
        PrfAlgorithm prf,
        ReadOnlySpan<byte> realMessage1,
        ReadOnlySpan<byte> nr,
        ReadOnlySpan<byte> skPi,
        ReadOnlySpan<byte> idBody) => Build(provider, prf, realMessage1, nr, skPi, idBody);

    /// <summary>ResponderSignedOctets = RealMessage2 | NonceIData | prf(SK_pr, RestOfRespIDPayload).</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="prf">PRF of the IKE SA.</param>
    /// <param name="realMessage2">The IKE_SA_INIT response as sent.</param>
    /// <param name="ni">Nonce of the initiator.</param>
    /// <param name="skPr">SK_pr.</param>
    /// <param name="idBody">IDr payload without its generic header.</param>
    public static byte[] ForResponder(
        ICryptoProvider provider,
        PrfAlgorithm prf,
        ReadOnlySpan<byte> realMessage2,
        ReadOnlySpan<byte> ni,
        ReadOnlySpan<byte> skPr,
        ReadOnlySpan<byte> idBody) => Build(provider, prf, realMessage2, ni, skPr, idBody);

    /// <summary>AUTH of method 2: prf(prf(secret, "Key Pad for IKEv2"), octets).</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="prf">PRF of the IKE SA.</param>
    /// <param name="secret">Pre-shared key, the EAP method's MSK, or SK_pi/SK_pr for an EAP method without a key (RFC 7296 2.16).</param>
    /// <param name="octets">Result of <see cref="ForInitiator"/> or <see cref="ForResponder"/>.</param>
    public static byte[] SharedKeyMac(ICryptoProvider provider, PrfAlgorithm prf, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> octets)
    {
        Span<byte> padded = stackalloc byte[prf.KeyOctets];
        using (var outer = provider.CreatePrf(prf, secret))
            outer.Compute("Key Pad for IKEv2"u8, padded);
        var mac = new byte[prf.KeyOctets];
        using (var inner = provider.CreatePrf(prf, padded))
            inner.Compute(octets, mac);
        CryptographicOperations.ZeroMemory(padded);
        return mac;
    }

    /// <summary>AUTH of a resumed IKE SA: prf(SK_px, octets), without the key pad of other shared keys (RFC 5723 4.3.3).</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="prf">PRF of the IKE SA.</param>
    /// <param name="skP">SK_pi of the new IKE SA for the initiator's AUTH, SK_pr for the responder's.</param>
    /// <param name="octets">Result of <see cref="ForInitiator"/> or <see cref="ForResponder"/> over the IKE_SESSION_RESUME messages.</param>
    public static byte[] ResumptionMac(ICryptoProvider provider, PrfAlgorithm prf, ReadOnlySpan<byte> skP, ReadOnlySpan<byte> octets)
    {
        var mac = new byte[prf.KeyOctets];
        using var keyed = provider.CreatePrf(prf, skP);
        keyed.Compute(octets, mac);
        return mac;
    }

    private static byte[] Build(
        ICryptoProvider provider,
        PrfAlgorithm prf,
        ReadOnlySpan<byte> message,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<byte> skP,
        ReadOnlySpan<byte> idBody)
    {
        var octets = new byte[message.Length + nonce.Length + prf.KeyOctets];
        message.CopyTo(octets);
        nonce.CopyTo(octets.AsSpan(message.Length));
        using var keyed = provider.CreatePrf(prf, skP);
        keyed.Compute(idBody, octets.AsSpan(message.Length + nonce.Length));
        return octets;
    }
}
