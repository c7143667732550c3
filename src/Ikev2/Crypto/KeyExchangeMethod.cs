namespace Headend.Ikev2.Crypto;

/// <summary>One row of the key exchange methods (transform type 4).</summary>
/// <param name="Id">IANA number of the group, as the KE payload carries it.</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="Family">The arithmetic, which decides encoding and checks of the public value.</param>
/// <param name="GroupName">libcrypto's name of the group.</param>
/// <param name="PublicOctets">Octets of the public value in the KE payload.</param>
/// <param name="SecretOctets">Octets of the shared secret.</param>
/// <param name="Alias">A second name accepted in configuration.</param>
public sealed record KeyExchangeMethod(
    ushort Id,
    string Keyword,
    KeyExchangeFamily Family,
    string GroupName,
    int PublicOctets,
    int SecretOctets,
    string? Alias = null)
{
    /// <summary>Too weak to be used unless the configuration allows it (RFC 8247 2.4).</summary>
    public bool IsLegacy { get; init; }

    /// <summary>Modulus of a MODP group with the generator 2 that libcrypto has no name for; empty for every other group.</summary>
    public ReadOnlyMemory<byte> Prime { get; init; }

    /// <summary>A MODP group whose generator has a small order: public values are checked to have it too (RFC 6989 2.2).</summary>
    public bool HasSmallSubgroups { get; init; }

    public override string ToString() => Keyword;
}

/// <summary>Kinds of Diffie-Hellman arithmetic.</summary>
public enum KeyExchangeFamily
{
    /// <summary>Residues modulo a prime, RFC 2409, 3526 and 5114.</summary>
    Modp,

    /// <summary>Random curves modulo a prime, RFC 5114, 5903 and 6954.</summary>
    Ecp,

    /// <summary>Curve25519 and Curve448, RFC 8031.</summary>
    Montgomery,
}
