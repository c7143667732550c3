using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>One row of the pseudorandom functions (transform type 2).</summary>
/// <param name="Id">IANA transform identifier.</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="KeyOctets">Octets of the preferred key, equal to the output (RFC 7296 2.13).</param>
/// <param name="Hash">Hash of the HMAC.</param>
public sealed record PrfAlgorithm(ushort Id, string Keyword, int KeyOctets, HashAlgorithmName Hash)
{
    public override string ToString() => Keyword;
}
