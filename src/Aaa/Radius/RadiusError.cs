namespace Headend.Aaa.Radius;

/// <summary>Why octets are not a RADIUS packet or do not prove who sent them.</summary>
public enum RadiusError
{
    None,

    /// <summary>Fewer than 20 octets, or fewer than the Length field says (RFC 2865 3: silently discard).</summary>
    TooShort,

    /// <summary>The Length field lies outside 20..4096.</summary>
    BadLength,

    /// <summary>An attribute's length is below 2, or it passes the packet's end.</summary>
    BadAttributeLength,

    /// <summary>A Vendor-Specific attribute has no room for a vendor and one octet.</summary>
    BadVendorSpecific,

    /// <summary>More than one Message-Authenticator, or one that has not 16 octets.</summary>
    MalformedMessageAuthenticator,

    /// <summary>The Request or Response Authenticator does not verify: a forgery or another secret.</summary>
    BadAuthenticator,

    /// <summary>The Message-Authenticator does not verify.</summary>
    BadMessageAuthenticator,

    /// <summary>A Message-Authenticator is required and absent.</summary>
    MissingMessageAuthenticator,

    /// <summary>A Proxy-State in the reply to a request that had none, and no Message-Authenticator: where CVE-2024-3596 hides its collision.</summary>
    UnsolicitedProxyState,

    /// <summary>A well-formed packet of a code that does not answer the request.</summary>
    UnexpectedCode,
}
