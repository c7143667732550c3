namespace Headend.VirtualAccess.DataPlane;

/// <summary>How an ESP transform is computed.</summary>
internal enum EspConstruction
{
    /// <summary>An AEAD cipher with a salt and an 8-octet explicit IV (RFC 4106, RFC 7634).</summary>
    Aead,

    /// <summary>The same, of a cipher that must know the length of the message first (RFC 4309).</summary>
    Ccm,

    /// <summary>GMAC: everything is authenticated, nothing encrypted (RFC 4543).</summary>
    Gmac,

    /// <summary>A CBC cipher with a random IV, then a MAC over the whole packet (RFC 3602, RFC 2451).</summary>
    CbcThenMac,

    /// <summary>AES in counter mode, then a MAC over the whole packet (RFC 3686).</summary>
    CtrThenMac,
}

/// <summary>One combination of encryption and integrity that the data plane computes.</summary>
public sealed record EspAlgorithm
{
    internal EspAlgorithm()
    {
    }

    /// <summary>Name as in logs and <c>show</c>.</summary>
    public required string Name { get; init; }

    /// <summary>IANA "Transform Type 1" id.</summary>
    public required ushort EncryptionId { get; init; }

    /// <summary>Key Length attribute in bits, as negotiated; 0 where the transform has none.</summary>
    public required int KeyBits { get; init; }

    /// <summary>IANA "Transform Type 3" id; 0 (NONE) for AEAD.</summary>
    public required ushort IntegrityId { get; init; }

    /// <summary>Octets of cipher keying material, salt included.</summary>
    public required int EncryptionKeyLength { get; init; }

    /// <summary>Octets of integrity keying material.</summary>
    public int IntegrityKeyLength { get; init; }

    public required int IvLength { get; init; }

    /// <summary>Octets of the integrity check value.</summary>
    public required int IcvLength { get; init; }

    /// <summary>Payload, padding and trailer together are a multiple of this many octets (RFC 4303 2.4: at least 4).</summary>
    public required int BlockLength { get; init; }

    internal EspConstruction Construction { get; init; }

    /// <summary>OpenSSL's name of the cipher.</summary>
    internal string CipherName { get; init; } = "";

    /// <summary>Octets of salt at the end of the cipher keying material.</summary>
    internal int SaltLength { get; init; }

    internal EspMacFunction Mac { get; init; }

    /// <summary>Octets of ESP header, IV, smallest trailer and ICV, without padding.</summary>
    public int FixedOverhead => 8 + IvLength + 2 + IcvLength;

    public override string ToString() => Name;
}
