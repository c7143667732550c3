namespace Headend.Ikev2.Crypto;

/// <summary>One row of the pseudorandom functions (transform type 2).</summary>
/// <param name="Id">IANA transform identifier.</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="KeyOctets">Octets of the preferred key, equal to the output (RFC 7296 2.13).</param>
/// <param name="Function">What is computed.</param>
public sealed record PrfAlgorithm(ushort Id, string Keyword, int KeyOctets, MacFunction Function)
{
    /// <summary>
    /// Octets that SKEYSEED takes of each nonce where that is not all of it. RFC 7296 2.14: with AES-XCBC and AES-CMAC "only the first 64 bits of Ni and the
    /// first 64 bits of Nr are used in calculating SKEYSEED".
    /// </summary>
    public int? SeedNonceOctets { get; init; }

    /// <summary>The hash inside, which Cisco peers sign with by method 1; null where there is none, and for MD5, which signs nothing here.</summary>
    public System.Security.Cryptography.HashAlgorithmName? Hash => Function switch
    {
        MacFunction.HmacSha256 => System.Security.Cryptography.HashAlgorithmName.SHA256,
        MacFunction.HmacSha384 => System.Security.Cryptography.HashAlgorithmName.SHA384,
        MacFunction.HmacSha512 => System.Security.Cryptography.HashAlgorithmName.SHA512,
        _ => null,
    };

    /// <summary>Too weak to be used unless the configuration allows it (RFC 8247 2.2).</summary>
    public bool IsLegacy { get; init; }

    public override string ToString() => Keyword;
}
