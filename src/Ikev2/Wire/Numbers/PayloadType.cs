namespace Headend.Ikev2.Wire;

/// <summary>IKEv2 payload type: RFC 7296 3.2, RFC 7383. Unknown values survive.</summary>
public readonly record struct PayloadType(byte Value)
{
    public static PayloadType None => new(0);
    public static PayloadType Sa => new(33);
    public static PayloadType KeyExchange => new(34);
    public static PayloadType IdInitiator => new(35);
    public static PayloadType IdResponder => new(36);
    public static PayloadType Certificate => new(37);
    public static PayloadType CertificateRequest => new(38);
    public static PayloadType Authentication => new(39);
    public static PayloadType Nonce => new(40);
    public static PayloadType Notify => new(41);
    public static PayloadType Delete => new(42);
    public static PayloadType VendorId => new(43);
    public static PayloadType TrafficSelectorInitiator => new(44);
    public static PayloadType TrafficSelectorResponder => new(45);
    public static PayloadType Encrypted => new(46);
    public static PayloadType Configuration => new(47);
    public static PayloadType Eap => new(48);
    public static PayloadType EncryptedFragment => new(53);
    public static PayloadType PuzzleSolution => new(54);

    /// <summary>Private use: <see cref="CiscoFragmentPayload"/>.</summary>
    public static PayloadType CiscoFragment => new(132);

    /// <summary>The RFC's short notation (SA, KE, IDi ...), or "payload N".</summary>
    public string Notation => Value switch
    {
        0 => "none",
        33 => "SA",
        34 => "KE",
        35 => "IDi",
        36 => "IDr",
        37 => "CERT",
        38 => "CERTREQ",
        39 => "AUTH",
        40 => "Nonce",
        41 => "N",
        42 => "D",
        43 => "V",
        44 => "TSi",
        45 => "TSr",
        46 => "SK",
        47 => "CP",
        48 => "EAP",
        53 => "SKF",
        54 => "PS",
        _ => $"payload {Value}",
    };

    public override string ToString() => IsNamed ? $"{Notation} ({Value})" : Notation;

    private bool IsNamed => Value is 0 or (>= 33 and <= 48) or 53 or 54;
}
