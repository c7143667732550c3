namespace Headend.Ikev2.Crypto;

/// <summary>How a cipher is run.</summary>
public enum EncryptionMode
{
    /// <summary>Random IV of one block; an integrity transform goes with it.</summary>
    Cbc,

    /// <summary>Salt, explicit IV and block counter (RFC 3686); an integrity transform goes with it.</summary>
    Ctr,

    /// <summary>An AEAD whose nonce is salt and explicit IV: GCM, ChaCha20-Poly1305.</summary>
    Aead,

    /// <summary>An AEAD that must know the length of the message before it begins (RFC 4309, RFC 5282).</summary>
    Ccm,
}

/// <summary>One row of the encryption transforms (transform type 1, RFC 7296 3.3.2).</summary>
/// <param name="Id">IANA transform identifier.</param>
/// <param name="KeyBits">Value of the Key Length attribute in bits; 0 where the attribute is not sent (fixed-length keys).</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="Mode">How it is run.</param>
/// <param name="CipherName">libcrypto's name of the cipher.</param>
/// <param name="KeyOctets">Octets of the key without salt.</param>
/// <param name="SaltOctets">Octets of salt taken from the keying material after the key.</param>
/// <param name="IvOctets">Octets of the explicit IV in each message.</param>
/// <param name="IcvOctets">Octets of the tag of an AEAD, 0 otherwise.</param>
/// <param name="BlockOctets">Multiple to which an IKE plaintext is padded; 1 means no padding is needed.</param>
public sealed record EncryptionAlgorithm(
    ushort Id,
    ushort KeyBits,
    string Keyword,
    EncryptionMode Mode,
    string CipherName,
    int KeyOctets,
    int SaltOctets,
    int IvOctets,
    int IcvOctets,
    int BlockOctets)
{
    /// <summary>True when the algorithm authenticates by itself (RFC 5282) and no integrity transform belongs to it.</summary>
    public bool IsAead => Mode is EncryptionMode.Aead or EncryptionMode.Ccm;

    /// <summary>Octets taken from the keying material: key and salt.</summary>
    public int KeyMaterialOctets => KeyOctets + SaltOctets;

    /// <summary>A second name accepted in configuration.</summary>
    public string? Alias { get; init; }

    /// <summary>For CHILD_SAs only.</summary>
    public bool IsEspOnly { get; init; }

    /// <summary>Too weak to be used unless the configuration allows it (RFC 8247 2.1).</summary>
    public bool IsLegacy { get; init; }

    public override string ToString() => Keyword;
}
