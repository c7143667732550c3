namespace Headend.Ikev2.Wire;

/// <summary>Security protocol identifier: RFC 7296 3.3.1. Unknown values survive.</summary>
public readonly record struct ProtocolId(byte Value)
{
    public static ProtocolId None => new(0);
    public static ProtocolId Ike => new(1);
    public static ProtocolId Ah => new(2);
    public static ProtocolId Esp => new(3);

    public override string ToString() => Value switch
    {
        0 => "none (0)",
        1 => "IKE (1)",
        2 => "AH (2)",
        3 => "ESP (3)",
        _ => $"protocol {Value}",
    };
}
