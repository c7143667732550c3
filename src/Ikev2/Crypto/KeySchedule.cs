using System.Buffers.Binary;
using System.Security.Cryptography;
using Headend.Ikev2.Wire;

namespace Headend.Ikev2.Crypto;

/// <summary>Derivation of all keys (RFC 7296 2.13, 2.14, 2.17, 2.18), for PRFs with keys of any length.</summary>
public static class KeySchedule
{
    /// <summary>Keys of an IKE SA made by IKE_SA_INIT.</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="suite">Chosen algorithms.</param>
    /// <param name="ni">Nonce of the initiator, without payload header.</param>
    /// <param name="nr">Nonce of the responder.</param>
    /// <param name="sharedSecret">g^ir.</param>
    /// <param name="spiI">SPI of the initiator.</param>
    /// <param name="spiR">SPI of the responder.</param>
    public static IkeKeys DeriveInitial(
        ICryptoProvider provider,
        IkeSuite suite,
        ReadOnlySpan<byte> ni,
        ReadOnlySpan<byte> nr,
        ReadOnlySpan<byte> sharedSecret,
        IkeSpi spiI,
        IkeSpi spiR)
    {
        // RFC 7296 2.14: "SKEYSEED = prf(Ni | Nr, g^ir)"
        Span<byte> skeyseed = stackalloc byte[suite.Prf.KeyOctets];
        var taken = suite.Prf.SeedNonceOctets ?? int.MaxValue;
        using (var prf = provider.CreatePrf(suite.Prf, Concatenate(ni[..Math.Min(taken, ni.Length)], nr[..Math.Min(taken, nr.Length)])))
            prf.Compute(sharedSecret, skeyseed);
        var keys = Expand(provider, suite, skeyseed, ni, nr, spiI, spiR);
        CryptographicOperations.ZeroMemory(skeyseed);
        return keys;
    }

    /// <summary>Keys of an IKE SA that replaces another.</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="newSuite">Algorithms of the new SA.</param>
    /// <param name="oldPrf">PRF of the SA that is replaced.</param>
    /// <param name="oldSkD">SK_d of the SA that is replaced.</param>
    /// <param name="sharedSecret">New g^ir.</param>
    /// <param name="ni">Nonce of the initiator of the rekey.</param>
    /// <param name="nr">Nonce of its responder.</param>
    /// <param name="spiI">New SPI of the initiator of the rekey.</param>
    /// <param name="spiR">New SPI of its responder.</param>
    public static IkeKeys DeriveRekey(
        ICryptoProvider provider,
        IkeSuite newSuite,
        PrfAlgorithm oldPrf,
        ReadOnlySpan<byte> oldSkD,
        ReadOnlySpan<byte> sharedSecret,
        ReadOnlySpan<byte> ni,
        ReadOnlySpan<byte> nr,
        IkeSpi spiI,
        IkeSpi spiR)
    {
        // RFC 7296 2.18: "SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr)", with the PRF of the old SA.
        Span<byte> skeyseed = stackalloc byte[oldPrf.KeyOctets];
        using (var prf = provider.CreatePrf(oldPrf, oldSkD))
        {
            prf.Append(sharedSecret);
            prf.Append(ni);
            prf.Append(nr);
            prf.Finish(skeyseed);
        }

        var keys = Expand(provider, newSuite, skeyseed, ni, nr, spiI, spiR);
        CryptographicOperations.ZeroMemory(skeyseed);
        return keys;
    }

    /// <summary>Keys of an IKE SA that goes on from a ticket (RFC 5723 5.1): without a new Diffie-Hellman, so that whoever has the old SK_d has these too.</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="suite">Algorithms of the old SA, which are those of the new one.</param>
    /// <param name="oldSkD">SK_d of the old SA, out of the ticket.</param>
    /// <param name="ni">Nonce of the initiator in IKE_SESSION_RESUME.</param>
    /// <param name="nr">Nonce of the responder.</param>
    /// <param name="spiI">New SPI of the initiator.</param>
    /// <param name="spiR">New SPI of the responder.</param>
    public static IkeKeys DeriveResumed(
        ICryptoProvider provider, IkeSuite suite, ReadOnlySpan<byte> oldSkD, ReadOnlySpan<byte> ni, ReadOnlySpan<byte> nr, IkeSpi spiI, IkeSpi spiR)
    {
        // RFC 5723 5.1: SKEYSEED = prf(SK_d_old, "Resumption" | Ni | Nr), the text as 10 octets of ASCII.
        Span<byte> skeyseed = stackalloc byte[suite.Prf.KeyOctets];
        using (var prf = provider.CreatePrf(suite.Prf, oldSkD))
        {
            prf.Append("Resumption"u8);
            prf.Append(ni);
            prf.Append(nr);
            prf.Finish(skeyseed);
        }

        var keys = Expand(provider, suite, skeyseed, ni, nr, spiI, spiR);
        CryptographicOperations.ZeroMemory(skeyseed);
        return keys;
    }

    /// <summary>Keys of a CHILD_SA.</summary>
    /// <param name="provider">Cryptography.</param>
    /// <param name="prf">PRF of the IKE SA.</param>
    /// <param name="skD">SK_d of the IKE SA.</param>
    /// <param name="sharedSecretOrEmpty">g^ir of the exchange, empty without PFS and in IKE_AUTH.</param>
    /// <param name="ni">Nonce of the exchange's initiator; in IKE_AUTH that of IKE_SA_INIT.</param>
    /// <param name="nr">Nonce of its responder.</param>
    /// <param name="suite">Chosen algorithms.</param>
    public static ChildKeys DeriveChild(
        ICryptoProvider provider,
        PrfAlgorithm prf,
        ReadOnlySpan<byte> skD,
        ReadOnlySpan<byte> sharedSecretOrEmpty,
        ReadOnlySpan<byte> ni,
        ReadOnlySpan<byte> nr,
        EspSuite suite)
    {
        var encryption = suite.Encryption.KeyMaterialOctets;
        var integrity = suite.Integrity?.KeyOctets ?? 0;
        var material = new byte[2 * (encryption + integrity)];
        var seed = Concatenate(sharedSecretOrEmpty, ni, nr);
        using (var keyed = provider.CreatePrf(prf, skD))
            PrfPlus.Expand(keyed, seed, material);
        CryptographicOperations.ZeroMemory(seed);

        // RFC 7296 2.17: initiator to responder first; the encryption key before the integrity key.
        var rest = new Slicer(material);
        var keys = new ChildKeys
        {
            InitiatorEncryption = rest.Take(encryption),
            InitiatorIntegrity = rest.Take(integrity),
            ResponderEncryption = rest.Take(encryption),
            ResponderIntegrity = rest.Take(integrity),
        };
        CryptographicOperations.ZeroMemory(material);
        return keys;
    }

    private static IkeKeys Expand(
        ICryptoProvider provider,
        IkeSuite suite,
        ReadOnlySpan<byte> skeyseed,
        ReadOnlySpan<byte> ni,
        ReadOnlySpan<byte> nr,
        IkeSpi spiI,
        IkeSpi spiR)
    {
        Span<byte> spis = stackalloc byte[2 * sizeof(ulong)];
        BinaryPrimitives.WriteUInt64BigEndian(spis, spiI.Value);
        BinaryPrimitives.WriteUInt64BigEndian(spis[sizeof(ulong)..], spiR.Value);

        var prfKey = suite.Prf.KeyOctets;
        var integrity = suite.Integrity?.KeyOctets ?? 0;
        var encryption = suite.Encryption.KeyMaterialOctets;
        var material = new byte[(3 * prfKey) + (2 * (integrity + encryption))];
        using (var prf = provider.CreatePrf(suite.Prf, skeyseed))
            PrfPlus.Expand(prf, Concatenate(ni, nr, spis), material);

        // RFC 7296 2.14: "{SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)"
        var rest = new Slicer(material);
        var keys = new IkeKeys
        {
            SkD = rest.Take(prfKey),
            SkAi = rest.Take(integrity),
            SkAr = rest.Take(integrity),
            SkEi = rest.Take(encryption),
            SkEr = rest.Take(encryption),
            SkPi = rest.Take(prfKey),
            SkPr = rest.Take(prfKey),
        };
        CryptographicOperations.ZeroMemory(material);
        return keys;
    }

    private static byte[] Concatenate(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third = default)
    {
        var joined = new byte[first.Length + second.Length + third.Length];
        first.CopyTo(joined);
        second.CopyTo(joined.AsSpan(first.Length));
        third.CopyTo(joined.AsSpan(first.Length + second.Length));
        return joined;
    }

    private ref struct Slicer(ReadOnlySpan<byte> octets)
    {
        private ReadOnlySpan<byte> _rest = octets;

        public byte[] Take(int count)
        {
            var taken = _rest[..count].ToArray();
            _rest = _rest[count..];
            return taken;
        }
    }
}
