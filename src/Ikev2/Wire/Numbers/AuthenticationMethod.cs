namespace Headend.Ikev2.Wire;

/// <summary>Authentication method: RFC 7296 3.8, RFC 4754, RFC 7427, RFC 7619. Unknown values survive.</summary>
public readonly record struct AuthenticationMethod(byte Value)
{
    public static AuthenticationMethod RsaSignature => new(1);
    public static AuthenticationMethod SharedKey => new(2);
    public static AuthenticationMethod DssSignature => new(3);
    public static AuthenticationMethod EcdsaP256 => new(9);
    public static AuthenticationMethod EcdsaP384 => new(10);
    public static AuthenticationMethod EcdsaP521 => new(11);
    public static AuthenticationMethod NullAuthentication => new(13);
    public static AuthenticationMethod DigitalSignature => new(14);

    public override string ToString() => Value switch
    {
        1 => "RSA Digital Signature (1)",
        2 => "Shared Key Message Integrity Code (2)",
        3 => "DSS Digital Signature (3)",
        9 => "ECDSA with SHA-256 on the P-256 curve (9)",
        10 => "ECDSA with SHA-384 on the P-384 curve (10)",
        11 => "ECDSA with SHA-512 on the P-521 curve (11)",
        13 => "NULL Authentication (13)",
        14 => "Digital Signature (14)",
        _ => $"authentication method {Value}",
    };
}
