namespace Headend.Ikev2.Crypto;

/// <summary>One row of the encryption transforms (transform type 1, RFC 7296 3.3.2).</summary>
/// <param name="Id">IANA transform identifier.</param>
/// <param name="KeyBits">Value of the Key Length attribute in bits; 0 where the attribute is not sent (fixed-length keys).</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="IsAead">True when the algorithm authenticates by itself (RFC 5282) and no integrity transform belongs to it.</param>
/// <param name="KeyOctets">Octets of the key without salt.</param>
/// <param name="SaltOctets">Octets of salt taken from the keying material after the key.</param>
/// <param name="IvOctets">Octets of the explicit IV in each message.</param>
/// <param name="IcvOctets">Octets of the tag of an AEAD, 0 otherwise.</param>
/// <param name="BlockOctets">Multiple to which an IKE plaintext is padded; 1 means no padding is needed.</param>
public sealed record EncryptionAlgorithm(
    ushort Id,
    ushort KeyBits,
    string Keyword,
    bool IsAead,
    int KeyOctets,
    int SaltOctets,
    int IvOctets,
    int IcvOctets,
    int BlockOctets)
{
    /// <summary>Octets taken from the keying material: key and salt.</summary>
    public int KeyMaterialOctets => KeyOctets + SaltOctets;

    public override string ToString() => Keyword;
}
