namespace Headend.Ikev2.Crypto;

/// <summary>The keyed functions that integrity transforms and PRFs are made of.</summary>
public enum MacFunction
{
    /// <summary>RFC 2104 with MD5; broken hashes stand behind the legacy switch.</summary>
    HmacMd5,

    HmacSha1,

    HmacSha256,

    HmacSha384,

    HmacSha512,

    /// <summary>RFC 4493.</summary>
    AesCmac,

    /// <summary>RFC 3566.</summary>
    AesXcbc,
}
