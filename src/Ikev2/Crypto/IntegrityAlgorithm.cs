namespace Headend.Ikev2.Crypto;

/// <summary>One row of the integrity transforms (transform type 3): a truncated MAC.</summary>
/// <param name="Id">IANA transform identifier.</param>
/// <param name="Keyword">Name in configuration.</param>
/// <param name="KeyOctets">Octets of the key.</param>
/// <param name="IcvOctets">Octets of the truncated checksum on the wire.</param>
/// <param name="Function">What is computed.</param>
public sealed record IntegrityAlgorithm(ushort Id, string Keyword, int KeyOctets, int IcvOctets, MacFunction Function)
{
    /// <summary>A second name accepted in configuration.</summary>
    public string? Alias { get; init; }

    /// <summary>Too weak to be used unless the configuration allows it (RFC 8247 2.3).</summary>
    public bool IsLegacy { get; init; }

    public override string ToString() => Keyword;
}
