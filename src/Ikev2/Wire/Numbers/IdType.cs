namespace Headend.Ikev2.Wire;

/// <summary>Identification type: RFC 7296 3.5. Unknown values survive.</summary>
public readonly record struct IdType(byte Value)
{
    public static IdType IPv4Address => new(1);
    public static IdType Fqdn => new(2);
    public static IdType Rfc822Address => new(3);
    public static IdType IPv6Address => new(5);
    public static IdType DerAsn1Dn => new(9);
    public static IdType DerAsn1Gn => new(10);
    public static IdType KeyId => new(11);
    public static IdType FcName => new(12);
    public static IdType Null => new(13);

    /// <summary>Private use: what Cisco AnyConnect may write in place of ID_KEY_ID.</summary>
    public static IdType CiscoGroup => new(201);

    public override string ToString() => Value switch
    {
        1 => "ID_IPV4_ADDR (1)",
        2 => "ID_FQDN (2)",
        3 => "ID_RFC822_ADDR (3)",
        5 => "ID_IPV6_ADDR (5)",
        9 => "ID_DER_ASN1_DN (9)",
        10 => "ID_DER_ASN1_GN (10)",
        11 => "ID_KEY_ID (11)",
        12 => "ID_FC_NAME (12)",
        13 => "ID_NULL (13)",
        201 => "Cisco group name (201)",
        _ => $"id type {Value}",
    };
}
