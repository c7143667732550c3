using System.Security.Cryptography;

namespace Headend.Ikev2.Crypto;

/// <summary>One row of the integrity transforms (transform type 3); truncated HMAC of RFC 4868.</summary>
/// <param name="Id">IANA transform identifier.</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="KeyOctets">Octets of the key, equal to the hash's output.</param>
/// <param name="IcvOctets">Octets of the truncated checksum on the wire.</param>
/// <param name="Hash">Hash of the HMAC.</param>
public sealed record IntegrityAlgorithm(ushort Id, string Keyword, int KeyOctets, int IcvOctets, HashAlgorithmName Hash)
{
    public override string ToString() => Keyword;
}
