namespace Headend.Eap.AnyConnect;

/// <summary>Bounds on what a client that has proven nothing may make us read and keep.</summary>
public static class AnyConnectLimits
{
    /// <summary>Octets of one XML document.</summary>
    public const int MaxDocumentOctets = 64 * 1024;

    /// <summary>Elements inside each other.</summary>
    public const int MaxDepth = 16;

    public const int MaxElements = 256;

    /// <summary>Of one element.</summary>
    public const int MaxAttributes = 16;

    /// <summary>Characters of one attribute's value.</summary>
    public const int MaxAttributeCharacters = 1024;

    /// <summary>Characters of one element's own text.</summary>
    public const int MaxTextCharacters = 8192;

    /// <summary>TLVs of one packet; a certificate answer has three.</summary>
    public const int MaxTlvs = 8;

    /// <summary>Certificates in the client's chain.</summary>
    public const int MaxCertificates = 10;

    /// <summary>Characters of a password or another answer (RFC 2759 8.3 for MS-CHAPv2).</summary>
    public const int MaxAnswerCharacters = 256;

    /// <summary>Questions beyond the form in one login, such as for a code, a new PIN and its repetition; each may be a guess.</summary>
    public const int MaxChallenges = 12;

    /// <summary>Octets of UTF-8 that are kept of one thing that the client says about its machine.</summary>
    public const int MaxDeviceOctets = 128;

    /// <summary>Network interfaces of the client that are kept.</summary>
    public const int MaxMacAddresses = 8;
}
