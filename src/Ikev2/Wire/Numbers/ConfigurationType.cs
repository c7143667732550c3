namespace Headend.Ikev2.Wire;

/// <summary>Configuration payload type: RFC 7296 3.15. Unknown values survive.</summary>
public readonly record struct ConfigurationType(byte Value)
{
    public static ConfigurationType Request => new(1);
    public static ConfigurationType Reply => new(2);
    public static ConfigurationType Set => new(3);
    public static ConfigurationType Ack => new(4);

    public override string ToString() => Value switch
    {
        1 => "CFG_REQUEST (1)",
        2 => "CFG_REPLY (2)",
        3 => "CFG_SET (3)",
        4 => "CFG_ACK (4)",
        _ => $"CFG type {Value}",
    };
}
